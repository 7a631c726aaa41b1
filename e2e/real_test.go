package e2e

import (
	"slices"
	"testing"
	"time"
)

// The file that the repository ships, on real parts, changed in nothing but names, paths and MinIO's path style.
func TestShippedPipeline(t *testing.T) {
	p := newPipeline(t, "shipped", hsi)
	p.drain()
	tp, made := p.judge()
	if n := tp.rows(); n != 5692 || len(tp.partitions) != 3 {
		t.Errorf("the topic holds %d rows in %d partitions", n, len(tp.partitions))
	}
	begun := p.crawler.crawls(t)
	if len(begun) == 0 {
		t.Fatal("the crawler was never started")
	}
	latest := slices.MaxFunc(begun, time.Time.Compare)
	for key, o := range made["prices"] {
		if o.made.After(latest.Add(time.Second)) { // moto's times are in seconds
			t.Errorf("%s was made at %v, after the latest crawl began at %v", key, o.made, latest)
		}
	}
	p.drain()
	unchanged(t, p.bucket, made)
	if n := len(p.crawler.crawls(t)); n != len(begun) {
		t.Errorf("%d crawls after a run with nothing to do, %d before", n, len(begun))
	}
}

// As many rows as the classroom's file has, over indexes that fill three partitions, flushed many times.
func TestFourteenIndexes(t *testing.T) {
	p := newPipeline(t, "market", writeCSV(t, indexes, 104_224))
	p.configure("flush: {every: 1m}", "flush: {rows: 5000, every: 1m}", "rows: 50000", "rows: 5000",
		"{crawler: stock, at_most_every: 15m}", "{crawler: "+p.id+", at_most_every: 0s, poll: 100ms}")
	p.drain()
	tp, made := p.judge()
	if n := tp.rows(); n != 104_224 {
		t.Errorf("the topic holds %d rows", n)
	}
	for prefix, c := range claims(p.id, tp) {
		var none problems
		files := c.files(made[prefix], &none)
		sum := 0
		for n, rows := range tp.partitions {
			intervals := c.intervals(n, files, &none)
			sum += len(intervals)
			if want := (len(rows) + 4999) / 5000; len(intervals) < want {
				t.Errorf("%s: %d intervals of partition %d, want %d", prefix, len(intervals), n, want)
			}
		}
		t.Logf("%s: %d intervals, %d files", prefix, sum, len(files))
	}
	if slices.ContainsFunc(tp.partitions, func(rows []message) bool { return len(rows) == 0 }) {
		t.Error("a partition is empty")
	}
	p.drain()
	unchanged(t, p.bucket, made)
}
