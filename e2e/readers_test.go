package e2e

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"
)

// A read takes a file apart: its rows in order, without the index, which stands in the path. It wants the columns of the lake,
// but for the index, by name, order and type.
type read func(file []byte) ([]stock, error)

// readers are those in Go of both formats; judge.py has more.
var readers = map[string]map[string]read{
	".parquet": {"parquet-go": readParquetGo, "xitongsys/parquet-go": readXitongsys},
	".json.gz": {"encoding/json": readLines},
}

// cells puts a column of a file into rows, which it makes for the first.
func cells(rows []stock, column int, values []any) ([]stock, error) {
	if rows == nil {
		rows = make([]stock, len(values))
	}
	if len(rows) != len(values) {
		return nil, fmt.Errorf("column %s has %d cells, the first one %d", lake[1+column], len(values), len(rows))
	}
	for i, v := range values {
		switch v := v.(type) {
		case int32:
			if column != 0 {
				return nil, fmt.Errorf("column %s holds an integer", lake[1+column])
			}
			rows[i].date = time.Unix(int64(v)*86400, 0).UTC().Format(time.DateOnly)
		case float64:
			rows[i].prices[column-1] = price{bits: math.Float64bits(v)}
		case nil:
			rows[i].prices[column-1].null = true
		default:
			return nil, fmt.Errorf("column %s holds a %T", lake[1+column], v)
		}
	}
	return rows, nil
}

func readParquetGo(file []byte) (rows []stock, err error) {
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	var columns []string
	for _, field := range f.Schema().Fields() {
		columns = append(columns, fmt.Sprintf("%s %v", field.Name(), field.Type()))
	}
	if want := typed("DATE", "DOUBLE"); !slices.Equal(columns, want) {
		return nil, fmt.Errorf("its columns are %q, want %q", columns, want)
	}
	all := make([][]any, len(columns))
	for _, group := range f.RowGroups() {
		if err := readGroup(group.Rows(), all); err != nil {
			return nil, err
		}
	}
	for i, values := range all {
		if rows, err = cells(rows, i, values); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// readGroup adds the cells of rows to the columns they belong to.
func readGroup(rows parquet.Rows, columns [][]any) error {
	buffer := make([]parquet.Row, 100)
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			for i, v := range row {
				columns[i] = append(columns[i], plain(v))
			}
		}
		if err == io.EOF {
			return rows.Close()
		}
		if err != nil {
			return errors.Join(err, rows.Close())
		}
	}
}

func plain(v parquet.Value) any {
	switch v.Kind() {
	case parquet.Int32:
		return v.Int32()
	case parquet.Double:
		return v.Double()
	}
	if v.IsNull() {
		return nil
	}
	return v
}

// typed is the lake's columns with their types as a library spells them.
func typed(date, double string) []string {
	var all []string
	for i, name := range lake[1:] {
		all = append(all, name+" "+map[bool]string{true: date, false: double}[i == 0])
	}
	return all
}

func readXitongsys(file []byte) (rows []stock, err error) {
	r, err := reader.NewParquetColumnReader(memory{Reader: bytes.NewReader(file), file: file}, 1)
	if err != nil {
		return nil, err
	}
	defer r.ReadStop()
	var columns []string
	for i, e := range r.SchemaHandler.SchemaElements[1:] {
		kind := e.Type.String()
		if e.ConvertedType != nil {
			kind += "/" + e.ConvertedType.String()
		}
		columns = append(columns, r.SchemaHandler.Infos[1+i].ExName+" "+kind)
	}
	if want := typed("INT32/DATE", "DOUBLE"); !slices.Equal(columns, want) {
		return nil, fmt.Errorf("its columns are %q, want %q", columns, want)
	}
	for i := range columns {
		values, _, _, err := r.ReadColumnByIndex(int64(i), r.GetNumRows())
		if err != nil {
			return nil, err
		}
		if rows, err = cells(rows, i, values); err != nil {
			return nil, err
		}
	}
	return rows, nil
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

// readLines reads JSON lines in gzip.
func readLines(file []byte) ([]stock, error) {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(string(text), "\n") {
		return nil, errors.New("its last line does not end")
	}
	var rows []stock
	for line := range bytes.Lines(text) {
		var row stock
		if err := row.parse(bytes.TrimSuffix(line, []byte("\n")), header[1:]); err != nil {
			return nil, fmt.Errorf("line %d: %w", 1+len(rows), err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
