package hook_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/hook/hooktest"
)

// The least that a hook is keeps every promise; and so does one that is not due at first.
func TestFunc(t *testing.T) {
	for name, delay := range map[string]time.Duration{"at once": 0, "later": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			hooktest.Run(t, func(*testing.T) hooktest.Place {
				var runs atomic.Int64
				var broken atomic.Bool
				due := time.Now().Add(delay)
				count := func(ctx context.Context, e hook.Event) error {
					switch {
					case len(e.Files) == 0 && !e.Recovered:
						return nil
					case ctx.Err() != nil:
						return ctx.Err()
					case broken.Load():
						return errors.New("broken")
					case time.Now().Before(due):
						return &hook.Later{At: due}
					}
					runs.Add(1)
					return nil
				}
				return hooktest.Place{
					Hook:  func() hook.Hook { return hook.Func(count) },
					Runs:  func() int { return int(runs.Load()) },
					Break: broken.Store,
				}
			})
		})
	}
}
