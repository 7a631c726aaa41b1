package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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

	from     int64    // committed: all rows before it are visible
	before   int64    // where the last interval that made anything visible ends; 0 where that is not known
	next     int64    // position: rows before it are in the writer
	until    int64    // the end of a plan that has to be redone; 0 otherwise
	probing  bool     // does what comes next stand already, under the rules at hand?
	past     []*rules // under which that is asked next
	walking  bool     // what follows the interval at hand may stand already: what the group remembers may have gone backwards
	dead     []kafka.Entry
	weight   int64 // of dead, in bytes
	counted  int64 // records before it that were skipped are; they may be read again
	rows     int
	bytes    int64
	first    time.Time // when the interval's first row was taken in
	last     time.Time // when its last row was
	flight   *flight   // the interval that is being made visible; nil when there is none
	warned   time.Time // when it was last said that no memory can be let go of
	view     record.Batch
	wanted   []record.Column // what the next version of the schema has to add
	announce *announcement
}

// own is the whole life of a partition with us. It returns an error only for what is wrong with the connector as a whole; what is
// wrong with this partition holds it, and the others go on.
func (r *Run) own(ctx context.Context, p *kafka.Partition) error {
	defer r.Budget.reserve(PerPartition)()
	t := &task{Run: r, p: p, state: r.Status.open(p, max(r.Config.Flush.Every, r.Config.Flush.Idle)), from: p.Start.Offset, next: p.Start.Offset}
	defer r.Status.close(t.state)
	defer t.drop()
	ctx, abandon := context.WithCancel(ctx)
	defer func() {
		if abandon(); t.flight != nil {
			<-t.flight.done
			t.flight = nil
		}
	}()
	err := t.begin(ctx)
	if err == nil {
		err = t.journey(ctx)
	}
	switch {
	case err == nil || errors.Is(err, kafka.ErrGone) || ctx.Err() != nil:
		return nil
	case ClassOf(err, User) != User: // the same may go well once more: the run begins again from what is committed
		return err
	}
	t.hold(ctx, err)
	return nil
}

// journey is the way out, from topic to sink.
func (t *task) journey(ctx context.Context) error {
	for b, err := range t.p.Batches(ctx) {
		if err == nil {
			err = t.take(ctx, b)
		}
		if lost := (*kafka.Lost)(nil); errors.As(err, &lost) {
			err = t.lost(ctx, lost)
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
	if t.until > 0 || m.Layout != t.in.layout && m.Layout != "" {
		if t.in, err = t.book.earlier(ctx, m.Layout, t.p.Topic, m.Schema); err != nil {
			return fmt.Errorf("the configuration under which offset %d was committed cannot be had: layout %s: %w", t.from, m.Layout, err)
		}
	}
	t.before = m.Before
	if err := t.look(); err != nil {
		return err
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
		Before: t.before,
	})
	if err != nil {
		return whole{err}
	}
	t.writer = w
	return nil
}

// drop closes the writer, if it wants to be closed. What is on its way stays in memory.
func (t *task) drop() {
	if c, ok := t.writer.(io.Closer); ok {
		c.Close()
	}
	t.writer, t.dead, t.weight = nil, nil, 0
	t.weigh()
}

// memo is what to commit beside the end of an interval of rules r.
func (t *task) memo(r *rules) memo {
	m := memo{Version: memoVersion, Layout: r.layout, Schema: r.version, Topic: t.p.TopicID, Before: t.before}
	if t.announce != nil {
		m.Owed = t.announce.owed()
	}
	return m
}

// lost is met when the position is not on the topic any more. To go on, what is left is read into the same interval.
func (t *task) lost(ctx context.Context, lost *kafka.Lost) error {
	if err := t.p.Same(ctx); err != nil {
		return ofTopic(err)
	}
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
	class := ClassOf(why, User)
	t.Status.meet(Trouble{Where: t.state.name(), Class: class, Held: true}, why, 0)
	t.Log.Error("partition held", "connector", t.Name, "topic", t.p.Topic, "partition", t.p.ID, "committed", t.from, "class", class, "error", why)
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
