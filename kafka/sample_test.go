package kafka

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/penstock/penstock/record"
)

// A sample ends where the topic did when it began: one that grows without pause would never let it go.
func TestSampleOfAGrowingTopic(t *testing.T) {
	c := client(t)
	top := topic(t, c, 2)
	fill(t, c, top, numbers(0, 20)...)
	p, err := c.Producer(t.Context(), "grow "+top)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, stop := context.WithCancel(t.Context())
	grown := make(chan error)
	go func() {
		for ctx.Err() == nil {
			b := record.Batch{Records: []record.Record{{Time: record.NoTime, Key: []byte("k"), Value: []byte("more")}}}
			if err := p.Store(context.WithoutCancel(ctx), top, &b, entry(top+".marks", "split", "x")); err != nil {
				grown <- err
				return
			}
		}
		grown <- nil
	}()
	within, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	batches, err := c.Sample(within, "nobody", top, 1_000_000)
	stop()
	if err := <-grown; err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range batches {
		n += len(b.Records)
	}
	if err != nil || n < 20 {
		t.Errorf("%d records, %v", n, err)
	}
	few, err := c.Sample(t.Context(), "nobody", top, 6)
	if err != nil || len(few) != 2 || len(few[0].Records) > 3 || len(few[1].Records) > 3 {
		t.Errorf("%d partitions, %v", len(few), err)
	}
}

// A sample of large records is a small one.
func TestSampleOfLargeRecords(t *testing.T) {
	c := client(t)
	top := topic(t, c, 2)
	fill(t, c, top, "first")
	p, err := c.Producer(t.Context(), "large "+top)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range 12 {
		b := record.Batch{}
		for k := range 10 {
			b.Records = append(b.Records, record.Record{Time: record.NoTime, Key: fmt.Append(nil, i, k), Value: make([]byte, 900_000)})
		}
		if err := p.Store(t.Context(), top, &b, entry(top+".marks", "split", "x")); err != nil {
			t.Fatal(err)
		}
	}
	batches, err := c.Sample(t.Context(), "nobody", top, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, b := range batches {
		for _, r := range b.Records {
			held += len(r.Value)
		}
		if len(b.Records) < 10 {
			t.Errorf("partition %d: %d records", b.Partition, len(b.Records))
		}
	}
	if held > sampleBytes+2*900_000 {
		t.Errorf("%d bytes", held)
	}
}
