package record

import "math"

// Kind is what a cell holds.
type Kind uint8

// The kinds of cells. Any is only for a Type: the cell takes the kind of what stands there.
const (
	Null      Kind = iota
	Bool           // Num 0 or 1
	Int            // Num, an int64
	Float          // Num, the bits of a float64; Str may hold the JSON number it was read from
	String         // Str
	Bytes          // Str holds the bytes
	Date           // Num, days since 1970-01-01
	Timestamp      // Num, microseconds since 1970-01-01 UTC
	JSON           // Str is JSON text
	Decimal        // the unscaled number in Num, an int64, or, where Str is not empty, there: 16 bytes, two's complement, big-endian
	List           // Str packs the elements, see Cells
	Struct         // Str packs the fields in the type's order, every one of them
	Any
)

var kindNames = [...]string{"null", "bool", "int", "float", "string", "bytes", "date", "timestamp", "json", "decimal", "list", "struct", "any"}

// String is the kind's name, for messages.
func (k Kind) String() string { return kindNames[min(k, Any)] }

// Value is one cell, unboxed. Its Str may alias the memory of the batch it came in.
type Value struct {
	Kind  Kind
	Scale uint8 // of a Decimal: how many digits follow the point
	Num   uint64
	Str   string
}

// BoolOf is a cell that holds b.
func BoolOf(b bool) Value {
	if b {
		return Value{Kind: Bool, Num: 1}
	}
	return Value{Kind: Bool}
}

// IntOf is a cell that holds n.
func IntOf(n int64) Value { return Value{Kind: Int, Num: uint64(n)} }

// FloatOf is a cell that holds f, without the text it was read from.
func FloatOf(f float64) Value { return Value{Kind: Float, Num: math.Float64bits(f)} }

// StringOf is a cell that holds s.
func StringOf(s string) Value { return Value{Kind: String, Str: s} }

// BytesOf is a cell that holds the bytes of s.
func BytesOf(s string) Value { return Value{Kind: Bytes, Str: s} }

// DateOf is a cell that holds the day which is so many days after 1970-01-01.
func DateOf(days int64) Value { return Value{Kind: Date, Num: uint64(days)} }

// TimestampOf is a cell that holds the instant which is so many microseconds after 1970-01-01 UTC.
func TimestampOf(us int64) Value { return Value{Kind: Timestamp, Num: uint64(us)} }

// JSONOf is a cell that holds text, which must be one JSON value.
func JSONOf(text string) Value { return Value{Kind: JSON, Str: text} }

// IsNull says whether the cell holds nothing, as the zero Value does.
func (v Value) IsNull() bool { return v.Kind == Null }

// Bool is what a Bool holds.
func (v Value) Bool() bool { return v.Num != 0 }

// Int is what an Int holds, the days of a Date or the microseconds of a Timestamp.
func (v Value) Int() int64 { return int64(v.Num) }

// Float is what a Float holds.
func (v Value) Float() float64 { return math.Float64frombits(v.Num) }
