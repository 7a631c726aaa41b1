package connector

import (
	"context"

	"github.com/penstock/penstock/kafka"
)

// Standing is what a group remembers of a partition, and how far that is from its end.
type Standing struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Committed int64  `json:"committed"`      // -1 when nothing is
	Plan      int64  `json:"plan,omitempty"` // the end of an interval that may be visible in part
	End       int64  `json:"end"`
	Lag       int64  `json:"lag"`
	Owed      *int64 `json:"owed,omitempty"` // the first offset that hooks have not been told of
	Layout    string `json:"layout,omitempty"`
	Schema    int    `json:"schema,omitempty"`
	Problem   string `json:"problem,omitempty"` // why a worker would hold it
}

// Standings asks the brokers about every partition of a sink's topics.
func Standings(ctx context.Context, client *kafka.Client, name string, c Config) ([]Standing, error) {
	a, err := client.Admin()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	run := Run{Name: name, Config: c}
	topics, err := c.TopicsNow(ctx, a)
	if err != nil {
		return nil, err
	}
	marks, err := a.Committed(ctx, run.Group(), topics)
	if err != nil {
		return nil, err
	}
	ends, err := a.Ends(ctx, topics)
	if err != nil {
		return nil, err
	}
	out := []Standing{}
	for _, topic := range topics {
		for p, mark := range marks[topic] {
			out = append(out, standing(topic, p, mark, ends[topic][p]))
		}
	}
	return out, nil
}

func standing(topic string, partition int, mark kafka.Mark, end int64) Standing {
	s := Standing{Topic: topic, Partition: partition, Committed: mark.Offset, End: end, Lag: max(end-max(mark.Offset, 0), 0)}
	m, err := readMemo(mark)
	if err != nil {
		s.Problem = err.Error()
		return s
	}
	s.Plan, s.Owed, s.Layout, s.Schema = m.End, m.Owed, m.Layout, m.Schema
	return s
}
