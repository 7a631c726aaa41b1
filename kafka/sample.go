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
	out := make([]record.Batch, len(starts))
	open, each := len(starts), max(n/max(len(starts), 1), 1)
	held, most := make([]int, len(starts)), sampleBytes/max(len(starts), 1)
	done := make([]bool, len(starts))
	var said error // by the library, last
	finish := func(p int32) {
		if !done[p] {
			done[p], open = true, open-1
			_ = consumer.Pause([]kafka.TopicPartition{{Topic: &topic, Partition: p}}) // it only saves work
		}
	}
	for open > 0 && ctx.Err() == nil {
		switch e := consumer.Poll(100).(type) {
		case kafka.PartitionEOF:
			finish(e.Partition)
		case *kafka.Message:
			b := &out[e.TopicPartition.Partition]
			b.Topic, b.Partition = topic, e.TopicPartition.Partition
			if e.TopicPartition.Error != nil {
				return nil, fmt.Errorf("topic %s: %w", topic, e.TopicPartition.Error)
			}
			at := int64(e.TopicPartition.Offset)
			if !done[b.Partition] && at < ends[b.Partition] {
				b.Records = append(b.Records, fromMessage(e))
				held[b.Partition] += len(e.Key) + len(e.Value)
			}
			if at+1 >= ends[b.Partition] || len(b.Records) == each || held[b.Partition] >= most {
				finish(b.Partition)
			}
		case kafka.Error:
			if c.log("kafka", "error", e.Error()); e.IsFatal() {
				return nil, fmt.Errorf("topic %s: %w", topic, e)
			}
			said = e
		}
	}
	if ctx.Err() != nil && said != nil {
		return nil, fmt.Errorf("topic %s: %w: %w", topic, ctx.Err(), said)
	}
	return out, ctx.Err()
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
