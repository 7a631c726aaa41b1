package csv

import (
	"bytes"
	"context"
	stdcsv "encoding/csv"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/penstock/penstock/plugin"
)

// A file that grew keeps the types it was first read with.
func TestTypesArePinned(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": "a,b\n1,x\n2,y\n3,z"})
	src := open(t, dir+"/*.csv", nil)
	src.(*files).pace = newPace(9e9)
	src.(*files).pace.rows = 2
	var first []byte
	for p, err := range src.Read(t.Context(), "f.csv", nil) {
		if err != nil || len(p.Records) != 2 {
			t.Fatalf("%d records, %v", len(p.Records), err)
		}
		first = p.Next
		break
	}
	if err := os.WriteFile(dir+"/f.csv", []byte("a,b\n1,x\n2,y\n3,z\nfour,x\n5,6\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := read(t.Context(), src, "f.csv", first)
	if r.err != nil || strings.Join(r.rows, ";") != `3|"z";5|"6"` || len(r.bad) != 1 ||
		!strings.HasSuffix(r.bad[0], `f.csv:5: column "a": "four" is no int64, which the column's cells were when the file was first read`) {
		t.Errorf("%q, %q, %v", r.rows, r.bad, r.err)
	}
	if again := read(t.Context(), src, "f.csv", r.next); again.pages != 0 || again.err != nil {
		t.Errorf("after the end: %+v", again)
	}
}

func TestReplacedFile(t *testing.T) {
	const text = "a,b\n1,2\n3,4\n5,6\n"
	dir := write(t, map[string]string{"f.csv": text})
	src := open(t, dir+"/*.csv", nil)
	src.(*files).pace = newPace(9e9)
	src.(*files).pace.rows = 2
	var after []byte
	for p := range src.Read(t.Context(), "f.csv", nil) {
		after = p.Next
		break
	}
	for now, want := range map[string]string{
		"a,b\n1,2\n":            "12 bytes had been read, now it has 8",
		"a,c\n1,2\n3,4\n5,6\n":  `its columns were ["a" "b"], now they are ["a" "c"]`,
		"a,b\n1,2\n3,5\n5,6\n":  "line 3, the last one read, is another now",
		"a,b\n11,22\n3,4\n5,6n": "line 3, the last one read, is another now",
	} {
		if err := os.WriteFile(dir+"/f.csv", []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		r := read(t.Context(), src, "f.csv", after)
		if r.err == nil || !strings.HasPrefix(r.err.Error(), "csv: f.csv: the file was replaced: ") || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%q: %v", now, r.err)
		}
	}
	for _, offset := range []string{"", "{", `{"v":2,"names":["a"],"types":["string"]}`, `{"v":1,"names":["a"],"types":["strong"]}`} {
		if r := read(t.Context(), src, "f.csv", []byte(offset)); r.err == nil || !strings.Contains(r.err.Error(), "the stored offset") {
			t.Errorf("offset %q: %v", offset, r.err)
		}
	}
}

// Rows come at the rate, never more than 100 ms of them in a page, nor a burst at the start; a stall is caught up with.
func TestRate(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 15, 1000, 99_999, 500_000} {
		t.Run(strconv.FormatFloat(rate, 'f', -1, 64), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, total, start := newPace(plugin.Rate(rate)), 0, time.Now()
				if float64(p.pageRows()) > max(1, rate/10) {
					t.Fatalf("%d rows in a page", p.pageRows())
				}
				for total < int(10*rate)+10 {
					if err := p.wait(t.Context(), p.pageRows()); err != nil {
						t.Fatal(err)
					}
					total += p.pageRows()
					due := float64(total-p.pageRows()) / rate
					if took := time.Since(start).Seconds(); math.Abs(took-due) > 0.001 {
						t.Fatalf("%d rows after %v s, due after %v", total, took, due)
					}
				}
				time.Sleep(time.Second / 2)
				stalled := time.Now()
				for n := p.pageRows(); n <= int(rate/2); n += p.pageRows() {
					p.wait(t.Context(), p.pageRows())
				}
				if took := time.Since(stalled); rate >= 10 && took > time.Second/100 {
					t.Errorf("half a second of rows took %v to catch up", took)
				}
			})
		})
	}
}

func TestRateOfAFile(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": "a\n" + strings.Repeat("1\n", 500), "g.csv": "a\n" + strings.Repeat("1\n", 500)})
	src := open(t, dir+"/*.csv", func(c *Config) { c.Rate = 2000 })
	start := time.Now()
	for _, split := range []string{"f.csv", "g.csv"} {
		if r := read(t.Context(), src, split, nil); r.err != nil || len(r.rows) != 500 || r.pages != 3 {
			t.Fatalf("%d rows in %d pages, %v", len(r.rows), r.pages, r.err)
		}
	}
	if took := time.Since(start); took < 390*time.Millisecond || took > 2*time.Second {
		t.Errorf("1000 rows at 2000/s took %v", took)
	}
}

