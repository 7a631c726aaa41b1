package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// sampleBytes is how many bytes of a topic a sample holds at most, but for one record of each partition.
const sampleBytes = 32 << 20

// Sample reads up to n records of a topic, about as many of each partition, from where the group stands or else from the
// beginning, without becoming a member. It ends early where the topic did when it began, however fast that grows, and where
// records are large.
func (c *Client) Sample(ctx context.Context, group, topic string, n int) ([]record.Batch, error) {
	consumer, err := kafka.NewConsumer(c.glance(group))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer consumer.Close()
	var starts []kafka.TopicPartition
	var ends []int64
	err = patiently(func() (err error) {
		starts, ends, err = sampleRange(consumer, topic)
		return err
	})
	if err == nil {
		err = consumer.Assign(starts)
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	m := &sample{topic: topic, ends: ends, out: make([]record.Batch, len(starts)), open: len(starts), done: make([]bool, len(starts)),
		held: make([]int, len(starts)), each: max(n/max(len(starts), 1), 1), most: sampleBytes / max(len(starts), 1)}
	for m.open > 0 && ctx.Err() == nil {
		if err := m.take(c, consumer.Poll(100)); err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
		m.pause(consumer)
	}
	if ctx.Err() != nil && m.said != nil {
		return nil, fmt.Errorf("topic %s: %w: %w", topic, ctx.Err(), m.said)
	}
	return m.out, ctx.Err()
}

// sample is a sample under way.
type sample struct {
	topic      string
	ends       []int64
	each, most int // records and bytes of a partition
	out        []record.Batch
	held       []int // bytes
	done       []bool
	open       int     // how many are not done
	finished   []int32 // those that have been since the last pause
	said       error   // by the library, last
}

// take takes note of one event.
func (m *sample) take(c *Client, event kafka.Event) error {
	switch e := event.(type) {
	case kafka.PartitionEOF:
		m.finish(e.Partition)
	case *kafka.Message:
		switch err := e.TopicPartition.Error; {
		case passing(err): // the client goes on by itself
			m.said = err
		case err != nil:
			return err
		default:
			m.add(e)
		}
	case kafka.Error:
		if c.log("kafka", "error", e.Error()); e.IsFatal() {
			return e
		}
		m.said = e
	}
	return nil
}

func (m *sample) add(e *kafka.Message) {
	p, at := e.TopicPartition.Partition, int64(e.TopicPartition.Offset)
	b := &m.out[p]
	b.Topic, b.Partition = m.topic, p
	if !m.done[p] && at < m.ends[p] {
		b.Records = append(b.Records, fromMessage(e))
		m.held[p] += len(e.Key) + len(e.Value)
	}
	if at+1 >= m.ends[p] || len(b.Records) == m.each || m.held[p] >= m.most {
		m.finish(p)
	}
}

func (m *sample) finish(p int32) {
	if !m.done[p] {
		m.done[p], m.open = true, m.open-1
		m.finished = append(m.finished, p)
	}
}

// pause spares the brokers what is not wanted any more.
func (m *sample) pause(consumer *kafka.Consumer) {
	for _, p := range m.finished {
		_ = consumer.Pause([]kafka.TopicPartition{{Topic: &m.topic, Partition: p}}) // it only saves work
	}
	m.finished = m.finished[:0]
}

// sampleRange is where the group stands in each partition, or the beginning; and where the partition ends.
func sampleRange(consumer *kafka.Consumer, topic string) (starts []kafka.TopicPartition, ends []int64, err error) {
	meta, err := consumer.GetMetadata(&topic, false, int(ask.Milliseconds()))
	if err != nil {
		return nil, nil, err
	}
	tps := make([]kafka.TopicPartition, len(meta.Topics[topic].Partitions))
	for i := range tps {
		tps[i] = kafka.TopicPartition{Topic: &topic, Partition: int32(i)}
	}
	if len(tps) == 0 {
		return nil, nil, ErrNoTopic
	}
	got, err := consumer.Committed(tps, int(ask.Milliseconds()))
	var e kafka.Error
	if errors.As(err, &e) && e.Code() == kafka.ErrGroupIDNotFound {
		got, err = tps, nil
		for i := range got {
			got[i].Offset = kafka.OffsetInvalid
		}
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range got {
		low, high, err := consumer.QueryWatermarkOffsets(topic, got[i].Partition, int(ask.Milliseconds()))
		if err != nil {
			return nil, nil, err
		}
		ends = append(ends, high)
		if at := int64(got[i].Offset); at < low || at >= high {
			got[i].Offset = kafka.Offset(low)
		}
	}
	return got, ends, nil
}
