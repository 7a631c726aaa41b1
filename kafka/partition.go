package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// Mark is what a group remembers of a partition: the offset from which its rows are still to be made visible, and up to 4,096
// bytes of the owner's own.
type Mark struct {
	Offset   int64
	Metadata string
}

// Partition is one partition of a topic, as long as this process owns it. Batches, WakeAt and MoveTo belong to one goroutine.
type Partition struct {
	Topic   string
	TopicID string // tells a topic from another that had its name before
	ID      int32
	Start   Mark // what the group remembered when the partition came to us

	group *group
	gate  *gate
	waker *waker
	queue queue

	stop    chan struct{} // closed: take no more rows in
	left    chan struct{} // closed: the reader has left the queue
	done    chan struct{} // closed: the owner's function has returned
	cancel  context.CancelFunc
	nudged  atomic.Bool
	drained atomic.Bool // stopped because the process ends, not because the partition moves

	leave  sync.Once
	wakeAt time.Time
	next   int64 // position: the offset expected next
	moved  bool  // nothing has been read since MoveTo
	turn   int64 // the group's turn when we moved
	end    bool  // the position is the partition's end, as last heard
	raw    raw
	batch  record.Batch
}

// Batches gives the partition's rows in offset order from Start on, until the partition is to be given up or ctx is done.
// It also gives batches without records: when the end of the partition moved Next over control records, at WakeAt, and after Wake.
// An error is this partition's alone; rows before it were given. After *Lost, MoveTo makes it go on.
func (p *Partition) Batches(ctx context.Context) iter.Seq2[*record.Batch, error] {
	return func(yield func(*record.Batch, error) bool) {
		defer p.leave.Do(func() { close(p.left) })
		for !p.Stopping() && ctx.Err() == nil {
			p.raw.reset()
			p.queue.read(&p.raw)
			if p.doubtful() {
				if err := p.MoveTo(p.next); err != nil && !errors.Is(err, ErrGone) {
					yield(nil, err)
					return
				}
				continue
			}
			if !p.news() && !p.wait(ctx) {
				continue
			}
			if err := p.accept(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(&p.batch, nil) {
				return
			}
			err := p.raw.err
			if passing(err) {
				err = p.askAgain(ctx)
			}
			if err != nil && !yield(nil, err) {
				return
			}
		}
	}
}

// pauseTime is how long a partition is left alone after an error that passes.
const pauseTime = time.Second

// askAgain reads on from the position after an error that passes: what came behind it was not taken.
func (p *Partition) askAgain(ctx context.Context) error {
	p.group.client.log("kafka", "partition asked again", p.raw.err.Error())
	select {
	case <-ctx.Done():
		return nil
	case <-p.stop:
		return nil
	case <-time.After(jittered(pauseTime)):
	}
	if err := p.MoveTo(p.next); !errors.Is(err, ErrGone) {
		return err
	}
	return nil
}

// passing tells the errors that are ordinary while brokers come and go.
func passing(err error) bool {
	var e kafka.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case kafka.ErrTransport, kafka.ErrTimedOut, kafka.ErrAllBrokersDown, kafka.ErrRequestTimedOut, kafka.ErrNetworkException,
		kafka.ErrLeaderNotAvailable, kafka.ErrNotLeaderForPartition, kafka.ErrBrokerNotAvailable, kafka.ErrReplicaNotAvailable,
		kafka.ErrNotCoordinator, kafka.ErrCoordinatorNotAvailable, kafka.ErrCoordinatorLoadInProgress, kafka.ErrOffsetNotAvailable, kafka.ErrFencedLeaderEpoch, kafka.ErrUnknownLeaderEpoch, kafka.ErrKafkaStorageError:
		return true
	}
	return false
}

// Outside tells the errors that brokers, or whoever runs them, have to mend: none is there to answer, a topic is missing, a right is
// refused. What failed so may be tried again for as long as that lasts.
func Outside(err error) bool {
	var e kafka.Error
	if passing(err) || errors.Is(err, ErrNoTopic) || errors.Is(err, ErrExpired) {
		return true
	}
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case kafka.ErrMsgTimedOut, kafka.ErrTimedOutQueue, kafka.ErrResolve, kafka.ErrAuthentication, kafka.ErrSaslAuthenticationFailed, kafka.ErrSsl,
		kafka.ErrUnknownTopic, kafka.ErrUnknownTopicOrPart, kafka.ErrTopicAuthorizationFailed, kafka.ErrGroupAuthorizationFailed,
		kafka.ErrClusterAuthorizationFailed, kafka.ErrTransactionalIDAuthorizationFailed, kafka.ErrNotEnoughReplicas,
		kafka.ErrNotEnoughReplicasAfterAppend, kafka.ErrPolicyViolation:
		return true
	}
	return false
}

// patiently asks again for a while what no broker may answer yet: of a topic or group just made none may know that it leads.
func patiently(question func() error) error {
	for until := time.Now().Add(ask); ; time.Sleep(50 * time.Millisecond) {
		if err := question(); !passing(err) || time.Now().After(until) {
			return err
		}
	}
}

// news tells whether what was read is worth a batch.
func (p *Partition) news() bool {
	return len(p.raw.records) > 0 || p.raw.err != nil || p.raw.end > p.next || p.raw.end == p.next && !p.end
}

