package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/sink"
)

// flight is one closed interval on its way to being visible, beside the intake of the next.
type flight struct {
	from, end int64
	in        *rules
	rows      int
	bytes     int64
	dead      []kafka.Entry
	weight    int64 // of dead
	flush     sink.Flush
	of        sink.Writer // whose rows they were
	planned   bool        // the plan stands already: this is a redo
	began     time.Time

	done   chan struct{}
	files  []sink.File
	upload time.Duration
	err    error
}

// close lets go of what the sink holds of it.
func (f *flight) close() {
	if c, ok := f.flush.(io.Closer); ok {
		c.Close()
	}
}

// due tells whether the interval is to be closed now.
func (t *task) due(now time.Time) bool {
	f := t.Config.Flush
	switch {
	case t.until > 0:
		return t.next >= t.until
	case t.probing && t.rows > 0:
		return true
	case t.rows+len(t.dead) == 0:
		return t.next > t.from && t.flight == nil && t.p.AtEnd() && (t.Status.draining.Load() || f.Every <= 0 || t.quiet(now))
	case t.Budget.pressed(t.state), f.Rows > 0 && t.rows+len(t.dead) >= f.Rows, f.Bytes > 0 && t.bytes >= int64(f.Bytes), t.weight >= mostDead:
		return true
	case t.Status.draining.Load() && t.p.AtEnd():
		return true
	}
	return !now.Before(t.deadline())
}

// quiet tells whether an interval without rows has waited as long as one with rows would.
func (t *task) quiet(now time.Time) bool {
	if t.first.IsZero() {
		t.first = now
	}
	return now.Sub(t.first) >= t.Config.Flush.Every
}

// deadline is when the clock will make the interval due; zero when it will not.
func (t *task) deadline() time.Time {
	f := t.Config.Flush
	var at time.Time
	sooner := func(base time.Time, d time.Duration) {
		if d > 0 && !base.IsZero() && (at.IsZero() || base.Add(d).Before(at)) {
			at = base.Add(d)
		}
	}
	if t.flight != nil || t.until > 0 || t.rows == 0 && !t.p.AtEnd() { // a batch will come that gives the word
		return never
	}
	if t.next > t.from {
		sooner(t.first, f.Every)
	}
	if t.rows+len(t.dead) > 0 {
		sooner(t.last, f.Idle)
	}
	if at.IsZero() {
		return never
	}
	return at
}

var never = time.Unix(1<<40, 0)

// flush closes the interval at next and sends it on its way. While one is on its way, it waits for that first.
func (t *task) flush(ctx context.Context) error {
	over := func() {}
	if t.flight != nil && t.Budget.pressed(t.state) {
		over = t.pauses()
	}
	err := t.await(ctx)
	over()
	t.state.press.Store(false)
	if err != nil || t.next <= t.from {
		return err
	}
	end := t.next
	if t.until > 0 {
		end = t.until
	}
	f := &flight{from: t.from, end: end, in: t.in, rows: t.rows, bytes: t.bytes, dead: t.dead, weight: t.weight, planned: t.until > 0, began: time.Now(), done: make(chan struct{}), of: t.writer}
	if f.flush, err = t.writer.Cut(end); err != nil {
		return err
	}
	if t.probing {
		return t.probe(ctx, f)
	}
	t.rows, t.bytes, t.until, t.dead, t.weight = 0, 0, 0, nil, 0
	t.first, t.last = time.Time{}, time.Time{}
	t.flight = f
	t.state.aloft(f.began, t.holds())
	point("cut")
	go func() {
		defer t.p.Wake()
		defer close(f.done)
		defer f.close()
		f.err = t.fly(ctx, f)
	}()
	if t.walking || t.in.layout != t.book.today {
		return t.await(ctx) // what follows is read again
	}
	return nil
}

// probe looks whether an interval that begins at from stands already, under the rules at hand: then what the group remembers had gone
// backwards. If none does, nor any row is left that could tell, others are tried; in the end it is new, and of today's.
func (t *task) probe(ctx context.Context, f *flight) error {
	defer f.close()
	var err error
	if p, ok := f.flush.(sink.Prober); ok {
		err = t.insist(ctx, f, p.Probe)
	}
	var conflict *sink.Conflict
	switch {
	case errors.As(err, &conflict):
		return t.adopt(ctx, f, conflict)
	case err != nil && !errors.As(err, new(*sink.Foreign)):
		return err
	}
	return t.turn(ctx, f.from)
}

// turn goes on at offset from by asking under the next rules of the past, or, when there are no more, under today's without a question.
func (t *task) turn(ctx context.Context, from int64) (err error) {
	if len(t.past) > 0 {
		t.in, t.past = t.past[0], t.past[1:]
		err = t.moveTo(ctx, from, 0)
		t.probing = true
		return err
	}
	if t.in, err = t.book.latest(t.p.Topic); err != nil {
		return whole{err}
	}
	return t.moveTo(ctx, from, 0)
}

// moveTo begins the interval at from anew, with the end that it has to have, if any. The rows are read again.
func (t *task) moveTo(ctx context.Context, from, until int64) error {
	t.from, t.next, t.until, t.probing = from, from, until, false
	t.rows, t.bytes, t.dead, t.weight, t.first, t.last = 0, 0, nil, 0, time.Time{}, time.Time{}
	if err := t.open(ctx); err != nil {
		return err
	}
	if err := t.p.MoveTo(from); err != nil {
		return err
	}
	return errTurned
}

