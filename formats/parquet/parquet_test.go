package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	thrift "github.com/parquet-go/parquet-go/format"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/formattest"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
)

func newFormat(t testing.TB, compression string, rowGroup plugin.Size) formats.Format {
	f, err := New(Config{Compression: compression, RowGroup: rowGroup})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t testing.TB, f formats.Format, s *record.Schema, records []record.Record) []byte {
	var w bytes.Buffer
	e, err := f.NewEncoder(&w, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Encode(records), e.Close()); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

// check reads file with both readers and compares every cell of the columns that are one leaf.
func check(t *testing.T, file []byte, s *record.Schema, records []record.Record) {
	t.Helper()
	for name, read := range map[string]func([]byte) ([][]any, error){"parquet-go": read, "xitongsys": readXitongsys} {
		leaves, err := read(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, c := range s.Columns {
			n := leavesOf(c.Type)
			if column := leaves[0]; n == 1 && c.Type.Kind != record.List {
				compare(t, name, i, c, column, records)
			}
			leaves = leaves[n:]
		}
		if len(leaves) > 0 {
			t.Fatalf("%s: %d leaves more", name, len(leaves))
		}
	}
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

func compare(t *testing.T, reader string, i int, c record.Column, column []any, records []record.Record) {
	t.Helper()
	if len(column) != len(records) {
		t.Fatalf("%s: column %d has %d rows, want %d", reader, i, len(column), len(records))
	}
	for j, got := range column {
		if want := plain(records[j].Row[i], c.Type); got != want {
			t.Fatalf("%s: %s of row %d is %T %v, want %T %v", reader, c.Name, j, got, got, want, want)
		}
	}
}

func countRows(file []byte) (int, error) {
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return 0, err
	}
	columns, err := read(file)
	if err == nil && len(columns[0]) != int(f.NumRows()) {
		err = fmt.Errorf("the footer says %d rows", f.NumRows())
	}
	return int(f.NumRows()), err
}

func TestConformance(t *testing.T) {
	for _, compression := range []string{"snappy", "zstd", "gzip", "none"} {
		t.Run(compression, func(t *testing.T) { formattest.Format(t, newFormat(t, compression, 128<<20), countRows) })
	}
	t.Run("many row groups", func(t *testing.T) { formattest.Format(t, newFormat(t, "snappy", leastRowGroup), countRows) })
}

func TestReadBack(t *testing.T) {
	s, records := formattest.Schema(), formattest.Records(5000)
	for _, compression := range []string{"snappy", "zstd", "gzip", "none"} {
		for _, rowGroup := range []plugin.Size{leastRowGroup, 128 << 20} {
			check(t, write(t, newFormat(t, compression, rowGroup), s, records), s, records)
		}
	}
}

// columnOf makes a file's worth of one column.
func columnOf(typ string, required bool, cells ...record.Value) (*record.Schema, []record.Record) {
	t, err := record.ParseType(typ)
	if err != nil {
		panic(err)
	}
	s := &record.Schema{Columns: []record.Column{{Name: "c", Type: t, Required: required}}}
	var records []record.Record
	for i, c := range cells {
		records = append(records, record.Record{Offset: int64(i), Row: []record.Value{c}})
	}
	return s, records
}

func TestEdges(t *testing.T) {
	negativeZero := record.FloatOf(math.Copysign(0, -1))
	null := record.Value{}
	for typ, cells := range map[string][]record.Value{
		"string":        {record.StringOf(""), null, record.StringOf("é\x00漢\U0001f600"), record.StringOf("")},
		"bytes":         {record.BytesOf(""), null, record.BytesOf("\xff\x00")},
		"json":          {record.JSONOf(`{}`), null, record.JSONOf(`"é"`)},
		"bool":          {record.BoolOf(true), null, record.BoolOf(false)},
		"int32":         {record.IntOf(math.MinInt32), null, record.IntOf(math.MaxInt32)},
		"int64":         {record.IntOf(math.MinInt64), null, record.IntOf(math.MaxInt64)},
		"float":         {record.FloatOf(math.MaxFloat32), null, record.FloatOf(float64(float32(0.1))), record.FloatOf(math.Inf(1))},
		"double":        {record.FloatOf(math.NaN()), null, negativeZero, record.FloatOf(0.1), record.FloatOf(5e-324), record.FloatOf(math.Inf(-1))},
		"date":          {record.DateOf(-1), null, record.DateOf(-719528), record.DateOf(2932896)},
		"timestamp(ms)": {record.TimestampOf(-1), null, record.TimestampOf(-1000), record.TimestampOf(1999), record.TimestampOf(253402300799_999000)},
		"timestamp(us)": {record.TimestampOf(-1), null, record.TimestampOf(-62167219200_000000), record.TimestampOf(253402300799_999999)},
		"decimal(9,0)":  {record.DecimalOf(-999_999_999, 0), null, record.DecimalOf(999_999_999, 0)},
		"decimal(18,9)": {record.DecimalOf(-999_999_999_999_999_999, 9), null, record.DecimalOf(0, 9)},
		"decimal(19,0)": {wideDecimal("-9999999999999999999"), null, wideDecimal("9999999999999999999")},
		"decimal(38,0)": {wideDecimal("-99999999999999999999999999999999999999"), null, wideDecimal("1")},
	} {
		t.Run(typ, func(t *testing.T) {
			f := newFormat(t, "snappy", 128<<20)
			s, records := columnOf(typ, false, cells...)
			check(t, write(t, f, s, records), s, records)
			s, records = columnOf(typ, false, null, null)
			check(t, write(t, f, s, records), s, records)
			s, records = columnOf(typ, true, cells[0], cells[2], cells[0])
			check(t, write(t, f, s, records), s, records)
		})
	}
}

func wideDecimal(text string) record.Value {
	v, ok := new(record.Batch).Decimal(text, record.Type{Kind: record.Decimal, Precision: record.MaxPrecision})
	if !ok {
		panic(text)
	}
	return v
}

// Strings that no dictionary helps with are written plain once the dictionary is full, and stay readable; large ones do not pile up.
func TestManyAndLargeStrings(t *testing.T) {
	var cells []record.Value
	for i := range 100_000 {
		cells = append(cells, record.StringOf(fmt.Sprintf("a string like no other: %d", i)))
	}
	for i := range 40 {
		cells = append(cells, record.StringOf(strings.Repeat("x", i*20_000)))
	}
	f := newFormat(t, "snappy", 1<<20)
	s, records := columnOf("string", false, cells...)
	file := write(t, f, s, records)
	check(t, file, s, records)
	var w bytes.Buffer
	e, err := f.NewEncoder(&bytes.Buffer{}, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Encode(records), e.Close()); err != nil {
		t.Fatal(err)
	}
	e.(formats.Resetter).Reset(&w)
	if err := errors.Join(e.Encode(records), e.Close()); err != nil || !bytes.Equal(w.Bytes(), file) {
		t.Errorf("other bytes after Reset, or %v", err)
	}
}

// What readers other than ours rely on.
func TestMetadata(t *testing.T) {
	s := formattest.Schema()
	s.Columns[1].Required = true
	records := formattest.Records(3000)
	for i := range records {
		records[i].Row[1] = record.BoolOf(true)
	}
	file := write(t, newFormat(t, "snappy", leastRowGroup), s, records)
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	meta := f.Metadata()
	if meta.CreatedBy != "penstock" || meta.NumRows != 3000 || len(meta.RowGroups) < 3 {
		t.Errorf("created by %q, %d rows, %d row groups", meta.CreatedBy, meta.NumRows, len(meta.RowGroups))
	}
	want := []string{
		"OPTIONAL BYTE_ARRAY string STRING", "REQUIRED BOOLEAN bool", "OPTIONAL INT32 int32 INT(32,true)", "OPTIONAL INT64 int64 INT(64,true)",
		"OPTIONAL FLOAT float", "OPTIONAL DOUBLE double", "OPTIONAL INT32 date DATE",
		"OPTIONAL INT64 timestamp(ms TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)",
		"OPTIONAL INT64 timestamp(us TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)",
		"OPTIONAL BYTE_ARRAY bytes", "OPTIONAL BYTE_ARRAY json STRING",
		"OPTIONAL INT32 decimal(9,2 DECIMAL(9,2)", "OPTIONAL INT64 decimal(18,4 DECIMAL(18,4)",
		"OPTIONAL FIXED_LEN_BYTE_ARRAY(16) decimal(38,10 DECIMAL(38,10)",
		"OPTIONAL list<string> LIST", "REPEATED list", "OPTIONAL BYTE_ARRAY element STRING",
		"OPTIONAL list<list<int32>> LIST", "REPEATED list", "OPTIONAL element LIST", "REPEATED list", "OPTIONAL INT32 element INT(32,true)",
		"OPTIONAL struct<a:int64,b:string>", "OPTIONAL INT64 a INT(64,true)", "OPTIONAL BYTE_ARRAY b STRING",
		"OPTIONAL list<struct<x:double,y:list<date>>> LIST", "REPEATED list", "OPTIONAL element",
		"OPTIONAL DOUBLE x", "OPTIONAL y LIST", "REPEATED list", "OPTIONAL INT32 element DATE",
		"OPTIONAL struct<in:struct<d:decimal(28,1),on:bool>,json:json>", "OPTIONAL in",
		"OPTIONAL FIXED_LEN_BYTE_ARRAY(12) d DECIMAL(28,1)", "OPTIONAL BOOLEAN on", "OPTIONAL BYTE_ARRAY json STRING",
	}
	if got := schemaOf(meta); !slices.Equal(got, want) {
		t.Errorf("the schema is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	checkChunks(t, f)
}

func schemaOf(meta *thrift.FileMetaData) (lines []string) {
	for _, e := range meta.Schema[1:] {
		line := fmt.Sprint(e.RepetitionType.V, " ")
		if e.NumChildren.V == 0 {
			line += fmt.Sprint(e.Type.V, " ")
		}
		if e.Type.V == thrift.FixedLenByteArray && e.NumChildren.V == 0 {
			line = fmt.Sprintf("%s(%d) ", strings.TrimSpace(line), e.TypeLength.V)
		}
		line += strings.TrimPrefix(e.Name, "a ")
		if l := e.LogicalType.Value; l != nil {
			line += fmt.Sprint(" ", l)
		}
		lines = append(lines, line)
	}
	return lines
}

// checkChunks expects statistics of all that readers compare, and dictionaries for strings alone.
func checkChunks(t *testing.T, f *parquet.File) {
	unbounded := []string{"bytes", "json", "decimal(38,10", "d"}
	strs := []string{"string", "element of list<string>", "b"}
	for _, group := range f.Metadata().RowGroups {
		for i, chunk := range group.Columns {
			m := chunk.MetaData
			name := m.PathInSchema[len(m.PathInSchema)-1]
			for _, stats := range m.EncodingStats {
				if stats.PageType == thrift.DataPageV2 {
					t.Errorf("column %d has data pages of version 2", i)
				}
			}
			if (m.Statistics.MinValue != nil) == slices.Contains(unbounded, name) {
				t.Errorf("column %q has statistics %v", m.PathInSchema, m.Statistics)
			}
			if name == "element" {
				name = "element of " + m.PathInSchema[0]
			}
			if dictionary := m.DictionaryPageOffset > 0; dictionary != slices.Contains(strs, name) {
				t.Errorf("column %q: a dictionary is %v", m.PathInSchema, dictionary)
			}
		}
	}
}

func TestOrderAndNames(t *testing.T) {
	names := []string{"zebra", "Adj Close", "a,b", "a.b", "_x", "日本", `"quoted"`}
	s := new(record.Schema)
	var row []record.Value
	for i, name := range names {
		s.Columns = append(s.Columns, record.Column{Name: "topic's", As: name, Type: record.Type{Kind: record.Int}})
		row = append(row, record.IntOf(int64(i)))
	}
	s.Columns[0].Name, s.Columns[0].As = names[0], ""
	file := write(t, newFormat(t, "none", 128<<20), s, []record.Record{{Row: row}})
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range f.Root().Columns() {
		if c.Name() != names[i] {
			t.Errorf("column %d is %q, want %q", i, c.Name(), names[i])
		}
	}
	columns, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range columns {
		if c[0] != int64(i) {
			t.Errorf("column %d holds %v", i, c)
		}
	}
}

func TestSchemasRefused(t *testing.T) {
	str := record.Type{Kind: record.String}
	f := newFormat(t, "snappy", 128<<20)
	for says, columns := range map[string][]record.Column{
		"no columns are left for a Parquet file; ":                                       nil,
		`column "b": its type is not known; declare it under schema: columns: first`:     {{Name: "a", Type: str}, {Name: "b", Type: record.Type{Kind: record.Any}}},
		`columns "name" and "Name" are one name to readers that ignore case; rename one`: {{Name: "a", As: "name", Type: str}, {Name: "Name", Type: str}},
		`column "": a column of a Parquet file needs a name`:                             {{Type: str}},
	} {
		_, err := f.NewEncoder(new(bytes.Buffer), &record.Schema{Columns: columns})
		if err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestCellsRefused(t *testing.T) {
	for _, c := range []struct {
		typ, says string
		required  bool
		cell      record.Value
	}{
		{"int64", "a cell of kind float stands in a column of type int64", false, record.FloatOf(1)},
		{"double", "a cell of kind int stands in a column of type double", false, record.IntOf(1)},
		{"string", "a cell of kind bytes stands in a column of type string", false, record.BytesOf("x")},
		{"timestamp(us)", "a cell of kind date", false, record.DateOf(1)},
		{"int32", "2147483648 is beyond 32 bits", false, record.IntOf(1 << 31)},
		{"date", "is beyond 32 bits", false, record.DateOf(-1 << 40)},
		{"float", "1e+39 is beyond a float", false, record.FloatOf(1e39)},
		{"string", "not valid UTF-8; declare the column as bytes", false, record.StringOf("\xff")},
		{"json", "not valid UTF-8", false, record.JSONOf("\"\xff\"")},
		{"bool", "there is none, and it is required", true, record.Value{}},
		{"decimal(5,2)", "1000.00 does not fit decimal(5,2)", false, record.DecimalOf(100_000, 2)},
		{"decimal(5,2)", "1.0 does not fit decimal(5,2)", false, record.DecimalOf(10, 1)},
		{"decimal(38,0)", "does not fit decimal(38,0)", false, record.Value{Kind: record.Decimal, Str: "\x80" + strings.Repeat("\x00", 15)}},
		{"decimal(5,2)", "a cell of kind int stands in a column of type decimal(5,2)", false, record.IntOf(1)},
		{"list<int64>", "there is none, and it is required", true, record.Value{}},
		{"list<int64>", "a cell of kind struct stands in a column of type list<int64>", false, record.StructOf()},
		{"list<int64>", "a cell of kind string stands in a column of type int64", false, record.ListOf(record.StringOf("x"))},
		{"list<int32>", "2147483648 is beyond 32 bits", false, record.ListOf(record.IntOf(1), record.IntOf(1<<31))},
		{"list<string>", "not valid UTF-8", false, record.ListOf(record.StringOf("\xff"))},
		{"list<int64>", "does not hold the cells of its type", false, record.Value{Kind: record.List, Str: "\x02"}},
		{"struct<a:int64,b:int64>", "fewer cells", false, record.StructOf(record.IntOf(1))},
		{"struct<a:int64>", "does not hold the cells of its type", false, record.StructOf(record.IntOf(1), record.IntOf(2))},
	} {
		s, records := columnOf(c.typ, c.required, c.cell)
		records[0].Offset = 4711
		e, err := newFormat(t, "snappy", 128<<20).NewEncoder(new(bytes.Buffer), s)
		if err != nil {
			t.Fatal(err)
		}
		err = e.Encode(records)
		if err == nil || !strings.HasPrefix(err.Error(), `record at offset 4711: column "c": `) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
		if e.Close() == nil {
			t.Errorf("a file with a row missing was completed")
		}
	}
	s, records := columnOf("bool", false, record.BoolOf(true))
	records[0].Row = nil
	e, _ := newFormat(t, "snappy", 128<<20).NewEncoder(new(bytes.Buffer), s)
	if err := e.Encode(records); err == nil || !strings.Contains(err.Error(), "the row has only 0 cells") {
		t.Error(err)
	}
}

// An encoder that failed, or was given up halfway through its row groups, begins another file all the same.
func TestResetWithoutClose(t *testing.T) {
	s, records := formattest.Schema(), formattest.Records(3000)
	f := newFormat(t, "snappy", leastRowGroup)
	want := write(t, f, s, records)
	for name, spoil := range map[string]func(formats.Encoder) error{
		"given up": func(e formats.Encoder) error { return e.Encode(records) },
		"bad cell": func(e formats.Encoder) error {
			_ = e.Encode(records)
			return e.Encode([]record.Record{{Row: []record.Value{record.IntOf(1)}}})
		},
	} {
		e, err := f.NewEncoder(new(bytes.Buffer), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(e); (err != nil) != (name == "bad cell") {
			t.Fatal(err)
		}
		for range 2 {
			var w bytes.Buffer
			e.(formats.Resetter).Reset(&w)
			if err := errors.Join(e.Encode(records), e.Close()); err != nil || !bytes.Equal(w.Bytes(), want) {
				t.Errorf("%s: other bytes, or %v", name, err)
			}
		}
	}
}

func TestConfigRefused(t *testing.T) {
	_, err := New(Config{Compression: "lzo", RowGroup: 1})
	if err == nil || !strings.Contains(err.Error(), "there are snappy, zstd, gzip and none") || !strings.Contains(err.Error(), "give it 64KiB or more") {
		t.Error(err)
	}
	if _, err := New(Defaults()); err != nil {
		t.Error(err)
	}
}
