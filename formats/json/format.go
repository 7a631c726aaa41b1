package json

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
)

// Config is the format's options.
type Config struct {
	Compression string `yaml:"compression" enum:"none|gzip|zstd" doc:"How files are compressed."`
}

// Defaults is a Config of the values that options have when they are not given.
func Defaults() Config { return Config{Compression: "none"} }

// New makes the format of JSON lines: the values as they stand on the topic, one object a line.
func New(c Config) (formats.Format, error) {
	ext, ok := map[string]string{"none": ".json", "gzip": ".json.gz", "zstd": ".json.zst"}[c.Compression]
	if !ok {
		return nil, plugin.Option("compression", fmt.Errorf("unknown compression %q; there are none, gzip and zstd", c.Compression))
	}
	return lines{compression: c.Compression, ext: ext}, nil
}

type lines struct{ compression, ext string }

func (f lines) Ext() string { return f.ext }

// Raw is of formats.Raw: the encoder needs no Rows.
func (f lines) Raw() bool { return true }

// Appender is of formats.Lined.
func (f lines) Appender(s *record.Schema) func([]byte, *record.Record) ([]byte, error) {
	if f.compression != "none" || len(s.Columns) > 0 { // which the encoder adds
		return nil
	}
	names := s.Cut
	return func(dst []byte, r *record.Record) ([]byte, error) {
		start := len(dst)
		dst, newlines, err := object(dst, r, names)
		if err != nil {
			return dst, err
		}
		return ended(dst, start, newlines), nil
	}
}

// NewEncoder is of formats.Format. Members that s.Cut names are cut out of every line, and those that s.Columns names are added.
func (f lines) NewEncoder(w io.Writer, s *record.Schema) (formats.Encoder, error) {
	e := &encoder{out: w}
	if s != nil {
		e.cut = s.Cut
	}
	if s != nil && len(s.Columns) > 0 {
		e.add = newAdder(s.Columns)
	}
	var err error
	switch f.compression {
	case "gzip":
		e.compressor, err = gzip.NewWriterLevel(w, gzipLevel)
	case "zstd":
		e.compressor, err = zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.compression, err)
	}
	if e.compressor != nil {
		e.out = e.compressor
	}
	return e, nil
}

const (
	gzipLevel = 5
	chunk     = 64 << 10 // how much is handed on at a time: always the same, as it may show in what compressors make of it
)

// encoder writes one file of JSON lines.
type encoder struct {
	compressor interface { // nil if there is none
		io.WriteCloser
		Reset(io.Writer)
	}
	out io.Writer // the compressor, or what it would write to
	cut []string  // the members to cut out
	add *adder    // of members; nil if there are none to add
	buf []byte
}

// Encode is of formats.Encoder.
func (e *encoder) Encode(rows []record.Record) error {
	for i := range rows {
		if err := e.line(&rows[i]); err != nil {
			return fmt.Errorf("record at offset %d: %w", rows[i].Offset, err)
		}
		if len(e.buf) >= chunk {
			if err := e.flush(chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

var errTombstone = errors.New("a null value (a tombstone) cannot be a line of JSON; skip it")

// line appends one value and a newline to the buffer.
func (e *encoder) line(r *record.Record) (err error) {
	start, newlines := len(e.buf), false
	if e.buf, newlines, err = object(e.buf, r, e.cut); err != nil {
		return err
	}
	if e.add != nil {
		if e.buf, err = e.add.add(e.buf, start, r.Row); err != nil {
			return err
		}
		newlines = broken(e.buf[start:]) // or in what was added
	}
	e.buf = ended(e.buf, start, newlines)
	return nil
}

// object appends a value without the members that are to be cut out, and says whether newlines may stand in it. It looks for them in the
// value: where that is copied to may not be at hand.
func object(dst []byte, r *record.Record, names []string) (out []byte, newlines bool, err error) {
	if r.Value == nil {
		return dst, false, errTombstone
	}
	newlines = broken(r.Value)
	if len(names) > 0 {
		out, err = cut(dst, r.Value, names)
		return out, newlines, err
	}
	return append(dst, r.Value...), newlines, nil
}

// broken says whether there are newlines in text.
func broken(text []byte) bool {
	return bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0
}

// ended makes a line of what begins at start. Newlines in the value go: in sound JSON they are only between tokens.
func ended(dst []byte, start int, newlines bool) []byte {
	if newlines {
		dst = dst[:start+withoutNewlines(dst[start:])]
	}
	return append(dst, '\n')
}

// withoutNewlines closes line up over its newlines and returns its length then.
func withoutNewlines(line []byte) (n int) {
	for _, c := range line {
		if c != '\n' && c != '\r' {
			line[n] = c
			n++
		}
	}
	return n
}

// flush writes what is buffered in pieces of size bytes, and keeps what is left over.
func (e *encoder) flush(size int) error {
	rest := e.buf
	for ; len(rest) >= size; rest = rest[size:] {
		if _, err := e.out.Write(rest[:size]); err != nil {
			return err
		}
	}
	e.buf = e.buf[:copy(e.buf, rest)]
	return nil
}

// Close is of formats.Encoder.
func (e *encoder) Close() error {
	if len(e.buf) > 0 {
		if err := e.flush(len(e.buf)); err != nil {
			return err
		}
	}
	if e.compressor != nil {
		return e.compressor.Close()
	}
	return nil
}

// Reset is of formats.Resetter.
func (e *encoder) Reset(w io.Writer) {
	e.buf = e.buf[:0]
	if e.compressor != nil {
		e.compressor.Reset(w)
	} else {
		e.out = w
	}
}
