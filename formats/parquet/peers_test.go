package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"

	"github.com/penstock/penstock/record"
)

// plain is a cell as Parquet holds it, to be compared bit by bit: nil, a bool, an integer, the bits of a floating-point number, or a string.
func plain(v record.Value, t record.Type) any {
	switch {
	case v.IsNull():
		return nil
	case t.Kind == record.Bool:
		return v.Bool()
	case t.Kind == record.Int && t.Short, t.Kind == record.Date:
		return int32(v.Int())
	case t.Kind == record.Timestamp && t.Short:
		return int64(math.Floor(float64(v.Int()) / 1000))
	case t.Kind == record.Int, t.Kind == record.Timestamp:
		return v.Int()
	case t.Kind == record.Float && t.Short:
		return math.Float32bits(float32(v.Float()))
	case t.Kind == record.Float:
		return math.Float64bits(v.Float())
	case t.Kind == record.Decimal && t.Precision <= 9:
		return int32(v.Int())
	case t.Kind == record.Decimal && t.Precision <= 18:
		return v.Int()
	case t.Kind == record.Decimal:
		return v.Str[16-decimalWidth(t):]
	}
	return v.Str
}

// read reads a file's columns by parquet-go.
func read(file []byte) (columns [][]any, err error) {
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	columns = make([][]any, len(f.Schema().Columns()))
	for _, group := range f.RowGroups() {
		for i, chunk := range group.ColumnChunks() {
			pages := chunk.Pages()
			for {
				page, err := pages.ReadPage()
				if err == io.EOF {
					break
				}
				if err != nil {
					return nil, errors.Join(err, pages.Close())
				}
				values := make([]parquet.Value, page.NumValues())
				if n, err := page.Values().ReadValues(values); n < len(values) {
					return nil, fmt.Errorf("%d of %d values: %w", n, len(values), err)
				}
				for _, v := range values {
					columns[i] = append(columns[i], plainOf(v))
				}
			}
			if err := pages.Close(); err != nil {
				return nil, err
			}
		}
	}
	return columns, nil
}

func plainOf(v parquet.Value) any {
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean()
	case parquet.Int32:
		return v.Int32()
	case parquet.Int64:
		return v.Int64()
	case parquet.Float:
		return math.Float32bits(v.Float())
	case parquet.Double:
		return math.Float64bits(v.Double())
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return string(v.ByteArray())
	}
	return nil
}

// readXitongsys reads a file's columns by xitongsys/parquet-go.
func readXitongsys(file []byte) (columns [][]any, err error) {
	r, err := reader.NewParquetColumnReader(memory{Reader: bytes.NewReader(file), file: file}, 1)
	if err != nil {
		return nil, err
	}
	defer r.ReadStop()
	for i := range r.SchemaHandler.GetColumnNum() {
		values, _, _, err := r.ReadColumnByIndex(i, r.GetNumRows())
		if err != nil {
			return nil, err
		}
		for j, v := range values {
			switch v := v.(type) {
			case float32:
				values[j] = math.Float32bits(v)
			case float64:
				values[j] = math.Float64bits(v)
			}
		}
		columns = append(columns, values)
	}
	return columns, nil
}

// memory is a source.ParquetFile of a file in memory.
type memory struct {
	*bytes.Reader
	file []byte
}

func (m memory) Open(string) (source.ParquetFile, error) {
	return memory{bytes.NewReader(m.file), m.file}, nil
}
func (m memory) Create(string) (source.ParquetFile, error) { return nil, errors.ErrUnsupported }
func (m memory) Write([]byte) (int, error)                 { return 0, errors.ErrUnsupported }
func (m memory) Close() error                              { return nil }
