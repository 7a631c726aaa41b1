package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/plugin"
)

// Topic is a topic as it should be.
type Topic struct {
	Name       string
	Partitions int
	Compact    bool
}

// Admin asks and tells the cluster. Close it.
type Admin struct {
	client *kafka.AdminClient
	of     *Client
	own    []string // topics that penstock keeps for itself

	mu     sync.Mutex
	closed bool
	groups map[string]*kafka.Consumer // who ask what a group remembers
}

// Admin connects.
func (c *Client) Admin() (*Admin, error) {
	a, err := kafka.NewAdminClient(silent(c.base(nil, nil)))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &Admin{client: a, of: c, own: []string{c.Config.OffsetsTopic, c.Config.StateTopic}, groups: map[string]*kafka.Consumer{}}, nil
}

// Close ends the connections.
func (a *Admin) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.client.Close()
	for _, c := range a.groups {
		_ = c.Close() // it is no member of anything
	}
}

// asker is a client that can ask what a group remembers, and does not join it. An admin client cannot: where the coordinator is on its way
// librdkafka 2.11 has it ask for its own, which it has none, and the process dies.
func (a *Admin) asker(group string) (*kafka.Consumer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, errors.New("kafka: the connection is closed")
	}
	if a.groups[group] == nil {
		m := a.of.glance(group)
		(*m)["isolation.level"] = "read_uncommitted" // what stands now, whatever transaction is open
		c, err := kafka.NewConsumer(m)
		if err != nil {
			return nil, fmt.Errorf("kafka: %w", err)
		}
		a.groups[group] = c
	}
	return a.groups[group], nil
}

// Ensure makes the topic if it is absent, with the broker's replication, and says how many partitions it has.
// A topic that has to be compacted, stands, and is not, is an error.
func (a *Admin) Ensure(ctx context.Context, t Topic) (partitions int, err error) {
	spec := kafka.TopicSpecification{Topic: t.Name, NumPartitions: max(t.Partitions, 1), ReplicationFactor: -1}
	if t.Partitions == 0 {
		spec.NumPartitions = -1 // the broker's own
	}
	if t.Compact {
		spec.Config = map[string]string{"cleanup.policy": "compact"}
	}
	n, err := a.Partitions(ctx, t.Name)
	if errors.Is(err, ErrNoTopic) {
		got, cerr := a.client.CreateTopics(ctx, []kafka.TopicSpecification{spec}, kafka.SetAdminOperationTimeout(ask))
		if cerr != nil {
			return 0, fmt.Errorf("topic %s: %w", t.Name, cerr)
		}
		if code := got[0].Error.Code(); code != kafka.ErrNoError && code != kafka.ErrTopicAlreadyExists {
			return 0, fmt.Errorf("topic %s cannot be made: %w", t.Name, got[0].Error)
		}
		for until := time.Now().Add(ask); ; time.Sleep(20 * time.Millisecond) { // brokers hear of it one by one
			if n, err = a.Partitions(ctx, t.Name); !errors.Is(err, ErrNoTopic) || time.Now().After(until) {
				break
			}
		}
	}
	if err == nil && t.Compact {
		err = a.compacted(ctx, t.Name)
	}
	return n, err
}

// Stands says how many partitions a topic has that is as it should be, and makes none: ErrNoTopic where it is absent.
func (a *Admin) Stands(ctx context.Context, t Topic) (partitions int, err error) {
	n, err := a.Partitions(ctx, t.Name)
	if err == nil && t.Compact {
		err = a.compacted(ctx, t.Name)
	}
	return n, err
}

// ErrNoTopic says that there is no such topic.
var ErrNoTopic = errors.New("there is no such topic")

// Partitions says how many partitions a topic has.
func (a *Admin) Partitions(_ context.Context, topic string) (int, error) {
	meta, err := a.client.GetMetadata(&topic, false, int(ask.Milliseconds()))
	if err != nil {
		return 0, fmt.Errorf("topic %s: %w", topic, err)
	}
	t := meta.Topics[topic]
	return len(t.Partitions), topicError(topic, t.Error)
}

