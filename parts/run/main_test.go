package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/parts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		command []string
		code    int
		failed  bool
	}{
		{[]string{"true"}, 0, false},
		{[]string{"sh", "-c", "exit 7"}, 7, false},
		{[]string{"sh", "-c", "kill -TERM $$"}, 143, false},
		{[]string{"/nowhere/at/all"}, 127, true},
		{[]string{"sh", "-c", `test "$A" = b`}, 0, false},
	} {
		code, err := runCommand(t.Context(), tt.command, []string{"A=b"})
		if code != tt.code || (err != nil) != tt.failed {
			t.Errorf("%v: code %d, error %v, want %d", tt.command, code, err, tt.code)
		}
	}
}

func TestSignalReachesGrandchildren(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for range 2000 {
			if _, err := os.Stat(file); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	code, err := runCommand(ctx, []string{"sh", "-c", "sleep 300 & echo $! >" + file + ".new; mv " + file + ".new " + file + "; wait"}, nil)
	if code != 130 || err == nil {
		t.Errorf("code %d, error %v", code, err)
	}
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the grandchild lives: %s", stat)
		}
	}
}

func TestSweep(t *testing.T) {
	cache := t.TempDir()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{
		fmt.Sprintf("run-%d", dead.Process.Pid): false,
		fmt.Sprintf("run-%d", os.Getpid()):      true,
		"run-away":                              true,
		"kafka":                                 true,
	} {
		if err := os.Mkdir(filepath.Join(cache, name), 0o755); err != nil {
			t.Fatal(err)
		}
		sweep(cache)
		if _, err := os.Stat(filepath.Join(cache, name)); (err == nil) != stays {
			t.Errorf("%s: stays %v, error %v", name, stays, err)
		}
	}
}

func TestRunStartsAndRemovesAll(t *testing.T) {
	parts.Kafka(t) // asks whether the parts are installed; this test starts its own
	cache, err := parts.FindCache()
	if err != nil {
		t.Fatal(err)
	}
	seen := filepath.Join(t.TempDir(), "seen")
	dir := filepath.Join(string(cache), fmt.Sprintf("run-%d", os.Getpid()))
	code, err := run(t.Context(), []string{"sh", "-c", "env >" + seen + "; ls " + dir + " >>" + seen + "; exit 5"})
	if code != 5 || err != nil {
		t.Errorf("code %d, error %v", code, err)
	}
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PENSTOCK_TEST_KAFKA=127.0.0.1:", "PENSTOCK_TEST_S3=http://127.0.0.1:", "PENSTOCK_TEST_PYTHON=/", "\nkafka\n", "\nminio\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the command did not see %q", want)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("data left: %v", err)
	}
}
