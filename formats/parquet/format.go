// Package parquet writes Parquet files that every reader takes.
package parquet

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/gzip"
	"github.com/parquet-go/parquet-go/compress/snappy"
	"github.com/parquet-go/parquet-go/compress/uncompressed"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
)

// Config is the format's options.
type Config struct {
	Compression string      `yaml:"compression" enum:"snappy|zstd|gzip|none" doc:"How pages are compressed."`
	RowGroup    plugin.Size `yaml:"row_group" doc:"How large a row group may get, encoded; it is held in memory until then."`
}

// Defaults is a Config of the values that options have when they are not given.
func Defaults() Config { return Config{Compression: "snappy", RowGroup: 128 << 20} }

const leastRowGroup = 64 << 10

var codecs = map[string]compress.Codec{
	"snappy": &fastSnappy{},
	"zstd":   &zstd.Codec{Level: zstd.SpeedDefault, Concurrency: 1},
	"gzip":   &gzip.Codec{Level: gzip.DefaultCompression},
	"none":   &uncompressed.Codec{},
}

// New makes the Parquet format.
func New(c Config) (formats.Format, error) {
	f := format{compression: codecs[c.Compression], rowGroup: int64(c.RowGroup)}
	var unknown, small error
	if f.compression == nil {
		unknown = fmt.Errorf("unknown compression %q; there are snappy, zstd, gzip and none", c.Compression)
	}
	if f.rowGroup < leastRowGroup {
		small = fmt.Errorf("a row group of %v is too small to be read with profit; give it %v or more", c.RowGroup, plugin.Size(leastRowGroup))
	}
	return f, errors.Join(plugin.Option("compression", unknown), plugin.Option("row_group", small))
}

type format struct {
	compression compress.Codec
	rowGroup    int64
}

func (f format) Ext() string { return ".parquet" }

// NewEncoder is of formats.Format. A schema without columns, with a column of type any, or with two columns whose names are
// equal but for case, is refused.
func (f format) NewEncoder(w io.Writer, s *record.Schema) (formats.Encoder, error) {
	if s == nil || len(s.Columns) == 0 {
		return nil, errors.New("no columns are left for a Parquet file; leave one out of the path, or use format: json")
	}
	root, err := newGroup(s.Columns)
	if err != nil {
		return nil, err
	}
	e := newEncoder(s.Columns)
	e.rowGroup = f.rowGroup
	schema := parquet.NewSchema("penstock", root)
	e.options = []parquet.WriterOption{
		&parquet.WriterConfig{CreatedBy: "penstock", PageBufferSize: pageSize, DictionaryMaxBytes: dictionarySize},
		parquet.DataPageVersion(1), parquet.DataPageStatistics(false), parquet.Compression(f.compression), schema,
	}
	for i, path := range schema.Columns() {
		if e.columns[i].unbounded() {
			e.options = append(e.options, parquet.SkipPageBounds(path...))
		}
	}
	if _, err := parquet.NewWriterConfig(e.options...); err != nil {
		return nil, err
	}
	e.file = parquet.NewGenericWriter[any](w, e.options...)
	e.begin()
	return e, nil
}

// fastSnappy takes about half the time of parquet-go's own, which looks harder for matches: 200 ns less a stock row, for files 7 % larger.
type fastSnappy struct{ snappy.Codec }

// Encode is of compress.Codec.
func (*fastSnappy) Encode(dst, src []byte) ([]byte, error) { return s2.EncodeSnappy(dst, src), nil }