// Topics lists the topics that there are in the order of their names, but those that Kafka and penstock keep for themselves.
func (a *Admin) Topics(context.Context) (names []string, err error) {
	meta, err := a.client.GetMetadata(nil, true, int(ask.Milliseconds()))
	if err != nil {
		return nil, fmt.Errorf("topics: %w", err)
	}
	for name := range meta.Topics {
		if !strings.HasPrefix(name, "__") && !slices.Contains(a.own, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// compacted refuses a topic that forgets: a source would begin anew when its offset has expired.
func (a *Admin) compacted(ctx context.Context, topic string) error {
	policy, err := a.policy(ctx, topic)
	if err == nil && policy != "" && policy != "compact" {
		return &plugin.Outside{Err: fmt.Errorf("topic %s has cleanup.policy %q and would forget", topic, policy), Remedy: "it must be compact"}
	}
	return err
}

// Compacts tells whether rows may go from between the rows of a topic.
func (a *Admin) Compacts(ctx context.Context, topic string) (bool, error) {
	policy, err := a.policy(ctx, topic)
	return strings.Contains(policy, "compact"), err
}

// policy is a topic's cleanup.policy; "" where it is not told.
func (a *Admin) policy(ctx context.Context, topic string) (string, error) {
	got, err := a.client.DescribeConfigs(ctx, []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: topic}})
	if err != nil {
		return "", fmt.Errorf("topic %s: %w", topic, err)
	}
	return got[0].Config["cleanup.policy"].Value, nil
}

// Ends gives the end of every partition of the topics: the offset after the last row that a reader of committed rows can see.
func (a *Admin) Ends(ctx context.Context, topics []string) (map[string][]int64, error) {
	return a.ends(ctx, topics, kafka.IsolationLevelReadCommitted)
}

func (a *Admin) ends(ctx context.Context, topics []string, level kafka.IsolationLevel) (map[string][]int64, error) {
	return a.offsets(ctx, topics, kafka.LatestOffsetSpec, level)
}

// From says where to begin a topic of which a group remembers nothing. The zero value is the beginning.
type From struct {
	Latest bool
	Time   time.Time
}

// Starts is where a topic's partitions begin by from, as they are now.
func (a *Admin) Starts(ctx context.Context, topic string, from From) ([]int64, error) {
	ends, err := a.Ends(ctx, []string{topic})
	if err != nil || from.Latest {
		return ends[topic], err
	}
	spec := kafka.EarliestOffsetSpec
	if !from.Time.IsZero() {
		spec = kafka.NewOffsetSpecForTimestamp(from.Time.UnixMilli())
	}
	at, err := a.offsets(ctx, []string{topic}, spec, kafka.IsolationLevelReadCommitted)
	if err != nil {
		return nil, err
	}
	for p, offset := range at[topic] {
		if offset < 0 { // nothing is as late as that
			at[topic][p] = ends[topic][p]
		}
	}
	return at[topic], nil
}

func (a *Admin) offsets(ctx context.Context, topics []string, spec kafka.OffsetSpec, level kafka.IsolationLevel) (map[string][]int64, error) {
	out, asked := map[string][]int64{}, map[kafka.TopicPartition]kafka.OffsetSpec{}
	for i := range topics {
		n, err := a.Partitions(ctx, topics[i])
		if err != nil {
			return nil, err
		}
		out[topics[i]] = make([]int64, n)
		for p := range n {
			asked[kafka.TopicPartition{Topic: &topics[i], Partition: int32(p)}] = spec
		}
	}
	if len(asked) == 0 {
		return out, nil
	}
	got, err := a.client.ListOffsets(ctx, asked, kafka.SetAdminIsolationLevel(level))
	if err != nil {
		return nil, fmt.Errorf("offsets: %w", err)
	}
	for tp, info := range got.ResultInfos {
		if info.Error.Code() != kafka.ErrNoError {
			return nil, fmt.Errorf("offset of %s partition %d: %w", *tp.Topic, tp.Partition, info.Error)
		}
		out[*tp.Topic][tp.Partition] = int64(info.Offset)
	}
	return out, nil
}

// Knows tells whether a group remembers anything of a topic.
func (a *Admin) Knows(ctx context.Context, group, topic string) (bool, error) {
	marks, err := a.Committed(ctx, group, []string{topic})
	return slices.ContainsFunc(marks[topic], func(m Mark) bool { return m.Offset >= 0 }), err
}

// Committed gives what a group remembers of the topics' partitions; Offset -1 where it remembers nothing.
func (a *Admin) Committed(ctx context.Context, group string, topics []string) (map[string][]Mark, error) {
	out := map[string][]Mark{}
	var asked []kafka.TopicPartition
	for i := range topics {
		n, err := a.Partitions(ctx, topics[i])
		if err != nil {
			return nil, err
		}
		out[topics[i]] = make([]Mark, n)
		for p := range n {
			out[topics[i]][p].Offset = -1
			asked = append(asked, kafka.TopicPartition{Topic: &topics[i], Partition: int32(p)})
		}
	}
	if len(asked) == 0 {
		return out, nil
	}
	c, err := a.asker(group)
	if err != nil {
		return nil, err
	}
	got, err := c.Committed(asked, int(ask.Milliseconds()))
	if e := (kafka.Error{}); errors.As(err, &e) && e.Code() == kafka.ErrGroupIDNotFound {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("group %s: committed offsets: %w", group, err)
	}
	for _, tp := range got {
		if tp.Error != nil {
			return nil, fmt.Errorf("group %s: committed offset of %s partition %d: %w", group, *tp.Topic, tp.Partition, tp.Error)
		}
		m := &out[*tp.Topic][tp.Partition]
		if tp.Offset >= 0 {
			m.Offset = int64(tp.Offset)
		}
		if tp.Metadata != nil {
			m.Metadata = *tp.Metadata
		}
	}
	return out, nil
}
