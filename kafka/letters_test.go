package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// letterOf is a dead letter of the partition's own.
func letterOf(p *Partition, topic string, value []byte) Entry {
	return Entry{Topic: topic, Partition: AnyPartition, Record: record.Record{Time: record.NoTime, Key: fmt.Append(nil, p.ID), Value: value}}
}

// stored is what stands on a topic.
func stored(t *testing.T, c *Client, topic string) (all []record.Record) {
	t.Helper()
	batches, err := c.Sample(t.Context(), "nobody", topic, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		all = append(all, b.Records...)
	}
	return all
}

// TestLettersComeWithTheOffset, each once: of partitions side by side, again where the answer was lost, and shortened where the topic
// does not take them as they are.
func TestLettersComeWithTheOffset(t *testing.T) {
	c := client(t)
	top, dead := topic(t, c, 2), topic(t, c, 1)
	fill(t, c, top, numbers(0, 20)...)
	operator(t, c, func(a *kafka.AdminClient) error {
		_, err := a.IncrementalAlterConfigs(t.Context(), []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: dead, Config: []kafka.ConfigEntry{
			{Name: "max.message.bytes", Value: "5000", IncrementalOperation: kafka.AlterConfigOpTypeSet},
		}}})
		return err
	})
	l := &Letters{Client: c, ID: "letters " + top}
	defer l.Close()
	var done sync.WaitGroup
	done.Add(2)
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		defer done.Done()
		var last Mark
		var letters []Entry
		for i := range 3 {
			last = Mark{Offset: int64(i + 1), Metadata: fmt.Sprint("after ", i)}
			letters = []Entry{letterOf(p, dead, fmt.Append(nil, i))}
			if err := p.CommitWith(ctx, l, letters, last); err != nil {
				return err
			}
		}
		if err := p.Effect(ctx, func(ctx context.Context) error { return l.once(ctx, p, letters, last, true) }); err != nil {
			return fmt.Errorf("after a lost answer: %w", err)
		}
		random := make([]byte, 50_000) // which no compression makes fit
		for i := range random {
			random[i] = byte(rand.Uint32())
		}
		random[0] = 'x'
		large := []Entry{letterOf(p, dead, random)}
		if err := p.CommitWith(ctx, l, large, Mark{Offset: 4}); !TooLarge(err) {
			return fmt.Errorf("one that the broker does not take: %v", err)
		}
		large[0].Value = large[0].Value[:100]
		if err := p.CommitWith(ctx, l, large, Mark{Offset: 4}); err != nil {
			return err
		}
		if err := p.CommitWith(ctx, l, []Entry{letterOf(p, dead, bytes.Repeat([]byte("x"), 5<<20))}, Mark{Offset: 5}); !TooLarge(err) {
			return fmt.Errorf("one that the client does not take: %v", err)
		}
		return nil
	}})
	done.Wait()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for p, m := range committed(t, c, top) {
		if m.Offset != 4 {
			t.Errorf("partition %d: %+v is remembered", p, m)
		}
	}
	seen := map[string]int{}
	for _, r := range stored(t, c, dead) {
		seen[fmt.Sprintf("%s %.1s %d", r.Key, r.Value, len(r.Value))]++
	}
	for _, want := range []string{"0 0 1", "0 1 1", "0 2 1", "0 x 100", "1 0 1", "1 1 1", "1 2 1", "1 x 100"} {
		if seen[want] != 1 {
			t.Errorf("%s stands %d times", want, seen[want])
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("besides: %v", seen)
	}
}

// TestAPartitionThatMoved takes no letters from who had it, whichever transaction was begun: neither they nor the offset are there.
func TestAPartitionThatMoved(t *testing.T) {
	c := client(t)
	top, dead := topic(t, c, 1), topic(t, c, 1)
	fill(t, c, top, numbers(0, 5)...)
	l := &Letters{Client: c, ID: "letters " + top}
	defer l.Close()
	got := make(chan *Partition, 1)
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		got <- p
		<-p.Stopped()
		return nil
	}})
	p := <-got
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.CommitWith(t.Context(), l, []Entry{letterOf(p, dead, []byte("late"))}, Mark{Offset: 3}); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if all := stored(t, c, dead); len(all) > 0 || committed(t, c, top)[0].Offset >= 0 {
		t.Errorf("%v stand, %v is remembered", all, committed(t, c, top))
	}
}

