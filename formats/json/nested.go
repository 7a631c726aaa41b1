package json

import (
	"fmt"
	"strings"

	"github.com/penstock/penstock/record"
)

// deep is a column whose name is a path: its value is a member of another member's value.
type deep struct {
	column int
	path   []string
}

func nestedColumns(s *record.Schema) (all []deep) {
	for i, c := range s.Columns {
		if c.Nested {
			all = append(all, deep{i, strings.Split(c.Name, ".")})
		}
	}
	return all
}

// readNested fills the cells of nested columns from the object in hand, which was found sound.
func (r *reader) readNested(p *plan, row []record.Value) error {
	object := r.in
	for _, n := range p.nested {
		in := object
		for _, name := range n.path {
			in = inside(in, name)
		}
		if in == nil {
			continue
		}
		r.in = in
		c := &p.columns[n.column]
		if _, err := r.cell(space(in, 0), c, &row[n.column]); err != nil {
			return fmt.Errorf("column %q: %w", c.Name, err)
		}
	}
	return nil
}

// inside is the value of an object's first member of a name; nil where there is none, or no object.
func inside(in []byte, name string) []byte {
	i := space(in, 0)
	if i == len(in) || in[i] != '{' {
		return nil
	}
	for i = space(in, i+1); i < len(in) && in[i] == '"'; i = space(in, i+1) {
		found, end := member(in, i)
		if end < 0 {
			return nil
		}
		if string(found) == name {
			return in[space(in, text(in, i)):end][1:] // after the colon
		}
		i = space(in, end) // a comma, or the end
	}
	return nil
}
