package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/worker"
)

// reach asks Kafka for a topic of the file, whether it stands or not. It returns nil once a broker has answered.
func reach(ctx context.Context, f *worker.File) error {
	a, err := (&kafka.Client{Config: f.Kafka}).Admin()
	if err != nil {
		return err
	}
	defer a.Close()
	if _, err = a.Partitions(ctx, firstTopic(f)); err == nil || errors.Is(err, kafka.ErrNoTopic) {
		return nil
	}
	return fmt.Errorf("kafka at %s: %w; start it, or check brokers and properties of the kafka block", strings.Join(f.Kafka.Brokers, ", "), err)
}

func firstTopic(f *worker.File) string {
	c := f.Connectors[0].Config
	if c.Source != nil {
		return c.Topic.Name
	}
	if len(c.Topics.Names) == 0 {
		return f.Kafka.StateTopic
	}
	return c.Topics.Names[0]
}
