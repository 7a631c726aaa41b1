package hooktest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/hook/hooktest"
	"github.com/penstock/penstock/parts"
)

// service is what the hooks of a test act upon.
type service struct {
	runs   atomic.Int64
	broken atomic.Bool
}

func (s *service) do(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.broken.Load():
		return errors.New("it is broken")
	}
	s.runs.Add(1)
	return nil
}

// caller is a sound hook.
type caller struct{ *service }

func (c caller) Flushed(ctx context.Context, e hook.Event) error {
	if len(e.Files) == 0 && !e.Recovered {
		return nil
	}
	return c.do(ctx)
}

func (caller) Report() string { return "called" }

func run(t *testing.T, made func(c caller) hook.Hook) {
	hooktest.Run(t, func(*testing.T) hooktest.Place {
		s := new(service)
		return hooktest.Place{Hook: func() hook.Hook { return made(caller{s}) }, Runs: func() int { return int(s.runs.Load()) }, Break: s.broken.Store}
	})
}

func TestSound(t *testing.T) { run(t, func(c caller) hook.Hook { return c }) }

// first takes it for an error that two begin at a time.
type first struct {
	caller
	under *atomic.Bool
}

func (f first) Flushed(ctx context.Context, e hook.Event) error {
	if !f.under.CompareAndSwap(false, true) {
		return errors.New("another worker is at it")
	}
	defer f.under.Store(false)
	time.Sleep(10 * time.Millisecond)
	return f.caller.Flushed(ctx, e)
}

// wordy says too much.
type wordy struct{ caller }

func (wordy) Report() string { return "called\nand more\n" }

// TestBites breaks one promise after the other.
func TestBites(t *testing.T) {
	bites := func(broken, promise string, made func(c caller) hook.Hook) {
		parts.Bites(t, broken, promise, func(t *testing.T) { run(t, made) })
	}
	changed := func(broken, promise string, flushed func(c caller, ctx context.Context, e hook.Event) error) {
		bites(broken, promise, func(c caller) hook.Hook {
			return hook.Func(func(ctx context.Context, e hook.Event) error { return flushed(c, ctx, e) })
		})
	}
	bites("acts when it is made", "a constructor does nothing", func(c caller) hook.Hook {
		_ = c.do(t.Context())
		return c
	})
	changed("acts upon nothing", "nothing new is nothing to do", func(c caller, ctx context.Context, _ hook.Event) error { return c.do(ctx) })
	changed("never acts", "what is flushed is acted upon", func(caller, context.Context, hook.Event) error { return nil })
	changed("wants to know the files", "what is recovered is acted upon", func(c caller, ctx context.Context, e hook.Event) error {
		if len(e.Files) == 0 {
			return nil
		}
		return c.Flushed(ctx, e)
	})
	changed("changes the files", "the event is left as it is", func(c caller, ctx context.Context, e hook.Event) error {
		for i := range e.Files {
			e.Files[i].Path = ""
		}
		return c.Flushed(ctx, e)
	})
	changed("once is enough", "again is harmless, here and elsewhere", func(c caller, ctx context.Context, e hook.Event) error {
		if c.runs.Load() > 0 {
			return errors.New("it has run already")
		}
		return c.Flushed(ctx, e)
	})
	changed("swallows errors", "an error is told, and the next call goes on", func(c caller, ctx context.Context, e hook.Event) error {
		_ = c.Flushed(ctx, e)
		return nil
	})
	failed := false
	changed("gives up", "an error is told, and the next call goes on", func(c caller, ctx context.Context, e hook.Event) error {
		err := c.Flushed(ctx, e)
		if failed = failed || err != nil && ctx.Err() == nil; failed {
			return errors.New("it gave up")
		}
		return err
	})
	changed("takes its end for a success", "it ends with its context", func(c caller, ctx context.Context, e hook.Event) error {
		if ctx.Err() != nil {
			return nil
		}
		return c.Flushed(ctx, e)
	})
	bites("one at a time", "many workers at once", func() func(c caller) hook.Hook {
		under := new(atomic.Bool)
		return func(c caller) hook.Hook { return first{c, under} }
	}())
	bites("says too much", "a report is one line at most", func(c caller) hook.Hook { return wordy{c} })
}
