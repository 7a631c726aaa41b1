package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// ErrMadeAgain says that a topic has been deleted since, and another made under its name.
var ErrMadeAgain = errors.New("it was deleted, and made again under the same name")

// urlSafe spells an id as Kafka's own tools do.
var urlSafe = strings.NewReplacer("+", "-", "/", "_")

// IDs tells each topic's id, which no other topic ever has; "" from a broker that gives none. ErrNoTopic where one is absent.
func (a *Admin) IDs(ctx context.Context, topics []string) (map[string]string, error) {
	ids := map[string]string{}
	if len(topics) == 0 {
		return ids, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	got, err := a.client.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames(topics))
	if err := unanswered(err); err != nil {
		return nil, fmt.Errorf("topics %v: %w", topics, err)
	}
	for _, t := range got.TopicDescriptions {
		if err := topicError(t.Name, t.Error); err != nil {
			return nil, err
		}
		ids[t.Name] = urlSafe.Replace(t.TopicID.String())
	}
	return ids, nil
}

// unanswered says of a deadline of our own what it means: no broker has answered in time.
func unanswered(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", kafka.NewError(kafka.ErrTimedOut, "no broker has answered in time", false), err)
	}
	return err
}

// topicError is what a broker says of one topic.
func topicError(topic string, e kafka.Error) error {
	switch e.Code() {
	case kafka.ErrNoError:
		return nil
	case kafka.ErrUnknownTopicOrPart, kafka.ErrUnknownTopic:
		return fmt.Errorf("topic %s: %w", topic, ErrNoTopic)
	}
	return fmt.Errorf("topic %s: %w", topic, e)
}

// Same is nil if the topic is still the one that the partition is of, and so is all that was read before. It is ErrMadeAgain or
// ErrNoTopic otherwise: a client that reads by the topic's name does not notice. It asks again while no broker answers, as long as
// the partition is ours.
func (p *Partition) Same(ctx context.Context) error {
	for again := (retries{p: p}); ; {
		ids, err := p.group.admin.IDs(ctx, []string{p.Topic})
		switch {
		case err == nil && ids[p.Topic] != p.TopicID:
			return again.over(fmt.Errorf("topic %s: %w", p.Topic, ErrMadeAgain))
		case err == nil || errors.Is(err, ErrNoTopic):
			return again.over(err)
		case !p.Owned():
			return again.over(ErrGone)
		}
		if err := again.pause(ctx, err); err != nil {
			return again.over(err)
		}
	}
}
