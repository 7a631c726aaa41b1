package connector

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/formats/parquet"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink/local"
)

// typed is a connector of Parquet files with these columns inferred before.
func typed(t testing.TB, s Schema, inferred ...record.Column) *rules {
	t.Helper()
	return typedOn(t, "{topic}", s, inferred...)
}

// typedOn is one whose files have this path.
func typedOn(t testing.TB, path string, s Schema, inferred ...record.Column) *rules {
	t.Helper()
	f, err := parquet.New(parquet.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	return into(t, t.TempDir(), f, path, s, inferred...)
}

// into is one of files of a format in a folder.
func into(t testing.TB, dir string, f formats.Format, path string, s Schema, inferred ...record.Column) *rules {
	t.Helper()
	files := local.Defaults()
	err := files.Files.Path.UnmarshalText([]byte(path))
	if err != nil {
		t.Fatal(err)
	}
	files.Dir, files.Files.Format = dir, f
	c := Defaults()
	if c.Sink, err = local.New(files); err != nil {
		t.Fatal(err)
	}
	if c.Codec, err = json.NewCodec(json.CodecConfig{}); err != nil {
		t.Fatal(err)
	}
	c.Schema = s
	r := &rules{config: &c, version: min(len(inferred), 1)}
	if r.schema, err = c.schema(inferred, r.version); err != nil {
		t.Fatal(err)
	}
	return r
}

func seenDouble(name string) record.Column {
	return record.Column{Name: name, Type: record.Type{Kind: record.Float}, Inferred: true}
}

// What a record with new columns is worth is decided by it and the schema alone, and the columns are such as files can tell apart.
func TestRecordsWithNewColumns(t *testing.T) {
	full := make([]record.Column, record.MaxColumns-1)
	for i := range full {
		full[i] = seenDouble(fmt.Sprint("c", i))
	}
	snake := Schema{Names: "snake_case", New: "add"}
	for name, tt := range map[string]struct {
		schema   Schema
		inferred []record.Column
		values   []string
		first    int
		columns  string
		bad      string // indexes, each with why
	}{
		"none":             {snake, []record.Column{seenDouble("a")}, []string{`{"a":1}`}, -1, "", ""},
		"two":              {snake, []record.Column{seenDouble("a")}, []string{`{"a":1}`, `{"b":1}`, `{"c":"x"}`}, 1, "b double, c string", ""},
		"one known":        {snake, []record.Column{seenDouble("AdjClose")}, []string{`{"adj_close":1}`, `{"b":1}`}, 1, "b double", `0 columns "AdjClose" and "adj_close"`},
		"clash inside":     {snake, []record.Column{seenDouble("a")}, []string{`{"AdjClose":1,"adj_close":1}`}, -1, "", `0 columns "AdjClose" and "adj_close"`},
		"clash of two":     {snake, []record.Column{seenDouble("a")}, []string{`{"AdjClose":1}`, `{"adj_close":1}`}, 0, "AdjClose double", ""},
		"not of a bad one": {snake, []record.Column{seenDouble("a")}, []string{`{"b":1}`, `{"c":1,"A_":1}`}, 0, "b double", `1 columns "a" and "A_"`},
		"too many":         {snake, full, []string{`{"x":1,"y":1}`, `{"z":1}`}, 1, "z double", "0 its columns would bring the schema to more than 1000"},
		"left out":         {Schema{New: "ignore"}, nil, []string{`{"a":1,"b":true}`}, 0, "a double, b bool", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := typed(t, tt.schema, tt.inferred...)
			b := &record.Batch{Schema: r.schema}
			for _, v := range tt.values {
				b.Records = append(b.Records, record.Record{Value: []byte(v)})
			}
			if err := r.config.Codec.Decode(b); err != nil {
				t.Fatal(err)
			}
			first, columns, err := r.lacking(b)
			if err != nil {
				t.Fatal(err)
			}
			var names, bad []string
			for _, c := range columns {
				names = append(names, c.Name+" "+c.Type.String())
			}
			for _, w := range b.Bad {
				bad = append(bad, fmt.Sprint(w.Index, " ", w.Err))
			}
			got := strings.Join(bad, "\n")
			if first != tt.first || strings.Join(names, ", ") != tt.columns || !strings.HasPrefix(got, tt.bad) || tt.bad == "" && got != "" {
				t.Errorf("first %d, columns %v, bad %q", first, names, got)
			}
		})
	}
}

