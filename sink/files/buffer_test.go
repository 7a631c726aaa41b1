package files

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// cells are one of every kind, and what they come back as.
func cells(i int) []record.Value {
	return []record.Value{
		{}, record.BoolOf(i%2 == 0), record.IntOf(math.MinInt64 + int64(i)), record.FloatOf(math.Inf(-1)), record.FloatOf(float64(i) / 3),
		record.StringOf(strings.Repeat("é", i%50)), record.BytesOf("\x00\xff"), record.DateOf(-1), record.TimestampOf(math.MaxInt64),
		record.JSONOf(`{"a":[1]}`),
	}
}

// storedRow is a row as it is put in, for a number of rows with values of all sizes.
func storedRow(i int) record.Record {
	rec := record.Record{Offset: 1000 + int64(i*i), Time: 1_700_000_000_000 - int64(i)*7, Row: cells(i), Key: []byte{byte('a' + i%20)}}
	switch i % 4 {
	case 1:
		rec.Value = []byte{}
	case 2:
		rec.Value = bytes.Repeat([]byte{byte(i)}, i)
	case 3:
		rec.Value, rec.Time = bytes.Repeat([]byte{1}, 100_000*(i%8)/7), record.NoTime
	}
	return rec
}

// givenBack is what a reader makes of it.
func givenBack(rec record.Record, p *plan) record.Record {
	got := record.Record{Offset: rec.Offset, Time: rec.Time}
	if p.raw {
		got.Value = rec.Value
	}
	for _, from := range p.keep {
		got.Row = append(got.Row, rec.Row[from])
	}
	for _, x := range p.extras {
		switch x {
		case withTopic:
			got.Row = append(got.Row, record.StringOf("stock"))
		case withOffset:
			got.Row = append(got.Row, record.IntOf(rec.Offset))
		case withKey:
			got.Row = append(got.Row, record.StringOf(string(rec.Key)))
		case withHeaders:
			got.Row = append(got.Row, record.JSONOf(`{"h":1}`))
		}
	}
	return got
}

func TestBufferGivesRowsBack(t *testing.T) {
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, p := range []*plan{
		{raw: true}, {}, {keep: all}, {keep: []int{5, 1}},
		{raw: true, extras: []extra{withHeaders, withOffset}}, {keep: all, extras: []extra{withKey, withTopic, withHeaders}},
	} {
		for _, spills := range []int{0, 1, 7} {
			givesRowsBack(t, p, spills)
		}
	}
}

func givesRowsBack(t *testing.T, p *plan, spills int) {
	t.Helper()
	const n = 3000
	var account atomic.Int64
	var s overflow
	defer s.Close()
	b := newBuffer("p", &pool{}, &account)
	for i := range n {
		rec := storedRow(i)
		b.add(&rec, p, []byte(`{"h":1}`))
		if spills > 0 && i%(n/spills) == n/spills/2 {
			spilled(t, &s, b, &account)
		}
	}
	rd := b.reader(p, &sink.Claim{Topic: "stock"}, &s)
	got := record.Record{Row: make([]record.Value, len(p.keep)+len(p.extras))}
	for i := range n {
		if rd.held >= loadedMemory/2 { // as after a batch
			rd.release()
		}
		if !rd.next(&got) {
			t.Fatalf("%+v: ends at row %d, %v", p, i, rd.err)
		}
		want := givenBack(storedRow(i), p)
		if len(got.Row) == 0 {
			got.Row = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %d spills: row %d is %+v, want %+v", p, spills, i, got, want)
		}
	}
	if rd.next(&got) || b.rows != n || b.first != 1000 {
		t.Errorf("%+v: %d rows from %d, and more", p, b.rows, b.first)
	}
	if b.free(); account.Load() != 0 {
		t.Errorf("%d bytes are held after free", account.Load())
	}
}

// spilled says how much a spill gave back, and the account goes down by it.
func spilled(t *testing.T, s *overflow, b *buffer, account *atomic.Int64) {
	t.Helper()
	before := account.Load()
	freed, err := s.spill([]*buffer{b})
	if err != nil || freed <= 0 || account.Load() != before-freed || b.memory() != 0 {
		t.Fatalf("%d bytes freed of %d, %d left; %v", freed, before, account.Load(), err)
	}
}

// TestAnOpenPathCostsWhatItHolds bounds what many paths of few rows cost.
func TestAnOpenPathCostsWhatItHolds(t *testing.T) {
	for _, rows := range []int{1, 10, 100, 10_000} {
		var account atomic.Int64
		b := newBuffer("stock/date=2026-01-31", &pool{}, &account)
		value := make([]byte, 173)
		for i := range rows {
			b.add(&record.Record{Offset: int64(i), Value: value}, &plan{raw: true}, nil)
		}
		if limit := int64(1024 + 2.2*float64(rows*len(value))); account.Load() > limit {
			t.Errorf("%d rows cost %d bytes, above %d", rows, account.Load(), limit)
		}
	}
}

// TestSpilledTogetherReadTogether: the growing chunks of one path are few pieces of the scratch file, and none is larger than a chunk.
func TestSpilledTogetherReadTogether(t *testing.T) {
	var account atomic.Int64
	var s overflow
	defer s.Close()
	paths := []*buffer{newBuffer("a", &pool{}, &account), newBuffer("b", &pool{}, &account)}
	for range 2 {
		for i := range 400 { // 40 kB a path, 16 kB at most in the last chunk
			for _, b := range paths {
				b.add(&record.Record{Offset: int64(i), Value: make([]byte, 97)}, &plan{raw: true}, nil)
			}
		}
		if _, err := s.spill(paths); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(paths) // so that both pieces of one path stand side by side
	}
	for _, b := range paths {
		var pieces []int
		for c := b.head; c != nil; c = c.next {
			pieces = append(pieces, c.size)
			if c.size > maxChunk || !c.stored {
				t.Errorf("a piece of %d bytes, stored: %v", c.size, c.stored)
			}
		}
		if b.add(&record.Record{Value: make([]byte, 97)}, &plan{raw: true}, nil); cap(b.tail.data) > 8<<10 {
			t.Errorf("the next chunk has room for %d bytes, after pieces of %d", cap(b.tail.data), pieces)
		}
		if len(pieces) > 2 || b.held > overhead+1+int64(len(pieces))*chunkSize+int64(cap(b.tail.data)) {
			t.Errorf("pieces of %d bytes, and %d held", pieces, b.held)
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

func TestFileNames(t *testing.T) {
	for topicName, want := range map[string]string{"stock": "stock", "_hidden": "%5Fhidden", ".x": "%2Ex", "a_b.c": "a_b.c"} {
		if got := visible(topicName); got != want {
			t.Errorf("%s becomes %s, want %s", topicName, got, want)
		}
	}
}
