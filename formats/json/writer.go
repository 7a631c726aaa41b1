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

func (w *writer) object(out *jx.Writer, row []record.Value) error {
	if len(row) != len(w.fields) {
		return fmt.Errorf("the row has %d cells, where the schema has %d columns", len(row), len(w.fields))
	}
	if len(row) == 0 {
		out.RawStr("{}")
		return nil
	}
	for i := range row {
		f := &w.fields[i]
		out.RawStr(f.key)
		if err := cell(out, &row[i], f); err != nil {
			return fmt.Errorf("column %q: %w", f.name, err)
		}
	}
	out.RawStr("}")
	return nil
}

func cell(out *jx.Writer, v *record.Value, f *field) error {
	switch v.Kind {
	case record.Null:
		out.Null()
	case record.Bool:
		out.Bool(v.Bool())
	case record.Int:
		out.Int64(v.Int())
	case record.Float:
		if v.Str != "" && v.Num != negativeZero {
			out.RawStr(v.Str)
			return nil
		}
		out.Buf = appendFloat(out.Buf, v.Float(), f.t.Short && f.t.Kind == record.Float)
	case record.String:
		if !utf8.ValidString(v.Str) {
			return fmt.Errorf("%q is not valid UTF-8; convert it, or declare the column as bytes", short(v.Str))
		}
		out.Str(v.Str)
	case record.Bytes:
		out.Buf = append(base64.StdEncoding.AppendEncode(append(out.Buf, '"'), []byte(v.Str)), '"')
	case record.JSON:
		out.RawStr(v.Str)
	case record.Decimal:
		decimal(out, v, f.t)
	case record.Date, record.Timestamp:
		return moment(out, v)
	case record.List, record.Struct:
		return within(out, v, f)
	default:
		return fmt.Errorf("a cell of kind %v has no place in JSON", v.Kind)
	}
	return nil
}

// exactDigits is how many digits of a decimal readers keep that take every JSON number for a double.
const exactDigits = 15

// decimal writes a number, or a string where some readers would round the numbers of its type.
func decimal(out *jx.Writer, v *record.Value, t record.Type) {
	if t.Precision <= exactDigits {
		out.Buf = v.AppendDecimal(out.Buf)
		return
	}
	out.Buf = append(v.AppendDecimal(append(out.Buf, '"')), '"')
}

// within writes a List as an array, or a Struct as an object.
func within(out *jx.Writer, v *record.Value, f *field) error {
	if v.Kind != f.t.Kind {
		return fmt.Errorf("a cell of kind %v stands in a column of type %v", v.Kind, f.t)
	}
	var one record.Value
	cells := v.Cells()
	if v.Kind == record.List {
		out.RawStr("[")
		for n := 0; cells.Next(&one); n++ {
			if n > 0 {
				out.RawStr(",")
			}
			if err := cell(out, &one, f.elem); err != nil {
				return err
			}
		}
		out.RawStr("]")
		return cells.Err()
	}
	for i := range f.fields {
		out.RawStr(f.fields[i].key)
		if !cells.Next(&one) {
			return errFields
		}
		if err := cell(out, &one, &f.fields[i]); err != nil {
			return err
		}
	}
	out.RawStr("}")
	return cells.Err()
}

var errFields = errors.New("the cell has fewer cells than its struct has fields")

// negativeZero is -0, which is the integer 0 to some where it is written so.
const negativeZero = 1 << 63

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
