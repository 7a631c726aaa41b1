package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A growth is one thing that is made larger and larger, and what becomes of the rest.
type growth struct {
	name, unit string // of what grows
	file       string // of its chart
	bytes      bool   // rows are of different sizes: bytes tell more than rows
	at         []int
	run        func(ctx context.Context, b *bench, n int) (outcome, error)
}

// point is what one size gave.
type point struct {
	n int
	outcome
}

// grown is a growth, measured.
type grown struct {
	growth
	points []point
}

func growths() []growth {
	json := func(flush int) sinkOptions { return sinkOptions{path: byIndex, format: "json", flush: flushOf(flush)} }
	return []growth{
		{name: "Rows held until a flush", unit: "rows a flush", file: "growth-rows.svg", at: []int{10_000, 100_000, 1_000_000, 10_000_000},
			run: func(ctx context.Context, b *bench, n int) (outcome, error) {
				return b.runSink(ctx, data{rows: max(2_000_000, n), partitions: 1, indexes: 14}, json(n))
			}},
		{name: "Partitions", unit: "partitions", file: "growth-partitions.svg", at: []int{1, 4, 16, 64, 200},
			run: func(ctx context.Context, b *bench, n int) (outcome, error) {
				return b.runSink(ctx, data{rows: 2_000_000, partitions: n, indexes: 14}, json(50_000))
			}},
		{name: "Open paths", unit: "paths", file: "growth-paths.svg", at: []int{1, 10, 100, 1000, 10_000},
			run: func(ctx context.Context, b *bench, n int) (outcome, error) {
				return b.runSink(ctx, data{rows: 1_000_000, partitions: 1, indexes: n}, json(1_000_000))
			}},
		{name: "Size of a record", unit: "bytes a record", file: "growth-size.svg", bytes: true, at: []int{173, 1000, 10_000, 100_000, 1_000_000},
			run: func(ctx context.Context, b *bench, n int) (outcome, error) {
				return b.runSink(ctx, data{rows: 400_000_000 / n, partitions: 4, indexes: 14, size: n}, sinkOptions{path: byIndex, format: "json", flush: "bytes: 16MiB, every: 10m"})
			}},
		{name: "Connectors in one process", unit: "connectors", file: "growth-connectors.svg", at: []int{1, 2, 5, 10, 25, 50}, run: manyConnectors},
	}
}

// manyConnectors is so many sinks of one topic in one process, each with a group of its own, which share two million rows out. Memory is
// what check names as the least, if that is more than usual.
func manyConnectors(ctx context.Context, b *bench, n int) (outcome, error) {
	d := data{rows: 2_000_000 / n, partitions: 4, indexes: 14}
	return b.world.toBucket(ctx, d, n, func(name, dir string) (outcome, error) {
		var body strings.Builder
		for i := range n {
			fmt.Fprintf(&body, "  %s-%d:\n    topics: [%s]\n    sink: {s3: {bucket: %s, prefix: c%d, path: %q, format: json}}\n    flush: {%s}\n",
				name, i, d.topic(), name, i, byIndex, flushOf(50_000))
		}
		return b.drain(ctx, dir, enough(n, d.partitions), body.String())
	})
}

// grow measures all growths, each size in turn, round after round, and keeps the median.
func (b *bench) grow(ctx context.Context, o options) (all []grown, err error) {
	for _, g := range growths() {
		if !o.only.MatchString(g.name) {
			continue
		}
		results := make([]result, len(g.at))
		for round := range o.rounds {
			for i, n := range g.at {
				got, err := g.run(ctx, b, n)
				if err != nil {
					return nil, fmt.Errorf("%s: %d %s: %w", g.name, n, g.unit, err)
				}
				results[i].rounds = append(results[i].rounds, got)
				b.say("%4.0f s  %d/%d      %-48s %s", time.Since(b.started).Seconds(), round+1, o.rounds, fmt.Sprintf("%s: %d", g.name, n), got)
			}
		}
		found := grown{growth: g}
		for i, n := range g.at {
			found.points = append(found.points, point{n, results[i].median()})
		}
		all = append(all, found)
	}
	return all, nil
}
