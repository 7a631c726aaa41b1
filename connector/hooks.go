package connector

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/sink"
)

// announcer tells the hooks what has become visible, beside the data path: one run at a time, what comes meanwhile goes into the next.
// What was never told is owed: the group remembers it, and the next owner of the partition tells it.
type announcer struct {
	run    *Run
	cancel context.CancelFunc
	done   chan struct{}
	bell   chan struct{}

	mu        sync.Mutex
	files     []sink.File
	upTo      map[*announcement]int64 // what the next run covers
	recovered bool
}

// announcement is what one partition owes the hooks.
type announcement struct {
	of   *announcer
	p    *kafka.Partition
	from int64 // the first offset not told of; -1 when nothing is owed
	end  int64 // what was made visible ends here
	told bool  // a run has succeeded since the group last heard what is owed
}

// newAnnouncer starts telling, until stop. Without hooks there is nothing to tell.
func newAnnouncer(r *Run) *announcer {
	if len(r.Config.AfterFlush) == 0 {
		return nil
	}
	a := &announcer{run: r, done: make(chan struct{}), bell: make(chan struct{}, 1), upTo: map[*announcement]int64{}}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	go a.loop(ctx)
	return a
}

// stop ends the telling; what is under way is given up, and stays owed.
func (a *announcer) stop() {
	if a != nil {
		a.cancel()
		<-a.done
	}
}

// partition opens the account of a partition, with what an earlier owner left owing.
func (a *announcer) partition(p *kafka.Partition, owed *int64) *announcement {
	if a == nil {
		return nil
	}
	n := &announcement{of: a, p: p, from: -1, end: p.Start.Offset}
	if owed != nil {
		n.from = *owed
		a.add(n, nil, p.Start.Offset, true)
	}
	return n
}

// owe notes that what is visible from one offset to another has not been told. It comes before the commit that moves the offset.
func (n *announcement) owe(from, end int64) {
	n.of.mu.Lock()
	defer n.of.mu.Unlock()
	if n.from < 0 {
		n.from = from
	}
	n.end = end
}

// owed is what the group has to remember; nil when nothing is.
func (n *announcement) owed() *int64 {
	n.of.mu.Lock()
	defer n.of.mu.Unlock()
	n.told = false
	if n.from < 0 {
		return nil
	}
	from := n.from
	return &from
}

// settled tells, once, that less is owed than the group last heard.
func (n *announcement) settled() bool {
	n.of.mu.Lock()
	defer n.of.mu.Unlock()
	return n.told
}

// tell asks for a run that covers files, which are committed and end at offset end.
func (n *announcement) tell(files []sink.File, end int64) { n.of.add(n, files, end, false) }

func (a *announcer) add(n *announcement, files []sink.File, end int64, recovered bool) {
	a.mu.Lock()
	a.files = append(a.files, files...)
	a.upTo[n], n.end = end, end
	a.recovered = a.recovered || recovered
	a.mu.Unlock()
	select {
	case a.bell <- struct{}{}:
	default:
	}
}

func (a *announcer) loop(ctx context.Context) {
	defer close(a.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.bell:
			a.once(ctx)
		}
	}
}

// once tells all hooks what has come up, trying until each has heard it.
func (a *announcer) once(ctx context.Context) {
	a.mu.Lock()
	event := hook.Event{Connector: a.run.Name, Files: slices.Clip(a.files), Recovered: a.recovered}
	upTo := a.upTo
	a.files, a.recovered, a.upTo = nil, false, map[*announcement]int64{}
	a.mu.Unlock()
	for _, h := range a.run.Config.AfterFlush {
		if !a.until(ctx, h, event) {
			return
		}
	}
	a.mu.Lock()
	for n, end := range upTo {
		n.told = true
		if n.from = end; n.end <= end {
			n.from = -1
		}
	}
	a.mu.Unlock()
	for n := range upTo {
		n.p.Wake()
	}
}

// until calls one hook until it succeeds; false when there is no more time.
func (a *announcer) until(ctx context.Context, h hook.Hook, e hook.Event) bool {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := h.Flushed(ctx, e)
		a.run.Status.hook(err)
		if err == nil || ctx.Err() != nil {
			return err == nil
		}
		a.run.Log.Warn("hook failed, is tried again", "connector", a.run.Name, "in", wait, "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

// settleIdle tells the group, between flights, that the hooks have heard what it thinks owed.
func (t *task) settleIdle(ctx context.Context) error {
	if t.announce == nil || t.until > 0 || t.flight != nil || !t.announce.settled() {
		return nil
	}
	return t.p.Commit(ctx, t.memo().mark(t.from))
}

// hookTime is how long a process that ends waits for hooks; what they have not heard by then stays owed.
const hookTime = 5 * time.Second

// settle gives the hooks a last chance, when the process ends.
func (t *task) settle(ctx context.Context) error {
	if t.announce == nil {
		return nil
	}
	for deadline := time.Now().Add(hookTime); t.announce.owes() && time.Now().Before(deadline) && ctx.Err() == nil; {
		time.Sleep(5 * time.Millisecond)
	}
	err := t.settleIdle(ctx)
	if errors.Is(err, kafka.ErrGone) {
		return nil
	}
	return err
}

func (n *announcement) owes() bool {
	n.of.mu.Lock()
	defer n.of.mu.Unlock()
	return n.from >= 0
}
