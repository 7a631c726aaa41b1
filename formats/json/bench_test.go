package json

import (
	"errors"
	"io"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/formattest"
	"github.com/penstock/penstock/record"
)

const benchRows = 2000 // a batch

func stock(b *testing.B) *record.Batch {
	s, records, err := formattest.Stock("../../testdata/stock/hsi.csv", benchRows)
	if err != nil {
		b.Fatal(err)
	}
	return &record.Batch{Schema: s, Records: records}
}

func BenchmarkDecode(b *testing.B) {
	batch := stock(b)
	all := batch.Schema
	for name, s := range map[string]*record.Schema{"all": all, "one": {Columns: all.Columns[:1]}, "check": nil} {
		b.Run(name, func(b *testing.B) {
			codec := newCodec(b)
			batch.Schema = s
			formattest.PerRow(b, benchRows, func() error { return codec.Decode(batch) })
			if len(batch.Bad) > 0 {
				b.Fatal(batch.Bad[0].Err)
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	batch, codec := stock(b), newCodec(b)
	batch.Room = make([]byte, 0, 1)
	formattest.PerRow(b, benchRows, func() error {
		batch.Room = batch.Room[:0]
		return codec.Encode(batch)
	})
}

func BenchmarkLines(b *testing.B) {
	batch := stock(b)
	for _, c := range []struct {
		name, compression string
		cut               []string
	}{{"plain", "none", nil}, {"cut", "none", []string{"Index"}}, {"gzip", "gzip", nil}, {"zstd", "zstd", nil}} {
		b.Run(c.name, func(b *testing.B) {
			e, err := newFormat(b, c.compression).NewEncoder(io.Discard, &record.Schema{Cut: c.cut})
			if err != nil {
				b.Fatal(err)
			}
			formattest.PerRow(b, benchRows, func() error {
				e.(formats.Resetter).Reset(io.Discard)
				return errors.Join(e.Encode(batch.Records), e.Close())
			})
		})
	}
}
