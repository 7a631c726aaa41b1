package dev

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

const timeout = 10 * time.Second

func admin(t *testing.T, s *Servers) *kafka.AdminClient {
	t.Helper()
	a, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": s.Brokers, "log_level": 0})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func topicID(t *testing.T, a *kafka.AdminClient, topic string) string {
	t.Helper()
	r, err := a.DescribeTopics(t.Context(), kafka.NewTopicCollectionOfTopicNames([]string{topic}))
	if err != nil || r.TopicDescriptions[0].Error.Code() != kafka.ErrNoError {
		t.Fatal(err, r)
	}
	return r.TopicDescriptions[0].TopicID.String()
}

func produce(t *testing.T, s *Servers, topic string, rows int, commit bool) {
	t.Helper()
	p, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": s.Brokers, "transactional.id": "rows", "go.delivery.reports": false})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.InitTransactions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		m := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: int32(i % 2)}, Value: fmt.Appendf(nil, "row %d", i)}
		if err := p.Produce(m, nil); err != nil {
			t.Fatal(err)
		}
	}
	if left := p.Flush(int(timeout.Milliseconds())); left > 0 {
		t.Fatalf("%d rows not sent", left)
	}
	if commit {
		err = p.CommitTransaction(t.Context())
	} else {
		err = p.AbortTransaction(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func member(t *testing.T, s *Servers) *kafka.Consumer {
	t.Helper()
	c, err := kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": s.Brokers, "group.id": "connect-x",
		"partition.assignment.strategy": "cooperative-sticky", "isolation.level": "read_committed", "enable.auto.commit": false,
		"enable.auto.offset.store": false, "auto.offset.reset": "earliest", "enable.partition.eof": true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// consume reads to the ends of both partitions and gives the rows and where each ends.
func consume(t *testing.T, c *kafka.Consumer, topic string) (rows int, ends map[int32]kafka.Offset) {
	t.Helper()
	if err := c.Subscribe(topic, nil); err != nil {
		t.Fatal(err)
	}
	ends = map[int32]kafka.Offset{}
	for late := time.Now().Add(timeout); len(ends) < 2; {
		if time.Now().After(late) {
			t.Fatalf("%d rows, ends %v after %v", rows, ends, timeout)
		}
		switch e := c.Poll(100).(type) {
		case *kafka.Message:
			rows++
		case kafka.PartitionEOF:
			ends[e.Partition] = e.Offset
		case kafka.Error:
			t.Fatal(e)
		}
	}
	return rows, ends
}

func committed(t *testing.T, c *kafka.Consumer, topic string) []kafka.TopicPartition {
	t.Helper()
	at, err := c.Committed([]kafka.TopicPartition{{Topic: &topic, Partition: 0}, {Topic: &topic, Partition: 1}}, int(timeout.Milliseconds()))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// What a connector needs of Kafka works, and stays: topics with their ids, committed transactions and not aborted ones, a group's
// offsets with their metadata.
func TestKafka(t *testing.T) {
	topic, dir := "stock", t.TempDir()
	s := start(t, dir)
	a := admin(t, s)
	made, err := a.CreateTopics(t.Context(), []kafka.TopicSpecification{{Topic: topic, NumPartitions: 2, ReplicationFactor: -1,
		Config: map[string]string{"cleanup.policy": "compact"}}})
	if err != nil || made[0].Error.Code() != kafka.ErrNoError {
		t.Fatal(err, made)
	}
	id := topicID(t, a, topic)
	produce(t, s, topic, 100, false)
	produce(t, s, topic, 100, true)

	c := member(t, s)
	rows, ends := consume(t, c, topic)
	if rows != 100 || ends[0] != 102 {
		t.Errorf("%d rows, ends %v", rows, ends)
	}
	plan := `{"v":1,"end":60,"topic":"` + id + `"}`
	if _, err := c.CommitOffsets([]kafka.TopicPartition{{Topic: &topic, Partition: 1, Offset: 52, Metadata: &plan}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	crashed := t.TempDir() // what a process that was killed leaves behind
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	stop(t, s)

	for name, dir := range map[string]string{"stopped": dir, "killed": crashed} {
		t.Run(name, func(t *testing.T) {
			s := start(t, dir)
			if now := topicID(t, admin(t, s), topic); now != id || id == "" {
				t.Errorf("topic id %s, then %s", id, now)
			}
			c := member(t, s)
			defer c.Close()
			if at := committed(t, c, topic); at[1].Offset != 52 || at[1].Metadata == nil || *at[1].Metadata != plan || at[0].Offset != kafka.OffsetInvalid {
				t.Errorf("committed %v", at)
			}
			produce(t, s, topic, 10, true)
			if rows, _ := consume(t, c, topic); rows != 50+49+5+5 { // partition 1 from its second committed row on
				t.Errorf("%d rows from the committed offset on", rows)
			}
		})
	}
}

func TestTopicsAreNotMadeByAsking(t *testing.T) {
	s := start(t, t.TempDir())
	a := admin(t, s)
	p, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": s.Brokers, "allow.auto.create.topics": true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	nowhere := "nowhere"
	p.GetMetadata(&nowhere, false, 1000)
	if m, err := a.GetMetadata(nil, true, int(timeout.Milliseconds())); err != nil || len(m.Topics) != 0 {
		t.Errorf("%v, %v", m, err)
	}
}