// TestAnOwnerThatDiedWithinATransaction: its successor waits for the broker to end it, and knows then what the group remembers.
func TestAnOwnerThatDiedWithinATransaction(t *testing.T) {
	t.Parallel()
	c := client(t)
	top := topic(t, c, 1)
	fill(t, c, top, numbers(0, 5)...)
	dying, err := c.Producer(t.Context(), "dying "+top)
	if err != nil {
		t.Fatal(err)
	}
	defer dying.Close()
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		if err := p.Commit(ctx, Mark{Offset: 1, Metadata: "kept"}); err != nil {
			return err
		}
		return p.Effect(ctx, func(ctx context.Context) error {
			member, err := p.group.membership()
			if err == nil {
				err = dying.client.BeginTransaction()
			}
			tps := p.tp()
			tps[0].Offset = 3
			if err == nil {
				err = dying.client.SendOffsetsToTransaction(ctx, tps, member)
			}
			if err == nil {
				err = errors.New("dead")
			}
			return err
		})
	}})
	eventually(t, "the first owner is dead", func() bool {
		time.Sleep(100 * time.Millisecond)
		return committed(t, c, top)[0].Offset == 1
	})
	time.Sleep(time.Second)
	if err := stop(); err == nil || err.Error() != "dead" {
		t.Fatal(err)
	}
	start := make(chan Mark, 1)
	stop = member(t, c, Group{Name: top, Topics: []string{top}, Own: func(_ context.Context, p *Partition) error {
		start <- p.Start
		<-p.Stopped()
		return nil
	}})
	time.Sleep(ask + time.Second)
	if err := dying.client.AbortTransaction(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-start:
		if m.Offset != 1 || m.Metadata != "kept" {
			t.Errorf("%+v", m)
		}
	case <-time.After(10 * time.Second):
		t.Error("the successor does not come")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestLettersThatFailLeaveNothingOpen: the next owner, and all readers of letters, would wait for a transaction.
func TestLettersThatFailLeaveNothingOpen(t *testing.T) {
	t.Parallel()
	c := client(t)
	top, dead := topic(t, c, 1), topic(t, c, 1)
	fill(t, c, top, numbers(0, 10)...)
	a, b, large := entry(dead, "a", "1"), entry(dead, "b", "2"), entry(dead, "c", strings.Repeat("x", 2<<20))
	steps := []struct {
		name    string
		entries []Entry
		want    func(error) bool
		letters map[string]string
		offset  int64
	}{
		{"first", []Entry{a}, func(err error) bool { return err == nil }, map[string]string{"a": "1"}, 1},
		{"too large", []Entry{b, large}, TooLarge, map[string]string{"a": "1"}, 1},
		{"again", []Entry{b}, func(err error) bool { return err == nil }, map[string]string{"a": "1", "b": "2"}, 3},
	}
	ended := make(chan struct{})
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		defer close(ended)
		l := &Letters{Client: c, ID: "letters " + top}
		defer l.Close()
		for i, s := range steps {
			if err := p.CommitWith(ctx, l, s.entries, Mark{int64(i + 1), s.name}); !s.want(err) {
				t.Errorf("%s: %v", s.name, err)
			}
			quick, cancel := context.WithTimeout(ctx, 5*time.Second)
			got, err := c.Table(quick, dead, 0)
			cancel()
			letters := map[string]string{}
			for k, v := range got {
				letters[k] = string(v)
			}
			if m := committed(t, c, top)[0]; err != nil || !maps.Equal(letters, s.letters) || m.Offset != s.offset {
				t.Errorf("%s: the letters are %q, %v; the group remembers %+v", s.name, letters, err, m)
			}
		}
		return nil
	}})
	<-ended
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestLettersWithoutATopic say so, for somebody to make it: the client would look for it for ever.
func TestLettersWithoutATopic(t *testing.T) {
	t.Parallel()
	c := client(t)
	c.Config.Properties["topic.metadata.propagation.max.ms"] = "500" // the client takes half a minute to believe it
	top := topic(t, c, 1)
	ended := make(chan error, 1)
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		l := &Letters{Client: c, ID: "letters " + top}
		defer l.Close()
		ended <- p.CommitWith(ctx, l, []Entry{entry(top+".dead", "k", "v")}, Mark{Offset: 1})
		return nil
	}})
	select {
	case err := <-ended:
		if !errors.Is(err, ErrNoTopic) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it is tried again for ever")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