// fly is steps two to four: the plan is durable before anything is visible, everything is visible before the offset moves.
func (t *task) fly(ctx context.Context, f *flight) error {
	if err := t.p.Same(ctx); err != nil { // else rows of one topic would stand as another's
		return ofTopic(err)
	}
	m := t.memo(f.in)
	if !f.planned && f.rows > 0 {
		plan := m
		plan.End = f.end
		point("before plan")
		if err := t.p.Commit(ctx, plan.mark(f.from)); err != nil {
			return err
		}
		point("planned")
	}
	start := time.Now()
	if err := t.visible(ctx, f); err != nil {
		return err
	}
	f.upload = time.Since(start)
	point("visible")
	if t.owes(f) {
		t.announce.owe(f.from, f.end)
		m = t.memo(f.in)
	}
	if len(f.files) > 0 {
		m.Before = f.end
	}
	if err := t.commit(ctx, f, m.mark(f.end)); err != nil {
		return err
	}
	point("committed")
	return nil
}

// owes tells whether hooks are to hear of the interval. Of one that is done again files may stand though no row of them is left.
func (t *task) owes(f *flight) bool {
	return t.announce != nil && (len(f.files) > 0 || f.planned)
}

// visible makes the interval visible.
func (t *task) visible(ctx context.Context, f *flight) error {
	return t.insist(ctx, f, func(ctx context.Context) (err error) {
		f.files, err = f.flush.Commit(ctx)
		return err
	})
}

// insist tries as long as the partition is ours: an outage of the store, of any length, costs no more. It gives up what would fail the
// same for ever.
func (t *task) insist(ctx context.Context, f *flight, do func(context.Context) error) error {
	for pauses := (Backoff{First: 100 * time.Millisecond, Most: 10 * time.Second}); ; {
		err := t.p.Effect(ctx, do)
		class := ClassOf(err, Retry)
		if err == nil || class == User || errors.As(err, new(*sink.Conflict)) || ctx.Err() != nil || !t.p.Owned() {
			t.retried(t.p, err, 0, "from", f.from, "end", f.end)
			return err
		}
		pause := pauses.Next()
		t.retried(t.p, err, pause, "from", f.from, "end", f.end)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// retried notes that a partition's flush has failed, and is tried again after a pause; or, without one, that it is over.
func (r *Run) retried(p *kafka.Partition, err error, pause time.Duration, args ...any) {
	where := fmt.Sprintf("%s/%d", p.Topic, p.ID)
	args = append([]any{"connector", r.Name, "topic", p.Topic, "partition", p.ID}, args...)
	if pause == 0 {
		if was, failed := r.Status.mended(where, false); failed && err == nil {
			r.Log.Info("flush succeeded after it had failed", append(args, "since", was.Since, "times", was.Times)...)
		}
		return
	}
	class := ClassOf(err, Retry)
	r.Status.observe(func(o Observer) { o.Failed("flush", class) })
	if news, now := r.Status.meet(Trouble{Where: where, Class: class}, err, pause); news {
		r.Log.Warn("flush is tried again", append(args, "class", class, "since", now.Since, "times", now.Times, "in", rounded(pause), "error", err)...)
	}
}

// rounded is a pause as it is written down.
func rounded(pause time.Duration) string { return pause.Round(time.Millisecond).String() }

// landed takes note of a flight that has ended since, without waiting for one.
func (t *task) landed(ctx context.Context) error {
	if t.flight == nil {
		return t.settleIdle(ctx)
	}
	select {
	case <-t.flight.done:
		return t.land(ctx)
	default:
		return nil
	}
}

// await waits for the flight, if there is one, to end.
func (t *task) await(ctx context.Context) error {
	if t.flight == nil {
		return nil
	}
	<-t.flight.done // it heeds ctx
	return t.land(ctx)
}

// land draws the consequences of a flight.
func (t *task) land(ctx context.Context) error {
	f := t.flight
	t.flight = nil
	t.state.aloft(time.Time{}, 0)
	t.weigh()
	var conflict *sink.Conflict
	var foreign *sink.Foreign
	switch {
	case errors.As(f.err, &conflict):
		return t.adopt(ctx, f, conflict)
	case errors.As(f.err, &foreign) && foreign.Anchor && f.in.layout != t.book.today:
		return t.turn(ctx, f.from) // nothing of it is visible, and the configuration has changed since, as the remedy says
	case f.err != nil:
		return f.err
	}
	t.from = f.end
	if len(f.files) > 0 {
		t.before = f.end
	}
	t.state.flushed(f)
	if w, ok := t.Config.Sink.(sink.Warner); ok {
		for _, err := range w.Warnings() {
			t.Log.Warn("the sink warns", "connector", t.Name, "error", err)
		}
	}
	t.Log.Debug("flushed", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "from", f.from, "end", f.end, "rows", f.rows,
		"files", len(f.files), "seconds", time.Since(f.began).Seconds())
	if t.owes(f) {
		t.announce.tell(f.files, f.end)
	}
	if t.walking || t.in.layout != t.book.today { // what follows may stand too
		return t.walkOn(ctx)
	}
	return nil
}

// adopt takes over the end of an interval that stands already: what the group remembered had gone backwards. The rows are read again.
func (t *task) adopt(ctx context.Context, f *flight, c *sink.Conflict) error {
	if c.End <= f.from {
		return fmt.Errorf("%w, before it begins at %d", c, f.from)
	}
	if err := t.reaches(c.End); err != nil {
		return err
	}
	in, err := t.book.earlier(ctx, c.Layout, t.p.Topic, c.Schema)
	if err != nil {
		return fmt.Errorf("%w, under another configuration that cannot be had: layout %s: %w", c, c.Layout, err)
	}
	t.Log.Info("an interval that stands already is taken over", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "from", f.from, "end", c.End)
	plan := t.memo(in)
	plan.End = c.End
	if err := t.p.Commit(ctx, plan.mark(f.from)); err != nil {
		return err
	}
	t.in, t.past, t.walking = in, nil, true
	return t.moveTo(ctx, f.from, c.End)
}
