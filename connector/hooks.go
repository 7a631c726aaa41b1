package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/sink"
)

// announcer tells the hooks what has become visible, beside the data path, each beside the others. What one was never told is owed:
// the group remembers it, and the next owner of the partition tells it. Nil is that of a connector without hooks.
type announcer struct{ tellers []*teller }

// announcement is what one partition owes the hooks.
type announcement struct{ accounts []*account }

// teller tells one hook: one call at a time, what comes meanwhile goes into the next.
type teller struct {
	run    *Run
	where  string // "hook N"
	hook   hook.Hook
	cancel context.CancelFunc
	done   chan struct{}
	bell   chan struct{}

	mu    sync.Mutex
	event hook.Event         // what the next call tells
	upTo  map[*account]int64 // what it covers
	due   time.Time          // when it comes; zero for at once
}

// account is what one partition owes one hook. The teller's lock guards it.
type account struct {
	of   *teller
	p    *kafka.Partition
	from int64 // the first offset not told of; -1 when nothing is owed
	end  int64 // what was made visible ends here
	told bool  // a call has succeeded since the group last heard what is owed
}

// newAnnouncer starts telling, until stop. Without hooks there is nothing to tell.
func newAnnouncer(r *Run) *announcer {
	if len(r.Config.AfterFlush) == 0 {
		return nil
	}
	a := &announcer{}
	for i, h := range r.Config.AfterFlush {
		t := &teller{run: r, where: fmt.Sprintf("hook %d", i+1), hook: h, done: make(chan struct{}), bell: make(chan struct{}, 1), upTo: map[*account]int64{}}
		ctx, cancel := context.WithCancel(context.Background())
		t.cancel = cancel
		go t.loop(ctx)
		a.tellers = append(a.tellers, t)
	}
	return a
}

// stop ends the telling; what is under way is given up, and stays owed.
func (a *announcer) stop() {
	if a == nil {
		return
	}
	for _, t := range a.tellers {
		t.cancel()
	}
	for _, t := range a.tellers {
		<-t.done
		t.run.Status.mended(t.where, false) // it is not called any more
	}
}

// partition opens the account of a partition, with what an earlier owner left owing.
func (a *announcer) partition(p *kafka.Partition, owed *int64) *announcement {
	if a == nil {
		return nil
	}
	n := &announcement{}
	for _, t := range a.tellers {
		c := &account{of: t, p: p, from: -1, end: p.Start.Offset}
		if owed != nil {
			c.from = *owed
			t.add(c, nil, p.Start.Offset, true)
		}
		n.accounts = append(n.accounts, c)
	}
	return n
}

// owe notes that what is visible from one offset to another has not been told. It comes before the commit that moves the offset.
func (n *announcement) owe(from, end int64) {
	for _, c := range n.accounts {
		c.of.mu.Lock()
		if c.from < 0 {
			c.from = from
		}
		c.end = end
		c.of.mu.Unlock()
	}
}

// owed is what the group has to remember: the most that is owed to any hook; nil when nothing is.
func (n *announcement) owed() (from *int64) {
	for _, c := range n.accounts {
		c.of.mu.Lock()
		c.told = false
		if c.from >= 0 && (from == nil || c.from < *from) {
			from = new(c.from)
		}
		c.of.mu.Unlock()
	}
	return from
}

// settled tells, until owed is asked for, that a call has succeeded since.
func (n *announcement) settled() bool {
	return n.any(func(c *account) bool { return c.told })
}

// coming tells whether a hook that is owed something is called by then.
func (n *announcement) coming(by time.Time) bool {
	return n.any(func(c *account) bool { return c.from >= 0 && c.of.due.Before(by) })
}

func (n *announcement) any(holds func(*account) bool) bool {
	return slices.ContainsFunc(n.accounts, func(c *account) bool {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		return holds(c)
	})
}

// tell asks for calls that cover files, which are committed and end at offset end. Without files a hook has to look itself.
func (n *announcement) tell(files []sink.File, end int64) {
	for _, c := range n.accounts {
		c.of.add(c, files, end, len(files) == 0)
	}
}

