package parts

import (
	"os"
	"testing"
)

// The environment variables by which tests find the parts that parts/run started.
const (
	envKafka  = "PENSTOCK_TEST_KAFKA"
	envS3     = "PENSTOCK_TEST_S3"
	envAccess = "PENSTOCK_TEST_S3_ACCESS_KEY"
	envSecret = "PENSTOCK_TEST_S3_SECRET_KEY"
	envRegion = "PENSTOCK_TEST_S3_REGION"
	envMoto   = "PENSTOCK_TEST_MOTO"
	envPython = "PENSTOCK_TEST_PYTHON"
)

// Kafka is the address of the running broker, for bootstrap.servers. All tests share it: name topics and groups apart.
func Kafka(t testing.TB) string { t.Helper(); return need(t, envKafka) }

// Moto is the URL of the running moto server, an endpoint for Glue. All tests share it: name crawlers apart.
func Moto(t testing.TB) string { t.Helper(); return need(t, envMoto) }

// Python is an interpreter that has duckdb, pyarrow and boto3.
func Python(t testing.TB) string { t.Helper(); return need(t, envPython) }

// S3 is the running MinIO. All tests share it: make a bucket each.
func S3(t testing.TB) S3Access {
	t.Helper()
	return S3Access{need(t, envS3), need(t, envAccess), need(t, envSecret), need(t, envRegion)}
}

// Env is the variables that lead Kafka, S3, Moto and Python to these parts, as os.Environ has them.
func Env(b *Broker, m *MinIO, moto *MotoServer, python string) []string {
	return []string{
		envKafka + "=" + b.Brokers,
		envS3 + "=" + m.S3.Endpoint,
		envAccess + "=" + m.S3.AccessKey,
		envSecret + "=" + m.S3.SecretKey,
		envRegion + "=" + m.S3.Region,
		envMoto + "=" + moto.URL,
		envPython + "=" + python,
	}
}

// need is the value of a variable that the parts' runner sets.
func need(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		unavailable(t, name+" is not set: run make test, or go run ./parts/run go test")
	}
	return value
}

// unavailable leaves the test out, and fails it where nothing may be left out.
func unavailable(t testing.TB, why string) {
	t.Helper()
	switch os.Getenv("CI") {
	case "true":
		t.Fatalf("CI=true lets no test be left out: %s", why)
	default:
		t.Skip(why)
	}
}
