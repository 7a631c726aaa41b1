package formattest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/formattest"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/record"
)

// plain is a sound format of strings and numbers, a line a row. Whatever of it is set is broken.
type plain struct {
	ext    string
	change func(w io.Writer) io.Writer
	broken func(e *plainEncoder) formats.Encoder
	inside *atomic.Int32 // files that are open
}

func (p plain) Ext() string { return p.ext }

func (p plain) NewEncoder(w io.Writer, s *record.Schema) (formats.Encoder, error) {
	for _, c := range s.Columns {
		if c.Type.Kind > record.String {
			return nil, fmt.Errorf("column %q is neither text nor a number", c.Name)
		}
	}
	if p.change != nil {
		w = p.change(w)
	}
	e := &plainEncoder{w: w, inside: p.inside}
	if p.broken != nil {
		return p.broken(e), nil
	}
	return e, nil
}

type plainEncoder struct {
	w      io.Writer
	buf    []byte
	inside *atomic.Int32
}

func (e *plainEncoder) Encode(rows []record.Record) error {
	e.buf = e.buf[:0]
	for _, r := range rows {
		e.buf = fmt.Appendln(e.buf, r.Row)
	}
	_, err := e.w.Write(e.buf)
	return err
}

func (e *plainEncoder) Close() error      { return nil }
func (e *plainEncoder) Reset(w io.Writer) { e.w = w }

func lineCount(file []byte) (int, error) { return bytes.Count(file, []byte("\n")), nil }

// A format need not hold every type.
func TestPlainFormat(t *testing.T) { formattest.Format(t, plain{ext: ".txt"}, lineCount) }

// These wrap an encoder, and break one promise each.
type (
	forgetful struct{ formats.Encoder } // the last row of a call
	perCall   struct {                  // says where calls ended
		*plainEncoder
	}
	hoarder struct { // keeps rows until the end
		formats.Encoder
		rows []record.Record
	}
	ending struct { // ends its file with how many rows there were, of all files since it was made
		*plainEncoder
		rows int
	}
	closing  struct{ *plainEncoder } // closes what is not its own
	crowding struct{ *plainEncoder } // writes how many are at it
)

func (e forgetful) Encode(rows []record.Record) error {
	return e.Encoder.Encode(rows[:max(0, len(rows)-1)])
}

func (e perCall) Encode(rows []record.Record) error {
	return errors.Join(e.plainEncoder.Encode(rows), appended(e.w, "."))
}

func (e *hoarder) Encode(rows []record.Record) error { e.rows = append(e.rows, rows...); return nil }
func (e *hoarder) Close() error                      { return e.Encoder.Encode(e.rows) }

func (e *ending) Encode(rows []record.Record) error {
	e.rows += len(rows)
	return e.plainEncoder.Encode(rows)
}
func (e *ending) Close() error { return appended(e.w, fmt.Sprint(e.rows)) }

