package json

import (
	"github.com/go-faster/jx"

	"github.com/penstock/penstock/record"
)

// adder adds members to objects: the cells of a Row, each under the name that files have for its column.
type adder struct {
	fields []field
}

func newAdder(columns []record.Column) *adder {
	a := new(adder)
	for _, c := range columns {
		f := fieldOf(c.Type)
		f.name = c.As
		if f.name == "" {
			f.name = c.Name
		}
		f.key = key(f.name)
		a.fields = append(a.fields, f)
	}
	return a
}

// add puts the row's cells before the brace that ends the object object[from:].
func (a *adder) add(object []byte, from int, row []record.Value) (_ []byte, err error) {
	end := len(object)
	for end > from && object[end-1] != '}' {
		end--
	}
	last := end - 1
	for last > from && space(object[:last], last-1) == last {
		last--
	}
	if last <= from || len(row) < len(a.fields) {
		return object, errNotObject
	}
	out := object[:last]
	for i := range a.fields {
		k := a.fields[i].key
		if i == 0 && object[last-1] == '{' {
			k = k[1:] // only an empty object ends in both braces
		}
		out = append(out, k...)
		if out, err = cell(out, &row[i], &a.fields[i]); err != nil {
			return object, err
		}
	}
	return append(out, '}'), nil
}

// key is a comma, a name and a colon.
func key(name string) string {
	w := jx.Writer{Buf: []byte{','}}
	w.Str(name)
	return string(append(w.Buf, ':'))
}
