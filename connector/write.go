package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// task moves one partition into the sink, interval after interval, as exactly-once delivery asks: cut, plan, write, commit.
// Its fields belong to the goroutine that owns the partition.
type task struct {
	*Run
	p      *kafka.Partition
	state  *PartitionStatus
	in     *rules // of the interval that is taken in
	writer sink.Writer

	from     int64 // committed: all rows before it are visible
	next     int64 // position: rows before it are in the writer
	until    int64 // the end of a plan that has to be redone; 0 otherwise
	probing  bool  // under earlier rules: does what comes next stand already?
	dead     []kafka.Entry
	weight   int64 // of dead, in bytes
	counted  int64 // records before it that were skipped are; they may be read again
	rows     int
	bytes    int64
	first    time.Time // when the interval's first row was taken in
	last     time.Time // when its last row was
	flight   *flight   // the interval that is being made visible; nil when there is none
	paused   bool      // it waits for memory
	view     record.Batch
	wanted   []record.Column // what the next version of the schema has to add
	announce *announcement
}

// own is the whole life of a partition with us. It returns an error only for what is wrong with the connector as a whole; what is
// wrong with this partition holds it, and the others go on.
func (r *Run) own(ctx context.Context, p *kafka.Partition) error {
	t := &task{Run: r, p: p, state: r.Status.open(p, r.Config.Flush.Every), from: p.Start.Offset, next: p.Start.Offset}
	defer r.Status.close(t.state)
	defer t.drop()
	ctx, abandon := context.WithCancel(ctx)
	defer func() {
		if abandon(); t.flight != nil {
			<-t.flight.done
		}
	}()
	err := t.begin(ctx)
	if err == nil {
		err = t.journey(ctx)
	}
	if w := (whole{}); errors.As(err, &w) {
		return w.error
	}
	if err != nil && !errors.Is(err, kafka.ErrGone) && ctx.Err() == nil {
		t.hold(ctx, err)
	}
	return nil
}

// journey is the way out, from topic to sink.
func (t *task) journey(ctx context.Context) error {
	for b, err := range t.p.Batches(ctx) {
		if err == nil {
			err = t.take(ctx, b)
		}
		if lost := (*kafka.Lost)(nil); errors.As(err, &lost) {
			err = t.lost(lost)
		}
		if err != nil && !errors.Is(err, errTurned) {
			return err
		}
	}
	if err := t.finish(ctx); !errors.Is(err, errTurned) {
		return err
	}
	return nil // a plan may be committed: the next owner finishes it
}

// errTurned says that the position was set back: the rest of the batch in hand is of no use, it will be read again.
var errTurned = errors.New("the position was set back")

// whole is an error of the connector, not of the one partition: its run ends and is begun again.
type whole struct{ error }

func (e whole) Unwrap() error { return e.error }

// begin takes up what the last owner left: a plan that has to be finished, hooks that are owed.
func (t *task) begin(ctx context.Context) error {
	m, err := readMemo(t.p.Start)
	if err != nil {
		return err
	}
	if m.Topic != "" && t.p.TopicID != "" && m.Topic != t.p.TopicID {
		return fmt.Errorf("the topic was made again under the same name: offset %d is of the one before; delete the group %s to begin the new one", t.from, t.Group())
	}
	if t.in, err = t.book.latest(t.p.Topic); err != nil {
		return whole{err}
	}
	if m.End > t.from {
		if err := t.reaches(m.End); err != nil {
			return err
		}
		t.until = m.End
	}
	t.probing = t.until == 0 && m.Layout != "" && m.Layout != t.in.layout
	if t.until > 0 || t.probing {
		if t.in, err = t.book.earlier(ctx, m.Layout, t.p.Topic, m.Schema); err != nil {
			return fmt.Errorf("the configuration under which offset %d was committed cannot be had: layout %s: %w", t.from, m.Layout, err)
		}
	}
	t.announce = t.hooks.partition(t.p, m.Owed)
	if err := t.open(ctx); err != nil {
		return err
	}
	if t.p.Start.Metadata == "" {
		return t.p.Commit(ctx, t.memo(t.in).mark(t.from))
	}
	return nil
}

