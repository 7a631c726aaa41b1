package parquet

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/record"
)

// root is a file's schema: a group of fields in their own order, where parquet.Group would sort them by name.
type root struct {
	parquet.Group
	fields []parquet.Field
}

func (r root) Fields() []parquet.Field { return r.fields }

// GoType is never asked for what it would hold: rows are written a column at a time.
func (r root) GoType() reflect.Type { return reflect.TypeFor[struct{}]() }

func newRoot(s *record.Schema) (root, error) {
	r := root{fields: make([]parquet.Field, len(s.Columns))}
	names := make(map[string]string, len(s.Columns))
	for i, c := range s.Columns {
		field, err := newField(c)
		if err != nil {
			return r, fmt.Errorf("column %q: %w", c.Name, err)
		}
		folded := strings.ToLower(field.name)
		if other, twice := names[folded]; twice {
			return r, fmt.Errorf("columns %q and %q are one name to readers that ignore case; rename one", other, field.name)
		}
		names[folded] = field.name
		r.fields[i] = field
	}
	return r, nil
}

type field struct {
	parquet.Node
	name string
}

func (f field) Name() string                           { return f.name }
func (f field) Value(base reflect.Value) reflect.Value { return base }

func newField(c record.Column) (field, error) {
	f := field{name: c.As}
	if f.name == "" {
		f.name = c.Name
	}
	switch t := c.Type; {
	case f.name == "":
		return f, errors.New("a column of a Parquet file needs a name")
	case t.Kind == record.String:
		f.Node = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case t.Kind == record.JSON:
		f.Node = parquet.Encoded(parquet.String(), &parquet.Plain)
	default:
		physical := physicalType(t)
		if physical == nil {
			return f, errors.New("its type is not known; declare it under schema: columns: first")
		}
		f.Node = parquet.Encoded(physical, &parquet.Plain)
	}
	if !c.Required {
		f.Node = parquet.Optional(f.Node)
	}
	return f, nil
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
	}
	return nil
}
