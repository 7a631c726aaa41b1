package cmd

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// signalled ends the context at the first SIGTERM or interrupt, and the process at the second.
func signalled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	over := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-over:
			return
		}
		select {
		case <-signals:
			os.Exit(exitFailed)
		case <-over:
		}
	}()
	return ctx, func() { signal.Stop(signals); close(over); cancel() }
}

var errStopped = errors.New("stopped before everything was written; run it again to go on from there")

// stopped is what went wrong in a drain that a signal ended early, beside that.
func stopped(err error) error { return errors.Join(errStopped, ended(err)) }

// ended is what went wrong in a run that a signal ended, beside that.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			return nil
		}
		var errs []error
		for _, e := range joined.Unwrap() {
			errs = append(errs, ended(e))
		}
		return errors.Join(errs...)
	}
	return err
}