// A pinned column that was inferred refuses what it would round, also after it was written down and read back.
func TestPinnedColumns(t *testing.T) {
	cols := []record.Column{seenDouble("id"), {Name: "tags", Type: record.ListType(record.Type{Kind: record.String})}}
	back, err := readColumns(writeColumns(cols))
	if err != nil || !slices.Equal(back, cols) {
		t.Fatalf("%+v, %v", back, err)
	}
	r := typed(t, Schema{Names: "as_is", New: "add"}, back...)
	b := &record.Batch{Schema: r.schema, Records: []record.Record{{Value: []byte(`{"id":9007199254740993}`)}, {Value: []byte(`{"id":1,"tags":["a"]}`)}}}
	if err := r.config.Codec.Decode(b); err != nil || len(b.Bad) != 1 || !strings.Contains(b.Bad[0].Err.Error(), "beyond 2^53") {
		t.Errorf("%v, %v", b.Bad, err)
	}
	if _, err := readColumns(nil); !errors.Is(err, errNotKept) {
		t.Error(err)
	}
}

// Columns pinned under other names than today's, which files could not tell apart today: the later ones are not part of the schema.
func TestPinnedColumnsThatClash(t *testing.T) {
	r := typed(t, Schema{Names: "snake_case", New: "add"}, seenDouble("AdjClose"), seenDouble("adj_close"))
	if len(r.schema.Columns) != 1 || r.schema.Columns[0].As != "adj_close" {
		t.Errorf("%+v", r.schema.Columns)
	}
}

// TestPinnedColumnsOfThePath: a column that the path is made from is inferred as any other, unless the path gives it back.
func TestPinnedColumnsOfThePath(t *testing.T) {
	const path = "index={Index}/{Date:%Y}/{p}"
	values := &record.Batch{Records: []record.Record{{Value: []byte(`{"Index":"HSI","Date":"2026-01-31","p":1,"q":true}`)}}}
	declared := []record.Column{{Name: "q", Type: record.Type{Kind: record.Bool}}}
	for _, tt := range []struct {
		policy           string
		declared         []record.Column
		columns, unknown string
	}{
		{"add", nil, "Date string, p double, q bool", "[0]"},
		{"ignore", nil, "Date string, p double, q bool", "[0]"}, // of the first version
		{"error", nil, "Date string, p double, q bool", "[0]"},
		{"add", declared, "Date string, p double", "[0]"},
		{"error", declared, "", "[]"},
	} {
		r := typedOn(t, path, Schema{New: tt.policy, Columns: tt.declared})
		found, why, err := r.infer(values)
		if err != nil || why != nil || shown(found) != tt.columns {
			t.Errorf("%s: %s, %v, %v; want %s", tt.policy, shown(found), why, err, tt.columns)
		}
		values.Schema = r.schema
		if err := r.config.Codec.Decode(values); err != nil || fmt.Sprint(values.Unknown) != tt.unknown || len(values.Bad) > 0 {
			t.Errorf("%s: unknown %v, bad %v, %v", tt.policy, values.Unknown, values.Bad, err)
		}
		r = typedOn(t, path, Schema{New: tt.policy, Columns: tt.declared}, found...)
		values.Schema = r.schema
		if err := r.config.Codec.Decode(values); err != nil || len(values.Unknown)+len(values.Bad) > 0 {
			t.Errorf("%s: unknown %v, bad %v, %v once they are pinned", tt.policy, values.Unknown, values.Bad, err)
		}
	}
}

// TestColumnsThatFoldersNameToo: a record with a column that readers could not tell from a folder is bad, and says what to call the folder.
func TestColumnsThatFoldersNameToo(t *testing.T) {
	r := typedOn(t, "date={time:%Y}", Schema{Names: "as_is", New: "add"})
	b := &record.Batch{Topic: "t", Schema: r.schema, Records: []record.Record{{Value: []byte(`{"a":1}`)}, {Value: []byte(`{"Date":"2026-01-31"}`)}}}
	if err := r.config.Codec.Decode(b); err != nil {
		t.Fatal(err)
	}
	first, columns, err := r.lacking(b)
	if err != nil || first != 0 || shown(columns) != "a double" {
		t.Errorf("%d, %s, %v", first, shown(columns), err)
	}
	if len(b.Bad) != 1 || b.Bad[0].Index != 1 || !strings.Contains(b.Bad[0].Err.Error(), "call the folder year=") {
		t.Errorf("%v", b.Bad)
	}
}

func shown(columns []record.Column) string {
	var all []string
	for _, c := range columns {
		all = append(all, fmt.Sprint(c.Name, " ", c.Type))
	}
	return strings.Join(all, ", ")
}
