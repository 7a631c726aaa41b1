package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// operator does to the cluster what only people do.
func operator(t *testing.T, c *Client, f func(a *kafka.AdminClient) error) {
	t.Helper()
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := f(a.client); err != nil {
		t.Fatal(err)
	}
}

// TestPartitionsThatAreAddedLater are read from their beginning, wherever the group began.
func TestPartitionsThatAreAddedLater(t *testing.T) {
	c := client(t)
	c.Config.Properties["topic.metadata.refresh.interval.ms"] = "300"
	top := topic(t, c, 1)
	fill(t, c, top, numbers(0, 10)...)
	starts := make(chan string, 9)
	s := newSeen()
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Starts: map[string][]int64{top: {11}}, Own: func(ctx context.Context, p *Partition) error {
		starts <- fmt.Sprint(p.ID, "@", p.Start.Offset)
		if err := p.Commit(ctx, Mark{Offset: p.Start.Offset}); err != nil {
			return err
		}
		for b, err := range p.Batches(ctx) {
			if err != nil {
				return err
			}
			s.take(p, b)
		}
		return nil
	}})
	if got := <-starts; got != "0@11" {
		t.Errorf("the first one begins at %s", got)
	}
	eventually(t, "the first one is committed", func() bool { return committed(t, c, top)[0].Offset == 11 })
	operator(t, c, func(a *kafka.AdminClient) error {
		_, err := a.CreatePartitions(t.Context(), []kafka.PartitionsSpecification{{Topic: top, IncreaseTo: 3}})
		return err
	})
	fill(t, c, top, numbers(10, 300)...) // they may come before we know of the partitions
	got := map[string]bool{<-starts: true, <-starts: true}
	if !got["1@0"] || !got["2@0"] {
		t.Errorf("those that were added begin at %v", got)
	}
	eventually(t, "all rows that came later are read", func() bool { return s.count() == 300 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestRetentionThatPassedUs is *Lost, with what is left, and MoveTo goes on there: at the start, and in the middle.
func TestRetentionThatPassedUs(t *testing.T) {
	for _, way := range []string{"queues", "poll"} {
		t.Run(way, func(t *testing.T) {
			c := client(t)
			c.PollOnly = way == "poll"
			top := topic(t, c, 1)
			fill(t, c, top, numbers(0, 100)...)
			expire := func(before kafka.Offset) {
				operator(t, c, func(a *kafka.AdminClient) error {
					_, err := a.DeleteRecords(t.Context(), []kafka.TopicPartition{{Topic: &top, Partition: 0, Offset: before}})
					return err
				})
			}
			own := make(chan *Partition, 1)
			stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
				own <- p
				return p.Commit(ctx, Mark{Offset: 10})
			}})
			<-own
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			expire(30)
			var mu sync.Mutex
			var said []string
			var first int64 = -1
			s := newSeen()
			stop = member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
				for b, err := range p.Batches(ctx) {
					var lost *Lost
					if errors.As(err, &lost) {
						low, high, err := p.Bounds()
						mu.Lock()
						said = append(said, fmt.Sprint(lost.Offset, low, high, err))
						mu.Unlock()
						if err := p.MoveTo(low); err != nil {
							return err
						}
						continue
					}
					if err != nil {
						return err
					}
					if len(b.Records) > 0 && first < 0 {
						first = b.Records[0].Offset
					}
					s.take(p, b)
				}
				return nil
			}})
			eventually(t, "what is left is read", func() bool { return s.count() == 70 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if len(said) != 1 || said[0] != "10 30 101 <nil>" || first != 30 {
				t.Errorf("lost: %v; goes on at %d", said, first)
			}
		})
	}
}

// TestATopicThatIsDeleted takes its partitions with it, and those of its successor come under another id.
func TestATopicThatIsDeleted(t *testing.T) {
	c := client(t)
	c.Config.Properties["topic.metadata.refresh.interval.ms"] = "300"
	top := topic(t, c, 1)
	fill(t, c, top, numbers(0, 10)...)
	type stay struct {
		id    string
		start int64
		err   error
	}
	stays := make(chan stay, 9)
	s := newSeen()
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		out := stay{p.TopicID, p.Start.Offset, nil}
		for b, err := range p.Batches(ctx) {
			if out.err = err; err != nil {
				break
			}
			s.take(p, b)
		}
		stays <- out
		<-p.Stopped()
		return nil
	}})
	eventually(t, "the rows are read", func() bool { return s.count() == 10 })
	operator(t, c, func(a *kafka.AdminClient) error { _, err := a.DeleteTopics(t.Context(), []string{top}); return err })
	var first stay
	select {
	case first = <-stays:
		t.Logf("%+v", first)
	case <-time.After(20 * time.Second):
		t.Fatal("the partition of the topic that is no more is still owned")
	}
	eventually(t, "the topic is made again", func() bool {
		a, err := c.Admin()
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		_, err = a.Ensure(t.Context(), Topic{Name: top, Partitions: 1})
		return err == nil
	})
	fill(t, c, top, numbers(10, 5)...)
	eventually(t, "the new topic is read", func() bool { return s.count() == 15 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if second := <-stays; second.id == first.id || second.id == "" || second.start != 0 || second.err != nil {
		t.Errorf("%+v, then %+v", first, second)
	}
}
