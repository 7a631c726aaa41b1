package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// Setup installs what is missing or of another version than pinned, side by side, and tells say of each step that it
// took. It is safe to call from several processes at once, and quick when there is nothing to do.
func (c Cache) Setup(ctx context.Context, say func(string)) error {
	if err := os.MkdirAll(c.path("stamps"), 0o755); err != nil {
		return err
	}
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	due := c.due(steps())
	if err := missing(ctx, due); err != nil {
		return err
	}
	return c.runAll(ctx, due, say)
}

// lock keeps other processes out of the cache until unlock is called.
func (c Cache) lock() (unlock func(), err error) {
	f, err := os.OpenFile(c.path("lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: cannot lock: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}

// due is those steps whose pins or products are not what the stamps say.
func (c Cache) due(all []step) []step {
	var due []step
	for _, s := range all {
		stamp, err := os.ReadFile(c.path("stamps", s.name))
		_, gone := os.Stat(c.path(s.product))
		if err != nil || gone != nil || string(stamp) != s.stamp() {
			due = append(due, s)
		}
	}
	return due
}

// runAll takes the steps side by side; the first failure ends the others.
func (c Cache) runAll(ctx context.Context, due []step, say func(string)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(due))
	for i, s := range due {
		wg.Go(func() {
			start := time.Now()
			if err := c.run(ctx, s); err != nil {
				if ctx.Err() == nil {
					errs[i] = fmt.Errorf("%s: %w", s.name, err)
				}
				cancel()
				return
			}
			say(fmt.Sprintf("installed %s (%.1f s)", s.name, time.Since(start).Seconds()))
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return ctx.Err()
}

// run takes one step; its stamp is written last, so that a step cut short is taken again.
func (c Cache) run(ctx context.Context, s step) error {
	stamp := c.path("stamps", s.name)
	if err := os.RemoveAll(stamp); err != nil {
		return err
	}
	if err := s.install(ctx, c); err != nil {
		return err
	}
	if _, err := os.Stat(c.path(s.product)); err != nil {
		return fmt.Errorf("installed, yet %w", err)
	}
	return os.WriteFile(stamp, []byte(s.stamp()), 0o644)
}
