package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A bench is all that one call of the command measures.
type bench struct {
	world   *world
	binary  string // penstock
	loops   string // bench/loops
	rows    int    // of the topic that most cases read
	say     func(format string, args ...any)
	started time.Time
}

// A kase is one thing that is measured, a whole process each time. Those of one group are compared with each other.
type kase struct {
	name string
	run  func(context.Context, *bench) (outcome, error)
	slow bool // left out of the short form
	bar  bar  // that it has to keep; the zero one asks for nothing
}

// A bar is the floor or ceiling of speed.md that a case keeps.
type bar struct {
	ofL  float64 // rows/s, at least, as a part of L's
	cpu  float64 // microseconds of CPU a row, at most
	rss  float64 // megabytes of peak memory, at most
	rate float64 // rows/s, at least
	over string  // another case
	most float64 // CPU a row, at most, as a multiple of over's
}

// baseline is the case that L is measured by.
const baseline = "loop: batches (L)"

const (
	byTime  = "{topic}/date={time:%Y-%m-%d}"
	byIndex = "{topic}/index={Index}"
)

// main is the topic of most cases.
func (b *bench) main() data { return data{rows: b.rows, partitions: 4, indexes: 14} }

func loop(how string, rows func(*bench) int) func(context.Context, *bench) (outcome, error) {
	return func(ctx context.Context, b *bench) (outcome, error) {
		d := b.main()
		if err := b.world.ensure(ctx, d); err != nil {
			return outcome{}, err
		}
		return b.runLoop(ctx, d, how, rows(b))
	}
}

func all(b *bench) int { return b.rows }
func some(n int) func(*bench) int {
	return func(b *bench) int { return min(n, b.rows) }
}

// emptied is a sink of the main topic.
func emptied(s sinkOptions) func(context.Context, *bench) (outcome, error) {
	return func(ctx context.Context, b *bench) (outcome, error) { return b.runSink(ctx, b.main(), s) }
}

// of is a sink of a topic of its own.
func of(d data, s sinkOptions) func(context.Context, *bench) (outcome, error) {
	return func(ctx context.Context, b *bench) (outcome, error) { return b.runSink(ctx, d, s) }
}

const ceiling = 400 // megabytes of memory, whatever the case, under memory: 256MiB

// flushOf is a flush of so many rows.
func flushOf(rows int) string { return fmt.Sprintf("rows: %d, bytes: 4GiB, every: 10m", rows) }

// wide is a million rows in one partition, and one flush, over so many paths.
func wide(paths int) kase {
	return kase{
		name: fmt.Sprintf("1 M rows in one flush, %d paths", paths),
		run:  of(data{rows: 1_000_000, partitions: 1, indexes: paths}, sinkOptions{path: byIndex, format: "json", flush: flushOf(1_000_000)}),
		slow: paths > 1000, bar: bar{rss: ceiling},
	}
}

// cases are what every run measures.
func cases() []kase {
	usual := flushOf(50_000)
	all := []kase{
		{name: baseline, run: loop("batch", all)},
		{name: "loop: Poll, tuned", run: loop("tuned", some(1_000_000))},
		{name: "loop: Poll, defaults", run: loop("poll", some(500_000))},
		{name: "JSON lines, passed through", bar: bar{ofL: .25, cpu: 1.3, rss: ceiling}, run: emptied(sinkOptions{path: byTime, format: "json", flush: usual})},
		{name: "JSON lines, by index", bar: bar{ofL: .23, cpu: 1.6, rss: ceiling}, run: emptied(sinkOptions{path: byIndex, format: "json", flush: usual})},
		{name: "JSON lines zstd, by index", bar: bar{rss: ceiling}, run: emptied(sinkOptions{path: byIndex, format: "{json: {compression: zstd}}", flush: usual})},
		{name: "Parquet snappy, by index", bar: bar{ofL: .25, cpu: 2.6, rss: ceiling}, run: emptied(sinkOptions{path: byIndex, format: "parquet", flush: usual, typed: true})},
		{name: "Parquet zstd, by index", bar: bar{rss: ceiling}, run: emptied(sinkOptions{path: byIndex, format: "{parquet: {compression: zstd}}", flush: usual, typed: true})},
		{name: "JSON lines, by index, flushes of 10 k rows", slow: true, bar: bar{rss: ceiling}, run: emptied(sinkOptions{path: byIndex, format: "json", flush: flushOf(10_000)})},
		{name: "JSON lines, by index, flushes of 1 M rows", bar: bar{rss: ceiling}, run: emptied(sinkOptions{path: byIndex, format: "json", flush: flushOf(1_000_000)})},
		{name: "Parquet snappy, by index, flushes of 1 M rows", slow: true, bar: bar{rss: ceiling}, run: emptied(sinkOptions{path: byIndex, format: "parquet", flush: flushOf(1_000_000), typed: true})},
		{name: "JSON lines, by index, 1 partition", slow: true, bar: bar{rss: ceiling}, run: of(data{rows: 2_000_000, partitions: 1, indexes: 14}, sinkOptions{path: byIndex, format: "json", flush: usual})},
		{name: "JSON lines, by index, 16 partitions", slow: true, bar: bar{rss: ceiling}, run: of(data{rows: 2_000_000, partitions: 16, indexes: 14}, sinkOptions{path: byIndex, format: "json", flush: usual})},
		{name: "records of 64 KiB, 64 partitions", bar: bar{rss: ceiling}, run: of(data{rows: 16_000, partitions: 64, indexes: 14, size: 64 << 10}, sinkOptions{path: byIndex, format: "json", flush: usual})},
	}
	first := wide(1)
	for _, paths := range []int{1, 100, 1000, 5000, 10_000} {
		k := wide(paths)
		if paths > 1 && paths <= 1000 {
			k.bar.over, k.bar.most = first.name, 1.25
		}
		all = append(all, k)
	}
	return append(all,
		kase{name: "loop: producers, in transactions", run: loop("produce", some(4_000_000))},
		kase{name: "CSV to a topic, exactly once", bar: bar{rate: 500_000, rss: ceiling}, run: fromCSV},
	)
}

// fromCSV replays files of stock rows into a topic of four partitions.
func fromCSV(ctx context.Context, b *bench) (o outcome, err error) {
	w := b.world
	name, dir, err := w.place()
	if err != nil {
		return o, err
	}
	defer os.RemoveAll(dir)
	const files, repeat = 4, 20
	var text strings.Builder
	text.WriteString("Index,Date,Open,High,Low,Close,Adj Close,Volume,CloseUSD\n")
	rows, r := 50_000, newRower(data{indexes: 14})
	for n := range rows {
		text.WriteString(r.line(n))
	}
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("stock-%d.csv", i)), []byte(text.String()), 0o644); err != nil {
			return o, err
		}
	}
	body := fmt.Sprintf("  %s:\n    source: {csv: {path: %q, key: Index, repeat: %d}}\n    topic: {name: %s, partitions: 4}\n", name, dir+"/*.csv", repeat, name)
	if o, err = b.drain(ctx, dir, usual, body); err != nil {
		return o, err
	}
	if o.Rows, o.Bytes, err = w.read(ctx, name); err == nil && o.Rows != int64(files*repeat*rows) {
		err = fmt.Errorf("%d rows stand on the topic, of %d in the files", o.Rows, files*repeat*rows)
	}
	return o, err
}
