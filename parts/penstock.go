package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// built holds, for each set of tags, a function that builds penstock at its first call.
var built sync.Map

// Penstock is the path of a penstock binary built from the working tree with these build tags, once a test process.
func Penstock(t testing.TB, tags ...string) string {
	t.Helper()
	tags = slices.Sorted(slices.Values(tags))
	name := strings.Join(append([]string{"penstock"}, tags...), "-")
	build, _ := built.LoadOrStore(name, sync.OnceValues(func() (string, error) { return buildPenstock(name, tags) }))
	path, err := build.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// buildPenstock leaves alone what is up to date. The go command works beside the binary's place, so that it renames the new one
// into it, even where another test process runs the one before.
func buildPenstock(name string, tags []string, flags ...string) (string, error) {
	cache, err := FindCache()
	if err != nil {
		return "", err
	}
	path := cache.path("bin", name)
	args := append([]string{"build", "-tags", strings.Join(tags, ","), "-o", path}, flags...)
	cmd := exec.Command("go", append(args, "./cmd/penstock")...)
	cmd.Dir = filepath.Dir(string(cache))
	cmd.Env = append(os.Environ(), "GOTMPDIR="+filepath.Dir(path))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, tail(out, 20))
	}
	return path, nil
}

var runs atomic.Int64

// StartPenstock runs the binary in dir, its output in a log there that is this run's own; env is added to ours. It is
// killed at the end of the test.
func StartPenstock(t testing.TB, bin, dir string, env []string, args ...string) *Process {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	p, err := Start(dir, fmt.Sprintf("penstock-%d", runs.Add(1)), cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	return p
}

// Wait returns the exit code once the program has ended by itself, -1 where a signal ended it; when ctx ends first, the
// program runs on.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
	case <-ctx.Done():
		return 0, fmt.Errorf("%s has not ended: %w", p.name, ctx.Err())
	}
	if exit := (*exec.ExitError)(nil); p.err != nil && !errors.As(p.err, &exit) {
		return 0, fmt.Errorf("%s: %w", p.name, p.err)
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// Tail is the end of the program's log.
func (p *Process) Tail(lines int) string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(tail(text, lines))
}
