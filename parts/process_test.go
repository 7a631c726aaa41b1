package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is, with envParent set, a program that starts another one, prints its id and waits to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(envParent); dir != "" {
		p, err := Start(dir, "child", exec.Command("sleep", "300"))
		if err != nil {
			panic(err)
		}
		fmt.Println(p.Pid())
		select {}
	}
	goleak.VerifyTestMain(m)
}

const envParent = "PENSTOCK_TEST_PARENT"

func TestProcessDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), envParent+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 32)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if state(child) == "" {
		t.Fatal("the child does not run")
	}
	parent.Process.Kill()
	parent.Wait()
	await(t, "the child to die", func() bool { return strings.Contains("ZX", state(child)) })
}

// state is the letter of /proc/<pid>/stat: S sleeps, T is stopped, Z is dead but not waited for, "" is gone.
func state(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := bytes.Cut(text, []byte(") "))
	letter, _, _ := bytes.Cut(rest, []byte(" "))
	return string(letter)
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

func running(t *testing.T, command string) *Process {
	t.Helper()
	p, err := Start(t.TempDir(), "it", exec.Command("sh", "-c", command))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	return p
}

func ended(p *Process) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

func TestPauseResumeKill(t *testing.T) {
	p := running(t, "exec sleep 300")
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	await(t, "the pause", func() bool { return state(p.Pid()) == "T" })
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	await(t, "going on", func() bool { return state(p.Pid()) == "S" })
	p.Pause()
	for range 2 { // the second time it is gone
		if err := p.Kill(); err != nil || !ended(p) {
			t.Fatalf("killed: %v, error %v", ended(p), err)
		}
	}
	if err := p.Pause(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("pause of a dead program: %v", err)
	}
}

func TestStop(t *testing.T) {
	for _, tt := range []struct {
		command string
		err     error
	}{
		{"echo up; exec sleep 300", nil},
		{"trap '' TERM; echo up; while :; do sleep 0.1; done", context.DeadlineExceeded},
		{"echo up", nil},
	} {
		t.Run(tt.command, func(t *testing.T) {
			p := running(t, tt.command)
			await(t, "its first line", func() bool {
				text, _ := os.ReadFile(p.Log())
				return string(text) == "up\n"
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := p.Stop(ctx); !errors.Is(err, tt.err) || !ended(p) {
				t.Errorf("ended %v, error %v, want %v", ended(p), err, tt.err)
			}
		})
	}
}

func TestReady(t *testing.T) {
	never := func(context.Context) error { return errors.New("no answer") }
	tries := 0
	third := func(context.Context) error {
		if tries++; tries < 3 {
			return errors.New("not yet")
		}
		return nil
	}
	for _, tt := range []struct {
		name, command string
		wait          time.Duration
		ask           func(context.Context) error
		want          []string
	}{
		{"in time", "exec sleep 300", time.Minute, third, nil},
		{"ends first", "echo no such port >&2; exit 3", time.Minute, never, []string{"it: ended before it was ready: exit status 3", "no such port"}},
		{"never", "echo thinking; exec sleep 300", time.Second, never, []string{"it: not ready: context deadline exceeded: no answer", "thinking"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := running(t, tt.command)
			ctx, cancel := context.WithTimeout(t.Context(), tt.wait)
			defer cancel()
			err := p.ready(ctx, tt.ask)
			if (err == nil) != (tt.want == nil) || (err == nil) == ended(p) {
				t.Errorf("error %v, ended %v", err, ended(p))
			}
			for _, want := range tt.want {
				if !strings.Contains(errorText(err), want) {
					t.Errorf("%q does not say %q", errorText(err), want)
				}
			}
		})
	}
}

func TestStartOfNothing(t *testing.T) {
	if _, err := Start(t.TempDir(), "it", exec.Command("/nowhere/at/all")); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("error %v", err)
	}
}

func TestFreePorts(t *testing.T) {
	seen := map[int]bool{}
	for range 20 {
		ports, err := FreePorts(5)
		if err != nil || len(ports) != 5 {
			t.Fatal(ports, err)
		}
		for _, port := range ports {
			if seen[port] || port < 12000 || port >= 32000 {
				t.Errorf("port %d given twice or out of range", port)
			}
			seen[port] = true
			l, err := net.Listen("tcp", addr(port))
			if err != nil {
				t.Error(err)
				continue
			}
			l.Close()
		}
	}
}
