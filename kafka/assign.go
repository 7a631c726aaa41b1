package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// assigned takes partitions over, where the membership is to go on. Else they get no owner, and what cannot be read of them does not
// matter: those that flush are not to suffer for it.
func (g *group) assigned(tps []kafka.TopicPartition) error {
	if g.ending.Err() == nil {
		marks, ids, err := g.remembered(tps)
		switch {
		case g.ending.Err() != nil:
		case err != nil:
			return errors.Join(err, g.consumer.IncrementalAssign(nil))
		default:
			return g.take(tps, marks, ids)
		}
	}
	for i := range tps {
		tps[i].Offset = 0 // any will do; without one the client would ask what is remembered, and be silent until it is told
	}
	return g.park(tps)
}

// take begins partitions where the group remembers them: it takes their queues, and starts their owners.
func (g *group) take(tps []kafka.TopicPartition, marks []Mark, ids map[string]string) (err error) {
	ours := memberID(g.consumer)
	come := make([]*Partition, len(tps))
	for i := range tps {
		p := &Partition{
			Topic: *tps[i].Topic, ID: tps[i].Partition, TopicID: ids[*tps[i].Topic], Start: marks[i], next: marks[i].Offset,
			group: g, gate: &gate{ours: func() bool { return memberID(g.consumer) == ours }},
			stop: make(chan struct{}), left: make(chan struct{}), done: make(chan struct{}),
		}
		p.waker = g.wakers.add()
		p.queue = g.open(p)
		come[i] = p
		tps[i].Offset = kafka.Offset(p.next)
	}
	if g.Idle {
		err = g.park(tps)
	} else {
		err = g.consumer.IncrementalAssign(tps)
	}
	if err != nil {
		for _, p := range come {
			p.queue.close()
			g.wakers.remove(p.waker)
		}
		return fmt.Errorf("group %s: %w", g.Name, err)
	}
	g.taken(len(come))
	for _, p := range come {
		g.owned[p.key()] = p
		var ctx context.Context
		ctx, p.cancel = context.WithCancel(g.ctx)
		go g.own(ctx, p, g.past[p.key()])
	}
	return nil
}

// park takes partitions without reading them.
func (g *group) park(tps []kafka.TopicPartition) error {
	err := g.consumer.IncrementalAssign(tps)
	if err == nil {
		err = g.consumer.Pause(tps)
	}
	return err
}

// remembered is what the group remembers of partitions, and the ids of their topics.
func (g *group) remembered(tps []kafka.TopicPartition) ([]Mark, map[string]string, error) {
	marks, err := g.marks(tps)
	if err != nil {
		return nil, nil, err
	}
	ids, err := g.admin.IDs(g.ctx, topicsOf(tps))
	if err != nil {
		return nil, nil, fmt.Errorf("group %s: %w", g.Name, err)
	}
	return marks, ids, nil
}

// own runs the owner of a partition, once the last one of the same partition in this process has returned.
func (g *group) own(ctx context.Context, p *Partition, before <-chan struct{}) {
	defer close(p.done)
	defer p.cancel()
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
			g.taken(-1)
			return
		}
	}
	if err := g.Own(ctx, p); err != nil && ctx.Err() == nil && !errors.Is(err, ErrGone) {
		g.fail(err)
	}
}

func (g *group) taken(n int) {
	if g.Taken != nil {
		g.Taken(n)
	}
}

// open takes the partition's queue, in the way this client can.
func (g *group) open(p *Partition) queue {
	if g.client.PollOnly || handleOf(g.consumer) == nil {
		return &pollQueue{p: p}
	}
	return openBatchQueue(g.consumer, p.Topic, p.ID, p.waker, g.client.ahead(g.Group)/4)
}

const ask = 5 * time.Second // how long a broker may take to answer a question

// marks is what the group remembers of each partition, resolved to an offset where it remembers nothing.
func (g *group) marks(tps []kafka.TopicPartition) ([]Mark, error) {
	got, err := g.committed(tps)
	if err != nil {
		return nil, fmt.Errorf("group %s: committed offsets: %w", g.Name, err)
	}
	marks := make([]Mark, len(tps))
	for i, tp := range got {
		switch {
		case tp.Error != nil:
			return nil, fmt.Errorf("group %s: committed offset of %s partition %d: %w", g.Name, *tp.Topic, tp.Partition, tp.Error)
		case tp.Offset >= 0:
			marks[i].Offset = int64(tp.Offset)
			if tp.Metadata != nil {
				marks[i].Metadata = *tp.Metadata
			}
		case g.Idle:
		default:
			if marks[i].Offset, err = g.first(tp); err != nil {
				return nil, err
			}
		}
	}
	return marks, nil
}

// unsettled is how long an offset may be in the balance: a worker that dies while it commits dead letters leaves a transaction open,
// which the broker ends after its timeout of ten seconds, when it next looks, which by default it does every ten.
const unsettled = 30 * time.Second

// committed asks what the group remembers of partitions, until nothing of that is in the balance: the others that are ours go on
// meanwhile.
func (g *group) committed(tps []kafka.TopicPartition) ([]kafka.TopicPartition, error) {
	for began := time.Now(); ; {
		var got []kafka.TopicPartition
		err := patiently(func() (err error) {
			got, err = g.consumer.Committed(tps, int(ask.Milliseconds()))
			return err
		})
		var e kafka.Error
		if !errors.As(err, &e) || !e.IsTimeout() || time.Since(began) > unsettled || g.ending.Err() != nil {
			return got, err
		}
		g.client.log("kafka", "committed offsets asked again", err.Error())
	}
}

// first is where to begin a partition of which the group remembers nothing.
func (g *group) first(tp kafka.TopicPartition) (int64, error) {
	var low, high int64
	err := patiently(func() (err error) {
		low, high, err = g.consumer.QueryWatermarkOffsets(*tp.Topic, tp.Partition, int(ask.Milliseconds()))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s partition %d: %w", *tp.Topic, tp.Partition, err)
	}
	if starts := g.Starts[*tp.Topic]; int(tp.Partition) < len(starts) {
		return max(low, min(starts[tp.Partition], high)), nil
	}
	return low, nil
}

func topicsOf(tps []kafka.TopicPartition) (names []string) {
	for _, tp := range tps {
		if !slices.Contains(names, *tp.Topic) {
			names = append(names, *tp.Topic)
		}
	}
	return names
}