// reaches refuses an interval that ends beyond the topic: it would never be complete, and take in whatever comes.
func (t *task) reaches(end int64) error {
	if _, high, err := t.p.Bounds(); err == nil && end > high {
		return fmt.Errorf("offsets %d to %d were begun, but the topic ends at %d: it was truncated or made again; delete the group %s to begin anew", t.from, end, high, t.Group())
	}
	return nil
}

// open gets a writer for the interval that begins at from.
func (t *task) open(ctx context.Context) error {
	t.drop()
	w, err := t.in.config.Sink.Open(ctx, sink.Claim{
		Connector: t.Name, Topic: t.p.Topic, TopicID: t.p.TopicID, Partition: t.p.ID, From: t.from, Until: t.until, Layout: t.in.layout,
	})
	if err != nil {
		return whole{err}
	}
	t.writer = w
	return nil
}

// drop closes the writer, if it wants to be closed.
func (t *task) drop() {
	if c, ok := t.writer.(io.Closer); ok {
		c.Close()
	}
	t.writer = nil
	t.Budget.set(t.state, 0)
}

// memo is what to commit beside the end of an interval of rules r.
func (t *task) memo(r *rules) memo {
	m := memo{Version: memoVersion, Layout: r.layout, Schema: r.version, Topic: t.p.TopicID}
	if t.announce != nil {
		m.Owed = t.announce.owed()
	}
	return m
}

// take takes a batch in, and closes as many intervals as it completes.
func (t *task) take(ctx context.Context, b *record.Batch) error {
	if err := t.landed(ctx); err != nil {
		return err
	}
	for more := true; more; {
		end, err := t.decode(b)
		if err != nil {
			return err
		}
		if err := t.fillTo(ctx, b, end); err != nil {
			return err
		}
		if more = end < len(b.Records); more {
			if len(t.wanted) > 0 {
				err = t.widen(ctx, b, end)
			}
			if err != nil {
				return err
			}
			b.Records = b.Records[end:]
		}
	}
	t.p.WakeAt(t.deadline())
	return t.breathe(ctx)
}

// decode reads the batch under the interval's rules, and says up to which record they hold: what follows the end of a plan, or needs
// more columns, is read again under others.
func (t *task) decode(b *record.Batch) (end int, err error) {
	end, t.wanted = len(b.Records), nil
	for t.until > 0 && end > 0 && b.Records[end-1].Offset >= t.until {
		end--
	}
	b.Schema, b.Unknown = t.in.schema, b.Unknown[:0]
	if err := t.in.config.Codec.Decode(b); err != nil {
		return 0, whole{err}
	}
	switch {
	case len(b.Unknown) == 0:
	case t.in.infers():
		first, columns, err := t.in.lacking(b)
		if err != nil {
			return 0, whole{err}
		}
		if len(columns) > 0 && t.until == 0 && !t.probing {
			end, t.wanted = first, columns
		}
	case t.in.config.Schema.New == "error":
		for _, i := range b.Unknown {
			b.Bad = append(b.Bad, record.Bad{Index: i, Err: errors.New("it has columns that are not in the schema")})
		}
		ordered(b)
	}
	return end, nil
}

// widen closes the interval before the record at index at, and goes on under a version of the schema that has the columns it needs.
func (t *task) widen(ctx context.Context, b *record.Batch, at int) error {
	t.next = b.Records[at].Offset
	if t.rows+len(t.dead) > 0 {
		if err := t.flush(ctx); err != nil {
			return err
		}
	}
	wider, err := t.book.extend(ctx, t.p.Topic, t.in, t.wanted)
	if err != nil {
		return fmt.Errorf("offset %d has new columns: %w", t.next, err)
	}
	t.in = wider
	return nil
}

