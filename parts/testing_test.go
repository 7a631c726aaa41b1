package parts

import (
	"os/exec"
	"testing"
)

// An outcome notes whether a test was left out or failed.
type outcome struct {
	testing.TB
	skipped, failed bool
}

func (o *outcome) Helper()               {}
func (o *outcome) Skip(...any)           { o.skipped = true }
func (o *outcome) Fatalf(string, ...any) { o.failed = true }

func TestNeed(t *testing.T) {
	for _, tt := range []struct {
		value, ci       string
		skipped, failed bool
	}{
		{"localhost:9092", "", false, false},
		{"localhost:9092", "true", false, false},
		{"", "", true, false},
		{"", "true", false, true},
	} {
		t.Setenv(envKafka, tt.value)
		t.Setenv("CI", tt.ci)
		o := &outcome{}
		if got := Kafka(o); got != tt.value || o.skipped != tt.skipped || o.failed != tt.failed {
			t.Errorf("%+v: got %q, skipped %v, failed %v", tt, got, o.skipped, o.failed)
		}
	}
}

func TestServersAnswer(t *testing.T) {
	for _, url := range []string{S3(t).Endpoint + "/minio/health/ready", Moto(t) + "/moto-api/"} {
		if err := get(url)(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestGetWantsOK(t *testing.T) {
	if err := get(Moto(t) + "/moto-api/nothing")(t.Context()); err == nil {
		t.Error("no error")
	}
}

func TestPythonHasItsReaders(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), Python(t), "-c", "import duckdb, pyarrow.parquet, boto3").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
