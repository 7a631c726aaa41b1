package json

import (
	"encoding/base64"
	"fmt"
	"math"
	"unsafe"

	"github.com/penstock/penstock/record"
)

// misfit says that a sound JSON value is not of the column's type.
func misfit(what []byte, t record.Type) error {
	return bad{fmt.Errorf("%s does not fit %s; declare another type under schema: columns:, or mend what writes it", short(what), t)}
}

// cell reads the value that begins at i as a cell of c, and is where it ends; v is empty before, and stays so at null. Text may
// alias the value or the batch's memory.
func (r *reader) cell(i int, c *planned, v *record.Value) (end int, err error) {
	switch first := r.in[i]; {
	case first == '"':
		return r.stringCell(i, c, v)
	case first == '-' || first-'0' <= 9:
		return r.numberCell(i, c, v)
	case first == 'n':
		return sure(word(r.in, i, "null"))
	case first == '[' && c.elem != nil:
		return r.list(i, c, v)
	case first == '{' && c.fields != nil:
		return r.structure(i, c, v)
	}
	if end, err = r.skip(i); err != nil {
		return end, err
	}
	switch raw := r.in[i:end]; c.Type.Kind {
	case record.Bool, record.Any:
		if truth := raw[0] == 't'; truth || raw[0] == 'f' {
			*v = record.BoolOf(truth)
			return end, nil
		}
		if c.Type.Kind == record.Bool {
			return end, misfit(raw, c.Type)
		}
		*v = record.JSONOf(alias(raw))
	case record.JSON:
		*v = record.JSONOf(alias(raw))
	default:
		return end, misfit(raw, c.Type)
	}
	return end, nil
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (r *reader) stringCell(i int, c *planned, v *record.Value) (end int, err error) {
	text, end, err := r.string(i)
	if err != nil {
		return end, err
	}
	if !r.ofString(text, end-i-2 != len(text), c.Type, v) {
		if c.Type.Kind == record.JSON {
			*v = record.JSONOf(alias(r.in[i:end]))
			return end, nil
		}
		err = misfit(r.in[i:end], c.Type)
	}
	return end, err
}

// ofString makes text, which may be the reader's own, a cell of type t.
func (r *reader) ofString(text []byte, own bool, t record.Type, v *record.Value) (ok bool) {
	var n int64
	switch t.Kind {
	case record.String, record.Any:
		if own {
			*v = record.StringOf(r.memory.Keep(text))
		} else {
			*v = record.StringOf(alias(text))
		}
		return true
	case record.Date:
		n, ok = parseDate(alias(text))
		*v = record.DateOf(n)
	case record.Timestamp:
		n, ok = parseTime(alias(text))
		*v, ok = timestamp(n, t, ok)
	case record.Decimal:
		*v, ok = r.memory.Decimal(alias(text), t)
	case record.Bytes:
		raw, err := base64.StdEncoding.AppendDecode(r.packed[:0], text)
		r.packed, ok = raw, err == nil
		*v = record.BytesOf(r.memory.Keep(raw))
	}
	return ok
}

func (r *reader) numberCell(i int, c *planned, v *record.Value) (end int, err error) {
	if end = scanNumber(r.in, i, &r.num); end < 0 {
		return 0, errToken
	}
	raw := r.in[i:end]
	ok := r.ofNumber(alias(raw), c.Type, v)
	switch {
	case !ok:
		return end, misfit(raw, c.Type)
	case c.Inferred && c.Type.Kind == record.Float && !r.num.exact():
		return end, bad{fmt.Errorf("%s is an integer beyond 2^53, which a double does not hold exactly; declare the column under schema: %s", short(raw), remedy(c.Name, raw))}
	}
	return end, nil
}

// remedy is the block that declares a column so that it holds a large integer.
func remedy(name string, integer []byte) string {
	_, fits := parseInt(alias(integer))
	switch digits := len(integer); {
	case fits:
		return "columns: {" + name + ": int64}"
	case digits <= record.MaxPrecision:
		return "columns: {" + name + `: "decimal(38,0)"}`
	}
	return "columns: {" + name + ": double}"
}

func (r *reader) ofNumber(text string, t record.Type, v *record.Value) (ok bool) {
	var n int64
	switch t.Kind {
	case record.Float:
		f, ok := r.num.float(text)
		*v = record.FloatOf(f)
		return ok && (!t.Short || !math.IsInf(float64(float32(f)), 0))
	case record.Int:
		n, ok = r.num.int(text)
		*v = record.IntOf(n)
		return ok && (!t.Short || n == int64(int32(n)))
	case record.Decimal:
		*v, ok = r.memory.Decimal(text, t)
	case record.Timestamp:
		n, ok = parseEpoch(text)
		*v, ok = timestamp(n, t, ok)
	case record.JSON:
		*v, ok = record.JSONOf(text), true
	case record.Any:
		if n, ok = r.num.int(text); ok && r.num.integer() {
			*v = record.IntOf(n)
			return true
		}
		var f float64
		f, ok = r.num.float(text)
		*v = record.FloatOf(f)
		v.Str = text
	}
	return ok
}

// timestamp drops what is finer than the column, and refuses what is not between the years 0 and 9999.
func timestamp(us int64, t record.Type, ok bool) (record.Value, bool) {
	if t.Short {
		us -= mod(us, 1000)
	}
	return record.TimestampOf(us), ok && us >= firstTime && us <= lastTime
}

// list reads the array that begins at i.
func (r *reader) list(i int, c *planned, v *record.Value) (end int, err error) {
	in := r.in
	c.packed = c.packed[:0]
	i = space(in, i+1)
	end = i // of an empty one
	for last := i < len(in) && in[i] == ']'; !last; i = space(in, end+1) {
		if i == len(in) {
			return 0, errToken
		}
		c.elem.cell = record.Value{}
		if end, err = r.cell(i, c.elem, &c.elem.cell); err != nil {
			return 0, err
		}
		c.packed = record.AppendCell(c.packed, &c.elem.cell)
		if end = space(in, end); end == len(in) || in[end] != ',' && in[end] != ']' {
			return 0, errToken
		}
		last = in[end] == ']'
	}
	*v = record.Value{Kind: record.List, Str: r.memory.Keep(c.packed)}
	return end + 1, nil
}

// structure reads the object that begins at i. Members that are no fields are passed over.
func (r *reader) structure(i int, c *planned, v *record.Value) (end int, err error) {
	row := c.fields.row
	clear(row)
	if end, err = r.object(i, c.fields, row); err != nil {
		return end, err
	}
	r.packed = r.packed[:0]
	for i := range row {
		r.packed = record.AppendCell(r.packed, &row[i])
	}
	*v = record.Value{Kind: record.Struct, Str: r.memory.Keep(r.packed)}
	return end, nil
}
