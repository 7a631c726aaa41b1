package files

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// discard is a store for measuring what stands before it.
type discard struct{}

func (discard) Create(context.Context, string, map[string]string, Body) error { return nil }
func (discard) Stat(context.Context, string) (map[string]string, int64, error) {
	return nil, 0, fs.ErrNotExist
}
func (discard) List(context.Context, string, string) iter.Seq2[string, error] {
	return func(func(string, error) bool) {}
}

// typed is Lines over cells: it asks for them, and reads none.
type typed struct{ formats.Format }

const (
	benchBatch = 1000
	benchFlush = 50 // batches
)

// stockBatch is rows as the stock pipeline has them, over a number of indexes.
func stockBatch(indexes int) *record.Batch {
	s := &record.Schema{Columns: []record.Column{{Name: "Index", Type: record.Type{Kind: record.String}}, {Name: "Date", Type: record.Type{Kind: record.Date}}}}
	for i := range 7 {
		s.Columns = append(s.Columns, record.Column{Name: fmt.Sprint("c", i), Type: record.Type{Kind: record.Float}})
	}
	b := &record.Batch{Topic: "stock", Schema: s, Records: make([]record.Record, benchBatch)}
	b.Rows(len(s.Columns))
	for i := range b.Records {
		r := &b.Records[i]
		r.Time, r.Value = 1_700_000_000_000+int64(i), make([]byte, 173)
		r.Row[0], r.Row[1] = record.StringOf(fmt.Sprintf("I%05d", i*7919%indexes)), record.DateOf(int64(i))
		for c := range 7 {
			r.Row[2+c] = record.FloatOf(float64(i*c) / 7)
		}
	}
	return b
}

func BenchmarkWrite(b *testing.B) {
	raw, cells := sinktest.Lines{}, typed{sinktest.Lines{}}
	for _, c := range []struct {
		name    string
		path    string
		format  formats.Format
		indexes int
		commit  bool
	}{
		{"raw/day", DefaultPath, raw, 1, false},
		{"raw/14 indexes", "{topic}/date={time:%Y-%m-%d}/index={Index}", raw, 14, false},
		{"raw/1000 indexes", "{topic}/date={time:%Y-%m-%d}/index={Index}", raw, 1000, false},
		{"typed/14 indexes and year", "{topic}/index={Index}/year={Date:%Y}", cells, 14, false},
		{"raw/14 indexes, committed", "{topic}/date={time:%Y-%m-%d}/index={Index}", raw, 14, true},
		{"raw/1000 indexes, committed", "{topic}/date={time:%Y-%m-%d}/index={Index}", raw, 1000, true},
		{"typed/14 indexes, committed", "{topic}/index={Index}", cells, 14, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := New(discard{}, Config{Path: parse(b, c.path), Format: c.format}, Options{Slots: 4})
			if err != nil {
				b.Fatal(err)
			}
			benchWrite(b, s, stockBatch(c.indexes), c.commit)
		})
	}
}

func benchWrite(b *testing.B, s sink.Sink, batch *record.Batch, commit bool) {
	w, err := s.Open(b.Context(), sink.Claim{Topic: "stock"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	next, n := int64(0), 0
	for b.Loop() {
		for i := range batch.Records {
			batch.Records[i].Offset = next + int64(i)
		}
		next += benchBatch
		if err := w.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		if n++; n%benchFlush == 0 {
			benchCut(b, w, next, commit)
		}
	}
	b.ReportMetric(float64(n*benchBatch)/b.Elapsed().Seconds(), "rows/s")
}

func benchCut(b *testing.B, w sink.Writer, next int64, commit bool) {
	f, err := w.Cut(next)
	if err == nil && commit {
		_, err = f.Commit(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	if !commit {
		for _, p := range f.(*flush).parts {
			p.free()
		}
	}
}

// BenchmarkPath renders the paths of a batch.
func BenchmarkPath(b *testing.B) {
	batch := stockBatch(14)
	r := newRenderer(parse(b, "{topic}/index={Index}/date={time:%Y-%m-%d}/year={Date:%Y}"), TimeZone{}, "stock", 0)
	if err := r.bind(batch.Schema); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch.Records {
			if _, err := r.render(&batch.Records[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*benchBatch)/b.Elapsed().Seconds(), "rows/s")
}
