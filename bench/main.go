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
	"path/filepath"
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
	binary, loops, profile, docs, compare string
	only                                  *regexp.Regexp
	full                                  bool
	rounds, rows, warm                    int
}

// parse reads the command line. With -full, what it does not say has other defaults.
func parse(args []string) (o options, err error) {
	var only string
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.StringVar(&o.binary, "penstock", "./penstock", "the `binary` to measure")
	flags.StringVar(&o.loops, "loops", ".cache/bin/loops", "the `binary` of the bare loops to measure it against")
	flags.StringVar(&o.profile, "profile", "", "a penstock `binary` with symbols: each case runs once more, with it and under Linux's perf, to say where its CPU time goes")
	flags.StringVar(&o.docs, "docs", "", "`folder` for benchmarks.md and its charts; none are written without it")
	flags.StringVar(&o.compare, "compare", "", "a `command` of sh to measure in the same run, on the same topic and a bucket of its own: see docs/benchmarks.md")
	flags.StringVar(&only, "only", "", "measure the cases, and what else there is, whose names match this `regexp`")
	flags.BoolVar(&o.full, "full", false, "measure all there is, and how it grows, which takes long; without it, what fits into five minutes")
	flags.IntVar(&o.rounds, "rounds", 2, "how many times each case is measured; with -full 3")
	flags.IntVar(&o.warm, "warm", 0, "rounds to begin with that are thrown away, while the broker is busy compiling itself; with -full 1")
	flags.IntVar(&o.rows, "rows", 2_000_000, "rows of the topic that most cases read; with -full 5000000")
	_ = flags.Parse(args) // it exits
	said := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { said[f.Name] = true })
	for name, value := range map[string]string{"rounds": "3", "warm": "1", "rows": "5000000"} {
		if o.full && !said[name] {
			_ = flags.Set(name, value)
		}
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return o, err
	}
	return o, o.settle()
}

// settle finds what cannot be done before anything is. Paths are absolute afterwards: each process has a folder of its own.
func (o *options) settle() (err error) {
	if o.rounds < 1 || o.rows < 1 || o.warm < 0 {
		return fmt.Errorf("-rounds %d, -rows %d and -warm %d: there has to be a round, and a row", o.rounds, o.rows, o.warm)
	}
	for _, path := range []*string{&o.binary, &o.loops, &o.profile} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if o.profile != "" {
		return canProfile(o.profile)
	}
	return nil
}

func run(ctx context.Context) (err error) {
	o, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	b := &bench{binary: o.binary, loops: o.loops, rows: o.rows, started: time.Now(), say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }}
	if b.world, err = newWorld(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.world.close()) }()
	r := report{options: o, machine: machine(), rows: o.rows, values: b.main().bytes()}
	cases := chosen(o)
	if r.results, err = b.measureAll(ctx, cases, o); err != nil {
		return err
	}
	b.say("\n%s", r.table())
	if o.profile != "" {
		if r.profiles, err = b.profiles(ctx, cases, o.profile); err != nil {
			return err
		}
		b.say("\nCPU time, in percent:\n\n%s", r.shares())
	}
	if err := r.write(o.docs); err != nil || !o.full { // at once, and again as more is known
		return err
	}
	return b.rest(ctx, o, r)
}

// rest is what the short form leaves out.
func (b *bench) rest(ctx context.Context, o options, r report) (err error) {
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

// measureAll takes the cases in turn, round after round. Those that warm up leave nothing but a line.
func (b *bench) measureAll(ctx context.Context, cases []kase, o options) ([]result, error) {
	results := make([]result, len(cases))
	for round := range o.warm + o.rounds {
		turn := fmt.Sprintf("%d/%d", round-o.warm+1, o.rounds)
		if round < o.warm {
			turn = "warm-up"
		}
		for i, k := range cases {
			got, err := k.run(ctx, b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.name, err)
			}
			if results[i].kase = k; round >= o.warm {
				results[i].rounds = append(results[i].rounds, got)
			}
			b.say("%4.0f s  %-7s  %-48s %s", time.Since(b.started).Seconds(), turn, k.name, got)
		}
	}
	return results, nil
}
