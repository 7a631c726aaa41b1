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
	seen, needs := stuck{}, need{}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			seen, needs = w.look(now, seen), w.weigh(needs, w.budget.Reserved())
		}
	}
}

// need is what the connectors take beside rows, in bytes: when the watchdog last looked, and when it last said that it is too much.
type need struct{ now, said int64 }

// weigh writes down that the connectors take more than memory allows, once all have begun and whenever it has become more.
func (w *Worker) weigh(before need, now int64) need {
	err := crowded(w.memory, now)
	if err == nil || now <= before.said || now != before.now { // they are still beginning
		return need{now, before.said}
	}
	w.Log.Warn("memory is too little", "memory", w.memory.String(), "error", err)
	return need{now, now}
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
