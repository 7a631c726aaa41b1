// Command bench measures penstock, and other programs, as whole processes on a real Kafka and MinIO that it brings up itself.
//
// Every figure of docs/benchmarks.md is of one run of it: cases take turns, round after round, and a figure is the median of its rounds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	binary, loops, docs, compare string
	only                         *regexp.Regexp
	full                         bool
	rounds, rows                 int
}

func parse() (o options, err error) {
	var only string
	flag.StringVar(&o.binary, "penstock", "./penstock", "the binary to measure")
	flag.StringVar(&o.loops, "loops", ".cache/bin/loops", "the bare loops to measure it against")
	flag.StringVar(&o.docs, "docs", "", "folder for benchmarks.md and its charts; none are written without it")
	flag.StringVar(&o.compare, "compare", "", "a command of sh to measure in the same run, on the same topic and a bucket of its own: see docs/benchmarks.md")
	flag.StringVar(&only, "only", "", "measure the cases, and what else there is, whose names match this regular expression")
	flag.BoolVar(&o.full, "full", false, "measure all there is, and how it grows: an hour; without it, what fits into five minutes")
	flag.IntVar(&o.rounds, "rounds", 0, "how many times each case is measured; 2, or 3 with -full")
	flag.IntVar(&o.rows, "rows", 0, "rows of the topic that most cases read; 5,000,000 with -full, and 2,000,000 without")
	flag.Parse()
	if o.rounds == 0 {
		o.rounds = map[bool]int{false: 2, true: 3}[o.full]
	}
	if o.rows == 0 {
		o.rows = map[bool]int{false: 2_000_000, true: 5_000_000}[o.full]
	}
	if flag.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	o.only, err = regexp.Compile(only)
	return o, err
}

func run(ctx context.Context) (err error) {
	o, err := parse()
	if err != nil {
		return err
	}
	b := &bench{rows: o.rows, started: time.Now(), say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }}
	if b.binary, b.loops, err = absolute(o.binary, o.loops); err != nil {
		return err
	}
	if b.world, err = newWorld(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.world.close()) }()
	r := report{options: o, machine: machine(), rows: o.rows, values: b.main().bytes()}
	if r.results, err = b.measureAll(ctx, o); err != nil {
		return err
	}
	b.say("\n%s", r.table())
	if err := r.write(o.docs); err != nil || !o.full { // at once, and again as more is known
		return err
	}
	if o.only.MatchString("service") {
		if r.figures, err = b.services(ctx); err != nil {
			return err
		}
	}
	if err := r.write(o.docs); err != nil {
		return err
	}
	if r.grown, err = b.grow(ctx, o); err != nil {
		return err
	}
	return r.write(o.docs)
}

// chosen are the cases of a run. L and what others are held against are always among them.
func chosen(o options) (found []kase) {
	all := cases()
	if o.compare != "" {
		all = append(all, compared(o.compare))
	}
	needed := map[string]bool{baseline: true}
	for _, k := range all {
		if k.bar.over != "" && o.only.MatchString(k.name) {
			needed[k.bar.over] = true
		}
	}
	for _, k := range all {
		if needed[k.name] || o.only.MatchString(k.name) && (o.full || !k.slow || o.only.String() != "") {
			found = append(found, k)
		}
	}
	return found
}

// measureAll takes the cases in turn, round after round.
func (b *bench) measureAll(ctx context.Context, o options) ([]result, error) {
	chosen := chosen(o)
	results := make([]result, len(chosen))
	for round := range o.rounds {
		for i, k := range chosen {
			got, err := k.run(ctx, b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.name, err)
			}
			results[i].kase = k
			results[i].rounds = append(results[i].rounds, got)
			b.say("%4.0f s  %d/%d  %-48s %s", time.Since(b.started).Seconds(), round+1, o.rounds, k.name, got)
		}
	}
	return results, nil
}
