package parquet

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/record"
)

// column gathers the cells of one leaf until they are handed on together.
type column struct {
	record.Column
	index   int // of the row's cell; -1 of a leaf that is part of a list or struct
	leaf    int
	level   int // the definition level of a cell that is not null
	divisor int64
	width   int    // of a Decimal, in bytes
	text    []byte // the bytes of the cells gathered
	cells   []parquet.Value
}

func newColumn(index, leaf int, c record.Column) column {
	col := column{Column: c, index: index, leaf: leaf, level: 1, divisor: 1}
	if c.Required {
		col.level = 0
	}
	if c.Type.Kind == record.Timestamp && c.Type.Short {
		col.divisor = 1000
	}
	if c.Type.Kind == record.Decimal {
		col.width = decimalWidth(c.Type)
	}
	return col
}

// unbounded says whether the column has no statistics: its cells may be large and nobody compares them, or they are decimals
// whose bytes parquet-go v0.32 compares as if they had no sign.
func (c *column) unbounded() bool {
	return c.Type.Kind == record.JSON || c.Type.Kind == record.Bytes || c.width > 8
}

// gather takes the column's cells of rows. Their text is copied.
func (c *column) gather(rows []record.Record) error {
	done := len(c.cells)
	c.cells = slices.Grow(c.cells, len(rows))[:done+len(rows)]
	for i := range rows {
		row, cell := rows[i].Row, &c.cells[done+i]
		var err error
		switch {
		case c.index >= len(row):
			err = errShort(len(row))
		case row[c.index].Kind != c.Type.Kind:
			*cell = parquet.Value{}
			err = mayBeNull(&row[c.index], c.Type, c.Required)
		default:
			err = c.set(cell, &row[c.index])
			cell.SetDefinitionLevel(c.level)
		}
		if err != nil {
			return at(&rows[i], c.Name, err)
		}
	}
	return nil
}

func at(r *record.Record, column string, err error) error {
	return fmt.Errorf("record at offset %d: column %q: %w", r.Offset, column, err)
}

func errShort(cells int) error { return fmt.Errorf("the row has only %d cells", cells) }

// set sets cell to v, which is of the column's kind.
func (c *column) set(cell *parquet.Value, v *record.Value) (err error) {
	switch v.Kind {
	case record.Float:
		if c.Type.Short {
			*cell, err = float(v.Float())
		} else {
			*cell = parquet.DoubleValue(v.Float())
		}
	case record.Int, record.Date:
		*cell, err = integer(v.Int(), c.Type)
	case record.Timestamp:
		*cell = parquet.Int64Value(floor(v.Int(), c.divisor))
	case record.Bool:
		*cell = parquet.BooleanValue(v.Bool())
	case record.Decimal:
		*cell, err = c.decimal(v)
	default:
		*cell, err = c.copied(v)
	}
	return err
}

func float(f float64) (parquet.Value, error) {
	if math.IsInf(float64(float32(f)), 0) && !math.IsInf(f, 0) {
		return parquet.Value{}, fmt.Errorf("%v is beyond a float; declare the column as double", f)
	}
	return parquet.FloatValue(float32(f)), nil
}

func integer(n int64, t record.Type) (parquet.Value, error) {
	if t.Kind == record.Int && !t.Short {
		return parquet.Int64Value(n), nil
	}
	if n != int64(int32(n)) {
		return parquet.Value{}, fmt.Errorf("%d is beyond 32 bits", n)
	}
	return parquet.Int32Value(int32(n)), nil
}

// floor divides and rounds down, below zero too.
func floor(n, divisor int64) int64 {
	q := n / divisor
	if n%divisor < 0 {
		q--
	}
	return q
}

func (c *column) copied(v *record.Value) (parquet.Value, error) {
	if v.Kind != record.Bytes && !utf8.ValidString(v.Str) {
		return parquet.Value{}, errors.New("the text is not valid UTF-8; declare the column as bytes")
	}
	start := len(c.text)
	c.text = append(c.text, v.Str...)
	return parquet.ByteArrayValue(c.text[start:]), nil
}

// mayBeNull is nil if v, which is not of kind t.Kind, is null and may be.
func mayBeNull(v *record.Value, t record.Type, required bool) error {
	switch {
	case !v.IsNull():
		return fmt.Errorf("a cell of kind %v stands in a column of type %s", v.Kind, t)
	case required:
		return errors.New("there is none, and it is required")
	}
	return nil
}

// spill hands the cells gathered to w, and forgets them.
func (c *column) spill(w *parquet.ColumnWriter) error {
	_, err := w.WriteRowValues(c.cells)
	c.forget()
	return err
}

func (c *column) forget() {
	c.cells = c.cells[:0]
	c.text = c.text[:0]
}
