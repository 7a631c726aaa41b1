package worker

import (
	"context"
	"time"

	"github.com/penstock/penstock/connector"
)

// lookTime is how often the watchdog looks.
const lookTime = time.Second

// watch looks after the connectors until ctx is done.
func (w *Worker) watch(ctx context.Context) {
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	for seen := (stuck{}); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			seen = w.look(now, seen)
		}
	}
}

// stuck is what did not get on when the watchdog last looked, by connector and place.
type stuck map[[2]string]connector.Trouble

// look writes down what is well again, what does not get on though it has work, with what it waits for, and what does so no more: each
// once. It gives what is stuck now.
func (w *Worker) look(now time.Time, before stuck) stuck {
	seen := stuck{}
	for _, name := range w.names {
		w.recovered(name, now)
		for _, t := range w.status[name].Troubles(now) {
			if !t.Stuck {
				continue
			}
			at := [2]string{name, t.Where}
			if _, known := before[at]; !known {
				w.Log.Warn("stuck", "connector", name, "where", t.Where, "class", t.Class, "since", t.Since, "times", t.Times, "why", t.Why)
			}
			seen[at] = t
		}
	}
	for at, t := range before {
		if _, still := seen[at]; !still {
			w.Log.Info("no longer stuck", "connector", at[0], "where", at[1], "after", now.Sub(t.Since).Round(time.Second).String())
		}
	}
	return seen
}
