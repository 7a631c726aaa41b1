package parquet

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/record"
)

// Read is of formats.Reader. Every page of every column is read; the columns of s are of a row each.
func (f format) Read(file io.ReaderAt, size int64, s *record.Schema) iter.Seq2[[]record.Value, error] {
	return func(yield func([]record.Value, error) bool) {
		in, err := open(file, size)
		if err != nil {
			yield(nil, err)
			return
		}
		for i, group := range in.RowGroups() {
			goOn, err := readGroup(in, group, s, yield)
			if err != nil {
				yield(nil, fmt.Errorf("row group %d: %w", i, err))
				return
			}
			if !goOn {
				return
			}
		}
	}
}

func open(file io.ReaderAt, size int64) (f *parquet.File, err error) {
	defer guard(&err)
	return parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// guard makes an error of a panic: parquet-go may panic over a file that is damaged.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("it cannot be read: %v", p)
	}
}

// readGroup reads the columns that are wanted side by side, and all others for their rows' number alone.
func readGroup(in *parquet.File, group parquet.RowGroup, s *record.Schema, yield func([]record.Value, error) bool) (goOn bool, err error) {
	names := in.Schema().Columns()
	wanted := make([][]record.Value, len(s.Columns))
	for i, chunk := range group.ColumnChunks() {
		at := -1
		if len(names[i]) == 1 {
			at = slices.IndexFunc(s.Columns, func(c record.Column) bool { return c.As == names[i][0] })
		}
		var keep *[]record.Value
		if at >= 0 {
			keep = &wanted[at]
		}
		rows, err := readColumn(chunk, keep)
		if err != nil {
			return false, fmt.Errorf("column %v: %w", names[i], err)
		}
		if rows != group.NumRows() {
			return false, fmt.Errorf("column %v holds %d rows of %d", names[i], rows, group.NumRows())
		}
	}
	row := make([]record.Value, len(s.Columns))
	for n := range group.NumRows() {
		for i := range row {
			if row[i] = (record.Value{}); n < int64(len(wanted[i])) {
				row[i] = wanted[i][n]
			}
		}
		if !yield(row, nil) {
			return false, nil
		}
	}
	return true, nil
}

// readColumn reads all pages of a column, counts its rows, and keeps its numbers where they are wanted.
func readColumn(chunk parquet.ColumnChunk, keep *[]record.Value) (rows int64, err error) {
	defer guard(&err)
	pages := chunk.Pages()
	defer pages.Close()
	var values [256]parquet.Value
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += page.NumRows()
		in := page.Values()
		for {
			n, err := in.ReadValues(values[:])
			for _, v := range values[:n] {
				switch {
				case keep == nil:
				case v.IsNull():
					*keep = append(*keep, record.Value{})
				default:
					*keep = append(*keep, record.IntOf(number(v)))
				}
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return rows, err
			}
			if err != nil || n == 0 {
				break
			}
		}
		parquet.Release(page)
	}
}

// number is an integer of either width.
func number(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}
