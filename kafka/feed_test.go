package kafka

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/penstock/penstock/record"
)

// What is handed on many at a time stands on the topic as what is produced one by one: nulls, empty ones, times, keys' partitions; also
// where it is more than the client's queue holds.
func TestBothWaysStoreTheSame(t *testing.T) {
	large := bytes.Repeat([]byte("large"), 60_000)
	rows := []record.Record{
		{Time: began, Key: []byte("a"), Value: []byte("1")},
		{Time: record.NoTime, Key: []byte("b"), Value: []byte{}},
		{Time: began + 1, Key: []byte("c")},
		{Time: began + 2, Key: []byte{}, Value: []byte("empty key")},
		{Time: began + 3, Key: []byte("d"), Value: large},
	}
	for i := range 3000 {
		rows = append(rows, record.Record{Time: began + int64(i), Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "%0200d", i)})
	}
	stored := map[string]map[string]string{}
	for _, way := range []string{"many", "one by one"} {
		c := client(t)
		c.Config.Properties = map[string]string{"queue.buffering.max.messages": "500"}
		top := topic(t, c, 3)
		p, err := c.Producer(t.Context(), top)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if p.feeder.rk == nil {
			t.Fatal("the client does not let us have its handle")
		}
		if way != "many" {
			p.feeder.rk = nil
		}
		since := time.Now().UnixMilli()
		if err := p.Store(t.Context(), top, &record.Batch{Records: rows}); err != nil {
			t.Fatal(err)
		}
		stored[way] = stand(t, c, top, since)
	}
	many, single := stored["many"], stored["one by one"]
	if len(many) != len(rows) || len(single) != len(rows) {
		t.Fatalf("%d and %d rows of %d", len(many), len(single), len(rows))
	}
	for key, is := range many {
		if single[key] != is {
			t.Errorf("key %q: %.80s, one by one %.80s", key, is, single[key])
		}
	}
}

// stand is what stands on a topic, by key, in words; a time since then is now.
func stand(t *testing.T, c *Client, top string, since int64) map[string]string {
	t.Helper()
	s, all := newSeen(), map[string]string{}
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		for b, err := range p.Batches(ctx) {
			if err != nil {
				return err
			}
			s.mu.Lock()
			for _, r := range b.Records {
				at := fmt.Sprint(r.Time - began)
				if r.Time >= since {
					at = "now"
				}
				all[string(r.Key)] += fmt.Sprintf("partition %d, %s, key null %v, value null %v: %s", p.ID, at, r.Key == nil, r.Value == nil, r.Value)
			}
			s.mu.Unlock()
			s.take(p, b)
		}
		return nil
	}})
	eventually(t, "the end of each partition", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.end[0] && s.end[1] && s.end[2] && len(all) > 0
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	return all
}
