package parquet

import (
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/record"
)

// group is a file's schema, or a struct: fields in their own order, where parquet.Group would sort them by name.
type group struct {
	parquet.Group
	fields []parquet.Field
}

func (g group) Fields() []parquet.Field { return g.fields }

// GoType is never asked for what it would hold: rows are written a column at a time.
func (g group) GoType() reflect.Type { return reflect.TypeFor[struct{}]() }

func newGroup(columns []record.Column) (group, error) {
	g := group{fields: make([]parquet.Field, len(columns))}
	names := make(map[string]string, len(columns))
	for i, c := range columns {
		field, err := newField(c)
		if err != nil {
			return g, fmt.Errorf("column %q: %w", c.Name, err)
		}
		folded := strings.ToLower(field.name)
		if other, twice := names[folded]; twice {
			return g, fmt.Errorf("columns %q and %q are one name to readers that ignore case; rename one", other, field.name)
		}
		names[folded] = field.name
		g.fields[i] = field
	}
	return g, nil
}

type field struct {
	parquet.Node
	name string
}

func (f field) Name() string                           { return f.name }
func (f field) Value(base reflect.Value) reflect.Value { return base }

// fileName is how a file calls a column, or a field of a struct.
func fileName(c record.Column) string {
	if c.As != "" {
		return c.As
	}
	return c.Name
}

func newField(c record.Column) (f field, err error) {
	if f.name = fileName(c); f.name == "" {
		return f, errors.New("a column of a Parquet file needs a name")
	}
	if f.Node, err = newNode(c.Type); err == nil && !c.Required {
		f.Node = parquet.Optional(f.Node)
	}
	return f, err
}

var errUnknownType = errors.New("its type is not known; declare it under schema: columns: first")

// newNode is what stands for a type: a leaf, or a group of them.
func newNode(t record.Type) (parquet.Node, error) {
	switch t.Kind {
	case record.List:
		elem, err := newNode(t.Elem())
		if err != nil {
			return nil, err
		}
		return parquet.List(parquet.Optional(elem)), nil
	case record.Struct:
		return newGroup(t.Fields())
	case record.String:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary), nil
	case record.JSON:
		return parquet.Encoded(parquet.String(), &parquet.Plain), nil
	}
	physical := physicalType(t)
	if physical == nil {
		return nil, errUnknownType
	}
	return parquet.Encoded(physical, &parquet.Plain), nil
}

func physicalType(t record.Type) parquet.Node {
	switch {
	case t.Kind == record.Bool:
		return parquet.Leaf(parquet.BooleanType)
	case t.Kind == record.Int && t.Short:
		return parquet.Leaf(parquet.Int32Type)
	case t.Kind == record.Int:
		return parquet.Leaf(parquet.Int64Type)
	case t.Kind == record.Float && t.Short:
		return parquet.Leaf(parquet.FloatType)
	case t.Kind == record.Float:
		return parquet.Leaf(parquet.DoubleType)
	case t.Kind == record.Bytes:
		return parquet.Leaf(parquet.ByteArrayType)
	case t.Kind == record.Date:
		return parquet.Date()
	case t.Kind == record.Timestamp && t.Short:
		return parquet.Timestamp(parquet.Millisecond)
	case t.Kind == record.Timestamp:
		return parquet.Timestamp(parquet.Microsecond)
	case t.Kind == record.Decimal:
		return decimalType(t)
	}
	return nil
}

// decimalType holds a decimal in 32 or 64 bits where these suffice, and in as few bytes as do elsewhere.
func decimalType(t record.Type) parquet.Node {
	physical := parquet.Int32Type
	switch width := decimalWidth(t); {
	case width > 8:
		physical = parquet.FixedLenByteArrayType(width)
	case width > 4:
		physical = parquet.Int64Type
	}
	return parquet.Decimal(int(t.Scale), int(t.Precision), physical)
}

// decimalWidth is how many bytes every number of t's digits has room in: 4, 8, or more.
func decimalWidth(t record.Type) int {
	switch {
	case t.Precision <= 9:
		return 4
	case t.Precision <= 18:
		return 8
	}
	return 8 + bits.Len64(powers[t.Precision].hi)/8 + 1 // with a bit for the sign
}
