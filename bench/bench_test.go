package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/parts"
)

func TestRows(t *testing.T) {
	d := data{rows: 5000, partitions: 4, indexes: 14}
	r, total, seen := newRower(d), 0, map[string]bool{}
	for n := range d.rows {
		row := map[string]any{}
		text := r.row(nil, n)
		if err := json.Unmarshal(text, &row); err != nil || len(row) != 9 || row["Index"] != d.index(n) {
			t.Fatalf("row %d is %s: %v", n, text, err)
		}
		total += len(text)
		seen[string(text)] = true
	}
	if mean := total / d.rows; mean < 165 || mean > 185 || len(seen) != d.rows {
		t.Errorf("%d different rows of %d bytes", len(seen), mean)
	}
	if got := d.bytes(); got < int64(total)*99/100 || got > int64(total)*101/100 {
		t.Errorf("%d bytes are taken for %d", total, got)
	}
	large := newRower(data{rows: 1, partitions: 1, indexes: 1, size: 10_000}).row(nil, 0)
	if len(large) != 10_000 || !json.Valid(large) {
		t.Errorf("a row of 10000 bytes has %d: %.200s", len(large), large)
	}
	line, err := csv.NewReader(strings.NewReader(newRower(d).line(3))).Read()
	if err != nil || len(line) != 9 || line[0] != "000001.SS" || line[7] != "300.0" {
		t.Errorf("a line is %q, %v", line, err)
	}
}

// Batches are packed as other producers pack them, by the flags of the frame (its fifth byte) and the size of its blocks (its sixth).
func TestPacker(t *testing.T) {
	text := bytes.Repeat([]byte("a row like any other\n"), 20_000)
	packed, codec := packer{}.Compress(new(bytes.Buffer), text)
	if codec != kgo.CodecLz4 || len(packed) > len(text)/10 || packed[4] != 0x60 || packed[5] != 0x40 {
		t.Fatalf("codec %d, %d bytes, which begin with % x", codec, len(packed), packed[:6])
	}
	if got, err := kgo.DefaultDecompressor().Decompress(packed, codec); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes are read back as %d, %v", len(text), len(got), err)
	}
}

func TestCountRows(t *testing.T) {
	text := strings.Repeat("{\"a\":1}\n", 1000)
	var zipped, packed, columns bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, text)
	z.Close()
	p, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(p, text)
	p.Close()
	type row struct{ A, B int64 }
	w := parquet.NewGenericWriter[row](&columns, parquet.MaxRowsPerRowGroup(300))
	if _, err := w.Write(make([]row, 1000)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for name, in := range map[string]string{"lines": text, "gzip": zipped.String(), "zstd": packed.String(), "parquet": columns.String()} {
		if n, err := countRows(strings.NewReader(in)); n != 1000 || err != nil {
			t.Errorf("%s: %d rows, %v", name, n, err)
		}
		if name != "lines" {
			if n, err := countRows(strings.NewReader(in[:len(in)/2])); err == nil && n == 1000 {
				t.Errorf("half of %s has %d rows", name, n)
			}
		}
	}
	if n, err := countRows(strings.NewReader("")); n != 0 || err != nil {
		t.Errorf("an empty object: %d, %v", n, err)
	}
}

func TestParse(t *testing.T) {
	for line, want := range map[string][3]int{
		"": {2, 0, 2_000_000}, "-full": {3, 1, 5_000_000}, "-full -warm 0 -rows 7": {3, 0, 7}, "-rounds 1 -warm 2": {1, 2, 2_000_000},
	} {
		if o, err := parse(strings.Fields(line)); err != nil || [3]int{o.rounds, o.warm, o.rows} != want {
			t.Errorf("%q: %+v, %v", line, o, err)
		}
	}
	for _, line := range []string{"-rounds 0", "-rows 0", "-warm -1", "-only (", "more", "-profile page.md", "-profile none"} {
		if o, err := parse(strings.Fields(line)); err == nil {
			t.Errorf("%q is taken for %+v", line, o)
		}
	}
}

// What warms up is run, and counts for nothing.
func TestMeasureAll(t *testing.T) {
	runs, said := 0, ""
	k := kase{name: "one", run: func(context.Context, *bench) (outcome, error) { runs++; return outcome{Rows: int64(runs)}, nil }}
	b := &bench{say: func(format string, args ...any) { said += fmt.Sprintf(format+"\n", args...) }}
	results, err := b.measureAll(t.Context(), []kase{k}, options{warm: 1, rounds: 2})
	if err != nil || len(results) != 1 || len(results[0].rounds) != 2 || results[0].rounds[0].Rows != 2 {
		t.Errorf("%+v, %v", results, err)
	}
	if strings.Count(said, "warm-up") != 1 || strings.Count(said, "1/2") != 1 || strings.Count(said, "2/2") != 1 {
		t.Errorf("it says\n%s", said)
	}
}

func TestChosen(t *testing.T) {
	names := func(o options) (all []string) {
		for _, k := range chosen(o) {
			all = append(all, k.name)
		}
		return all
	}
	short, full := names(options{only: regexp.MustCompile("")}), names(options{only: regexp.MustCompile(""), full: true})
	if len(short) < 10 || len(full) <= len(short) || full[0] != baseline {
		t.Errorf("%q, and with -full %q", short, full)
	}
	one := names(options{only: regexp.MustCompile(" 1000 paths"), compare: "true"})
	if want := []string{baseline, "1 M rows in one flush, 1 paths", "1 M rows in one flush, 1000 paths"}; fmt.Sprint(one) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", one, want)
	}
	if other := names(options{only: regexp.MustCompile("compared"), compare: "true"}); len(other) != 2 || other[1] != "compared: true" {
		t.Errorf("%q", other)
	}
}

