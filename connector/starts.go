package connector

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/penstock/penstock/kafka"
)

func (b *book) startsKey(topic string) string {
	return fmt.Sprintf("starts/%s/%s", b.run.Group(), topic)
}

// starts is where the partitions of the topics began when the group was new, where that is not at their beginning. Whoever finds that
// the group remembers nothing of a topic writes it down for all of its partitions, before it joins: those that are not committed
// before it dies, or that another worker takes, begin there too.
func (b *book) starts(ctx context.Context) (map[string][]int64, error) {
	from := b.run.Config.From.From
	if from == (kafka.From{}) {
		return nil, nil
	}
	a, err := b.run.Client.Admin()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	out := map[string][]int64{}
	for _, topic := range b.run.topics {
		known, err := a.Knows(ctx, b.run.Group(), topic)
		if err == nil && !known {
			err = b.begin(ctx, a, topic, from)
		}
		if err != nil {
			return nil, err
		}
		if out[topic], err = b.startsOf(topic); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// startsOf is what is written down of a topic.
func (b *book) startsOf(topic string) (starts []int64, err error) {
	if text := b.kept[b.startsKey(topic)]; text != nil {
		if err = json.Unmarshal(text, &starts); err != nil {
			err = fmt.Errorf("starts of %s in the state topic: %w", topic, err)
		}
	}
	return starts, err
}

// begin writes down where a topic's partitions begin now.
func (b *book) begin(ctx context.Context, a *kafka.Admin, topic string, from kafka.From) error {
	starts, err := a.Starts(ctx, topic, from)
	if err != nil {
		return err
	}
	text, err := json.Marshal(starts)
	if err != nil {
		return err
	}
	return b.write(ctx, "starts "+b.run.Group()+" "+topic, func() map[string][]byte { return map[string][]byte{b.startsKey(topic): text} })
}
