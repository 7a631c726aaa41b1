package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Table reads one partition of a compacted topic as a map: of each key the last value that was committed before the call.
// It reads up to the partition's high watermark, waiting for transactions that are open there to end: to stop at the first of them
// could miss a record behind it.
func (c *Client) Table(ctx context.Context, topic string, partition int32) (map[string][]byte, error) {
	consumer, err := kafka.NewConsumer(c.glance("penstock-table"))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer consumer.Close()
	end, err := highWatermark(ctx, consumer, topic, partition) // it also tells the consumer who leads the partition: it would find out in a second
	if err != nil {
		return nil, err
	}
	err = consumer.Assign([]kafka.TopicPartition{{Topic: &topic, Partition: partition, Offset: kafka.OffsetBeginning}})
	rows := map[string][]byte{}
	for position := int64(0); err == nil && position < end; err = errors.Join(err, ctx.Err()) {
		switch e := consumer.Poll(100).(type) {
		case *kafka.Message:
			rows[string(e.Key)], err = e.Value, e.TopicPartition.Error
			position = int64(e.TopicPartition.Offset) + 1
		case kafka.PartitionEOF:
			position = max(position, int64(e.Offset))
		case kafka.Error:
			err = c.apart(e)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	return rows, nil
}

// highWatermark is the end of a partition, whatever transactions are open before it.
func highWatermark(ctx context.Context, consumer *kafka.Consumer, topic string, partition int32) (int64, error) {
	client, err := kafka.NewAdminClientFromConsumer(consumer)
	if err != nil {
		return 0, fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	ends, err := (&Admin{client: client}).ends(ctx, []string{topic}, kafka.IsolationLevelReadUncommitted)
	if err == nil && int(partition) >= len(ends[topic]) {
		err = fmt.Errorf("topic %s has %d partitions; there is no partition %d", topic, len(ends[topic]), partition)
	}
	if err != nil {
		return 0, err
	}
	return ends[topic][partition], nil
}
