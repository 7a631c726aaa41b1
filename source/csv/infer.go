package csv

import (
	"context"
	"io"
	"slices"

	"github.com/penstock/penstock/record"
)

// types finds the columns' types: as the config declares them, as the mark has them, or as all rows say.
func (t *table) types(ctx context.Context, names []string) error {
	declared := make([]record.Type, len(names))
	for _, c := range t.Columns {
		declared[slices.Index(names, c.Name)] = c.Type.Type
	}
	infer := t.at.Types == nil && slices.Contains(declared, record.Type{})
	if infer || t.sample != nil {
		guesses, err := t.scan(ctx, len(names), infer)
		if err != nil {
			return err
		}
		for i := range guesses {
			t.at.Types = append(t.at.Types, guesses[i].columnType())
		}
	}
	if t.at.Types == nil {
		t.at.Types = slices.Clone(declared)
	}
	t.schema, t.shapes = &record.Schema{}, nil
	for i, name := range names {
		if declared[i].Kind != record.Null {
			t.at.Types[i] = declared[i]
		}
		t.shapes = append(t.shapes, shapeOf(t.at.Types[i]))
		t.schema.Columns = append(t.schema.Columns, record.Column{Name: name, As: name, Type: t.at.Types[i]})
	}
	return nil
}

// scan reads all rows that there are, to the end of the file: for their types, and to draw from.
func (t *table) scan(ctx context.Context, columns int, infer bool) (guesses []guess, err error) {
	if infer {
		guesses = make([]guess, columns)
	}
	for n := 0; ; n++ {
		if n%pageRows == 0 {
			t.rows.recycle()
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		bad, err := t.rows.next()
		if err == io.EOF && t.Follow && n == 0 {
			return nil, errNothing
		}
		if err == io.EOF {
			return guesses, nil
		}
		if err != nil {
			return nil, err
		}
		if t.sample != nil {
			t.sample.add(t.rows.begins())
		}
		if infer && bad == nil && t.sound(columns) == nil {
			for i, c := range t.rows.cells {
				guesses[i].see(t.rows.text(c))
			}
		}
	}
}

// guess is what the cells of a column have in common so far.
type guess struct {
	seen, nan                 bool
	notInt, notFloat, notBool bool
}

func (g *guess) see(text []byte) {
	if len(text) == 0 || g.notInt && g.notFloat && g.notBool {
		return
	}
	if isNaN(text) {
		g.nan = true
		return
	}
	g.seen = true
	if !g.notBool {
		_, ok := parseBool(text)
		g.notBool = !ok
	}
	var n number
	n.parse(text)
	_, fits := n.int64(text)
	g.notInt = g.notInt || !fits
	if !n.finite(text) || n.whole && !fits { // an integer that no int64 holds is a code, not a measure
		g.notFloat, g.notInt = true, true
	}
}

// columnType is the narrowest type that holds all cells seen.
func (g *guess) columnType() record.Type {
	switch {
	case g.seen && !g.notFloat && !g.notInt:
		return record.Type{Kind: record.Int}
	case g.seen && !g.notFloat, !g.seen && g.nan:
		return record.Type{Kind: record.Float}
	case g.seen && !g.notBool && !g.nan:
		return record.Type{Kind: record.Bool}
	}
	return record.Type{Kind: record.String}
}
