package json

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/go-faster/jx"

	"github.com/penstock/penstock/record"
)

// misfit says that a sound JSON value is not of the column's type.
type misfit struct {
	what string
	t    record.Type
}

func (m misfit) Error() string {
	return m.what + " does not fit " + m.t.String() + "; declare another type under schema: columns:, or mend what writes it"
}

// decode reads d's next value as a cell of type t. Its text may alias what d reads.
func decode(d *jx.Decoder, t record.Type) (record.Value, error) {
	next := d.Next()
	switch {
	case next == jx.Null:
		return record.Value{}, d.Null()
	case t.Kind == record.JSON:
		raw, err := d.Raw()
		return record.JSONOf(alias(raw)), err
	case next == jx.String:
		text, err := d.StrBytes() // a copy of its own if there were escapes
		if err != nil {
			return record.Value{}, err
		}
		return fit(alias(text), true, t, ofString)
	case next == jx.Number:
		text, err := d.Raw()
		if err != nil {
			return record.Value{}, err
		}
		return fit(alias(text), false, t, ofNumber)
	case next == jx.Bool && (t.Kind == record.Bool || t.Kind == record.Any):
		b, err := d.Bool()
		return record.BoolOf(b), err
	}
	raw, err := d.Raw()
	switch {
	case err != nil:
		return record.Value{}, err
	case t.Kind == record.Any:
		return record.JSONOf(alias(raw)), nil
	}
	return record.Value{}, misfit{short(raw), t}
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// fit makes a misfit of what convert refuses.
func fit(text string, quoted bool, t record.Type, convert func(string, record.Type) (record.Value, bool)) (record.Value, error) {
	cell, ok := convert(text, t)
	switch {
	case ok:
		return cell, nil
	case quoted:
		return record.Value{}, misfit{short(strconv.Quote(text[:min(len(text), 256)])), t}
	}
	return record.Value{}, misfit{short(text), t}
}

func ofString(s string, t record.Type) (v record.Value, ok bool) {
	switch t.Kind {
	case record.String, record.Any:
		return record.StringOf(s), true
	case record.Date:
		days, ok := parseDate(s)
		return record.DateOf(days), ok
	case record.Timestamp:
		us, ok := parseTime(s)
		return timestamp(us, t, ok)
	case record.Bytes:
		raw, err := base64.StdEncoding.DecodeString(s)
		return record.BytesOf(alias(raw)), err == nil
	}
	return v, false
}

func ofNumber(s string, t record.Type) (v record.Value, ok bool) {
	switch t.Kind {
	case record.Float:
		f, ok := parseFloat(s)
		return record.FloatOf(f), ok && (!t.Short || !math.IsInf(float64(float32(f)), 0))
	case record.Int:
		n, ok := parseInt(s)
		return record.IntOf(n), ok && (!t.Short || n == int64(int32(n)))
	case record.Timestamp:
		us, ok := parseEpoch(s)
		return timestamp(us, t, ok)
	case record.Any:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return record.IntOf(n), true
		}
		f, err := strconv.ParseFloat(s, 64)
		v = record.FloatOf(f)
		v.Str = s
		return v, err == nil
	}
	return v, false
}

// timestamp drops what is finer than the column, and refuses what is not between the years 0 and 9999.
func timestamp(us int64, t record.Type, ok bool) (record.Value, bool) {
	if t.Short {
		us -= mod(us, 1000)
	}
	return record.TimestampOf(us), ok && us >= firstTime && us <= lastTime
}

// parseFloat reads a JSON number as the nearest double. One of few digits is a quotient of two numbers that doubles hold exactly,
// and so is rounded once.
func parseFloat(s string) (float64, bool) {
	mantissa, digits, start := uint64(0), len(s), 0
	if s[0] == '-' {
		start = 1
	}
	for i := start; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + uint64(c-'0')
		case c == '.':
			digits = i + 1
		default:
			f, err := strconv.ParseFloat(s, 64)
			return f, err == nil
		}
	}
	if decimals := len(s) - digits; len(s) <= 18 && mantissa < 1<<53 {
		f := float64(mantissa) / tens[decimals]
		if start > 0 {
			f = -f
		}
		return f, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17}

// parseInt reads a JSON number that is a whole one: 12, 12.0, 1.2e1.
func parseInt(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	digits, sign := s, ""
	if s[0] == '-' {
		digits, sign = s[1:], "-"
	}
	exponent := 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		exponent = clampedInt(digits[i+1:])
		digits = digits[:i]
	}
	if whole, fraction, ok := strings.Cut(digits, "."); ok {
		digits, exponent = whole+fraction, exponent-len(fraction)
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return 0, true
	}
	for ; exponent < 0 && digits[len(digits)-1] == '0'; exponent++ {
		digits = digits[:len(digits)-1]
	}
	if exponent < 0 || len(digits)+exponent > len("9223372036854775808") {
		return 0, false
	}
	n, err := strconv.ParseInt(sign+digits+strings.Repeat("0", exponent), 10, 64)
	return n, err == nil
}

// clampedInt reads an exponent; one that is out of all reason stays out of it.
func clampedInt(s string) int {
	n, _ := strconv.ParseInt(s, 10, 32) // the nearest int32, if it is beyond
	return int(n)
}