func (e closing) Close() error {
	if c, ok := e.w.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (e crowding) Encode(rows []record.Record) error {
	defer e.inside.Add(-1)
	if e.inside.Add(1) > 1 {
		return errors.New("another is at it")
	}
	if len(rows) > 1000 {
		time.Sleep(10 * time.Millisecond) // for another to come
	}
	return e.plainEncoder.Encode(rows)
}

// spaced appends other lines than its encoder writes.
type spaced struct{ plain }

func (spaced) Appender(*record.Schema) func([]byte, *record.Record) ([]byte, error) {
	return func(dst []byte, r *record.Record) ([]byte, error) { return append(dst, r.Value...), nil }
}

func appended(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

// careless loses errors.
type careless struct{ io.Writer }

func (w careless) Write(b []byte) (int, error) {
	_, _ = w.Writer.Write(b)
	return len(b), nil
}

func TestFormatBites(t *testing.T) {
	bites := func(broken, promise string, p plain) {
		p.inside = new(atomic.Int32)
		parts.Bites(t, broken, promise, func(t *testing.T) { formattest.Format(t, p, lineCount) })
	}
	encoder := func(broken, promise string, made func(e *plainEncoder) formats.Encoder) {
		bites(broken, promise, plain{ext: ".txt", broken: made})
	}
	bites("no dot", "names end with a dot and more", plain{ext: "txt"})
	bites("loses errors", "errors of the writer are returned", plain{ext: ".txt", change: func(w io.Writer) io.Writer { return careless{w} }})
	encoder("forgets rows", "files are complete", func(e *plainEncoder) formats.Encoder { return forgetful{e} })
	encoder("calls show", "the same bytes however shared out", func(e *plainEncoder) formats.Encoder { return perCall{e} })
	encoder("keeps rows", "nothing of the rows is kept", func(e *plainEncoder) formats.Encoder { return &hoarder{Encoder: e} })
	encoder("resets a part", "reset begins another file", func(e *plainEncoder) formats.Encoder { return &ending{plainEncoder: e} })
	encoder("closes", "the writer stays open", func(e *plainEncoder) formats.Encoder { return closing{e} })
	encoder("one at a time", "safe for concurrent use", func(e *plainEncoder) formats.Encoder { return crowding{e} })
	parts.Bites(t, "other lines", "lines are those of the encoder", func(t *testing.T) {
		formattest.Format(t, spaced{plain{ext: ".txt", inside: new(atomic.Int32)}}, lineCount)
	})
}

// codec is the sound one of JSON, with an end of Decode that tests break.
type codec struct {
	inferring
	after func(b *record.Batch) error
}

type inferring interface {
	formats.Codec
	formats.Inferrer
}

func (c codec) Decode(b *record.Batch) error {
	if err := c.inferring.Decode(b); err != nil {
		return err
	}
	return c.after(b)
}

// eager infers all columns, those that are known as well.
type eager struct{ inferring }

func (c eager) Infer(b *record.Batch, _ *record.Schema) ([]record.Column, error) {
	return c.inferring.Infer(b, new(record.Schema))
}

// greedy takes all of the room for its own.
type greedy struct{ inferring }

func (c greedy) Encode(b *record.Batch) error {
	b.Room = b.Room[:0]
	return c.inferring.Encode(b)
}

func TestCodecBites(t *testing.T) {
	made, err := json.NewCodec(json.CodecConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sound := made.(inferring)
	bites := func(broken, promise string, after func(b *record.Batch) error) {
		parts.Bites(t, broken, promise, func(t *testing.T) { formattest.Codec(t, codec{sound, after}) })
	}
	rows := func(change func(r *record.Record)) func(b *record.Batch) error {
		return func(b *record.Batch) error {
			for i := range b.Records {
				if b.Schema != nil && len(b.Records[i].Row) > 0 {
					change(&b.Records[i])
				}
			}
			return nil
		}
	}
	bites("rounds", "rows come back", rows(func(r *record.Record) {
		if r.Row[0].Kind == record.String {
			r.Row[0].Str = r.Row[0].Str[1:]
		}
	}))
	bites("an order of its own", "exactly the schema's cells", rows(func(r *record.Record) {
		if len(r.Row) == 5 {
			slices.Reverse(r.Row)
		}
	}))
	bites("cells without schema", "only checks without schema", func(b *record.Batch) error {
		if b.Schema == nil {
			b.Rows(1)
		}
		return nil
	})
	bites("one spoils all", "a bad record is bad alone", func(b *record.Batch) error {
		if len(b.Bad) > 0 {
			return errors.New("a record cannot be read")
		}
		return nil
	})
	bites("cells of a bad record", "a bad record is bad alone", func(b *record.Batch) error {
		for _, bad := range b.Bad {
			b.Records[bad.Index].Row = []record.Value{{}}
		}
		return nil
	})
	bites("writes into values", "batches are independent", rows(func(r *record.Record) { r.Value = append(r.Value, ' ') }))
	var inside atomic.Int32
	bites("one at a time", "safe for concurrent use", func(*record.Batch) error {
		defer inside.Add(-1)
		if inside.Add(1) > 1 {
			return errors.New("another is at it")
		}
		time.Sleep(time.Millisecond) // for another to come
		return nil
	})
	bites("finds nothing", "an open schema finds what it lacks", func(b *record.Batch) error { b.Unknown = nil; return nil })
	parts.Bites(t, "takes what is another's", "room is kept to", func(t *testing.T) { formattest.Codec(t, greedy{sound}) })
	parts.Bites(t, "infers what is known", "columns are inferred", func(t *testing.T) { formattest.Codec(t, eager{sound}) })
}
