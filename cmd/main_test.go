package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

// invoke runs a command in this process.
func invoke(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(Builtin(), args, &o, &e)
	return code, o.String(), e.String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The file at the repository's root is sound.
func TestOwnFile(t *testing.T) {
	code, out, errOut := invoke(t, "check", "../connectors.yaml")
	if want := "../connectors.yaml: 3 connectors, no mistakes\n"; code != 0 || out != want || errOut != "" {
		t.Errorf("exit code %d, %q, %s", code, out, errOut)
	}
}

func TestVersions(t *testing.T) {
	defer func(v string) { Version = v }(Version)
	Version = "v1.2.3"
	if got := versions(); !strings.HasPrefix(got, "penstock v1.2.3\ncommit ") {
		t.Error(got)
	}
	Version = ""
	if got := versions(); !strings.HasPrefix(got, "penstock ") || strings.HasPrefix(got, "penstock \n") {
		t.Error(got)
	}
}

func TestIsTerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if isTerminal(w) || isTerminal(new(bytes.Buffer)) {
		t.Error("a pipe or a buffer is taken for a terminal")
	}
	for name, want := range map[string]bool{os.DevNull: false, "/dev/zero": false, "main.go": false, "/dev/ptmx": true} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := isTerminal(f); got != want {
			t.Errorf("%s is a terminal: %v", name, got)
		}
	}
}

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	log := logger(&b, slog.LevelInfo, false, shownAsIs)
	log.Debug("not shown")
	log.Info("shown", "in", 1500*time.Millisecond, "error", errors.New("why"))
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, `"level":"INFO","msg":"shown","in":"1.5s","error":"why"}`+"\n") {
		t.Error(got)
	}
	logger(&b, slog.LevelInfo, true, shownAsIs).Debug("shown")
	if !strings.Contains(b.String(), `"level":"DEBUG","msg":"shown"`) {
		t.Error(b.String())
	}
}

func TestEnded(t *testing.T) {
	why := errors.New("lake: access denied")
	canceled := fmt.Errorf("prices: %w", context.Canceled)
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "<nil>"},
		{canceled, "<nil>"},
		{why, why.Error()},
		{errors.Join(canceled, errors.Join(canceled, why)), why.Error()},
	} {
		if got := fmt.Sprint(ended(c.err)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
	if got, want := stopped(errors.Join(context.Canceled, why)).Error(), errStopped.Error()+"\n"+why.Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFailures(t *testing.T) {
	one, other := errors.New("one"), errors.New("other")
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var f failures
	for i, c := range []struct {
		state string
		why   error
		since time.Time
		want  int
	}{
		{"", nil, time.Time{}, 0},
		{"running", nil, at(1), 0},
		{"restarting", one, at(2), 1},
		{"restarting", one, at(2), 1}, // seen already
		{"running", nil, at(3), 1},
		{"restarting", errors.New("one"), at(4), 2},
		{"restarting", other, at(5), 1},
		{"restarting", other, at(6), 2},
		{"restarting", other, at(7), 3},
	} {
		if got := f.note(c.state, c.why, c.since); got != c.want {
			t.Errorf("%d: %d failures, want %d", i, got, c.want)
		}
	}
}

func TestIsolate(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_PROFILE": "work", "AWS_ENDPOINT_URL_S3": "https://example.com", "AWS_ACCESS_KEY_ID": "real", "AWS_SECRET_ACCESS_KEY": "real",
		"AWS_CONFIG_FILE": "real", "AWS_SHARED_CREDENTIALS_FILE": "real", "AWS_EC2_METADATA_DISABLED": "false", "PENSTOCK_TEST_OTHER": "kept",
	} {
		t.Setenv(name, value)
	}
	before := isolate()
	for name, want := range map[string][2]string{ // before, and now
		"AWS_PROFILE": {"work", ""}, "AWS_ENDPOINT_URL_S3": {"https://example.com", ""}, "AWS_ACCESS_KEY_ID": {"real", "dev"},
		"AWS_CONFIG_FILE": {"real", os.DevNull}, "PENSTOCK_TEST_OTHER": {"kept", "kept"}, "PENSTOCK_TEST_NONE": {"", ""},
	} {
		was, ok := before(name)
		if was != want[0] || ok != (want[0] != "") || os.Getenv(name) != want[1] {
			t.Errorf("%s: was %q, is %q, want %q", name, was, os.Getenv(name), want)
		}
	}
}

// shownAsIs is a mask that takes nothing out.
func shownAsIs(text string) string { return text }
