package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Letters stores records together with a partition's offset: both or neither. It is safe for concurrent use, one transaction at a
// time. Nothing is connected before the first.
type Letters struct {
	Client *Client
	ID     string       // of the producer; no other may live with the same
	Point  func(string) // called at "letters", when all is in the transaction but its end; may be nil

	mu       sync.Mutex
	producer *Producer
}

// Close gives the producer up.
func (l *Letters) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
}

func (l *Letters) drop() {
	if l.producer != nil {
		l.producer.Close()
		l.producer = nil
	}
}

// abort ends the transaction that is open, if the broker is there: until somebody does, the partition's next owner would wait for
// its offset.
func (l *Letters) abort() {
	if l.producer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = l.producer.client.AbortTransaction(ctx) // there may be none; the next producer of this id ends what is left
	}
}

// CommitWith makes the group remember m, and the entries durable with it, through the gate. It tries again, without limit, as
// long as the partition is ours and the entries' topics are there, else it gives ErrNoTopic; where the outcome of an attempt is unknown it
// finds out first.
func (p *Partition) CommitWith(ctx context.Context, l *Letters, entries []Entry, m Mark) error {
	again := retries{p: p}
	for doubt := false; ; doubt = true {
		err := p.Effect(ctx, func(ctx context.Context) error { return l.once(ctx, p, entries, m, doubt) })
		switch {
		case err == nil || errors.Is(err, ErrGone) || ctx.Err() != nil || TooLarge(err):
			return again.over(err)
		case shutOut(err):
			p.group.fence(err)
			return again.over(fmt.Errorf("%w: %w", ErrGone, err))
		}
		if _, missing := p.group.admin.IDs(ctx, entered(entries)); errors.Is(missing, ErrNoTopic) { // the client does not say so
			return again.over(missing)
		}
		if err := again.pause(ctx, err); err != nil {
			return again.over(err)
		}
	}
}

// entered are the topics that entries go to.
func entered(entries []Entry) (topics []string) {
	for i := range entries {
		if !slices.Contains(topics, entries[i].Topic) {
			topics = append(topics, entries[i].Topic)
		}
	}
	return topics
}

// once is one attempt. After a doubtful one a new producer of the same id comes first: the broker then has ended the earlier
// transaction, one way or the other, and what the group remembers says which.
func (l *Letters) once(ctx context.Context, p *Partition, entries []Entry, m Mark, doubt bool) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil { // while it waited: the client's calls would not see that
		return err
	}
	defer func() {
		if err != nil {
			l.abort()
			l.drop()
		}
	}()
	ctx, cancel := patient(ctx, transactionTime*time.Millisecond)
	defer cancel()
	if l.producer == nil {
		if l.producer, err = l.Client.Producer(ctx, l.ID); err != nil {
			return err
		}
	}
	if doubt {
		if done, err := p.group.remembers(p, m); done || err != nil {
			return err
		}
	}
	member, err := p.group.membership()
	if err != nil {
		return err
	}
	if err := l.producer.client.BeginTransaction(); err != nil {
		return err
	}
	if err := l.producer.produceAll(ctx, entries); err != nil {
		return err
	}
	tps := p.tp()
	tps[0].Offset, tps[0].Metadata = kafka.Offset(m.Offset), &m.Metadata
	if err := l.addOffset(ctx, tps, member); err != nil {
		return err
	}
	if l.Point != nil {
		l.Point("letters")
	}
	return l.producer.client.CommitTransaction(ctx)
}

// addOffset adds an offset to the transaction. The client's call heeds no deadline while it looks for a coordinator, and where that has
// died it may look for ever (confluentinc/librdkafka#5456, #5511): then the producer is left to it, and closed when it returns.
func (l *Letters) addOffset(ctx context.Context, offset []kafka.TopicPartition, member *kafka.ConsumerGroupMetadata) error {
	p, done := l.producer, make(chan error, 1)
	go func() { done <- p.client.SendOffsetsToTransaction(ctx, offset, member) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(time.Second):
	}
	l.producer = nil
	go func() {
		<-done
		p.Close()
	}()
	return fmt.Errorf("the group's coordinator does not take the offset: %w", context.Cause(ctx))
}

// remembers tells whether the group remembers m already.
func (g *group) remembers(p *Partition, m Mark) (bool, error) {
	got, err := g.consumer.Committed(p.tp(), int(ask.Milliseconds()))
	if err != nil {
		return false, err
	}
	if got[0].Error != nil {
		return false, got[0].Error
	}
	return int64(got[0].Offset) == m.Offset && got[0].Metadata != nil && *got[0].Metadata == m.Metadata, nil
}

// membership is what makes the broker check that we are still a member. Outside a generation it would check nothing.
func (g *group) membership() (*kafka.ConsumerGroupMetadata, error) {
	m, err := g.consumer.GetConsumerGroupMetadata()
	if err != nil {
		return nil, err
	}
	if !inGeneration(m) || handleOf(g.consumer) != nil && memberID(g.consumer) == "" {
		return nil, kafka.NewError(kafka.ErrIllegalGeneration, "not in a generation of the group at the moment", false)
	}
	return m, nil
}

// inGeneration reads the generation from the client's own serialisation: a tag, then a 32-bit number in the machine's order.
func inGeneration(m *kafka.ConsumerGroupMetadata) bool {
	const tag = "CGMDv2:"
	f := reflect.ValueOf(m).Elem().FieldByName("serialized")
	if !f.IsValid() || f.Kind() != reflect.Slice {
		return true // another version of the client; the member id is checked all the same
	}
	b := f.Bytes()
	if len(b) < len(tag)+4 || string(b[:len(tag)]) != tag {
		return true
	}
	return int32(binary.NativeEndian.Uint32(b[len(tag):])) >= 0
}

// TooLarge tells whether err says that a record is larger than its topic or the client takes.
func TooLarge(err error) bool {
	var e kafka.Error
	return errors.As(err, &e) && (e.Code() == kafka.ErrMsgSizeTooLarge || e.Code() == kafka.ErrRecordListTooLarge)
}

// shutOut tells whether the group takes nothing from us any more.
func shutOut(err error) bool {
	var e kafka.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case kafka.ErrTopicAuthorizationFailed, kafka.ErrGroupAuthorizationFailed, kafka.ErrTransactionalIDAuthorizationFailed, kafka.ErrOffsetMetadataTooLarge:
		return true
	}
	return forgotten(e)
}

// forgotten tells whether the group has gone on without us.
func forgotten(e kafka.Error) bool {
	return e.Code() == kafka.ErrUnknownMemberID || e.Code() == kafka.ErrFencedInstanceID
}

// TakenOver tells whether err says that others have gone on in our place: what was left to do is theirs.
func TakenOver(err error) bool {
	var e kafka.Error
	return errors.Is(err, ErrFenced) || errors.As(err, &e) && forgotten(e)
}
