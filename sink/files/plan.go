package files

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
)

// plan is what follows from a schema: what is held of a row, and what its file says.
type plan struct {
	from   *record.Schema // of the batches
	file   *record.Schema // of the encoder
	raw    bool           // Values are held, and no cells
	need   int            // cells that a Row must have
	keep   []int          // cells that are held
	extras []extra        // columns of the file that follow those held
	probes []int          // cells of members that a value must not have

	// line appends a row as it stands in the file, where the file is no more than that; nil otherwise.
	line func(dst []byte, rec *record.Record) ([]byte, error)
}

var errNotDecoded = errors.New("the rows have not been decoded, and the format needs their columns")

func newPlan(s *record.Schema, t Template, raw bool, with []extra) (*plan, error) {
	p := &plan{from: s, raw: raw, extras: with, file: &record.Schema{}}
	if s == nil && (!raw || len(with) > 0) {
		return nil, errNotDecoded
	}
	if s != nil {
		p.file.Version = s.Version
		if !raw || len(with)+len(t.Columns()) > 0 {
			p.need = len(s.Columns)
		}
		for i, c := range s.Columns {
			p.column(i, c, t)
		}
	}
	for _, x := range with {
		if err := p.extra(extras[x]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// column decides what becomes of one. What is nested in another is in that other's column already.
func (p *plan) column(i int, c record.Column, t Template) {
	switch {
	case c.Nested:
	case t.says(c):
		p.file.Cut = append(p.file.Cut, c.Name)
	case !p.raw:
		p.file.Columns = append(p.file.Columns, c)
		p.keep = append(p.keep, i)
	}
}

// extra adds a column that the rows do not have. A member that is null may be cut out of a value for it; any other is the
// user's.
func (p *plan) extra(c record.Column) error {
	for _, other := range p.file.Columns {
		if strings.EqualFold(other.As, c.As) || strings.EqualFold(other.Name, c.As) {
			return plugin.Option("with", fmt.Errorf("there is a column %q already; leave %s out of with, or rename the column", other.Name, c.Name))
		}
	}
	p.file.Columns = append(p.file.Columns, c)
	if !p.raw {
		return nil
	}
	i := find(p.from, c.Name, false)
	if i < 0 {
		return fmt.Errorf("with: the rows have been decoded without %q", c.Name)
	}
	if p.from.Columns[i].Type.Kind != record.Any {
		return fmt.Errorf("with: a column %q is declared; leave %s out of with, or rename the column", c.Name, c.Name)
	}
	p.probes = append(p.probes, i)
	if !slices.Contains(p.file.Cut, c.Name) {
		p.file.Cut = append(p.file.Cut, c.Name)
	}
	return nil
}

// find is where a column stands, or -1: for a path that descends the column of that path, or one that has all of it for its name;
// for a column whose type is not known yet, what was asked for by a path of that name.
func find(s *record.Schema, name string, nested bool) int {
	is := func(nested bool) int {
		return slices.IndexFunc(s.Columns, func(c record.Column) bool { return c.Name == name && c.Nested == nested })
	}
	if i := is(nested); i >= 0 || !nested && strings.Contains(name, ".") {
		return i
	}
	return is(!nested)
}

// says is whether a folder name={column} gives a column back, so that its files need not: by the column's own name or by the
// one it has in files, in whatever case, since readers of the files ignore it.
func (t Template) says(c record.Column) bool {
	if !lossless(c.Type.Kind) {
		return false
	}
	for _, e := range t.exact {
		if e.column == c.Name && (strings.EqualFold(e.key, c.Name) || strings.EqualFold(e.key, c.As)) {
			return true
		}
	}
	return false
}
