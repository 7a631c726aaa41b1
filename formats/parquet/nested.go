package parquet

import (
	"errors"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/record"
)

// tree takes a List or a Struct apart into its leaves. Levels are Parquet's: a definition level says how much of the way down to a
// leaf is there, a repetition level which list a value goes on with.
type tree struct {
	t      record.Type
	must   bool // be there
	leaves []int
	repeat int    // of a List: the repetition level of its elements
	elem   *tree  // of a List
	fields []tree // of a Struct
}

// newTree makes the tree of c, and appends its leaves to columns.
func newTree(c record.Column, repeat int, columns *[]column) tree {
	n := tree{t: c.Type, must: c.Required}
	first := len(*columns)
	switch c.Type.Kind {
	case record.List:
		n.repeat = repeat + 1
		elem := newTree(record.Column{Name: c.Name, Type: c.Type.Elem()}, n.repeat, columns)
		n.elem = &elem
	case record.Struct:
		for _, f := range c.Type.Fields() {
			n.fields = append(n.fields, newTree(f, repeat, columns))
		}
	default:
		*columns = append(*columns, newColumn(-1, first, c))
	}
	for leaf := first; leaf < len(*columns); leaf++ {
		n.leaves = append(n.leaves, leaf)
	}
	return n
}

func nested(t record.Type) bool { return t.Kind == record.List || t.Kind == record.Struct }

// add takes v apart. What stands above it is there up to the level defined.
func (e *encoder) add(n *tree, v *record.Value, repeat, defined int) error {
	if v.Kind != n.t.Kind {
		e.null(n, repeat, defined)
		return mayBeNull(v, n.t, n.must)
	}
	if !n.must {
		defined++
	}
	switch v.Kind {
	case record.List:
		return e.list(n, v, repeat, defined)
	case record.Struct:
		return e.structure(n, v, repeat, defined)
	}
	c := &e.columns[n.leaves[0]]
	var cell parquet.Value
	err := c.set(&cell, v)
	c.cells = append(c.cells, cell.Level(repeat, defined, c.leaf))
	return err
}

// null adds that from the level defined on nothing is there.
func (e *encoder) null(n *tree, repeat, defined int) {
	for _, leaf := range n.leaves {
		c := &e.columns[leaf]
		c.cells = append(c.cells, parquet.Value{}.Level(repeat, defined, leaf))
	}
}

func (e *encoder) list(n *tree, v *record.Value, repeat, defined int) error {
	var cell record.Value
	empty := true
	cells := v.Cells()
	for ; cells.Next(&cell); empty = false {
		if err := e.add(n.elem, &cell, repeat, defined+1); err != nil {
			return err
		}
		repeat = n.repeat
	}
	if empty {
		e.null(n, repeat, defined)
	}
	return cells.Err()
}

var errFields = errors.New("the cell has fewer cells than its struct has fields")

func (e *encoder) structure(n *tree, v *record.Value, repeat, defined int) error {
	var cell record.Value
	cells := v.Cells()
	for i := range n.fields {
		if !cells.Next(&cell) {
			return errFields
		}
		if err := e.add(&n.fields[i], &cell, repeat, defined); err != nil {
			return err
		}
	}
	return cells.Err()
}