func TestReport(t *testing.T) {
	took := func(rows int64, wall, cpu time.Duration, peak int64) outcome {
		return outcome{Rows: rows, Bytes: 173 * rows, Wall: wall, CPU: cpu, Peak: peak, Requests: 10, Objects: 10}
	}
	r := report{options: options{rounds: 3}, machine: "a machine", rows: 1_000_000, values: 173_000_000, results: []result{
		{kase{name: baseline}, []outcome{took(1e6, time.Second, time.Second, 1e6)}},
		{kase{name: "one", bar: bar{ofL: .25, cpu: 1.3, rss: 400}}, []outcome{
			took(1e6, 9*time.Second, 9*time.Second, 1e6), took(1e6, 2*time.Second, time.Second, 3e6), took(1e6, 3*time.Second, 1200*time.Millisecond, 2e6)}},
		{kase{name: "two", bar: bar{rate: 2e6, over: "one", most: 1.25, rss: 1}}, []outcome{took(1e6, time.Second, 1800*time.Millisecond, 5e6)}},
	}}
	table := r.table()
	for _, want := range []string{
		"| " + baseline + " | 1,000,000 | 1.00 | 173 | 1.00 | 1.0 | 1 | 10 |  |",
		"| one | 333,333 | 0.33 | 58 | 1.20 | 1.2 | 3 | 10 | ≥ 0.25 L, ≤ 1.3 µs, ≤ 400 MB |",
		"**not** ≥ 2,000,000 rows/s, **not** ≤ 1.25 × the CPU of 1 path: 1.50, **not** ≤ 1 MB |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("there is no %q in\n%s", want, table)
		}
	}
	r.figures = []figure{{"idle", "0.3 %", "< 1 %", true}, {"binary", "70 MB", "< 60 MB", false}}
	for _, g := range growths() {
		found := grown{growth: g}
		for _, n := range g.at {
			found.points = append(found.points, point{n, took(1e6, time.Second, time.Second, 1e6)})
		}
		r.grown = append(r.grown, found)
	}
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	if err != nil || strings.Contains(string(text), "{{") || !strings.Contains(string(text), "| binary | 70 MB | **not** < 60 MB |") || !strings.Contains(string(text), "| 10,000 | 1,000,000 |") {
		t.Errorf("%v\n%s", err, text)
	}
	for _, m := range regexp.MustCompile(`\]\(([a-z-]+\.svg)\)`).FindAllStringSubmatch(string(text), -1) {
		if chart, err := os.ReadFile(filepath.Join(dir, m[1])); err != nil || !bytes.Contains(chart, []byte("<svg")) {
			t.Errorf("%s: %v", m[1], err)
		}
	}
}

// testdata/perf.txt is some of what perf report said of two cases, Parquet and CSV.
func TestShares(t *testing.T) {
	text, err := os.ReadFile("testdata/perf.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := profiled("one", "\n# Samples: 9K of event 'cpu-clock'\n"+string(text)+" 41|penstock|[unknown]|[.] 0x00007f\n")
	want := map[string]int{"kernel": 118, "librdkafka's threads": 55, "`formats`": 80, "`sink`": 25, "`source`": 598, "`kafka`, its C": 65, "HTTP, the SDK": 2,
		"Go's runtime": 298, "other Go": 173, "libc": 21, "librdkafka, called": 69, "unknown": 41}
	if !maps.Equal(p.at, want) {
		t.Errorf("%v, want %v", p.at, want)
	}
	r := report{profiles: []profile{p, {name: "two", all: 200, at: map[string]int{"kernel": 199, "libc": 1}}}}
	if got := r.shares(); got != `| case | kernel | librdkafka's threads | `+"`formats` | `sink` | `source` | `kafka`, its C"+` | Go's runtime | other Go | libc | librdkafka, called | unknown |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
| one | 8 | 4 | 5 | 2 | 39 | 4 | 19 | 11 | 1 | 4 | 3 |
| two | 100 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 |
` {
		t.Errorf("the shares are\n%s", got)
	}
}

// TestBench runs the command itself on real parts: loops, sinks, a source, and any other program in the same run, which is penstock once
// more, told what to do by the environment.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a Kafka and a MinIO of its own")
	}
	parts.Kafka(t) // asks whether the parts are installed; bench starts its own
	dir, penstock := t.TempDir(), parts.Penstock(t)
	for name, pkg := range map[string]string{"bench": ".", "loops": "./loops"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	other, err := filepath.Abs("testdata/compared.yaml")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "bench"), append([]string{"-penstock", penstock, "-loops", filepath.Join(dir, "loops"),
			"-rows", "20000", "-rounds", "1", "-docs", dir}, args...)...).CombinedOutput()
		return string(out), err
	}
	out, err := run("-only", "tuned|passed|Parquet zstd|compared", "-compare", penstock+" run --drain "+other)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	page, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{regexp.QuoteMeta(baseline), "loop: Poll, tuned", "JSON lines, passed through", "Parquet zstd, by index", "compared: .*"} {
		if !regexp.MustCompile(`(?m)^\| ` + name + ` \| [1-9][0-9,]* \| [0-9.]+ \| [0-9]+ \| [0-9.]+ \| [0-9.]+ \| [1-9][0-9]* \|`).Match(page) {
			t.Errorf("there are no figures of %s in\n%s", name, page)
		}
	}
	if out, err = run("-only", "compared", "-compare", "true"); err == nil || !strings.Contains(out, "compared: true: 0 rows stand in 0 objects, of 20000 on the topic") {
		t.Errorf("a program that does nothing: %v\n%s", err, out)
	}
	if left, _ := filepath.Glob("../.cache/run-*/run-0*"); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}
