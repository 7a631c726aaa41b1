package files

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

func lineOf(dst []byte, rec *record.Record) ([]byte, error) {
	if rec.Value == nil {
		return append(dst, "half of a"...), errors.New("no value")
	}
	return append(append(dst, rec.Value...), '\n'), nil
}

// TestRopeIsTheLines, wherever they are held, and wherever reading begins.
func TestRopeIsTheLines(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	p := &plan{raw: true, line: lineOf}
	for _, rows := range []int{1, 2, 40, 3000} {
		for _, spills := range []int{0, 1, 5} {
			var account atomic.Int64
			var s overflow
			b, want := newBuffer("p", &pool{}, &account), []byte(nil)
			for i := range rows {
				value := bytes.Repeat([]byte{byte('a' + i%26)}, random.IntN(300))
				if i%1000 == 999 {
					value = make([]byte, 3*maxChunk)
				}
				want = append(append(want, value...), '\n')
				if err := b.add(&record.Record{Offset: int64(i), Value: value}, p, nil); err != nil {
					t.Fatal(err)
				}
				if b.add(&record.Record{}, p, nil) == nil {
					t.Fatal("a row without a value was taken in")
				}
				if spills > 0 && (i+1)%max(1, rows/spills) == 0 {
					spilled(t, &s, b, &account)
				}
			}
			r, err := newRope(b, &s)
			if err != nil || b.rows != int64(rows) || r.Size() != int64(len(want)) || CRC32C(r.Sums(), r.Size()) != crc32.Checksum(want, castagnoli) {
				t.Fatalf("%d rows, %d spills: %d rows of %d bytes, want %d; %v", rows, spills, b.rows, r.Size(), len(want), err)
			}
			readsAs(t, r, want, random)
			_ = s.Close()
			if b.free(); account.Load() != 0 {
				t.Errorf("%d bytes are held after free", account.Load())
			}
		}
	}
}

func readsAs(t *testing.T, r io.ReaderAt, want []byte, random *rand.Rand) {
	t.Helper()
	for range 500 {
		at := random.IntN(len(want) + 2)
		got := make([]byte, random.IntN(min(len(want), 100_000)+10))
		n, err := r.ReadAt(got, int64(at))
		rest := want[min(at, len(want)):]
		if n != min(len(got), len(rest)) || !bytes.Equal(got[:n], rest[:n]) || (err == io.EOF) != (n < len(got)) || err != nil && err != io.EOF {
			t.Fatalf("%d bytes at %d of %d: %d come, %v", len(got), at, len(want), n, err)
		}
	}
	if _, err := r.ReadAt(nil, -1); err == nil {
		t.Error("it is read before its beginning")
	}
}

// choosy takes no row without a value, and promises too little of one that is x.
type choosy struct{ formats.Format }

func (choosy) Raw() bool { return true }
func (choosy) Appender(*record.Schema) func([]byte, *record.Record) ([]byte, error) {
	return func(dst []byte, rec *record.Record) ([]byte, error) {
		if string(rec.Value) == "x" {
			return append(dst, strings.Repeat("x", 2*minChunk)...), nil
		}
		return lineOf(dst, rec)
	}
}

// TestARowThatIsNoLine is bad, alone, and its path has no file of it.
func TestARowThatIsNoLine(t *testing.T) {
	s, err := New(discard{}, Config{Path: parse(t, "{key}"), Format: choosy{sinktest.Lines{}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(t.Context(), sink.Claim{Topic: "stock"})
	if err != nil {
		t.Fatal(err)
	}
	b := &record.Batch{Records: []record.Record{
		{Offset: 0, Key: []byte("a")}, {Offset: 1, Key: []byte("b"), Value: []byte("1")}, {Offset: 2, Key: []byte("b")},
		{Offset: 3, Key: []byte("c"), Value: []byte("x")}, {Offset: 4, Key: []byte("c"), Value: []byte("2")},
	}}
	var refused []int64
	for len(b.Records) > 0 {
		err := w.Write(t.Context(), b)
		var bad *record.Bad
		if err != nil && !errors.As(err, &bad) {
			t.Fatal(err)
		}
		if bad == nil {
			break
		}
		refused = append(refused, b.Records[bad.Index].Offset)
		b.Records = b.Records[bad.Index+1:]
	}
	f, err := w.Cut(5)
	if err != nil {
		t.Fatal(err)
	}
	made, err := f.Commit(t.Context())
	if err != nil || len(refused) != 3 || len(made) != 2 || made[0].Path != "b" || made[0].First != 1 || made[0].Rows != 1 || made[1].First != 4 {
		t.Errorf("refused %v, made %+v, %v", refused, made, err)
	}
	if held := w.(sink.Sized).Size(); held != 0 {
		t.Errorf("%d bytes are held in the end", held)
	}
}