func (t *teller) add(c *account, files []sink.File, end int64, recovered bool) {
	t.mu.Lock()
	t.event = join(t.event, hook.Event{Files: files, Recovered: recovered, Time: time.Now()})
	t.upTo[c], c.end = end, max(c.end, end)
	t.mu.Unlock()
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

// mostFiles is how many files are kept to be told of. Of more a hook hears only that there are some.
const mostFiles = 100_000

// join makes one event of two.
func join(a, b hook.Event) hook.Event {
	a.Recovered = a.Recovered || b.Recovered
	if b.Time.After(a.Time) {
		a.Time = b.Time
	}
	if len(a.Files)+len(b.Files) > mostFiles {
		a.Files, a.Recovered = nil, true
		return a
	}
	a.Files = append(a.Files, b.Files...)
	return a
}

func (t *teller) loop(ctx context.Context) {
	defer close(t.done)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-t.bell:
			t.until(ctx)
		}
	}
}

// The pauses before a hook that has failed is called again.
const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// until calls the hook until it has heard all that has come up, or there is no more time.
func (t *teller) until(ctx context.Context) {
	for pauses := (Backoff{First: firstPause, Most: longestPause}); ; {
		err := t.once(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		var pause time.Duration
		if later := (*hook.Later)(nil); errors.As(err, &later) {
			pause = max(time.Until(later.At), 10*time.Millisecond)
			pauses.Reset()
			t.run.Log.Debug("hook is not due", "connector", t.run.Name, "in", rounded(pause))
		} else {
			pause = pauses.Next()
			t.failed(pause, err)
		}
		t.mu.Lock()
		t.due = time.Now().Add(pause)
		t.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// failed notes that the hook is called again, and writes down why where that is news.
func (t *teller) failed(pause time.Duration, err error) {
	class := ClassOf(err, Retry)
	t.run.Status.observe(func(o Observer) { o.Failed("hook", class) })
	if news, now := t.run.Status.meet(Trouble{Where: t.where, Class: class}, err, pause); news {
		t.run.Log.Warn("hook failed, is tried again", "connector", t.run.Name, "hook", t.where, "class", class, "since", now.Since,
			"times", now.Times, "in", rounded(pause), "error", err)
	}
}

// once tells the hook what has come up. After an error that, and what comes meanwhile, is still to be told.
func (t *teller) once(ctx context.Context) error {
	t.mu.Lock()
	event, upTo := t.event, t.upTo
	event.Connector = t.run.Name
	t.event, t.upTo, t.due = hook.Event{}, map[*account]int64{}, time.Time{}
	t.mu.Unlock()
	if len(upTo) == 0 {
		return nil
	}
	err := t.hook.Flushed(ctx, event)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.event = join(event, t.event)
		maps.Copy(upTo, t.upTo)
		t.upTo = upTo
		return err
	}
	t.run.Status.Hooks.Add(1)
	if r, ok := t.hook.(hook.Reporter); ok && r.Report() != "" {
		t.run.Log.Info("hook ran", "connector", t.run.Name, "report", r.Report())
	}
	if was, failed := t.run.Status.mended(t.where, false); failed {
		t.run.Log.Info("hook succeeded after it had failed", "connector", t.run.Name, "hook", t.where, "since", was.Since, "times", was.Times)
	}
	t.settle(upTo)
	return nil
}

// settle notes what has been told, and has its partitions tell the group.
func (t *teller) settle(upTo map[*account]int64) {
	t.mu.Lock()
	for c, end := range upTo {
		c.told = true
		if c.from = end; c.end <= end {
			c.from = -1
		}
	}
	t.mu.Unlock()
	for c := range upTo {
		c.p.Wake()
	}
}

// settleIdle tells the group, between flights, that the hooks have heard what it thinks owed.
func (t *task) settleIdle(ctx context.Context) error {
	if t.announce == nil || t.until > 0 || t.flight != nil || !t.announce.settled() {
		return nil
	}
	return t.p.Commit(ctx, t.memo(t.in).mark(t.from))
}

// hookTime is how long a process that ends waits for hooks; what they have not heard by then stays owed.
const hookTime = 5 * time.Second

// settle gives the hooks a last chance, when the process ends. One that is not called before that is over is not waited for.
func (t *task) settle(ctx context.Context) error {
	if t.announce == nil {
		return nil
	}
	for deadline := time.Now().Add(hookTime); t.announce.coming(deadline) && time.Now().Before(deadline) && ctx.Err() == nil; {
		time.Sleep(5 * time.Millisecond)
	}
	err := t.settleIdle(ctx)
	if errors.Is(err, kafka.ErrGone) {
		return nil
	}
	return err
}
