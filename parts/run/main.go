// Command run runs a command with the real parts up and their addresses in its environment, and passes its exit code on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/penstock/penstock/parts"
)

func main() {
	setup := flag.Bool("setup", false, "install the parts and start none")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: run -setup | run COMMAND [ARGUMENT...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *setup == (flag.NArg() > 0) {
		flag.Usage()
		os.Exit(2)
	}
	followParent()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, flag.Args())
	if err != nil {
		say(err.Error())
	}
	os.Exit(code)
}

func say(line string) { fmt.Fprintln(os.Stderr, "parts:", line) }

// run installs the parts and, where there is a command, runs it among them.
func run(ctx context.Context, command []string) (int, error) {
	start := time.Now()
	cache, err := parts.FindCache()
	if err != nil {
		return 1, err
	}
	if err := cache.Setup(ctx, say); err != nil {
		return 1, err
	}
	say(fmt.Sprintf("installed in %s (%.1f s)", cache, time.Since(start).Seconds()))
	if len(command) == 0 {
		return 0, nil
	}
	set, err := startAll(ctx, cache)
	if err != nil {
		return 1, errors.Join(err, set.stop())
	}
	code, err := runCommand(ctx, command, set.env(cache))
	return code, errors.Join(err, set.stop())
}

// runCommand waits for the command to end. A signal to us is passed on to it; one that is deaf to that for ten seconds is killed.
func runCommand(ctx context.Context, command, env []string) (int, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	target := ownGroup(cmd)
	cmd.Cancel = func() error { return syscall.Kill(target(), syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	runtime.LockOSThread() // the command dies with the thread that started it
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if cmd.Process != nil && target() < 0 {
		syscall.Kill(target(), syscall.SIGKILL) // what the command left behind
	}
	if ctx.Err() != nil {
		return 130, errors.New("interrupted")
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 127, err
	}
	return 0, nil
}
