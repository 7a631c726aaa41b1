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
	fields []field
	ends   []int // of the objects written
}

// field is a column, a field of a struct or the element of a list.
type field struct {
	name   string
	key    string // what stands before its value: a brace or comma, and the name
	t      record.Type
	fields []field // of a Struct
	elem   *field  // of a List
}

// use prepares for rows of s, which must not change from now on.
func (w *writer) use(s *record.Schema) {
	if w.schema != s {
		w.schema, w.fields = s, fieldsOf(s.Columns)
	}
}

func fieldsOf(columns []record.Column) []field {
	fields := make([]field, len(columns))
	for i, c := range columns {
		fields[i] = fieldOf(c.Type)
		fields[i].name, fields[i].key = c.Name, key(c.Name)
		if i == 0 {
			fields[i].key = "{" + fields[i].key[1:]
		}
	}
	return fields
}

func fieldOf(t record.Type) field {
	f := field{t: t}
	switch t.Kind {
	case record.Struct:
		f.fields = fieldsOf(t.Fields())
	case record.List:
		elem := fieldOf(t.Elem())
		f.elem = &elem
	}
	return f
}

// write gives every record of b its Value, all of them in one piece of memory: where b says, or else in its own.
func (w *writer) write(b *record.Batch) (err error) {
	from, out := len(b.Room), b.Room
	if size := from + w.guess(b.Records); size > cap(out) {
		out = append(make([]byte, 0, size), out...)
	}
	w.ends = w.ends[:0]
	for i := range b.Records {
		if out, err = w.object(out, b.Records[i].Row); err != nil {
			return &record.Bad{Index: i, Err: err}
		}
		w.ends = append(w.ends, len(out))
	}
	for i, end := range w.ends {
		b.Records[i].Value = out[from:end:end]
		from = end
	}
	if b.Room != nil {
		b.Room = out
	}
	return nil
}

// guess is how many bytes the objects will come to, mostly.
func (w *writer) guess(records []record.Record) (n int) {
	const number = len("-1234567.654321")
	for _, f := range w.fields {
		n += len(records) * (len(f.key) + number)
	}
	for i := range records {
		n += 1
		for _, cell := range records[i].Row {
			n += len(cell.Str)
		}
	}
	return n
}

// object appends a row; what it gives beside an error is of no use.
func (w *writer) object(out []byte, row []record.Value) (_ []byte, err error) {
	if len(row) != len(w.fields) {
		return nil, fmt.Errorf("the row has %d cells, where the schema has %d columns", len(row), len(w.fields))
	}
	if len(row) == 0 {
		return append(out, "{}"...), nil
	}
	for i := range row {
		f, v := &w.fields[i], &row[i]
		out = append(out, f.key...)
		if v.Kind == record.Float && asWritten(v) { // most cells are: no call for them
			out = append(out, v.Str...)
		} else if out, err = cell(out, v, f); err != nil {
			return nil, fmt.Errorf("column %q: %w", f.name, err)
		}
	}
	return append(out, '}'), nil
}

// cell appends one cell; what it gives beside an error is of no use.
func cell(out []byte, v *record.Value, f *field) ([]byte, error) {
	switch v.Kind {
	case record.Null:
		return append(out, "null"...), nil
	case record.Bool:
		return strconv.AppendBool(out, v.Bool()), nil
	case record.Int:
		return strconv.AppendInt(out, v.Int(), 10), nil
	case record.Float:
		if asWritten(v) {
			return append(out, v.Str...), nil
		}
		return appendFloat(out, v.Float(), f.t.Short && f.t.Kind == record.Float), nil
	case record.String:
		if !utf8.ValidString(v.Str) {
			return nil, fmt.Errorf("%q is not valid UTF-8; convert it, or declare the column as bytes", short(v.Str))
		}
		return appendString(out, v.Str), nil
	case record.Bytes:
		return append(base64.StdEncoding.AppendEncode(append(out, '"'), []byte(v.Str)), '"'), nil
	case record.JSON:
		return append(out, v.Str...), nil
	case record.Decimal:
		return appendDecimal(out, v, f.t), nil
	case record.Date, record.Timestamp:
		return appendMoment(out, v)
	case record.List, record.Struct:
		return within(out, v, f)
	}
	return nil, fmt.Errorf("a cell of kind %v has no place in JSON", v.Kind)
}

// appendString writes s, which most often stands for itself.
func appendString(out []byte, s string) []byte {
	from := len(out)
	out = append(append(append(out, '"'), s...), '"')
	if plain(out, from) == len(out) {
		return out
	}
	w := jx.Writer{Buf: out[:from]}
	w.Str(s)
	return w.Buf
}

// exactDigits is how many digits of a decimal readers keep that take every JSON number for a double.
const exactDigits = 15

// appendDecimal writes a number, or a string where some readers would round the numbers of its type.
func appendDecimal(out []byte, v *record.Value, t record.Type) []byte {
	if t.Precision <= exactDigits {
		return v.AppendDecimal(out)
	}
	return append(v.AppendDecimal(append(out, '"')), '"')
}

// within appends a List as an array, or a Struct as an object.
func within(out []byte, v *record.Value, f *field) (_ []byte, err error) {
	if v.Kind != f.t.Kind {
		return nil, fmt.Errorf("a cell of kind %v stands in a column of type %v", v.Kind, f.t)
	}
	var one record.Value
	cells := v.Cells()
	if v.Kind == record.List {
		out = append(out, '[')
		for n := 0; cells.Next(&one); n++ {
			if n > 0 {
				out = append(out, ',')
			}
			if out, err = cell(out, &one, f.elem); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), cells.Err()
	}
	for i := range f.fields {
		out = append(out, f.fields[i].key...)
		if !cells.Next(&one) {
			return nil, errFields
		}
		if out, err = cell(out, &one, &f.fields[i]); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), cells.Err()
}

var errFields = errors.New("the cell has fewer cells than its struct has fields")

// negativeZero is -0, which is the integer 0 to some where it is written so.
const negativeZero = 1 << 63

// asWritten says whether a Float has a text that JSON takes for it.
func asWritten(v *record.Value) bool { return v.Str != "" && v.Num != negativeZero }

// appendFloat writes the shortest number that reads back as f; null where JSON has none.
func appendFloat(b []byte, f float64, short bool) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if math.Float64bits(f) == negativeZero {
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

// appendMoment writes a Date or a Timestamp as ISO 8601, a Timestamp with its zone, Z.
func appendMoment(out []byte, v *record.Value) ([]byte, error) {
	us := v.Int()
	if v.Kind == record.Date {
		if us < firstTime/day || us > lastTime/day {
			return nil, errYear
		}
		return append(appendDate(append(out, '"'), us), '"'), nil
	}
	if us < firstTime || us > lastTime {
		return nil, errYear
	}
	clock := mod(us, day)
	b := appendDate(append(out, '"'), (us-clock)/day)
	b = appendPadded(append(b, 'T'), clock/(3600*second), 2)
	b = appendPadded(append(b, ':'), clock/(60*second)%60, 2)
	b = appendPadded(append(b, ':'), clock/second%60, 2)
	if fraction := clock % second; fraction != 0 {
		b = appendPadded(append(b, '.'), fraction, 6)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, 'Z', '"'), nil
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
