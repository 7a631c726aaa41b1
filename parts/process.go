package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// A Process is a running program that dies with the process that started it, however that one dies.
// Its methods may be called by any goroutine.
type Process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and been waited for
	err  error         // how it ended, once done is closed
}

// Start runs the program in a group of its own, its output appended to <dir>/<name>.log.
func Start(dir, name string, cmd *exec.Cmd) (*Process, error) {
	path := filepath.Join(dir, name+".log")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &Process{name: name, log: path, cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.supervise(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// supervise keeps one thread for the life of the program: the kernel's death signal comes when the thread that started
// the program ends, and Go ends threads.
func (p *Process) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
}

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Log is the path of the file that takes the program's output.
func (p *Process) Log() string { return p.log }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Pause stops the program where it stands, as SIGSTOP does, and returns when each of its threads stands still.
func (p *Process) Pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for since := time.Now(); !p.still(); time.Sleep(time.Millisecond) {
		if time.Since(since) > 10*time.Second {
			return fmt.Errorf("%s: still runs 10 s after it was told to pause", p.name)
		}
	}
	return nil
}

// still is whether every thread of the program is stopped.
func (p *Process) still() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Pid()))
	for _, path := range threads {
		text, err := os.ReadFile(path)
		// The state is the word after the name, which is in brackets and may hold any byte.
		state := text[bytes.LastIndexByte(text, ')')+1:]
		if err == nil && !bytes.HasPrefix(bytes.TrimSpace(state), []byte("T")) {
			return false
		}
	}
	return len(threads) > 0
}

// Resume lets a paused program go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

// Kill ends the program at once, paused or not, and waits until it is gone. One that has ended already is no error.
func (p *Process) Kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// Stop asks the program to end and waits for it; when ctx ends first, it kills.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s did not stop and was killed: %w", p.name, ctx.Err()), p.Kill())
	}
}

// signal goes to the whole group of the program.
func (p *Process) signal(s syscall.Signal) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
	}
	if err := syscall.Kill(-p.Pid(), s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%s: %v: %w", p.name, s, err)
	}
	return nil
}

// ready polls until ask succeeds. Where the program ends or ctx does, it is killed and the error shows the end of its log.
func (p *Process) ready(ctx context.Context, ask func(context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(ctx, time.Second)
		err := ask(try)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.failed(fmt.Errorf("ended before it was ready: %v", p.err))
		case <-ctx.Done():
			p.Kill()
			return p.failed(fmt.Errorf("not ready: %w: %w", ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *Process) failed(err error) error {
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s: %w; the end of %s:\n%s", p.name, err, p.log, tail(text, 20))
}
