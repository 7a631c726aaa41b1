package json

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/penstock/penstock/record"
)

// writer writes rows as objects. It keeps what helps with the next batch, and nothing of this one.
type writer struct {
	schema *record.Schema
	keys   []string // what stands before each column's value: a brace or comma, and the name
	ends   []int    // of the objects written
}

// use prepares for rows of s, which must not change from now on.
func (w *writer) use(s *record.Schema) {
	if w.schema == s {
		return
	}
	w.schema, w.keys = s, w.keys[:0]
	var key jx.Writer
	for i, c := range s.Columns {
		key.Buf = append(key.Buf[:0], ',')
		if i == 0 {
			key.Buf[0] = '{'
		}
		key.Str(c.Name)
		w.keys = append(w.keys, string(append(key.Buf, ':')))
	}
}

// write gives every record its Value, all from one piece of memory.
func (w *writer) write(records []record.Record) error {
	out := jx.Writer{Buf: make([]byte, 0, w.guess(records))}
	w.ends = w.ends[:0]
	for i := range records {
		if err := w.object(&out, records[i].Row); err != nil {
			return &record.Bad{Index: i, Err: err}
		}
		w.ends = append(w.ends, len(out.Buf))
	}
	start := 0
	for i, end := range w.ends {
		records[i].Value = out.Buf[start:end:end]
		start = end
	}
	return nil
}

// guess is how many bytes the objects will come to, mostly.
func (w *writer) guess(records []record.Record) (n int) {
	const number = len("-1234567.654321")
	for _, key := range w.keys {
		n += len(records) * (len(key) + number)
	}
	for i := range records {
		n += 1
		for _, cell := range records[i].Row {
			n += len(cell.Str)
		}
	}
	return n
}

func (w *writer) object(out *jx.Writer, row []record.Value) error {
	if len(row) != len(w.keys) {
		return fmt.Errorf("the row has %d cells, where the schema has %d columns", len(row), len(w.keys))
	}
	if len(row) == 0 {
		out.RawStr("{}")
		return nil
	}
	for i := range row {
		out.RawStr(w.keys[i])
		if err := cell(out, &row[i], w.schema.Columns[i].Type); err != nil {
			return fmt.Errorf("column %q: %w", w.schema.Columns[i].Name, err)
		}
	}
	out.RawStr("}")
	return nil
}

func cell(out *jx.Writer, v *record.Value, t record.Type) error {
	switch v.Kind {
	case record.Null:
		out.Null()
	case record.Bool:
		out.Bool(v.Bool())
	case record.Int:
		out.Int64(v.Int())
	case record.Float:
		out.Buf = appendFloat(out.Buf, v.Float(), t.Short && t.Kind == record.Float)
	case record.String:
		if !utf8.ValidString(v.Str) {
			return fmt.Errorf("%q is not valid UTF-8; convert it, or declare the column as bytes", short(v.Str))
		}
		out.Str(v.Str)
	case record.Bytes:
		out.Buf = append(base64.StdEncoding.AppendEncode(append(out.Buf, '"'), []byte(v.Str)), '"')
	case record.JSON:
		out.RawStr(v.Str)
	case record.Date, record.Timestamp:
		return moment(out, v)
	default:
		return fmt.Errorf("a cell of kind %d has no place in JSON", v.Kind)
	}
	return nil
}

// appendFloat writes the shortest number that reads back as f; null where JSON has none.
func appendFloat(b []byte, f float64, short bool) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if f == 0 && math.Signbit(f) { // "-0" is an integer to some readers, which have but one zero
		return append(b, "-0.0"...)
	}
	bits := 64
	if short {
		bits = 32
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(b, f, 'f', -1, bits)
}

var errYear = errors.New("the date is not between the years 0 and 9999, which ISO 8601 has no text for")

// moment writes a Date or a Timestamp as ISO 8601, a Timestamp with its zone, Z.
func moment(out *jx.Writer, v *record.Value) error {
	us := v.Int()
	if v.Kind == record.Date {
		if us < firstTime/day || us > lastTime/day {
			return errYear
		}
		out.Buf = append(appendDate(append(out.Buf, '"'), us), '"')
		return nil
	}
	if us < firstTime || us > lastTime {
		return errYear
	}
	clock := mod(us, day)
	b := appendDate(append(out.Buf, '"'), (us-clock)/day)
	b = appendPadded(append(b, 'T'), clock/(3600*second), 2)
	b = appendPadded(append(b, ':'), clock/(60*second)%60, 2)
	b = appendPadded(append(b, ':'), clock/second%60, 2)
	if fraction := clock % second; fraction != 0 {
		b = appendPadded(append(b, '.'), fraction, 6)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	out.Buf = append(b, 'Z', '"')
	return nil
}

func appendDate(b []byte, days int64) []byte {
	year, month, dom := dateOf(days)
	b = appendPadded(b, year, 4)
	b = appendPadded(append(b, '-'), month, 2)
	return appendPadded(append(b, '-'), dom, 2)
}

func appendPadded(b []byte, n int64, width int) []byte {
	start := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := len(b) - 1; i >= start; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}
