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
	a, err := c.Admin()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	ends, err := a.ends(ctx, []string{topic}, kafka.IsolationLevelReadUncommitted)
	if err != nil {
		return nil, err
	}
	if int(partition) >= len(ends[topic]) {
		return nil, fmt.Errorf("topic %s has %d partitions, not %d", topic, len(ends[topic]), partition+1)
	}
	consumer, err := kafka.NewConsumer(c.consumerConfig(Group{Name: "penstock-table"}))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer consumer.Close()
	go c.drainLogs(consumer.Logs())
	err = consumer.Assign([]kafka.TopicPartition{{Topic: &topic, Partition: partition, Offset: kafka.OffsetBeginning}})
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	rows := map[string][]byte{}
	for position := int64(0); position < ends[topic][partition] && ctx.Err() == nil; {
		switch e := consumer.Poll(100).(type) {
		case *kafka.Message:
			var ke kafka.Error
			if errors.As(e.TopicPartition.Error, &ke) {
				return nil, fmt.Errorf("topic %s: %w", topic, ke)
			}
			rows[string(e.Key)] = e.Value
			position = int64(e.TopicPartition.Offset) + 1
		case kafka.PartitionEOF:
			position = max(position, int64(e.Offset))
		case kafka.Error:
			if e.IsFatal() {
				return nil, fmt.Errorf("topic %s: %w", topic, e)
			}
			c.log("kafka", "error", e.Error())
		}
	}
	return rows, ctx.Err()
}
