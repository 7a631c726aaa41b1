package kafka

import (
	"context"
	"fmt"
	"testing"

	"github.com/penstock/penstock/record"
)

const benchRows = 200_000

// BenchmarkBatches reads rows as batches, all of a partition an operation, by the partition's own queue.
func BenchmarkBatches(b *testing.B) {
	c := client(b)
	top := topic(b, c, 1)
	p, err := c.Producer(b.Context(), top)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	rows := make([]record.Record, benchRows/20)
	for i := range rows {
		rows[i] = record.Record{Time: began, Value: fmt.Appendf(nil, "%0173d", i)}
	}
	for range 20 {
		if err := p.Store(b.Context(), top, &record.Batch{Records: rows}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	done := make(chan error, 1)
	stop := member(b, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		done <- readAll(ctx, b, p)
		return nil
	}})
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if err := stop(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

// readAll reads the partition again and again.
func readAll(ctx context.Context, b *testing.B, p *Partition) error {
	n, at := 0, p.Start.Offset
	more := b.Loop()
	for batch, err := range p.Batches(ctx) {
		if err != nil {
			return err
		}
		if n += len(batch.Records); n < benchRows {
			continue
		}
		if more = b.Loop(); !more {
			break
		}
		n = 0
		if err := p.MoveTo(at); err != nil {
			return err
		}
	}
	if more {
		return fmt.Errorf("the partition went after %d rows", n)
	}
	return nil
}

// BenchmarkStore makes pages of rows durable, one an operation.
func BenchmarkStore(b *testing.B) {
	c := client(b)
	top := topic(b, c, 4)
	p, err := c.Producer(b.Context(), top)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	rows := make([]record.Record, 10_000)
	for i := range rows {
		rows[i] = record.Record{Time: record.NoTime, Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "%0173d", i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Store(b.Context(), top, &record.Batch{Records: rows}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(rows))/b.Elapsed().Seconds(), "rows/s")
}
