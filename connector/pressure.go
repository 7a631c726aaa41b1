package connector

import (
	"context"
	"time"

	"github.com/penstock/penstock/sink"
)

// relieve takes what the partition holds out of memory, if it was asked to let go of some and its writer can: its files need not be
// small for that. Where nothing is gained, the interval is cut early; one that has to have its old end cannot be, and waits, once memory
// is used up, until there is room on the disk. It says whether it could.
func (t *task) relieve(ctx context.Context) (relieved bool) {
	s, ok := t.writer.(sink.Spiller)
	if !ok || !t.Budget.pressed(t.state) {
		return false
	}
	freed, err := s.Spill()
	if err != nil && time.Since(t.warned) >= newsTime {
		t.warned = time.Now()
		t.Log.Warn("rows could not be moved out of memory", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "error", err)
	}
	if err != nil && t.until > 0 {
		defer t.Status.mended(t.state.name(), false)
	}
	for pauses := (Backoff{First: 100 * time.Millisecond, Most: 10 * time.Second}); err != nil && t.until > 0 && t.Budget.Held() > t.Budget.Room(); {
		pause := pauses.Next()
		t.Status.meet(Trouble{Where: t.state.name(), Class: ClassOf(err, Retry)}, err, pause)
		select {
		case <-ctx.Done():
			return false
		case <-t.p.Stopped():
			return false
		case <-time.After(pause):
			freed, err = s.Spill()
		}
	}
	if freed > 0 {
		t.weigh()
		t.state.press.Store(false)
	}
	return freed > 0
}

// weigh tells the budget what the partition holds in memory.
func (t *task) weigh() { t.Budget.set(t.state, t.holds()) }

// holds is what the writer and dead letters hold in memory, on their way or not.
func (t *task) holds() int64 {
	held, w := t.weight, t.writer
	if t.flight != nil {
		held += t.flight.weight
		w = t.flight.of // which counts what follows too, and this also after it was closed
	}
	if s, ok := w.(sink.Sized); ok {
		held += s.Size()
	}
	return held
}

// patience is how long a partition waits for others to let go of memory, before it lets go itself: of rows to a scratch file, or, where
// that gains nothing, by a flush.
const patience = time.Second

// breathe waits while the process as a whole holds more than its budget, and this partition a good part of it.
func (t *task) breathe(ctx context.Context) error {
	if !t.Budget.over(t.state) {
		return nil
	}
	defer t.pauses()()
	for began := time.Now(); t.Budget.over(t.state) && t.until == 0 && ctx.Err() == nil && !t.p.Stopping(); {
		if t.flight == nil && t.rows+len(t.dead) > 0 && time.Since(began) > patience {
			t.state.press.Store(true)
		}
		if t.relieve(ctx) {
			began = time.Now()
			continue
		}
		var err error
		switch {
		case t.Budget.pressed(t.state):
			err = t.flush(ctx)
		case t.flight != nil:
			err = t.await(ctx)
		default:
			t.Budget.wait(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pauses is called where the partition begins to wait for memory; what it returns, where it goes on. A pause that lasts is news.
func (t *task) pauses() (over func()) {
	if t.state.paused.Swap(true) {
		return func() {}
	}
	says := func(what string) {
		t.Log.Info(what, "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "held_bytes", t.Budget.Held(), "budget_bytes", t.Budget.Room())
	}
	lasts := time.AfterFunc(patience, func() { says("reading paused: the process holds as much as memory allows") })
	return func() {
		if t.state.paused.Store(false); !lasts.Stop() {
			says("reading resumed")
		}
	}
}
