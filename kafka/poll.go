package kafka

import (
	"errors"
	"sync"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// pollRows is how many messages may wait in a pollQueue before the partition's fetching is paused.
const pollRows = 4 * batchRows

// pollQueue is filled by Poll: the way for a client that does not let us have its queues. It reads the same, slower.
type pollQueue struct {
	p      *Partition
	mu     sync.Mutex
	msgs   []pollMessage
	paused bool
}

type pollMessage struct {
	rec  record.Record
	code kafka.ErrorCode
}

func (q *pollQueue) close() {}

func (q *pollQueue) read(out *raw) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.msgs), batchRows)
	for _, m := range q.msgs[:n] {
		if m.code == kafka.ErrAutoOffsetReset {
			m.rec.Offset = q.p.next
		}
		out.add(m.rec, m.code)
	}
	q.msgs = q.msgs[n:]
	if q.paused && len(q.msgs) == 0 {
		q.paused = q.p.group.consumer.Resume(q.p.tp()) != nil
	}
}

func (q *pollQueue) push(m pollMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.msgs = append(q.msgs, m)
	if !q.paused && len(q.msgs) >= pollRows {
		q.paused = q.p.group.consumer.Pause(q.p.tp()) == nil
	}
	q.p.waker.ring()
}

func (q *pollQueue) clear() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.msgs = nil
	if q.paused {
		q.paused = false
		return q.p.group.consumer.Resume(q.p.tp())
	}
	return nil
}

// lost passes on that a position is gone. Poll does not say whose: each reader has to look.
func (g *group) lost(e kafka.Error) {
	if e.Code() != kafka.ErrAutoOffsetReset {
		return
	}
	for _, p := range g.owned {
		if q, polled := p.queue.(*pollQueue); polled {
			q.push(pollMessage{record.Record{Value: []byte(e.Error())}, e.Code()})
		}
	}
}

func (p *Partition) tp() []kafka.TopicPartition {
	return []kafka.TopicPartition{{Topic: &p.Topic, Partition: p.ID}}
}

// message tells whose message an event is, if it is one.
func (g *group) message(ev kafka.Event) (*Partition, pollMessage) {
	switch e := ev.(type) {
	case kafka.PartitionEOF:
		return g.owned[key{*e.Topic, e.Partition}], pollMessage{record.Record{Offset: int64(e.Offset)}, kafka.ErrPartitionEOF}
	case *kafka.Message:
		m := pollMessage{rec: fromMessage(e)}
		var ke kafka.Error
		if errors.As(e.TopicPartition.Error, &ke) {
			m.code, m.rec.Value = ke.Code(), []byte(ke.Error())
		}
		return g.owned[key{*e.TopicPartition.Topic, e.TopicPartition.Partition}], m
	}
	return nil, pollMessage{}
}

// fromMessage is a record from the client's own message.
func fromMessage(m *kafka.Message) record.Record {
	rec := record.Record{Offset: int64(m.TopicPartition.Offset), Time: record.NoTime, Key: m.Key, Value: m.Value}
	if m.TimestampType != kafka.TimestampNotAvailable {
		rec.Time = m.Timestamp.UnixMilli()
	}
	for _, h := range m.Headers {
		rec.Headers = append(rec.Headers, record.Header{Key: h.Key, Value: h.Value})
	}
	return rec
}

// seek moves the position, and throws away what was fetched for the old one. It runs on the goroutine that polls: Poll must not be
// handing out messages meanwhile, or one of the old position could follow one of the new.
func (g *group) seek(p *Partition, offset int64) error {
	tps := p.tp()
	tps[0].Offset = kafka.Offset(offset)
	if q, polled := p.queue.(*pollQueue); polled {
		if err := q.clear(); err != nil { // before the seek: a resumed partition goes back to where it was paused
			return err
		}
	}
	got, err := g.consumer.SeekPartitions(tps)
	for _, tp := range got {
		err = errors.Join(err, tp.Error)
	}
	var e kafka.Error
	if errors.As(err, &e) && e.Code() == kafka.ErrState { // it was stopped, its position being lost
		return errors.Join(g.consumer.IncrementalUnassign(tps), g.consumer.IncrementalAssign(tps))
	}
	return err
}
