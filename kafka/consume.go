package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Group is membership of a consumer group, and what to do with the partitions that come with it.
type Group struct {
	Name   string
	Topics []string // names, or regular expressions that begin with ^
	Idle   bool     // own partitions without reading them

	// Starts is where partitions begin of which the group remembers nothing: those of a topic in their order. One that is not there
	// begins at its beginning.
	Starts map[string][]int64

	Partitions int // of the topics together, where that is known: they share what the client may fetch ahead

	// Taken is told how many partitions come, before any of their owners starts, and -1 for one that goes before its owner could.
	// It may be nil.
	Taken func(n int)

	// Changed is told when we have joined the group, also anew after partitions were lost, when partitions have come, are about to go
	// or were lost, and when we have left. It may be nil.
	Changed func(what string, partitions []string)

	// Retried is told of a Same, Commit or CommitWith that has failed for a while and is tried again after a pause; and, with no pause,
	// when such a one is over, well if err is nil. Several goroutines call it. It may be nil.
	Retried func(p *Partition, err error, pause time.Duration)

	// Own is called in a goroutine of its own for each partition that comes to us, and returns after Batches has ended.
	// Its context ends when the partition has to be given up at once. An error ends the whole membership.
	Own func(ctx context.Context, p *Partition) error

	Revoke time.Duration // how long a partition that moves may take to finish what it has begun; below the session timeout
	Drain  time.Duration // the same, for all partitions, when the process ends
}

// What Group.Changed is told.
const (
	Joined         = "joined the group"
	Assigned       = "partitions assigned"
	Revoked        = "partitions revoked"
	LostPartitions = "partitions lost" // the group took us for dead, or we the group
	Left           = "left the group"
)

type key struct {
	topic string
	id    int32
}

func (p *Partition) key() key { return key{p.Topic, p.ID} }

// group is a running membership. Its maps belong to the goroutine that polls.
type group struct {
	Group
	client   *Client
	consumer *kafka.Consumer
	admin    *Admin // with connections of its own: an answer does not wait behind a fetch that waits for rows
	wakers   *wakers

	owned  map[key]*Partition
	past   map[key]<-chan struct{} // closed when the last owner here of a partition has returned
	failed chan error              // the first reason to end
	asked  chan func()             // what owners want done between two calls of Poll
	ctx    context.Context         // of every owner
	ending context.Context         // done when the membership is to end
	turn   atomic.Int64            // grows with every rebalance

	arrival arrival
	quiet   func() // ends the consumer's log

	joined  bool // the group has given us an assignment
	closing bool // no partition is taken any more
}

// Consume is a member of the group until ctx is done, then lets every owner finish what it has taken in and leaves. It returns
// early with an error when the group has shut us out, an owner failed, or the consumer is beyond repair; a new call starts afresh.
// When it returns, no owner is running any more, unless the client itself hangs.
func (c *Client) Consume(ctx context.Context, g Group) error {
	m, err := c.join(g)
	if err != nil {
		return err
	}
	owners, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	m.ctx, m.ending = owners, ctx
	err = m.consumer.SubscribeTopics(g.Topics, m.rebalance)
	for err == nil && ctx.Err() == nil {
		err = m.poll()
	}
	if err == nil {
		err = m.drain()
	}
	for _, p := range m.owned { // after an error, and what was left at the deadline
		p.abandon()
	}
	for _, p := range m.owned {
		p.give()
	}
	m.awaitPast()
	err = errors.Join(err, m.close())
	m.admin.Close()
	if m.joined {
		m.changed(Left)
	}
	return err
}

func (g *group) changed(what string, partitions ...string) {
	if g.Changed != nil {
		g.Changed(what, partitions)
	}
}

// moved tells of partitions, if there are any.
func (g *group) moved(what string, tps []kafka.TopicPartition) {
	var names []string
	for _, tp := range tps {
		names = append(names, fmt.Sprintf("%s/%d", *tp.Topic, tp.Partition))
	}
	if len(names) > 0 {
		g.changed(what, names...)
	}
}

func (c *Client) join(g Group) (*group, error) {
	m := &group{Group: g, client: c, owned: map[key]*Partition{}, past: map[key]<-chan struct{}{}, failed: make(chan error, 1), asked: make(chan func())}
	var err error
	config := c.consumerConfig(g)
	m.arrival = newArrival(config)
	m.quiet = c.hear(config)
	if m.consumer, err = kafka.NewConsumer(config); err != nil {
		m.quiet()
		return nil, fmt.Errorf("kafka: %w", err)
	}
	if m.wakers, err = newWakers(); err != nil {
		defer m.quiet()
		return nil, errors.Join(err, m.consumer.Close())
	}
	if m.admin, err = c.Admin(); err != nil {
		defer m.quiet()
		m.wakers.close()
		return nil, errors.Join(err, m.consumer.Close())
	}
	return m, nil
}

// poll serves rebalances and errors for a moment.
func (g *group) poll() error {
	ev := g.consumer.Poll(100)
	if p, msg := g.message(ev); p != nil {
		p.queue.(*pollQueue).push(msg)
	}
	switch e := ev.(type) {
	case kafka.Error:
		if e.IsFatal() {
			return fmt.Errorf("kafka: %w", e)
		}
		g.client.log("kafka", "error", e.Error())
		g.lost(e)
	case *kafka.Stats:
		if err := g.arrival.told(e.String(), g.turn.Load(), time.Now()); err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
	}
	for {
		select {
		case err := <-g.failed:
			return err
		case asked := <-g.asked: // by several owners, maybe: none is to wait for one more Poll than the others
			asked()
		default:
			return nil
		}
	}
}

