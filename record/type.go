package record

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Type is what a column holds: a kind, and how wide or how fine it is in files. Types are equal, by ==, if their texts are.
type Type struct {
	Kind      Kind
	Short     bool   // int32 and float instead of int64 and double; milliseconds instead of microseconds
	Precision uint8  // of a Decimal: its digits, 1 to MaxPrecision
	Scale     uint8  // of a Decimal: how many of them follow the point
	inner     string // of a List or Struct: what its text has between the angle brackets
}

const (
	// MaxPrecision is how many digits a decimal may have: what 128 bits hold.
	MaxPrecision = 38
	// MaxNesting is how deep lists and structs may nest in a type.
	MaxNesting = 16
)

var typeNames = []struct {
	name string
	t    Type
}{
	{"string", Type{Kind: String}}, {"bool", Type{Kind: Bool}},
	{"int32", Type{Kind: Int, Short: true}}, {"int64", Type{Kind: Int}},
	{"float", Type{Kind: Float, Short: true}}, {"double", Type{Kind: Float}},
	{"date", Type{Kind: Date}},
	{"timestamp(ms)", Type{Kind: Timestamp, Short: true}}, {"timestamp(us)", Type{Kind: Timestamp}},
	{"bytes", Type{Kind: Bytes}}, {"json", Type{Kind: JSON}},
}

// TypeNames is a text that lists the types there are.
const TypeNames = "string, bool, int32, int64, float, double, decimal(p,s), date, timestamp(ms), timestamp(us), bytes, json, list<type>, struct<name:type,...>"

// ParseType reads a type as connectors.yaml writes it: double, timestamp(ms), decimal(10,2), list<string>,
// struct<lat:double,"the rest":json>. A name may be quoted as in Go, and is where it holds spaces or punctuation.
func ParseType(text string) (Type, error) {
	p := typeParser{rest: text}
	t, err := p.whole()
	if err != nil && strings.ContainsAny(text, "<(") {
		err = fmt.Errorf("type %q: %w", text, err)
	}
	return t, err
}

// UnmarshalText is ParseType.
func (t *Type) UnmarshalText(text []byte) (err error) {
	*t, err = ParseType(string(text))
	return err
}

// MarshalText writes what ParseType reads.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Pattern is what a type's text fits.
func (Type) Pattern() string {
	return `^\s*(string|bool|int32|int64|float|double|date|bytes|json|timestamp\s*\(\s*(ms|us)\s*\)|decimal\s*\(\s*[0-9]+\s*,\s*[0-9]+\s*\)|(list|struct)\s*<.+>)\s*$`
}

// String is the text that ParseType reads; any, if there is none.
func (t Type) String() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case List:
		return "list<" + t.inner + ">"
	case Struct:
		return "struct<" + t.inner + ">"
	}
	for _, n := range typeNames {
		if n.t == t {
			return n.name
		}
	}
	return "any"
}

// ListType is the type of lists whose elements are of type elem.
func ListType(elem Type) Type { return Type{Kind: List, inner: elem.String()} }

// StructType is the type of structs that have these columns as fields, by Name and Type.
func StructType(fields []Column) Type {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quoted(f.Name) + ":" + f.Type.String())
	}
	return Type{Kind: Struct, inner: b.String()}
}

// Elem is the type of a List's elements. It is read from text: keep what it gives.
func (t Type) Elem() Type {
	p := typeParser{rest: t.inner}
	elem, err := p.whole()
	if t.Kind != List || err != nil {
		return Type{Kind: Any}
	}
	return elem
}

// Fields are the fields of a Struct, in order. They are read from text: keep what it gives.
func (t Type) Fields() []Column {
	p := typeParser{rest: t.inner}
	fields, err := p.fields()
	if t.Kind != Struct || err != nil {
		return nil
	}
	return fields
}

// quoted is a field's name as types write it.
func quoted(name string) string {
	if name == "" || strings.TrimSpace(name) != name || strings.ContainsAny(name, "<>():,\"`\\") || strconv.Quote(name) != `"`+name+`"` {
		return strconv.Quote(name)
	}
	return name
}

var errTypeEnds = errors.New(`it ends too early; between { and } a type with a comma must be quoted, as in {price: "decimal(10,2)"}`)
