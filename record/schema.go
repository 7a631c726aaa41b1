package record

import (
	"fmt"
	"slices"
	"strings"
)

// Schema says which cells a Row has, in order.
type Schema struct {
	Version int // numbered by the runtime; 0 where every column is declared
	Columns []Column
	Cut     []string // columns that an object's path already says: not in Columns, and cut out of values that pass through
}

// Column is one named, typed cell of every Row.
type Column struct {
	Name     string `yaml:",key"` // as the topic says it
	As       string `yaml:"-"`    // as files say it
	Type     Type   `yaml:",value"`
	Required bool   `yaml:"-"`
}

// Index is where the column called name stands, or -1.
func (s *Schema) Index(name string) int {
	return slices.IndexFunc(s.Columns, func(c Column) bool { return c.Name == name })
}

// Type is what a column holds: a kind, and how wide or how fine it is in files.
type Type struct {
	Kind  Kind
	Short bool // int32 and float instead of int64 and double; milliseconds instead of microseconds
}

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

// ParseType reads a type as connectors.yaml writes it: double, timestamp(ms).
func ParseType(text string) (Type, error) {
	var known []string
	for _, n := range typeNames {
		if n.name == text {
			return n.t, nil
		}
		known = append(known, n.name)
	}
	return Type{}, fmt.Errorf("unknown type %q; there are %s", text, strings.Join(known, ", "))
}

// UnmarshalText is ParseType.
func (t *Type) UnmarshalText(text []byte) (err error) {
	*t, err = ParseType(string(text))
	return err
}

// MarshalText writes what ParseType reads.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// String is the name that ParseType reads; any, if there is none.
func (t Type) String() string {
	for _, n := range typeNames {
		if n.t == t {
			return n.name
		}
	}
	return "any"
}