// between runs f on the goroutine that polls, between two calls of Poll; unless p has to be given up first.
func (g *group) between(p *Partition, f func() error) error {
	answer := make(chan error, 1)
	select {
	case g.asked <- func() { answer <- f() }:
		return <-answer
	case <-p.stop:
		return ErrGone
	}
}

// drain waits until every owner has finished what it had taken in, and goes on serving the group meanwhile: partitions may come
// even now, and have no owner here.
func (g *group) drain() error {
	deadline := time.Now().Add(g.Drain)
	for time.Now().Before(deadline) {
		for _, p := range g.owned {
			p.drained.Store(true)
			p.halt()
		}
		if err := g.poll(); err != nil {
			return err
		}
		if !g.busy() {
			return nil
		}
	}
	return fmt.Errorf("group %s: not everything could be flushed within %v; the rest is taken up at the next start", g.Name, g.Drain)
}

func (g *group) busy() bool {
	for _, p := range g.owned {
		if !p.returned() {
			return true
		}
	}
	return false
}

// rebalance is called by Poll, on the goroutine that polls, when partitions come or go.
func (g *group) rebalance(_ *kafka.Consumer, ev kafka.Event) error {
	g.turn.Add(1)
	var err error
	switch e := ev.(type) {
	case kafka.AssignedPartitions:
		if g.closing {
			return g.consumer.IncrementalAssign(nil)
		}
		if !g.joined {
			g.joined = true
			g.changed(Joined)
		}
		if err = g.assigned(e.Partitions); err == nil {
			g.moved(Assigned, e.Partitions)
		}
	case kafka.RevokedPartitions:
		lost := g.consumer.AssignmentLost()
		g.moved(map[bool]string{false: Revoked, true: LostPartitions}[lost], e.Partitions)
		g.joined = g.joined && !lost
		err = g.revoked(e.Partitions, lost)
	}
	if err != nil {
		g.fail(err)
	}
	return nil
}

// revoked gives partitions up, in this order: no more rows are taken in; on a clean revoke what was begun may finish; the gate
// is closed, which waits for an effect under way; the reader has left the queue; only then the group may hand them on.
func (g *group) revoked(tps []kafka.TopicPartition, lost bool) error {
	var gone []*Partition
	for _, tp := range tps {
		if p := g.owned[key{*tp.Topic, tp.Partition}]; p != nil {
			p.halt()
			gone = append(gone, p)
		}
	}
	if !lost {
		deadline := time.After(g.Revoke)
		for _, p := range gone {
			select {
			case <-p.done:
			case <-deadline:
				deadline = closed
			}
		}
	}
	for _, p := range gone {
		p.abandon()
	}
	for _, p := range gone {
		p.give()
		delete(g.owned, p.key())
		g.past[p.key()] = p.done
	}
	if err := g.consumer.IncrementalUnassign(tps); err != nil {
		return fmt.Errorf("group %s: %w", g.Name, err)
	}
	return nil
}

var closed = func() <-chan time.Time { c := make(chan time.Time); close(c); return c }()

// halt asks the owner to take no more rows in.
func (p *Partition) halt() {
	if !p.Stopping() {
		close(p.stop)
	}
}

// abandon asks the owner to end what it does.
func (p *Partition) abandon() {
	p.halt()
	p.cancel()
}

// give takes the partition from its owner, who was asked to end: when it returns no effect of the owner's can follow, and its queue
// has no reader.
func (p *Partition) give() {
	p.gate.close()
	select {
	case <-p.left:
	case <-p.done:
	}
	p.queue.close()
	p.group.wakers.remove(p.waker)
}

func (p *Partition) returned() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// fail ends the membership for the reason given, the first time.
func (g *group) fail(err error) {
	select {
	case g.failed <- err:
	default:
	}
}

// fence ends the membership because the group no longer knows us.
func (g *group) fence(err error) {
	g.fail(fmt.Errorf("group %s has shut this worker out: %w", g.Name, err))
}

// commit is one attempt. An error of the one partition counts, whatever the call as a whole says.
func (g *group) commit(p *Partition, m Mark) error {
	got, err := g.consumer.CommitOffsets([]kafka.TopicPartition{{Topic: &p.Topic, Partition: p.ID, Offset: kafka.Offset(m.Offset), Metadata: &m.Metadata}})
	for _, tp := range got {
		err = errors.Join(err, tp.Error)
	}
	return err
}

// awaitPast waits for owners that were still uploading when their partition moved.
func (g *group) awaitPast() {
	for _, p := range g.owned {
		<-p.done
	}
	for _, done := range g.past {
		<-done
	}
}

// close leaves the group. The client's own Close is known to hang; it is given ten seconds.
func (g *group) close() error {
	defer g.quiet()
	done := make(chan error, 1)
	g.owned, g.closing = map[key]*Partition{}, true
	go func() { done <- g.consumer.Close() }()
	select {
	case err := <-done:
		g.wakers.close()
		return err
	case <-time.After(10 * time.Second):
		return fmt.Errorf("group %s: the Kafka client did not close within 10s", g.Name)
	}
}
