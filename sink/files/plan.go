package files

import (
	"errors"
	"strings"

	"github.com/penstock/penstock/record"
)

// plan is what follows from a schema: what is held of a row, and what its file says.
type plan struct {
	from *record.Schema // of the batches
	file *record.Schema // of the encoder
	need int            // cells that a Row must have
	keep []int          // cells that are held; nil where Values are
}

var errNotDecoded = errors.New("the rows have not been decoded, and the format needs their columns")

func newPlan(s *record.Schema, t Template, raw bool) (*plan, error) {
	p := &plan{from: s, file: &record.Schema{}}
	if s == nil {
		if !raw {
			return nil, errNotDecoded
		}
		return p, nil
	}
	p.file.Version = s.Version
	if !raw || len(t.Columns()) > 0 {
		p.need = len(s.Columns)
	}
	if !raw {
		p.keep = make([]int, 0, len(s.Columns))
	}
	for i, c := range s.Columns {
		switch {
		case t.says(c):
			p.file.Cut = append(p.file.Cut, c.Name)
		case !raw:
			p.file.Columns = append(p.file.Columns, c)
			p.keep = append(p.keep, i)
		}
	}
	return p, nil
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
