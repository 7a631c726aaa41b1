package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// result is what all rounds of a case gave.
type result struct {
	kase
	rounds []outcome
}

// median is the round in the middle by wall time, with the highest peak of memory of all.
func (r result) median() outcome {
	sorted := slices.SortedFunc(slices.Values(r.rounds), func(a, b outcome) int { return cmp.Compare(a.Wall, b.Wall) })
	o := sorted[(len(sorted)-1)/2]
	for _, other := range r.rounds {
		o.Peak = max(o.Peak, other.Peak)
	}
	return o
}

func (o outcome) String() string {
	return fmt.Sprintf("%9.0f rows/s %7.0f MB/s %6.2f us/row %5.0f MB %8.0f req/M %6.2f s", o.rate(), o.megabytes(), o.cpuPerRow(), float64(o.Peak)/1e6,
		float64(o.Requests)*1e6/float64(max(1, o.Rows)), o.Wall.Seconds())
}

type report struct {
	options
	machine  string
	rows     int
	values   int64 // bytes of the main topic's values
	results  []result
	profiles []profile
	figures  []figure
	grown    []grown
}

func (r report) find(name string) (outcome, bool) {
	for _, x := range r.results {
		if x.name == name {
			return x.median(), true
		}
	}
	return outcome{}, false
}

// judge holds a case to its bar: "" where it has none.
func (r report) judge(x result) (verdict string, kept bool) {
	o, l := x.median(), float64(1)
	if base, ok := r.find(baseline); ok {
		l = base.rate()
	}
	kept = true
	var says []string
	hold := func(holds bool, format string, args ...any) {
		kept = kept && holds
		says = append(says, map[bool]string{true: "", false: "**not** "}[holds]+fmt.Sprintf(format, args...))
	}
	if x.bar.ofL > 0 {
		hold(o.rate() >= x.bar.ofL*l, "≥ %.2f L", x.bar.ofL)
	}
	if x.bar.rate > 0 {
		hold(o.rate() >= x.bar.rate, "≥ %s rows/s", humanize.Comma(int64(x.bar.rate)))
	}
	if x.bar.cpu > 0 {
		hold(o.cpuPerRow() <= x.bar.cpu, "≤ %.1f µs", x.bar.cpu)
	}
	if base, ok := r.find(x.bar.over); ok {
		times := o.cpuPerRow() / base.cpuPerRow()
		hold(times <= x.bar.most, "≤ %.2f × the CPU of 1 path: %.2f", x.bar.most, times)
	}
	if x.bar.rss > 0 {
		hold(float64(o.Peak)/1e6 <= x.bar.rss, "≤ %.0f MB", x.bar.rss)
	}
	return strings.Join(says, ", "), kept
}

// table is the results as Markdown.
func (r report) table() string {
	var t strings.Builder
	t.WriteString("| case | rows/s | of L | MB/s | CPU µs/row | of L | peak MB | S3 requests/M rows | bar |\n|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
	base, _ := r.find(baseline)
	for _, x := range r.results {
		o := x.median()
		verdict, _ := r.judge(x)
		requests := "–"
		if o.Requests > 0 {
			requests = humanize.Comma(o.Requests * 1_000_000 / max(1, o.Rows))
		}
		fmt.Fprintf(&t, "| %s | %s | %.2f | %.0f | %.2f | %.1f | %.0f | %s | %s |\n", x.name, humanize.Comma(int64(o.rate())), o.rate()/base.rate(), o.megabytes(),
			o.cpuPerRow(), o.cpuPerRow()/base.cpuPerRow(), float64(o.Peak)/1e6, requests, verdict)
	}
	return t.String()
}

// write leaves the page and its charts in a folder, if there is to be one.
func (r report) write(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var figures, growth strings.Builder
	for _, f := range r.figures {
		fmt.Fprintf(&figures, "| %s | %s | %s |\n", f.name, f.value, map[bool]string{true: "", false: "**not** "}[f.kept]+f.bar)
	}
	for _, g := range r.grown {
		if err := g.chart(filepath.Join(dir, g.file)); err != nil {
			return err
		}
		fmt.Fprintf(&growth, "\n\n### %s\n\n![%s](%s)\n\n%s", g.name, strings.ToLower(g.name), g.file, g.table())
	}
	if err := r.bars(filepath.Join(dir, "benchmarks.svg")); err != nil {
		return err
	}
	text := strings.NewReplacer("{{table}}", r.table(), "{{shares}}", r.shares(), "{{machine}}", r.machine, "{{rows}}", humanize.Comma(int64(r.rows)), "{{rounds}}", fmt.Sprint(r.rounds), "{{warm}}", fmt.Sprint(r.warm),
		"{{size}}", fmt.Sprint(r.values/int64(r.rows)), "{{figures}}", figures.String(), "{{growth}}", growth.String()).Replace(page)
	return os.WriteFile(filepath.Join(dir, "benchmarks.md"), []byte(text), 0o644)
}

// page is docs/benchmarks.md without its figures.
//
//go:embed page.md
var page string

// machine says what the figures were measured on, and when.
func machine() string {
	model := "processor unknown"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			model = strings.Trim(name, " \t:\n")
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", model, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format(time.DateOnly))
}
