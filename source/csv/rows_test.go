package csv

import (
	"bytes"
	stdcsv "encoding/csv"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "\"a\"\"\",\"b\r\nc\"\r\n\r\n,\n", "a\"b\n\"a\"b\n\"a", "\"\r", "a\r\r\n\r", "\"a\"\r"} {
		f.Add([]byte(seed), uint16(7))
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint16) {
		want := stdcsv.NewReader(bytes.NewReader(data))
		want.FieldsPerRecord = -1
		got := rows{r: &slow{data, int(step%9) + 1}, comma: ',', quote: '"'}
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
		if string(r.text(c)) != record[i] {
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

// A text that comes in pieces, an end after each, gives the rows of the whole one, but for what no line end closes.
func FuzzGrowing(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n3,", "\"a\"\"\",\"b\r\nc\"\r\n\r\n,\n", "a\"b\n\"a\"b\n\"a\n\n", "\"\r\n", "x\r\n\n\ny\n"} {
		f.Add([]byte(seed), uint16(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint16) {
		whole := rows{r: bytes.NewReader(data), comma: ',', quote: '"', grows: true}
		grown := rows{r: &pieces{slow{data, int(step%9) + 1}, false}, comma: ',', quote: '"', grows: true}
		for {
			bad, err := whole.next()
			again, errAgain := grown.next()
			for errAgain == io.EOF && len(grown.r.(*pieces).data) > 0 {
				grown.eof = false
				again, errAgain = grown.next()
			}
			if err == io.EOF && errAgain == io.EOF {
				return
			}
			if bad != again || err != errAgain || !bytes.Equal(whole.row, grown.row) || whole.here() != grown.here() || whole.back() != grown.back() {
				t.Fatalf("%q %v %v %v, in pieces %q %v %v %v", whole.row, bad, err, whole.here(), grown.row, again, errAgain, grown.here())
			}
		}
	})
}

// pieces says io.EOF after every piece.
type pieces struct {
	slow
	end bool
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.end = !p.end; !p.end {
		return 0, io.EOF
	}
	return p.slow.Read(b)
}