func TestContextEndsTheWait(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": "a\n1\n2\n3\n"})
	src := open(t, dir+"/*.csv", func(c *Config) { c.Rate = 0.001 })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if r := read(ctx, src, "f.csv", nil); !errors.Is(r.err, context.Canceled) || len(r.rows) != 1 {
		t.Errorf("%d rows, %v", len(r.rows), r.err)
	}
}

func TestNumbersAreExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		f := math.Float64frombits(random.Uint64())
		if random.IntN(2) == 0 {
			f = float64(random.IntN(1e9)) / math.Pow10(random.IntN(9))
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		text := strconv.AppendFloat(nil, f, "fge"[random.IntN(3)], -1, 64)
		if got, ok := parseNumber(text).float64(text); (!ok && text[0] != '0') || ok && math.Float64bits(got) != math.Float64bits(f) {
			t.Fatalf("%s is read as %v, %v", text, got, ok)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "\"a\"\"\",\"b\r\nc\"\r\n\r\n,\n", "a\"b\n\"a\"b\n\"a", "\"\r", "a\r\r\n\r", "\"a\"\r"} {
		f.Add([]byte(seed), uint16(7))
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint16) {
		want := stdcsv.NewReader(bytes.NewReader(data))
		want.FieldsPerRecord = -1
		got := rows{r: &slow{data, int(step%9) + 1}, comma: ','}
		for {
			record, wantErr := want.Read()
			bad, err := got.next()
			if errors.Is(wantErr, stdcsv.ErrQuote) && want.InputOffset() == int64(len(data)) {
				return // a quote never closed takes the rest of the file there, one line here
			}
			if err != nil || wantErr == io.EOF {
				if err != io.EOF || wantErr != io.EOF {
					t.Fatalf("%v, encoding/csv %v", err, wantErr)
				}
				return
			}
			if (bad == nil) != (wantErr == nil) || bad == nil && !equal(&got, record) {
				t.Fatalf("%q is %v %v, in encoding/csv %q %v", got.row, got.cells, bad, record, wantErr)
			}
			if got.at != want.InputOffset() && utf8.Valid(data) && bytes.IndexByte(data[got.at:], '\n') > 0 {
				t.Fatalf("at %d, encoding/csv at %d", got.at, want.InputOffset())
			}
		}
	})
}

func equal(r *rows, record []string) bool {
	if len(r.cells) != len(record) {
		return false
	}
	for i, c := range r.cells {
		if string(c.text(r.row)) != record[i] {
			return false
		}
	}
	return true
}

// slow gives a few bytes at a time.
type slow struct {
	data []byte
	step int
}

func (s *slow) Read(b []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(s.step, len(b))], s.data)
	s.data = s.data[n:]
	return n, nil
}

func BenchmarkRead(b *testing.B) {
	text, err := os.ReadFile("../../testdata/stock/hsi.csv")
	if err != nil {
		b.Fatal(err)
	}
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	all := append(append(head, '\n'), bytes.Repeat(rest, 40)...)
	dir := write(b, map[string]string{"f.csv": string(all)})
	src := open(b, dir+"/*.csv", func(c *Config) { c.Key = "Index" })
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		for p, err := range src.Read(b.Context(), "f.csv", nil) {
			if err != nil {
				b.Fatal(err)
			}
			rows += len(p.Records)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// Rows that lie across two pieces of memory come out whole.
func TestLargeFileReadsAsEncodingCSVDoes(t *testing.T) {
	var text strings.Builder
	text.WriteString("n,text,last\n")
	for i := range 20_000 {
		text.WriteString("x" + strconv.Itoa(i) + ",\"" + strings.Repeat("a\"\"b\r\n", i%17) + "\",end" + strings.Repeat("z", i%31) + "\r\n")
	}
	want, err := stdcsv.NewReader(strings.NewReader(text.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{"f.csv": text.String()})
	n := 0
	for p, err := range open(t, dir+"/f.csv", nil).Read(t.Context(), "f.csv", nil) {
		if err != nil || len(p.Bad) > 0 {
			t.Fatal(err, p.Bad)
		}
		for _, r := range p.Records {
			n++
			if r.Row[0].Str != want[n][0] || r.Row[1].Str != want[n][1] || r.Row[2].Str != want[n][2] {
				t.Fatalf("row %d is %v, not %q", n, r.Row, want[n])
			}
		}
	}
	if n != len(want)-1 {
		t.Errorf("%d rows, not %d", n, len(want)-1)
	}
}
