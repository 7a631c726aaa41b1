package formattest_test

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/formattest"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/formats/parquet"
	"github.com/penstock/penstock/record"
)

// TestEveryType takes every pair from JSON through rows into one Parquet file and one file of JSON lines, and asks every reader for it.
func TestEveryType(t *testing.T) {
	codec, err := json.NewCodec(json.CodecConfig{})
	if err != nil {
		t.Fatal(err)
	}
	b := sound(t, codec)
	rows := len(b.Records)
	file := fileOf(t, newParquet(t, parquet.Defaults()), b)
	if err := codec.Encode(b); err != nil {
		t.Fatal(err)
	}
	format, err := json.New(json.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	lines := fileOf(t, format, &record.Batch{Records: b.Records}) // without columns to add to the values
	types := make(map[string]string)
	for _, c := range b.Schema.Columns {
		types[c.Name] = duckType(c.Type)
	}
	readers := map[string]seen{"parquet-go": byParquetGo(t, file, b.Schema, rows), "xitongsys": byXitongsys(t, file, b.Schema, rows)}
	for name, all := range python(t, written(t, "rows.parquet", file), written(t, "rows.json", lines), types) {
		readers[name] = all
	}
	for name, all := range readers {
		t.Run(name, func(t *testing.T) { compare(t, name, b.Schema, all) })
	}
	if err := codec.Decode(b); err != nil || len(b.Bad) > 0 {
		t.Fatalf("the lines do not come back: %v, %v", err, b.Bad)
	}
	if again := fileOf(t, newParquet(t, parquet.Defaults()), b); !bytes.Equal(again, file) {
		t.Error("rows read from the lines make another Parquet file")
	}
}

// TestEveryReader writes many rows of every type into many pages and row groups, and asks every reader for every cell.
func TestEveryReader(t *testing.T) {
	b := &record.Batch{Schema: formattest.Schema(), Records: formattest.Records(1000)}
	for i := range b.Schema.Columns {
		b.Schema.Columns[i].Name = b.Schema.Columns[i].As
	}
	for _, compression := range []string{"snappy", "zstd", "gzip", "none"} {
		file := fileOf(t, newParquet(t, parquet.Config{Compression: compression, RowGroup: 64 << 10}), b)
		if f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file))); err != nil || len(f.RowGroups()) < 2 {
			t.Fatalf("%s: there is but one row group, or %v", compression, err)
		}
		readers := python(t, written(t, "rows.parquet", file), "", nil)
		readers["parquet-go"] = byParquetGo(t, file, b.Schema, len(b.Records))
		readers["xitongsys"] = byXitongsys(t, file, b.Schema, len(b.Records))
		for name, all := range readers {
			for i, c := range b.Schema.Columns {
				if err := equal(all[c.Name], b.Records, i, c.Type); err != nil {
					t.Errorf("%s, %s, column %s: %v", compression, name, c.Name, err)
				}
			}
		}
	}
}

// equal says whether got is what records have in their cell i.
func equal(got []any, records []record.Record, i int, typ record.Type) error {
	if len(got) != len(records) {
		return fmt.Errorf("there are %d rows, want %d", len(got), len(records))
	}
	for j, r := range records {
		if g, w := text(got[j], typ), text(logical(r.Row[i], typ), typ); g != w {
			return fmt.Errorf("row %d is %s, want %s", j, g, w)
		}
	}
	return nil
}

// sound is a batch of three records: one that has all values of the pairs that are not bad, a column each; one of nulls; the first again.
func sound(t *testing.T, codec formats.Codec) *record.Batch {
	b := &record.Batch{Schema: new(record.Schema)}
	var value strings.Builder
	for i, p := range pairs {
		typ, err := record.ParseType(p.typ)
		if err != nil {
			t.Fatal(err)
		}
		c := record.Column{Name: fmt.Sprintf("c%03d", i), Type: typ}
		if p.want == bad {
			refused(t, codec, c, p)
			continue
		}
		b.Schema.Columns = append(b.Schema.Columns, c)
		fmt.Fprintf(&value, ",%q:%s", c.Name, p.json)
	}
	whole := "{" + value.String()[1:] + "}"
	for i, v := range []string{whole, "{}", whole} {
		b.Records = append(b.Records, record.Record{Offset: int64(i), Value: []byte(v)})
	}
	if err := codec.Decode(b); err != nil || len(b.Bad) > 0 {
		t.Fatal(err, b.Bad)
	}
	return b
}

func refused(t *testing.T, codec formats.Codec, c record.Column, p pair) {
	b := &record.Batch{Schema: &record.Schema{Columns: []record.Column{c}}, Records: []record.Record{{Value: []byte(`{"` + c.Name + `":` + p.json + `}`)}}}
	if err := codec.Decode(b); err != nil || len(b.Bad) != 1 || !strings.Contains(b.Bad[0].Err.Error(), c.Name) {
		t.Errorf("%s as %s: %v, %v; want a bad record that names the column", p.json, p.typ, err, b.Bad)
	}
}

func newParquet(t *testing.T, c parquet.Config) formats.Format {
	f, err := parquet.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func fileOf(t *testing.T, f formats.Format, b *record.Batch) []byte {
	var w bytes.Buffer
	e, err := f.NewEncoder(&w, b.Schema)
	if err == nil {
		err = errors.Join(e.Encode(b.Records), e.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

func written(t *testing.T, name string, file []byte) string {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func compare(t *testing.T, reader string, s *record.Schema, all seen) {
	if len(all) != len(s.Columns) {
		t.Fatalf("there are %d columns, want %d", len(all), len(s.Columns))
	}
	for _, c := range s.Columns {
		var i int
		if _, err := fmt.Sscanf(c.Name, "c%d", &i); err != nil {
			t.Fatal(err)
		}
		p := pairs[i]
		want := p.want
		if other, differs := p.but[reader]; differs {
			want = other
		}
		got := all[c.Name]
		if expected := text(parsed(t, want), c.Type); len(got) != 3 || text(got[0], c.Type) != expected || text(got[2], c.Type) != expected || got[1] != nil {
			t.Errorf("%s as %s is %v, want %s, null and the first again", p.json, p.typ, texts(got, c.Type), expected)
		}
	}
}

func texts(cells []any, t record.Type) (all []string) {
	for _, c := range cells {
		all = append(all, text(c, t))
	}
	return all
}

func parsed(t *testing.T, want string) (v any) {
	d := stdjson.NewDecoder(strings.NewReader(want))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	return v
}
