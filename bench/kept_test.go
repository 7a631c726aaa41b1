package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

var record = flag.Bool("kept.record", false, "write testdata/kept.txt anew, from what is measured now")

// kept are the hot parts: which benchmarks, of which package, and how many operations of each make a count that hardly varies.
var kept = []struct{ pkg, benchmarks, times string }{
	{"formats/json", "(Decode|Encode|Lines)", "100x"},
	{"formats/parquet", "Encode$/^ours$", "3x"},
	{"sink/files", "(Write|Path)", "200x"},
	{"sink/s3", "Put", "200x"},
	{"source/csv", "Read", "2x"},
	{"kafka", "(Batches|Store)", "3x"},
}

// A cost is what one operation of a benchmark takes: allocations, bytes, and time in units of a yardstick that was measured beside it.
type cost struct{ allocs, bytes, time float64 }

// TestKeptFast holds the hot parts against what testdata/kept.txt says of them: a change that doubles what one allocates fails, and so does one
// that takes four times as long beside a yardstick: on a machine that is shared, a part that lives on its caches may take twice as long from one
// hour to the next. Changes for the better are recorded with
//
//	go run ./parts/run go test ./bench -run TestKeptFast -kept.record
func TestKeptFast(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute, and its counts are others under the race detector")
	}
	parts.Kafka(t)
	now := map[string]cost{}
	for _, k := range kept {
		measureKept(t, now, k.pkg, k.benchmarks, k.times)
	}
	const file = "testdata/kept.txt"
	if *record {
		if err := os.WriteFile(file, []byte(written(now)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was := costs(t, string(text))
	if len(was) < 20 {
		t.Fatalf("%s has %d benchmarks only", file, len(was))
	}
	for range 2 { // whatever shared the machine with it may have been the slow one
		for _, k := range kept {
			if anySlower(was, now, k.pkg) {
				measureKept(t, now, k.pkg, k.benchmarks, k.times)
			}
		}
	}
	for name, c := range was {
		if why := slower(c, now[name]); why != "" {
			t.Errorf("%s: %s; mend it, or say in the commit why it has to be and record it (%s)", name, why, file)
		}
	}
	for name := range now {
		if _, known := was[name]; !known {
			t.Errorf("%s is not in %s; record it", name, file)
		}
	}
}

func anySlower(was, now map[string]cost, pkg string) bool {
	for name, c := range was {
		if strings.HasPrefix(name, pkg+" ") && slower(c, now[name]) != "" {
			return true
		}
	}
	return false
}

// slower says what has got worse by too much; "" for nothing. What is allocated once in a while is allowed for: pools that the collector emptied,
// and, where a broker has its own pace, a row in a hundred.
func slower(was, is cost) string {
	once := cost{allocs: 50, bytes: 64 << 10}
	if was.time == 0 {
		once = cost{allocs: 2000, bytes: 4 << 20}
	}
	switch {
	case is == cost{}:
		return "it was not measured"
	case is.allocs > 2*was.allocs+once.allocs:
		return fmt.Sprintf("%.0f allocations an operation, and they were %.0f", is.allocs, was.allocs)
	case is.bytes > 2*was.bytes+once.bytes:
		return fmt.Sprintf("%.0f bytes allocated an operation, and they were %.0f", is.bytes, was.bytes)
	case is.time > 4*was.time && was.time > 0:
		return fmt.Sprintf("it takes %.3g times what the yardstick takes, and it was %.3g", is.time, was.time)
	}
	return ""
}

func TestSlower(t *testing.T) {
	was := cost{10, 100_000, 4}
	for _, c := range []struct {
		is   cost
		says string
	}{
		{cost{70, 200_000, 16}, ""},
		{cost{71, 1, 1}, "71 allocations an operation, and they were 10"},
		{cost{1, 266_000, 1}, "266000 bytes allocated an operation, and they were 100000"},
		{cost{1, 1, 16.5}, "it takes 16.5 times what the yardstick takes, and it was 4"},
		{cost{}, "it was not measured"},
	} {
		if says := slower(was, c.is); says != c.says {
			t.Errorf("%+v: %q, want %q", c.is, says, c.says)
		}
	}
	if says := slower(cost{allocs: 1}, cost{2002, 0, 100}); says != "" {
		t.Errorf("without a time on record: %q", says)
	}
	if got, want := costs(t, written(map[string]cost{"a b": {1, 2, 3.5}})), (cost{1, 2, 3.5}); got["a b"] != want {
		t.Errorf("%v is read back as %v", want, got)
	}
}

// measureKept runs benchmarks three times, the yardstick before and after, and keeps the least of each.
func measureKept(t *testing.T, into map[string]cost, pkg, benchmarks, times string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "kept.test")
	if out, err := exec.Command("go", "test", "-c", "-o", binary, "../"+pkg).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", pkg, err, out)
	}
	yard := yardstick()
	cmd := exec.Command(binary, "-test.run", "^$", "-test.bench", "^Benchmark"+benchmarks, "-test.benchtime", times, "-test.benchmem", "-test.count", "3")
	cmd.Dir = "../" + pkg
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	yard = min(yard, yardstick())
	if pkg == "kafka" {
		yard = math.Inf(1) // its time is the broker's, and not kept
	}
	for line := range strings.Lines(string(out)) {
		if name, c, ok := benchmark(pkg, line); ok {
			c.time /= yard
			if was, again := into[name]; again {
				c = cost{min(c.allocs, was.allocs), min(c.bytes, was.bytes), min(c.time, was.time)}
			}
			into[name] = c
		}
	}
}

// benchmark reads a line of go test -bench: CPU time where that is reported, else time.
func benchmark(pkg, line string) (name string, c cost, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return "", c, false
	}
	name = fields[0]
	if i := strings.LastIndexByte(name, '-'); i > 0 { // the number of processors
		name = name[:i]
	}
	perRow := 0.0
	for i := 2; i+1 < len(fields); i += 2 {
		n, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return "", c, false
		}
		switch fields[i+1] {
		case "ns/op":
			c.time = n
		case "cpu-ns/row":
			perRow = n
		case "B/op":
			c.bytes = n
		case "allocs/op":
			c.allocs = n
		}
	}
	if perRow > 0 {
		c.time = perRow
	}
	return pkg + " " + strings.TrimPrefix(name, "Benchmark"), c, true
}

// yardstick is the CPU time in nanoseconds that the standard library takes to check a thousand stock rows.
func yardstick() float64 {
	row, best := newRower(data{indexes: 1}).row(nil, 0), math.Inf(1)
	for range 20 {
		before := used()
		for range 1000 {
			json.Valid(row)
		}
		best = min(best, float64(used()-before))
	}
	return best
}

func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const keptHead = "# allocations, bytes and time (in units of a yardstick; 0: not kept) of an operation; written by TestKeptFast -kept.record\n"

func written(all map[string]cost) string {
	var lines []string
	for name, c := range all {
		lines = append(lines, fmt.Sprintf("%s\t%.0f\t%.0f\t%.4g\n", name, c.allocs, c.bytes, c.time))
	}
	slices.Sort(lines)
	return keptHead + strings.Join(lines, "")
}

func costs(t *testing.T, text string) map[string]cost {
	t.Helper()
	all := map[string]cost{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSpace(line), "\t")
		var n [3]float64
		for i := range n {
			var err error
			if n[i], err = strconv.ParseFloat(fields[1+i], 64); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		all[fields[0]] = cost{n[0], n[1], n[2]}
	}
	return all
}
