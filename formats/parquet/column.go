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

// column gathers the cells of one column until they are handed on together.
type column struct {
	record.Column
	index   int
	level   int // the definition level of a cell that is not null
	divisor int64
	text    []byte // the bytes of the cells gathered
	cells   []parquet.Value
}

func newColumn(index int, c record.Column) column {
	col := column{Column: c, index: index, level: 1, divisor: 1}
	if c.Required {
		col.level = 0
	}
	if c.Type.Kind == record.Timestamp && c.Type.Short {
		col.divisor = 1000
	}
	return col
}

// texts says whether cells hold bytes.
func (c *column) texts() bool {
	return c.Type.Kind == record.String || c.Type.Kind == record.Bytes || c.Type.Kind == record.JSON
}

// gather takes the column's cells of rows. Their text is copied.
func (c *column) gather(rows []record.Record) error {
	done := len(c.cells)
	c.cells = slices.Grow(c.cells, len(rows))[:done+len(rows)]
	for i := range rows {
		cell := &c.cells[done+i]
		if err := c.convert(cell, rows[i].Row); err != nil {
			return fmt.Errorf("record at offset %d: column %q: %w", rows[i].Offset, c.Name, err)
		}
	}
	return nil
}

// convert sets cell to the row's.
func (c *column) convert(cell *parquet.Value, row []record.Value) (err error) {
	if c.index >= len(row) {
		return fmt.Errorf("the row has only %d cells", len(row))
	}
	v := &row[c.index]
	if v.Kind != c.Type.Kind {
		*cell = parquet.Value{}
		return c.mayBeNull(v)
	}
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
	default:
		*cell, err = c.copied(v)
	}
	cell.SetDefinitionLevel(c.level)
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

// mayBeNull is nil if v is null and the column may hold nulls.
func (c *column) mayBeNull(v *record.Value) error {
	switch {
	case !v.IsNull():
		return fmt.Errorf("a cell of kind %d stands in a column of type %s", v.Kind, c.Type)
	case c.Required:
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