// doubtful tells whether what was read may have passed over rows. Where librdkafka fetches anew after a rebalance it begins at what it takes
// for our position: one too far when the last thing it handed out in a batch was the event of a partition's end, and where we
// were before when we have moved meanwhile. So what follows an end, or a move with a rebalance after it, is believed only if
// it follows at once, or if it is the same when asked for again.
func (p *Partition) doubtful() bool {
	if !p.end && (!p.moved || p.turn == p.group.turn.Load()) {
		return false
	}
	var lost *Lost
	switch {
	case len(p.raw.records) > 0:
		return p.raw.records[0].Offset > p.next
	case errors.As(p.raw.err, &lost):
		return lost.Offset > p.next
	}
	return p.raw.end > p.next
}

// accept checks what was read against the position, and makes the batch of it.
func (p *Partition) accept() error {
	p.batch.Topic, p.batch.Partition = p.Topic, p.ID
	p.moved = p.moved && !p.news()
	p.batch.Records, p.batch.Bad, p.batch.Schema = p.raw.records, p.batch.Bad[:0], nil
	for i := range p.raw.records {
		if off := p.raw.records[i].Offset; off < p.next {
			return fmt.Errorf("%s partition %d: offset %d was read where %d or more was expected", p.Topic, p.ID, off, p.next)
		} else {
			p.next = off + 1
		}
	}
	if len(p.raw.records) > 0 {
		p.end = false
	}
	if p.raw.end >= p.next {
		p.next, p.end = p.raw.end, true
	}
	p.batch.Next = p.next
	return nil
}

// wait returns true when an empty batch is due, false when it is worth reading again.
func (p *Partition) wait(ctx context.Context) bool {
	idle := time.Second // a lost ring costs no more than this
	due := !p.wakeAt.IsZero() && time.Until(p.wakeAt) < idle
	if due {
		idle = max(time.Until(p.wakeAt), 0)
	}
	t := time.NewTimer(idle)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-p.stop:
	case <-p.waker.bell:
		if p.nudged.Swap(false) {
			return true
		}
	case <-t.C:
		if due {
			p.wakeAt = time.Time{}
		}
		return due
	}
	return false
}

// WakeAt asks Batches for a batch, if need be an empty one, at t; the zero time asks for none. The last word counts.
func (p *Partition) WakeAt(t time.Time) { p.wakeAt = t }

// Wake asks Batches for a batch now, if need be an empty one. Any goroutine may call it.
func (p *Partition) Wake() {
	p.nudged.Store(true)
	p.waker.ring()
}

// End is where the partition ends, as its broker last said; the position where it has said nothing yet. Any goroutine may call it.
func (p *Partition) End() int64 {
	if _, high, err := p.group.consumer.GetWatermarkOffsets(p.Topic, p.ID); err == nil && high >= 0 {
		return high
	}
	return p.Start.Offset
}

// AtEnd tells whether the position is the end of the partition, as last heard from its broker.
func (p *Partition) AtEnd() bool { return p.end }

// MoveTo makes offset the position.
func (p *Partition) MoveTo(offset int64) error {
	p.turn = p.group.turn.Load()
	if err := p.group.between(p, func() error { return p.group.seek(p, offset) }); err != nil {
		return fmt.Errorf("%s partition %d: seek to offset %d: %w", p.Topic, p.ID, offset, err)
	}
	p.next, p.end, p.moved = offset, false, true
	p.raw.reset()
	return nil
}

// Bounds asks for the first offset that is left of the partition, and for its end.
func (p *Partition) Bounds() (low, high int64, err error) {
	low, high, err = p.group.consumer.QueryWatermarkOffsets(p.Topic, p.ID, int(ask.Milliseconds()))
	if err != nil {
		return 0, 0, fmt.Errorf("%s partition %d: %w", p.Topic, p.ID, err)
	}
	return low, high, nil
}

// Stopping tells that no more rows are to be taken in.
func (p *Partition) Stopping() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// Stopped is closed when no more rows are to be taken in.
func (p *Partition) Stopped() <-chan struct{} { return p.stop }

// Draining tells that the partition stops because the process ends: what was taken in is to be flushed.
func (p *Partition) Draining() bool { return p.drained.Load() }

// Effect runs f while the partition is certainly ours, and keeps it ours until f returns. It gives ErrGone when it is not.
// f must heed its context, which ends when the partition has to be given up. Effects do not nest.
func (p *Partition) Effect(ctx context.Context, f func(context.Context) error) error {
	return p.gate.do(ctx, f)
}

// Owned tells whether effects are still let through.
func (p *Partition) Owned() bool { return p.gate.open() }

// Commit makes the group remember m, through the gate. It asks again, without limit, as long as the partition is ours;
// when it returns nil the group remembers m.
func (p *Partition) Commit(ctx context.Context, m Mark) error {
	for again := (retries{p: p}); ; {
		err := p.Effect(ctx, func(context.Context) error { return p.group.commit(p, m) })
		if err == nil || errors.Is(err, ErrGone) || ctx.Err() != nil {
			return again.over(err)
		}
		if !transient(err) {
			p.group.fence(err)
			return again.over(fmt.Errorf("%w: %w", ErrGone, err))
		}
		if err := again.pause(ctx, err); err != nil {
			return again.over(err)
		}
	}
}

// transient tells the errors of a commit that are ordinary for a partition that is kept: a rebalance is under way, the
// coordinator moves, the network fails.
func transient(err error) bool {
	var e kafka.Error
	if !errors.As(err, &e) || e.IsFatal() {
		return false
	}
	switch e.Code() {
	case kafka.ErrUnknownMemberID, kafka.ErrFencedInstanceID, kafka.ErrOffsetMetadataTooLarge, kafka.ErrFatal, kafka.ErrFenced,
		kafka.ErrTopicAuthorizationFailed, kafka.ErrGroupAuthorizationFailed, kafka.ErrState, kafka.ErrDestroy:
		return false
	}
	return true
}
