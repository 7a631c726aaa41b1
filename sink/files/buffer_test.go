package files

import (
	"bytes"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock/penstock/record"
)

// cells are one of every kind, and what they come back as.
func cells(i int) []record.Value {
	return []record.Value{
		{}, record.BoolOf(i%2 == 0), record.IntOf(math.MinInt64 + int64(i)), record.FloatOf(math.Inf(-1)), record.FloatOf(float64(i) / 3),
		record.StringOf(strings.Repeat("é", i%50)), record.BytesOf("\x00\xff"), record.DateOf(-1), record.TimestampOf(math.MaxInt64),
		record.JSONOf(`{"a":[1]}`),
	}
}

func TestBufferGivesRowsBack(t *testing.T) {
	const n = 3000
	for _, keep := range [][]int{nil, {}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {5, 1}} {
		var account atomic.Int64
		b := newBuffer("p", &pool{}, &account)
		var want []record.Record
		for i := range n {
			rec := record.Record{Offset: 1000 + int64(i*i), Time: 1_700_000_000_000 - int64(i)*7, Row: cells(i)}
			switch i % 4 {
			case 1:
				rec.Value = []byte{}
			case 2:
				rec.Value = bytes.Repeat([]byte{byte(i)}, i)
			case 3:
				rec.Value, rec.Time = bytes.Repeat([]byte{1}, 100_000*(i%8)/7), record.NoTime
			}
			b.add(&rec, keep)
			want = append(want, rec)
		}
		rd := b.reader()
		for i := range want {
			got := record.Record{Row: make([]record.Value, len(keep))}
			if !rd.next(&got, keep == nil) {
				t.Fatalf("keep %v: ends at row %d", keep, i)
			}
			if keep != nil {
				want[i].Value = nil
			}
			row := want[i].Row
			want[i].Row = make([]record.Value, len(keep))
			for k, from := range keep {
				want[i].Row[k] = row[from]
			}
			if !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("keep %v: row %d is %+v, want %+v", keep, i, got, want[i])
			}
		}
		if rd.next(&record.Record{}, keep == nil) || b.rows != n || b.first != 1000 {
			t.Errorf("keep %v: %d rows from %d, and more", keep, b.rows, b.first)
		}
		if b.free(); account.Load() != 0 {
			t.Errorf("%d bytes are held after free", account.Load())
		}
	}
}

// TestAnOpenPathCostsWhatItHolds bounds what many paths of few rows cost.
func TestAnOpenPathCostsWhatItHolds(t *testing.T) {
	for _, rows := range []int{1, 10, 100, 10_000} {
		var account atomic.Int64
		b := newBuffer("stock/date=2026-01-31", &pool{}, &account)
		value := make([]byte, 173)
		for i := range rows {
			b.add(&record.Record{Offset: int64(i), Value: value}, nil)
		}
		if limit := int64(1024 + 2.2*float64(rows*len(value))); account.Load() > limit {
			t.Errorf("%d rows cost %d bytes, above %d", rows, account.Load(), limit)
		}
	}
}

func TestChunksAreUsedAgain(t *testing.T) {
	for n, want := range map[int]int{0: 512, 1: 512, 512: 512, 513: 1024, 1024: 1024, 40_000: 65536, 65536: 65536, 65537: 65537, 1 << 20: 1 << 20} {
		var p pool
		c := p.get(n)
		if cap(c.data) != want {
			t.Errorf("get(%d) has room for %d, want %d", n, cap(c.data), want)
		}
		c.data = append(c.data, 1)
		p.put(c)
		if again := p.get(n); len(again.data) != 0 || again.next != nil {
			t.Errorf("get(%d) is not empty", n)
		}
	}
}

func TestSpool(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, maxChunk, maxChunk + 1, 4 * maxChunk, 4*maxChunk + 1, 20*maxChunk + 77} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(random.Uint32())
		}
		s := &spool{pool: &pool{}, limit: 4 * maxChunk}
		for left := want; len(left) > 0; {
			n := min(len(left), 1+random.IntN(2*maxChunk))
			if m, err := s.Write(left[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			left = left[n:]
		}
		if (s.file != nil) != (size > 4*maxChunk) {
			t.Errorf("%d bytes: scratch file %v", size, s.file)
		}
		for range 2 { // a body may be read again
			got, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size()))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes: %d come back, %v", size, len(got), err)
			}
		}
		if s.CRC32C() != crc32.Checksum(want, crc32.MakeTable(crc32.Castagnoli)) {
			t.Errorf("%d bytes: checksum %x", size, s.CRC32C())
		}
		if n, err := s.ReadAt(make([]byte, 10), int64(size)); n != 0 || err != io.EOF {
			t.Errorf("beyond the end: %d, %v", n, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFileNames(t *testing.T) {
	for topicName, want := range map[string]string{"stock": "stock", "_hidden": "%5Fhidden", ".x": "%2Ex", "a_b.c": "a_b.c"} {
		if got := visible(topicName); got != want {
			t.Errorf("%s becomes %s, want %s", topicName, got, want)
		}
	}
}
