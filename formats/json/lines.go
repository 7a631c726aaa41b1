package json

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/go-faster/jx"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/penstock/penstock/record"
)

// Read is of formats.Reader.
func (f lines) Read(file io.ReaderAt, size int64, s *record.Schema) iter.Seq2[[]record.Value, error] {
	return func(yield func([]record.Value, error) bool) {
		in, err := f.decompress(io.NewSectionReader(file, 0, size))
		if err != nil {
			yield(nil, err)
			return
		}
		defer in.Close()
		r := lineReader{in: bufio.NewReaderSize(in, chunk), schema: s, row: make([]record.Value, len(s.Columns))}
		for n := 1; ; n++ {
			err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if !yield(r.row, nil) {
				return
			}
		}
	}
}

func (f lines) decompress(in io.Reader) (io.ReadCloser, error) {
	switch f.compression {
	case "gzip":
		return gzip.NewReader(in)
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(in), nil
}

// lineReader reads one line after the other.
type lineReader struct {
	in     *bufio.Reader
	schema *record.Schema
	row    []record.Value
	line   []byte
	d      jx.Decoder
}

var (
	errNoNewline = errors.New("it does not end with a newline")
	errTrailing  = errors.New("more than one value stands in it")
)

// next reads a line into row; io.EOF where there is none.
func (r *lineReader) next() error {
	r.line = r.line[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		r.line = append(r.line, part...)
		if err == nil {
			break
		}
		if errors.Is(err, io.EOF) && len(r.line) > 0 {
			return errNoNewline
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
	clear(r.row)
	r.d.ResetBytes(bytes.TrimRight(r.line, "\n"))
	err := r.value()
	if err == nil && r.d.Next() != jx.Invalid {
		err = errTrailing
	}
	return err
}

// value reads an object, of which the columns' members are taken, or what else a line may be.
func (r *lineReader) value() error {
	if r.d.Next() != jx.Object || len(r.row) == 0 {
		return r.d.Skip()
	}
	return r.d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		for i, c := range r.schema.Columns {
			if string(key) == c.As && d.Next() == jx.Number {
				n, err := d.Int64()
				r.row[i] = record.IntOf(n)
				return err
			}
		}
		return d.Skip()
	})
}
