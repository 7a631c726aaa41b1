package main

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A profile is how many samples of one case's process were taken where.
type profile struct {
	name string
	all  int
	at   map[string]int // by the names of takers
}

// takers are what CPU time goes to. A sample belongs to the first that knows its thread, file and symbol, as perf report writes them.
var takers = []struct {
	name  string
	knows *regexp.Regexp
}{
	{"kernel", regexp.MustCompile(`\[k\] `)},
	{"librdkafka's threads", regexp.MustCompile(`^rdk:`)},
	{"`formats`", goCode(ours + `formats`)},
	{"`sink`", goCode(ours + `sink`)},
	{"`source`", goCode(ours + `source`)},
	{"`connector`", goCode(ours + `connector`)},
	{"`kafka`, its C", regexp.MustCompile(`\] (` + ours + `kafka\.|_cgo_\w+_Cfunc_)`)},
	{"HTTP, the SDK", goCode(`net|crypto|hash|vendor|bufio|syscall|internal/poll|internal/syscall|github\.com/aws`)},
	{"Go's runtime", regexp.MustCompile(goCode(`runtime|internal/runtime|internal/bytealg|sync|internal/sync`).String() + `|\] (\w+body|gogo|gcWriteBarrier|crosscall2|expandAVX\w+)$`)},
	{"other Go", goCode(`[^ ]+`)},
	{"libc", regexp.MustCompile(`\|(libc|ld-linux|\[vdso\])|\] (_int_|__|c?free|[mc]alloc|realloc|mem|str|pthread_|clock_|unlink_chunk|sysmalloc)`)},
	{"librdkafka, called", regexp.MustCompile(`\] [A-Za-z_]`)},
	{"unknown", regexp.MustCompile(``)},
}

const ours = `github\.com/penstock/penstock/`

// goCode knows the symbols of packages and of those below them. Those of C have no dot.
func goCode(packages string) *regexp.Regexp {
	return regexp.MustCompile(`\] (` + packages + `)(/[^ (]*)?\.[^ ]`)
}

// suffix is what compilers of C hang on symbols.
var suffix = regexp.MustCompile(`(\.(part|isra|constprop|cold)(\.\d+)?)+$`)

// profiled sums what perf report says: lines of samples, thread, file and symbol.
func profiled(name, report string) profile {
	p := profile{name: name, at: map[string]int{}}
	for line := range strings.Lines(report) {
		count, where, _ := strings.Cut(strings.TrimSpace(line), "|")
		n, err := strconv.Atoi(strings.TrimSpace(count))
		if err != nil {
			continue // a heading
		}
		where = suffix.ReplaceAllString(where, "")
		for _, t := range takers {
			if t.knows.MatchString(where) {
				p.at[t.name] += n
				break
			}
		}
		p.all += n
	}
	return p
}

// canProfile says what is missing.
func canProfile(binary string) error {
	file, err := elf.Open(binary)
	if err != nil {
		return err
	}
	defer file.Close()
	if file.Section(".symtab") == nil {
		return fmt.Errorf("%s has no symbols to profile it by; make build STRIP= BINARY=OTHER builds one that has", binary)
	}
	if _, err := exec.LookPath("perf"); err != nil {
		return fmt.Errorf("-profile samples with Linux's perf, which has to be installed: %w", err)
	}
	return nil
}

// underPerf is a command whose samples go to a file.
func underPerf(cmd *exec.Cmd, file string) *exec.Cmd {
	with := exec.Command("perf", append([]string{"record", "-q", "-F", "999", "-e", "cpu-clock", "-o", file, "--", cmd.Path}, cmd.Args[1:]...)...)
	with.Dir, with.Env = cmd.Dir, cmd.Env
	return with
}

// profiles runs each case once more, under perf and with a binary that has symbols.
func (b *bench) profiles(ctx context.Context, cases []kase, binary string) (all []profile, err error) {
	defer func(measured string) { b.binary, b.world.perf = measured, "" }(b.binary)
	b.binary, b.world.perf = binary, filepath.Join(b.world.dir, "perf.data")
	for _, k := range cases {
		if _, err := k.run(ctx, b); err != nil {
			return nil, fmt.Errorf("%s, under perf: %w", k.name, err)
		}
		var said bytes.Buffer
		report := exec.CommandContext(ctx, "perf", "report", "-i", b.world.perf, "--stdio", "-q", "--no-children", "-F", "sample,comm,dso,sym", "-t", "|")
		report.Stderr = &said
		lines, err := report.Output()
		p := profiled(k.name, string(lines))
		if err != nil || p.all == 0 {
			return nil, fmt.Errorf("%s: perf report: %d samples, %w\n%s", k.name, p.all, err, &said)
		}
		all = append(all, p)
		b.say("%4.0f s  profile  %-48s %9d samples", time.Since(b.started).Seconds(), k.name, p.all)
	}
	return all, nil
}

// shares are the profiles as Markdown, in percent; who takes less than one of any case has no column.
func (r report) shares() string {
	if len(r.profiles) == 0 {
		return "(This run took no profiles.)\n"
	}
	head, rule, rows := "| case |", "|---|", make([]string, len(r.profiles))
	for _, t := range takers {
		most, cells := 0.0, make([]string, len(rows))
		for i, p := range r.profiles {
			share := 100 * float64(p.at[t.name]) / float64(p.all)
			most, cells[i] = max(most, share), fmt.Sprintf(" %.0f |", share)
		}
		if most < 1 {
			continue
		}
		head, rule = head+" "+t.name+" |", rule+"--:|"
		for i := range rows {
			rows[i] += cells[i]
		}
	}
	text := head + "\n" + rule + "\n"
	for i, p := range r.profiles {
		text += "| " + p.name + " |" + rows[i] + "\n"
	}
	return text
}
