// Package hook says what a hook is: something that runs after a flush, beside the data path.
package hook

import (
	"context"
	"time"

	"github.com/penstock/penstock/sink"
)

// Event says what has become visible since the hook last succeeded. With Recovered there may be files that Files does not list,
// because a run died before it could tell of them or because there are too many: look yourself.
type Event struct {
	Connector string
	Files     []sink.File // lent until Flushed returns
	Recovered bool
	Time      time.Time // by this host's clock; all that the event covers was visible by then
}

// Hook is called with one event at a time. It may take its time: neither the data path nor another hook waits for it, and what
// comes meanwhile is merged into the next event.
//
//  1. Nothing new, that is neither Files nor Recovered, is nothing to do.
//  2. After an error it is called again with the same event and what has come since: after a *Later at its time, after any
//     other with backoff. What it had done by then may be done again, here or by another worker, and does no harm.
//  3. It returns soon after ctx is done. What it was not through with is told again by whoever owns the partitions next.
type Hook interface {
	Flushed(ctx context.Context, e Event) error
}

// Later is the error of a Hook that is not due, which is no failure: it is called again at that time.
type Later struct{ At time.Time }

func (e *Later) Error() string { return "not due before " + e.At.Format(time.RFC3339) }

// Reporter is a Hook that may say what its last success came to, in a few words for the log.
type Reporter interface{ Report() string }

// Func is a whole Hook.
type Func func(ctx context.Context, e Event) error

// Flushed calls f.
func (f Func) Flushed(ctx context.Context, e Event) error { return f(ctx, e) }