// fillTo takes in the batch's records before index end, and closes the intervals that they complete.
func (t *task) fillTo(ctx context.Context, b *record.Batch, end int) error {
	for at := 0; ; {
		n := t.room(b, at, end)
		if err := t.fill(ctx, b, at, at+n); err != nil {
			return err
		}
		if at += n; at < len(b.Records) {
			t.next = b.Records[at].Offset
		} else {
			t.next = b.Next
		}
		t.state.moved(t.next, t.p.AtEnd())
		t.relieve()
		if t.due(time.Now()) {
			if err := t.flush(ctx); err != nil {
				return err
			}
		} else if at == end {
			return nil
		}
	}
}

// room is how many of the batch's records from at up to end may still join the interval.
func (t *task) room(b *record.Batch, at, end int) int {
	rest := b.Records[at:end]
	n := len(rest)
	if t.probing {
		return min(n, 1)
	}
	if t.until > 0 {
		for n > 0 && rest[n-1].Offset >= t.until {
			n--
		}
		return n
	}
	if t.Config.Flush.Rows > 0 {
		n = min(n, t.Config.Flush.Rows-t.rows)
	}
	return n
}

// fill writes the records from at up to end, leaving out the bad ones as the policy says.
func (t *task) fill(ctx context.Context, b *record.Batch, at, end int) error {
	for _, bad := range b.Bad {
		if bad.Index < at || bad.Index >= end {
			continue
		}
		if err := t.write(ctx, b, at, bad.Index); err != nil {
			return err
		}
		if err := t.bad(ctx, b, bad); err != nil {
			return err
		}
		at = bad.Index + 1
	}
	return t.write(ctx, b, at, end)
}

// write hands sound records to the writer, which may still refuse one by one.
func (t *task) write(ctx context.Context, b *record.Batch, at, end int) error {
	for at < end {
		t.view.Topic, t.view.Partition, t.view.Schema = b.Topic, b.Partition, b.Schema
		t.view.Records = b.Records[at:end]
		err := t.writer.Write(ctx, &t.view)
		var bad *record.Bad
		switch {
		case errors.As(err, &bad):
			if bad.Index > 0 {
				t.count(t.view.Records[:bad.Index])
			}
			at += bad.Index
			if err := t.bad(ctx, b, record.Bad{Index: at, Err: bad.Err}); err != nil {
				return err
			}
			at++
		case err != nil:
			return err
		default:
			t.count(t.view.Records)
			at = end
		}
	}
	return nil
}

// count keeps what the interval holds.
func (t *task) count(recs []record.Record) {
	t.last = time.Now()
	if t.rows+len(t.dead) == 0 {
		t.first = t.last
	}
	t.rows += len(recs)
	for i := range recs {
		t.bytes += int64(len(recs[i].Value))
	}
	t.state.rows.Add(int64(len(recs)))
	t.weigh()
}

// bad disposes of one record. To stop, what came before it is made visible first.
func (t *task) bad(ctx context.Context, b *record.Batch, bad record.Bad) error {
	rec := &b.Records[bad.Index]
	policy := t.in.config.Errors.OnBadRecord
	if errors.Is(bad.Err, formats.ErrSkip) {
		policy = "skip"
	}
	switch policy {
	case "skip":
		if rec.Offset >= t.counted {
			t.counted = rec.Offset + 1
			t.state.skipped.Add(1)
			t.Status.observe(func(o Observer) { o.Bad("skip", 1) })
		}
		return nil
	case "dead_letter":
		t.bury(b, rec, bad.Err)
		return nil
	}
	if t.probing { // under those rules nobody ever came past it
		return t.turn(ctx, t.from)
	}
	t.next = rec.Offset
	if t.until == 0 && t.next > t.from {
		if err := t.flush(ctx); err != nil {
			return err
		}
	}
	if err := t.await(ctx); err != nil {
		return err
	}
	return fmt.Errorf("offset %d cannot be written: %w; mend what produces it, or set errors: {on_bad_record: skip} or dead_letter", rec.Offset, bad.Err)
}

