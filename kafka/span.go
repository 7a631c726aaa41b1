package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// spanRows is how many records a batch of a span has at most.
const spanRows = 2000

// Span reads the committed records of a partition from one offset up to another, or up to the partition's end, in batches, without a
// group. It waits for transactions that are open there. What it gives is valid until the next batch. *Lost says that the rows where it
// had come to are not on the topic any more.
func (c *Client) Span(ctx context.Context, topic string, partition int32, from, to int64) iter.Seq2[*record.Batch, error] {
	return func(yield func(*record.Batch, error) bool) {
		if from >= to {
			return
		}
		consumer, err := kafka.NewConsumer(silent(c.consumerConfig(Group{Name: "penstock-span"})))
		if err != nil {
			yield(nil, fmt.Errorf("kafka: %w", err))
			return
		}
		defer consumer.Close()
		s := &span{client: c, consumer: consumer, to: to, out: record.Batch{Topic: topic, Partition: partition, Next: from}}
		end, err := highWatermark(ctx, consumer, topic, partition) // as in Table
		if s.to = min(to, end); err == nil {
			s.over = from >= s.to
			err = consumer.Assign([]kafka.TopicPartition{{Topic: &topic, Partition: partition, Offset: kafka.Offset(from)}})
		}
		for err == nil && !s.over {
			if err = s.fill(ctx); len(s.out.Records) > 0 && !yield(&s.out, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, fmt.Errorf("topic %s, partition %d: %w", topic, partition, err))
		}
	}
}

// span is a span under way.
type span struct {
	client   *Client
	consumer *kafka.Consumer
	to       int64
	out      record.Batch
	over     bool
}

// fill makes the next batch.
func (s *span) fill(ctx context.Context) error {
	s.out.Records, s.out.Bad, s.out.Unknown = s.out.Records[:0], nil, nil
	for len(s.out.Records) < spanRows && !s.over {
		switch e := s.consumer.Poll(100).(type) {
		case *kafka.Message:
			if e.TopicPartition.Error != nil {
				if err := s.failed(e.TopicPartition.Error); err != nil {
					return err
				}
				continue
			}
			at := int64(e.TopicPartition.Offset)
			if s.over = at >= s.to-1; at < s.to {
				s.out.Records = append(s.out.Records, fromMessage(e))
				s.out.Next = at + 1
			}
		case kafka.PartitionEOF:
			s.over = int64(e.Offset) >= s.to
		case kafka.Error:
			if err := s.failed(e); err != nil {
				return err
			}
		case nil:
			if len(s.out.Records) > 0 {
				return nil
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// failed is what an error means for the span; nil if it goes on.
func (s *span) failed(err error) error {
	var e kafka.Error
	if errors.As(err, &e) && e.Code() == kafka.ErrAutoOffsetReset {
		return &Lost{Offset: s.out.Next, Text: err.Error()}
	}
	return s.client.apart(err)
}

// apart is what an error means for a consumer that reads a partition as no member of a group: the client reads on by itself after
// those that pass and those of one broker, and its group, which the client looks for all the same, may be refused.
func (c *Client) apart(err error) error {
	var e kafka.Error
	errors.As(err, &e)
	switch e.Code() {
	case kafka.ErrGroupAuthorizationFailed, kafka.ErrResolve, kafka.ErrAuthentication, kafka.ErrSsl:
	default:
		if !passing(err) {
			return err
		}
	}
	c.log("kafka", "error", err.Error())
	return nil
}
