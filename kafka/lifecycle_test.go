package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/dev"
)

// embedded is a client of a Kafka inside the process: for what needs no real one.
func embedded(t testing.TB) *Client {
	t.Helper()
	s, err := dev.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &Client{Config: Config{Brokers: []string{s.Brokers}, Properties: map[string]string{"session.timeout.ms": "6000"}}}
}

// TestEndsWheneverItIsTold: whatever a rebalance is doing just then, Consume ends soon, and leaves no owner behind.
func TestEndsWheneverItIsTold(t *testing.T) {
	c := embedded(t)
	top := topic(t, c, 4)
	var owners atomic.Int64
	for i := range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*30*time.Millisecond)
		began := time.Now().Add(time.Duration(i) * 30 * time.Millisecond)
		err := c.Consume(ctx, Group{Name: fmt.Sprint(top, i), Topics: []string{top}, Revoke: time.Second, Drain: 5 * time.Second,
			Own: func(ctx context.Context, p *Partition) error {
				owners.Add(1)
				defer owners.Add(-1)
				for _, err := range p.Batches(ctx) {
					if err != nil {
						return err
					}
				}
				return nil
			}})
		cancel()
		if err != nil || time.Since(began) > 3*time.Second {
			t.Errorf("told after %d ms: ended %v later, %v", i*30, time.Since(began), err)
		}
		if n := owners.Load(); n != 0 {
			t.Errorf("told after %d ms: %d owners are left", i*30, n)
		}
	}
}

// TestAnAssignmentThatFails ends the membership and starts no owner.
func TestAnAssignmentThatFails(t *testing.T) {
	c := embedded(t)
	top := topic(t, c, 1)
	var owners atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- c.Consume(t.Context(), Group{Name: top, Topics: []string{top}, Idle: true, Revoke: time.Second, Drain: time.Second,
			Own: func(ctx context.Context, p *Partition) error {
				if owners.Add(1) == 1 {
					twice := kafka.TopicPartition{Topic: &top, Partition: 7}
					p.group.between(p, func() error {
						if err := p.group.assigned([]kafka.TopicPartition{twice, twice}); err != nil {
							p.group.fail(err)
						}
						return nil
					})
				}
				<-p.Stopped()
				return nil
			}})
	}()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
	if n := owners.Load(); n != 1 {
		t.Errorf("%d owners were started", n)
	}
}

// TestTakenIsTakenBack for a partition that goes before its owner could start.
func TestTakenIsTakenBack(t *testing.T) {
	var taken atomic.Int64
	g := &group{Group: Group{Taken: func(n int) { taken.Add(int64(n)) }, Own: func(context.Context, *Partition) error {
		t.Error("an owner was started")
		return nil
	}}}
	ctx, cancel := context.WithCancel(t.Context())
	p := &Partition{cancel: cancel, done: make(chan struct{})}
	taken.Add(1)
	cancel()
	g.own(ctx, p, make(chan struct{})) // the one before has not returned
	if taken.Load() != 0 || !p.returned() {
		t.Errorf("%d are taken", taken.Load())
	}
}

// TestAnOwnerThatFails ends the membership with its error, and the others with it.
func TestAnOwnerThatFails(t *testing.T) {
	c := embedded(t)
	top := topic(t, c, 3)
	wrong := errors.New("wrong")
	err := c.Consume(t.Context(), Group{Name: top, Topics: []string{top}, Revoke: time.Second, Drain: time.Second,
		Own: func(ctx context.Context, p *Partition) error {
			if p.ID == 1 {
				return wrong
			}
			for range p.Batches(ctx) {
			}
			if p.Draining() {
				t.Error("what was taken in is flushed, though the membership failed")
			}
			return nil
		}})
	if !errors.Is(err, wrong) {
		t.Error(err)
	}
}

// TestSlowEffectsEndSideBySide: partitions are given up in the time of the slowest, not of all together.
func TestSlowEffectsEndSideBySide(t *testing.T) {
	c := embedded(t)
	top := topic(t, c, 6)
	var begun sync.WaitGroup
	begun.Add(5)
	var wrong time.Time
	err := c.Consume(t.Context(), Group{Name: top, Topics: []string{top}, Revoke: time.Second, Drain: time.Second,
		Own: func(ctx context.Context, p *Partition) error {
			if p.ID == 1 {
				begun.Wait()
				wrong = time.Now()
				return errors.New("wrong")
			}
			return p.Effect(ctx, func(ctx context.Context) error {
				begun.Done()
				<-ctx.Done()
				time.Sleep(time.Second) // as where what was begun has to be taken back
				return ctx.Err()
			})
		}})
	if took := time.Since(wrong); err == nil || took > 4*time.Second {
		t.Errorf("%v, after %v", err, took)
	}
}

// TestNoPartitionIsTakenWhileClosing: the word of an assignment may be waiting when the client closes, and come then.
func TestNoPartitionIsTakenWhileClosing(t *testing.T) {
	c := embedded(t)
	top := topic(t, c, 2)
	g, err := c.join(Group{Name: top, Topics: []string{top}, Own: func(context.Context, *Partition) error {
		t.Error("an owner was started")
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	g.ctx = t.Context()
	if err := g.consumer.SubscribeTopics(g.Topics, g.rebalance); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // the group has made us an assignment, and we have not asked
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
	if g.turn.Load() == 0 {
		t.Error("no assignment came: the test says nothing")
	}
}

// TestManyMoveAtOnce: as when the offsets of a whole group were set back. None waits for the others.
func TestManyMoveAtOnce(t *testing.T) {
	const partitions, moves = 30, 3
	c := embedded(t)
	top := topic(t, c, partitions)
	var moved atomic.Int64
	began := make(chan time.Time, partitions)
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		began <- time.Now()
		for range moves {
			if err := p.MoveTo(0); err != nil {
				return err
			}
			moved.Add(1)
		}
		<-p.Stopped()
		return nil
	}})
	first := <-began
	eventually(t, "all have moved", func() bool { return moved.Load() == partitions*moves })
	if took := time.Since(first); took > 4*time.Second {
		t.Errorf("%d moves took %v", partitions*moves, took)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
