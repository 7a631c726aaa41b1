package worker

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/dev"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink/local"
	"github.com/penstock/penstock/source/csv"
	"go.uber.org/goleak"
)

// servers are the embedded parts that all tests share: name topics and connectors apart.
var servers *dev.Servers

func TestMain(m *testing.M) { goleak.VerifyTestMain(served{m}) }

type served struct{ m *testing.M }

func (s served) Run() int {
	dir, err := os.MkdirTemp("", "penstock")
	if err == nil {
		defer os.RemoveAll(dir)
		servers, err = dev.Start(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer servers.Close()
	return s.m.Run()
}

func registry() *plugin.Registry {
	r := plugin.New()
	plugin.Add(r, "csv", csv.Defaults(), csv.New)
	plugin.Add(r, "local", local.Defaults(), local.New)
	plugin.Add(r, "json", json.CodecDefaults(), json.NewCodec)
	plugin.Add(r, "json", json.Defaults(), json.New)
	plugin.Add(r, "content", struct{}{}, func(struct{}) (hook.Hook, error) {
		return hook.Func(func(context.Context, hook.Event) error { return nil }), nil
	})
	return r
}

// begin makes the worker of a file whose connectors are given; NAME in them is the test's own name, DIR a folder of its own.
func begin(t *testing.T, connectors string) (w *Worker, dir string) {
	t.Helper()
	dir = t.TempDir()
	text := fmt.Sprintf("kafka: {brokers: [%q], properties: {session.timeout.ms: 6000}}\nconnectors:%s", servers.Brokers,
		strings.NewReplacer("NAME", t.Name(), "DIR", dir).Replace(connectors))
	w, err := Start(func(opts ...plugin.DecodeOption) (*File, error) {
		return Read(registry(), "test.yaml", []byte(text), opts...)
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return w, dir
}

// running runs the worker until stop, which gives what Run said.
func running(t *testing.T, w *Worker) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done, ended := make(chan error, 1), false
	go func() { done <- w.Run(ctx) }()
	stop = func() error {
		if cancel(); ended {
			return nil
		}
		ended = true
		return <-done
	}
	t.Cleanup(func() { stop() })
	return stop
}

// write makes a CSV file of n rows, numbered from a number on.
func write(t *testing.T, name string, from, n int) {
	t.Helper()
	var text strings.Builder
	text.WriteString("n\n")
	for i := range n {
		fmt.Fprintln(&text, from+i)
	}
	if err := os.WriteFile(name+".part", []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".part", name); err != nil {
		t.Fatal(err)
	}
}

// rows counts how often each line stands in the files below dir that a sink made.
func rows(t *testing.T, dir string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() || !strings.Contains(d.Name(), "+") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			seen[s.Text()]++
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return seen
}

// exactly says that n different rows stand below dir, each once.
func exactly(t *testing.T, dir string, n int) {
	t.Helper()
	seen := rows(t, dir)
	if len(seen) != n {
		t.Errorf("%s: %d rows, want %d", dir, len(seen), n)
	}
	for row, times := range seen {
		if times != 1 {
			t.Errorf("%s: %s stands %d times", dir, row, times)
		}
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("not within 30s: %s", what)
}
