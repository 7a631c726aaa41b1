// Package json reads and writes the values of records as JSON, and writes files of JSON lines.
package json

import (
	"fmt"
	"sync"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
)

// CodecConfig is the codec's options.
type CodecConfig struct {
	Nulls string `yaml:"nulls" enum:"bad|skip" doc:"What becomes of null values, the tombstones of compacted topics: bad records, or left out and counted."`
}

// CodecDefaults is where a CodecConfig starts from.
func CodecDefaults() CodecConfig { return CodecConfig{Nulls: "bad"} }

// NewCodec makes a codec of JSON values, one to a record.
func NewCodec(c CodecConfig) (formats.Codec, error) {
	null := errNull
	if c.Nulls == "skip" {
		null = fmt.Errorf("%w: %w", formats.ErrSkip, errNull)
	}
	return &codec{
		readers: sync.Pool{New: func() any { return &reader{null: null} }},
		writers: sync.Pool{New: func() any { return new(writer) }},
	}, nil
}

type codec struct {
	readers sync.Pool // of *reader
	writers sync.Pool // of *writer
}

// Decode is of formats.Codec. What Batch.Bad and Unknown held before is forgotten: the verdicts of this call stand there afterwards.
func (c *codec) Decode(b *record.Batch) error {
	r := c.readers.Get().(*reader)
	defer c.readers.Put(r)
	r.batch(b)
	return nil
}

// Encode is of formats.Codec.
func (c *codec) Encode(b *record.Batch) error {
	w := c.writers.Get().(*writer)
	defer c.writers.Put(w)
	w.use(b.Schema)
	return w.write(b)
}
