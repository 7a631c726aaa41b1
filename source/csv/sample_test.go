package csv

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/source"
)

// drawn gives the first n rows of a sample, and the offset after them.
func drawn(t *testing.T, src source.Source, after source.Offset, n int) (rows []string, next source.Offset) {
	t.Helper()
	for p, err := range src.Read(t.Context(), "f.csv", after) {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Records {
			if rows = append(rows, string(r.Value)); r.Row != nil {
				rows[len(rows)-1] = show(r.Row[0])
			}
		}
		if next = p.Next; len(rows) >= n {
			break
		}
	}
	return rows[:n], next
}

func numbered(n int) string {
	var b strings.Builder
	b.WriteString("n,text\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,\"a\nb\"\n\n", i)
	}
	return b.String()
}

// A seed and a split decide which rows are drawn; a restart in between does not show.
func TestSampleIsRepeatable(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": numbered(1000)})
	sample := func(seed int64) source.Source {
		src := open(t, dir+"/f.csv", func(c *Config) { c.Order, c.Seed = sampled, seed })
		inPages(src, 10)
		return src
	}
	want, _ := drawn(t, sample(1), nil, 100)
	first, next := drawn(t, sample(1), nil, 40)
	rest, _ := drawn(t, sample(1), next, 60)
	if got := append(first, rest...); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q, then %q", want, got)
	}
	if other, _ := drawn(t, sample(2), nil, 100); strings.Join(other, " ") == strings.Join(want, " ") {
		t.Error("another seed draws the same rows")
	}
}

// TestSampleOnAFullDisk: the text of a compressed file goes to a scratch file, and it is said what to do where that has no room. What is
// wrong with the file itself is another matter.
func TestSampleOnAFullDisk(t *testing.T) {
	text := numbered(300_000)
	dir := write(t, map[string]string{"f.csv.gz": gzipped(t, text), "cut.csv.gz": gzipped(t, text)[:2000]})
	src := open(t, dir+"/*.gz", func(c *Config) { c.Order = sampled })
	t.Setenv("TMPDIR", parts.SmallFolder(t, 1<<20))
	if r := read(t.Context(), src, "f.csv.gz", nil); !errors.Is(r.err, syscall.ENOSPC) || !strings.Contains(r.err.Error(), "free some, or set TMPDIR to a folder on a larger disk") {
		t.Error(r.err)
	}
	if r := read(t.Context(), src, "cut.csv.gz", nil); r.err == nil || strings.Contains(r.err.Error(), "TMPDIR") || !strings.Contains(r.err.Error(), "is it whole") {
		t.Error(r.err)
	}
}

// Every row is as likely as every other, by the chi-squared test.
func TestSampleIsEven(t *testing.T) {
	const rows, draws = 50, 100_000
	dir := write(t, map[string]string{"f.csv": numbered(rows)})
	all, _ := drawn(t, open(t, dir+"/f.csv", func(c *Config) { c.Order = sampled }), nil, draws)
	count := map[string]int{}
	for _, r := range all {
		count[r]++
	}
	chi, even := 0.0, float64(draws)/rows
	for _, n := range count {
		chi += math.Pow(float64(n)-even, 2) / even
	}
	if len(count) != rows || chi > 85 { // 0.1 % of fair samples are beyond it, and this one is always the same
		t.Errorf("%d rows, chi squared %.1f", len(count), chi)
	}
}

func TestSampleOfOddFiles(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": "n,t\n1,2\n3\n\n4,\"5\n6,7"})
	src := open(t, dir+"/f.csv", func(c *Config) { c.Order = sampled })
	seen := map[string]bool{}
	rows, next := drawn(t, src, nil, 100)
	for _, r := range rows {
		seen[r] = true
	}
	if len(seen) != 4 || !seen["1"] || !seen["3"] || !seen[`4,"5`] || !seen["6"] {
		t.Errorf("%v", seen)
	}
	for p := range src.Read(t.Context(), "f.csv", nil) {
		for _, b := range p.Bad[:10] {
			why := b.Err.Error()
			if !strings.HasSuffix(why, "f.csv:3: the row's cells are 1, the columns 2") && !strings.HasSuffix(why, "f.csv:5: "+errUnclosed.Error()) {
				t.Error(why)
			}
		}
		break
	}
	for now, want := range map[string]string{
		"n,t\n1,2\n":                "rows were drawn from",
		"n,t\n1,2\n3\n\n4,\"5\n6,8": "its last lines are others now",
		"n,u\n1,2\n3\n\n4,\"5\n6,7": `its columns were ["n" "t"]`,
		"n,t\n":                     "there are no rows to draw from",
	} {
		if err := os.WriteFile(dir+"/f.csv", []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, err := range src.Read(t.Context(), "f.csv", next) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", now, err)
			}
			break
		}
	}
}

// A file that shrinks while rows are drawn from it is told.
func TestSampleOfAFileThatShrinks(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": numbered(1000)})
	var last error
	for _, err := range open(t, dir+"/f.csv", func(c *Config) { c.Order = sampled }).Read(t.Context(), "f.csv", nil) {
		if last = err; err == nil {
			last = os.Truncate(dir+"/f.csv", 20)
		}
	}
	if last == nil || !strings.Contains(last.Error(), "the file was replaced: ") {
		t.Error(last)
	}
}

func BenchmarkSample(b *testing.B) {
	src := open(b, "../../testdata/stock/hsi.csv", func(c *Config) { c.Order = sampled })
	b.ReportAllocs()
	rows := 0
	for p, err := range src.Read(b.Context(), "hsi.csv", nil) {
		if rows += len(p.Records); err != nil {
			b.Fatal(err)
		}
		if !b.Loop() {
			break
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