// relieve takes what the partition holds out of memory, if it was asked to let go of some and its writer can: its files need not be
// small for that. Where nothing is gained, the interval is cut early.
func (t *task) relieve() {
	s, ok := t.writer.(sink.Spiller)
	if !ok || !t.Budget.pressed(t.state) {
		return
	}
	freed, err := s.Spill()
	if err != nil {
		t.Log.Warn("rows could not be moved out of memory", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "error", err)
	}
	if freed > 0 {
		t.weigh()
		t.state.press.Store(false)
	}
}

// weigh tells the budget what the writer and dead letters hold in memory.
func (t *task) weigh() {
	held := t.weight
	if t.flight != nil {
		held += t.flight.weight
	}
	if s, ok := t.writer.(sink.Sized); ok {
		held += s.Size()
	}
	t.Budget.set(t.state, held)
}

// patience is how long a partition waits for others to let go of memory, before it flushes what it holds itself.
const patience = time.Second

// breathe waits while the process as a whole holds more than its budget, and this partition a good part of it.
func (t *task) breathe(ctx context.Context) error {
	if !t.Budget.over(t.state) {
		return nil
	}
	defer t.pauses()()
	for began := time.Now(); t.Budget.over(t.state) && t.until == 0 && ctx.Err() == nil && !t.p.Stopping(); {
		var err error
		switch {
		case t.Budget.pressed(t.state), t.flight == nil && t.rows+len(t.dead) > 0 && time.Since(began) > patience:
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
	if t.paused {
		return func() {}
	}
	t.paused = true
	says := func(what string) {
		t.Log.Info(what, "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "held_bytes", t.Budget.Held(), "budget_bytes", t.Budget.Limit)
	}
	lasts := time.AfterFunc(patience, func() { says("reading paused: the process holds as much as memory allows") })
	return func() {
		if t.paused = false; !lasts.Stop() {
			says("reading resumed")
		}
	}
}

// lost is met when the position is not on the topic any more. To go on, what is left is read into the same interval.
func (t *task) lost(lost *kafka.Lost) error {
	low, high, err := t.p.Bounds()
	switch {
	case err != nil:
		return whole{err}
	case t.next > high:
		return fmt.Errorf("offset %d is committed but the topic ends at %d: it was truncated or made again; delete the group %s to begin anew", t.next, high, t.Group())
	case t.next >= low: // it stands there after all
		return t.p.MoveTo(t.next)
	case t.Config.OnOffsetLoss != "continue":
		return fmt.Errorf("rows from offset %d to %d have expired before they were read (%w); set on_offset_loss: continue to go on with the oldest that is left", t.next, low, lost)
	}
	t.Log.Warn("rows have expired before they were read", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "from", t.next, "to", low)
	return t.p.MoveTo(low)
}

// finish ends the partition's stay: what is under way is completed; when the process ends, so is what was taken in.
func (t *task) finish(ctx context.Context) error {
	if err := t.await(ctx); err != nil {
		return err
	}
	if t.p.Draining() && t.until == 0 && t.next > t.from {
		if err := t.flush(ctx); err != nil {
			return err
		}
		if err := t.await(ctx); err != nil {
			return err
		}
	}
	if t.p.Draining() {
		return t.settle(ctx)
	}
	return nil
}

// hold keeps the partition without touching it, until it is taken away or the process ends: somebody has to look.
func (t *task) hold(ctx context.Context, why error) {
	t.state.hold(why)
	t.Log.Error("partition held", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "committed", t.from, "error", why)
	t.drop()
	if err := t.await(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, errTurned) {
		t.Log.Error("what was on its way when the partition was held did not arrive", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "error", err)
	}
	select {
	case <-ctx.Done():
	case <-t.p.Stopped():
	}
	t.Log.Info("partition released", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "committed", t.from)
}
