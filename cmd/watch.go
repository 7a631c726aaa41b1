package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock/penstock/worker"
)

// enough is how often a connector may fail for one reason.
const enough = 3

// failures is how often a connector has failed for the reason it failed for last.
type failures struct {
	why   string
	since time.Time
	times int
}

// note counts one more failure, if the connector's state is one that has not been seen yet.
func (f *failures) note(state string, why error, since time.Time) int {
	if state != "restarting" || why == nil || since.Equal(f.since) {
		return f.times
	}
	if why.Error() != f.why {
		f.times = 0
	}
	f.why, f.since = why.Error(), since
	f.times++
	return f.times
}

// watch looks at the connectors until ctx is done, or one has failed often enough.
func watch(ctx context.Context, w *worker.Worker, giveUp context.CancelCauseFunc) {
	seen := map[string]*failures{}
	for _, name := range w.Names() {
		seen[name] = &failures{}
	}
	tick := time.NewTicker(50 * time.Millisecond) // less than a connector waits before it begins again
	defer tick.Stop()
	for {
		for _, name := range w.Names() {
			state, since, why := w.Status(name).Now()
			if seen[name].note(state, why, since) >= enough {
				giveUp(fmt.Errorf("%s: %w", name, why))
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
