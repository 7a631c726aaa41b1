package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// ErrFenced says that another producer of the same id has begun since: the work is its own now.
var ErrFenced = errors.New("another worker has taken this over")

// Producer stores rows and marks in transactions, as the only living producer of its id. One goroutine uses it.
type Producer struct {
	id     string
	limit  time.Duration // of a transaction
	client *kafka.Producer
	feeder feeder
	done   chan struct{}
}

// Entry is one record with its address: of a Table, or a dead letter.
type Entry struct {
	Topic     string
	Partition int32 // AnyPartition leaves it to the key
	record.Record
}

// AnyPartition is the partition that a record's key decides.
const AnyPartition = kafka.PartitionAny

// transactionTime is after how many milliseconds a broker ends a transaction that nobody ended.
const transactionTime = 10000

func (c *Client) producerConfig(id string) *kafka.ConfigMap {
	// linger.ms waits for nobody, since the end of a transaction sends what there is: it keeps batches of a few rows from being sent before.
	return c.base(kafka.ConfigMap{
		"transaction.timeout.ms": transactionTime, "linger.ms": 200, "compression.type": "lz4", "partitioner": "murmur2_random",
		"queue.buffering.max.messages": 1000000, "queue.buffering.max.kbytes": 65536, "batch.num.messages": 100000,
	}, kafka.ConfigMap{
		"transactional.id": id, "enable.idempotence": true, "go.delivery.reports": false,
		"go.events.channel.size": 100, "go.produce.channel.size": 1, // a million each by default: 23 MB for each split, and work for the collector
	})
}

// Producer makes the producer called id. When it returns every earlier one of that id is fenced, and its open transaction aborted.
func (c *Client) Producer(ctx context.Context, id string) (*Producer, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("producer %s: %w", id, err)
	}
	config := c.producerConfig(id)
	quiet := c.hear(config)
	p, err := kafka.NewProducer(config)
	if err != nil {
		quiet()
		return nil, fmt.Errorf("kafka: %w", err)
	}
	out := &Producer{id: id, limit: milliseconds(config, "transaction.timeout.ms"), client: p, feeder: newFeeder(p), done: make(chan struct{})}
	go func() {
		defer close(out.done)
		defer quiet()
		for ev := range p.Events() {
			if e, ok := ev.(kafka.Error); ok {
				c.log("kafka", "error", e.Error())
			}
		}
	}()
	_, _ = p.GetMetadata(nil, false, int(ask.Milliseconds())) // once a broker is reached: else the coordinator is looked for every half second
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second) // the client heeds no more than that, and goes on where it was
		err := p.InitTransactions(attempt)
		cancel()
		if err == nil {
			return out, nil
		}
		if !retriable(err) || ctx.Err() != nil {
			out.Close()
			return nil, fmt.Errorf("producer %s: %w", id, classify(err, 0, out.limit))
		}
	}
}

// Close gives the producer up, with whatever transaction is open.
func (p *Producer) Close() {
	p.client.Close()
	<-p.done
}

// Store makes a batch's rows, on topic, and the entries durable together. On an error neither is visible. It tries again what can be
// tried again, until ctx is done; ErrFenced says that somebody else goes on.
func (p *Producer) Store(ctx context.Context, topic string, b *record.Batch, entries ...Entry) error {
	return p.transact(ctx, func() error {
		if err := p.rows(ctx, topic, b.Records); err != nil {
			return err
		}
		return p.produceAll(ctx, entries)
	})
}

func (p *Producer) rows(ctx context.Context, topic string, records []record.Record) error {
	if p.feeder.can(records) {
		return p.feeder.feed(ctx, topic, records)
	}
	for i := range records {
		if err := p.produce(ctx, topic, AnyPartition, &records[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *Producer) produceAll(ctx context.Context, entries []Entry) error {
	for i := range entries {
		if err := p.produce(ctx, entries[i].Topic, entries[i].Partition, &entries[i].Record); err != nil {
			return err
		}
	}
	return nil
}

// firstPause is how long a transaction that failed is left alone at first.
const firstPause = 50 * time.Millisecond

// patient bounds what is asked within a transaction of that limit: when it is over, the brokers have ended the transaction anyway.
func patient(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, limit+limit/2)
}

// transact runs body in a transaction, and again in another where the client says that this is right.
func (p *Producer) transact(ctx context.Context, body func() error) error {
	began := time.Now()
	for wait := firstPause; ; wait = min(2*wait, 5*time.Second) {
		err := p.client.BeginTransaction()
		if err == nil {
			err = body()
		}
		if err == nil {
			err = p.bounded(ctx, p.client.CommitTransaction)
		}
		var e kafka.Error
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || !errors.As(err, &e) || !e.TxnRequiresAbort():
			return fmt.Errorf("producer %s: %w", p.id, classify(err, time.Since(began), p.limit))
		}
		cause := err
		if err := p.bounded(ctx, p.client.AbortTransaction); err != nil {
			return fmt.Errorf("producer %s: %w", p.id, classify(err, time.Since(began), p.limit))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("producer %s: %w", p.id, cause)
		case <-time.After(jittered(wait)):
		}
	}
}

// jittered is a pause of about that length: many who have failed at once are not to come back at once.
func jittered(wait time.Duration) time.Duration { return wait/2 + rand.N(wait) }

// produce hands one record to the client, waiting while its queue is full.
func (p *Producer) produce(ctx context.Context, topic string, partition int32, r *record.Record) error {
	m := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: partition}, Key: r.Key, Value: r.Value}
	if r.Time != record.NoTime {
		m.Timestamp = time.UnixMilli(r.Time)
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	for {
		err := p.client.Produce(m, nil)
		var e kafka.Error
		if !errors.As(err, &e) || e.Code() != kafka.ErrQueueFull {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// bounded ends a transaction, or gives up once the brokers have.
func (p *Producer) bounded(ctx context.Context, end func(context.Context) error) error {
	ctx, cancel := patient(ctx, p.limit)
	defer cancel()
	return p.retry(ctx, func() error { return end(ctx) })
}

// retry asks again as long as the client says that asking again is right.
func (p *Producer) retry(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil || !retriable(err) || ctx.Err() != nil {
			return unanswered(err)
		}
		select {
		case <-ctx.Done():
			return unanswered(ctx.Err())
		case <-time.After(jittered(50 * time.Millisecond)):
		}
	}
}

func retriable(err error) bool {
	var e kafka.Error
	return errors.As(err, &e) && !e.IsFatal() && !e.TxnRequiresAbort() && (e.IsRetriable() || e.IsTimeout())
}

// ErrExpired says that brokers have ended a transaction which took longer than they allow.
var ErrExpired = errors.New("the brokers were away, or slow, for longer than a transaction may take, and have ended it")

// classify says ErrFenced where that is what an error means, of work that took so long and may take so long: brokers
// fence a producer also when they end its transaction.
func classify(err error, took, limit time.Duration) error {
	var e kafka.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case kafka.ErrFenced, kafka.ErrProducerFenced, kafka.ErrInvalidProducerEpoch:
		if took >= limit {
			return fmt.Errorf("%w: %w", ErrExpired, err)
		}
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return err
}
