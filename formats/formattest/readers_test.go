package formattest_test

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"

	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/record"
)

// seen is what a reader sees of a file: a column's cells, as encoding/json would give them, with numbers as text.
type seen map[string][]any

// python reads both files by pyarrow and DuckDB.
func python(t *testing.T, file, lines string, types map[string]string) map[string]seen {
	text, err := stdjson.Marshal(types)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), parts.Python(t), "testdata/read.py", file, lines, string(text)).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all map[string]seen
	d := stdjson.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// leaf is one leaf's values, with their levels, and how many of them have been put together.
type leaf struct {
	values      []any
	repeat, def []int
	at          int
}

// assemble puts the next cell of a column together, the reverse of what the writer does to lists and structs.
func assemble(t record.Type, leaves []*leaf, repeat, def int) any {
	head := leaves[0]
	if here := head.def[head.at]; here <= def || t.Kind == record.List && here == def+1 {
		for _, l := range leaves {
			l.at++
		}
		if here > def {
			return []any{}
		}
		return nil
	}
	switch t.Kind {
	case record.List:
		list := []any{assemble(t.Elem(), leaves, repeat+1, def+2)}
		for head.at < len(head.repeat) && head.repeat[head.at] == repeat+1 {
			list = append(list, assemble(t.Elem(), leaves, repeat+1, def+2))
		}
		return list
	case record.Struct:
		object := make(map[string]any)
		for _, f := range t.Fields() {
			n := leavesOf(f.Type)
			object[f.Name] = assemble(f.Type, leaves[:n], repeat, def+1)
			leaves = leaves[n:]
		}
		return object
	}
	head.at++
	return physical(head.values[head.at-1], t)
}

func leavesOf(t record.Type) (n int) {
	switch t.Kind {
	case record.List:
		return leavesOf(t.Elem())
	case record.Struct:
		for _, f := range t.Fields() {
			n += leavesOf(f.Type)
		}
		return n
	}
	return 1
}

// physical is what Parquet's logical types make of what stands in the file.
func physical(v any, t record.Type) any {
	switch t.Kind {
	case record.Timestamp:
		if t.Short {
			v = v.(int64) * 1000
		}
	case record.Bytes:
		return fmt.Sprintf("%x", v)
	case record.Decimal:
		return decimal(v, int(t.Scale))
	case record.Float:
		if f, ok := v.(float32); ok {
			v = float64(f)
		}
		return stdjson.Number(strconv.FormatFloat(v.(float64), 'g', -1, 64))
	case record.Int, record.Date:
	default:
		return v
	}
	return stdjson.Number(fmt.Sprint(v))
}

// logical is what readers are to make of a cell.
func logical(v record.Value, t record.Type) any {
	var one record.Value
	switch cells := v.Cells(); v.Kind {
	case record.Null:
		return nil
	case record.List:
		list := []any{}
		for cells.Next(&one) {
			list = append(list, logical(one, t.Elem()))
		}
		return list
	case record.Struct:
		object := make(map[string]any)
		for _, f := range t.Fields() {
			cells.Next(&one)
			object[f.Name] = logical(one, f.Type)
		}
		return object
	case record.Bool:
		return v.Bool()
	case record.Float:
		return physical(v.Float(), t)
	case record.Decimal:
		return string(v.AppendDecimal(nil))
	case record.Int, record.Date, record.Timestamp:
		return stdjson.Number(fmt.Sprint(v.Int()))
	}
	return physical(v.Str, t)
}

func decimal(v any, scale int) string {
	n := new(big.Int)
	switch v := v.(type) {
	case int32:
		n.SetInt64(int64(v))
	case int64:
		n.SetInt64(v)
	case string:
		if n.SetBytes([]byte(v)); v[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
		}
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	return new(big.Rat).SetFrac(n, unit).FloatString(scale)
}

// assembleAll puts every column of s together.
func assembleAll(s *record.Schema, rows int, leaves []*leaf) seen {
	all := make(seen)
	for _, c := range s.Columns {
		n := leavesOf(c.Type)
		for range rows {
			all[c.Name] = append(all[c.Name], assemble(c.Type, leaves[:n], 0, 0))
		}
		leaves = leaves[n:]
	}
	return all
}

func byParquetGo(t *testing.T, file []byte, s *record.Schema, rows int) seen {
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	leaves := make([]*leaf, len(f.Schema().Columns()))
	for i := range leaves {
		leaves[i] = new(leaf)
	}
	for _, group := range f.RowGroups() {
		r := group.Rows()
		for buf := make([]parquet.Row, 1); ; {
			n, err := r.ReadRows(buf)
			if n == 0 {
				break
			}
			if err != nil && n < 1 {
				t.Fatal(err)
			}
			for _, v := range buf[0] {
				l := leaves[v.Column()]
				l.values = append(l.values, goValue(v))
				l.repeat = append(l.repeat, v.RepetitionLevel())
				l.def = append(l.def, v.DefinitionLevel())
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return assembleAll(s, rows, leaves)
}

func goValue(v parquet.Value) any {
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean()
	case parquet.Int32:
		return v.Int32()
	case parquet.Int64:
		return v.Int64()
	case parquet.Float:
		return v.Float()
	case parquet.Double:
		return v.Double()
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return string(v.ByteArray())
	}
	return nil
}

func byXitongsys(t *testing.T, file []byte, s *record.Schema, rows int) seen {
	r, err := reader.NewParquetColumnReader(memory{Reader: bytes.NewReader(file), file: file}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.ReadStop()
	leaves := make([]*leaf, r.SchemaHandler.GetColumnNum())
	for i := range leaves {
		values, repeat, def, err := r.ReadColumnByIndex(int64(i), int64(rows))
		if err != nil {
			t.Fatal(err)
		}
		leaves[i] = &leaf{values: values}
		for j := range values {
			leaves[i].repeat = append(leaves[i].repeat, int(repeat[j]))
			leaves[i].def = append(leaves[i].def, int(def[j]))
		}
	}
	return assembleAll(s, rows, leaves)
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

// text writes what a reader sees so that equal texts are equal values: floating-point numbers by their bits.
func text(v any, t record.Type) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, text(e, t.Elem()))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case map[string]any:
		var all []string
		for _, f := range t.Fields() {
			all = append(all, text(v[f.Name], f.Type))
		}
		return "{" + strings.Join(all, ", ") + "}"
	case stdjson.Number:
		f, err := v.Float64()
		switch {
		case t.Kind != record.Float || err != nil:
			return "number " + v.String()
		case t.Short:
			f = float64(float32(f))
		}
		return fmt.Sprintf("%v (bits %x)", f, math.Float64bits(f))
	}
	return fmt.Sprintf("%T %q", v, fmt.Sprint(v))
}
