package dev

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, dir string) *Servers {
	t.Helper()
	s, err := Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func stop(t *testing.T, s *Servers) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Nobody else on the machine can look into the folder.
func TestFolderIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".penstock")
	stop(t, start(t, dir))
	for name, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "lock"): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestStartIsQuickAndAlone(t *testing.T) {
	dir := t.TempDir()
	begun := time.Now()
	first := start(t, dir)
	if took := time.Since(begun); took > time.Second {
		t.Errorf("start took %v", took)
	}
	if _, err := Start(t.Context(), dir); err == nil || !strings.Contains(err.Error(), dir+": another process serves this folder; stop it") {
		t.Errorf("a second one: %v", err)
	}
	stop(t, first)
	again := start(t, dir)
	if again.Brokers == "" || again.AWS == "" {
		t.Errorf("%+v", again)
	}
}

func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "glue.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "embedded glue") {
		t.Errorf("a torn glue.json: %v", err)
	}
	if _, err := Start(t.Context(), filepath.Join(dir, "glue.json", "x")); err == nil {
		t.Error("a folder that cannot be made")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Start(ctx, t.TempDir()); err == nil {
		stop(t, s)
	}
}
