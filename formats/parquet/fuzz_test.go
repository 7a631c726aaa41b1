package parquet

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/xitongsys/parquet-go/common"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/record"
)

// FuzzFile takes JSON from anywhere through a topic's whole journey: columns are inferred from the values, which are decoded by them,
// written to a file, and read back by two readers. Every record is bad or a row, and every row has what its value has.
func FuzzFile(f *testing.F) {
	f.Add(`{"s":"x","n":1,"f":1.5,"b":true,"o":{"a":[1]},"z":null}`, `{"n":-0.0,"s":"\u0000\ud800"}`, uint8(0))
	f.Add(`{"a":1}`, `{"a":"x"}`, uint8(1))
	f.Add(`{"":1,"a":2}`, `{"a.b":{"c":1},"a":9007199254740993}`, uint8(2))
	f.Add(`{"a":"`+strings.Repeat("x", 3000)+`"}`, `{"A":1}`, uint8(3))
	f.Add(`{"\u0000":1,"\n":[],"é":"`+"\u2028"+`"}`, `{"é":1e308,"i":"İ","İ":1}`, uint8(4))
	f.Add(`{"a":1,"a":2}`, `[]`, uint8(5))
	f.Add(`{"\u0000":0,"0":""}`, `0`, uint8(0))
	f.Add(`{"d":1e-400,"e":1e400}`, `{"t":false,"j":{"k":"\\"}}`, uint8(6))
	codec, err := json.NewCodec(json.CodecDefaults())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, one, two string, how uint8) {
		b := &record.Batch{Records: []record.Record{{Value: []byte(one)}, {Offset: 1, Value: []byte(two)}, {Offset: 2, Value: []byte(one)}}}
		columns, err := codec.(formats.Inferrer).Infer(b, &record.Schema{})
		if tooMany := (*record.Bad)(nil); err != nil && !errors.As(err, &tooMany) {
			t.Fatal(err)
		}
		format := newFormat(t, []string{"snappy", "zstd", "gzip", "none"}[how%4], 128<<20)
		b.Schema = fileSchema(format, columns)
		if err := codec.Decode(b); err != nil {
			t.Fatal(err)
		}
		if unknown := len(b.Unknown); unknown > 0 && err == nil && len(b.Schema.Columns) == len(columns) {
			t.Fatalf("%q, %q: %v of them have columns beside %v", one, two, b.Unknown, columns)
		}
		var rows []record.Record
		for i := range b.Records {
			if bad := slices.ContainsFunc(b.Bad, func(bad record.Bad) bool { return bad.Index == i }); !bad {
				rows = append(rows, b.Records[i])
				checkRow(t, b.Schema, &b.Records[i])
			}
		}
		if len(b.Schema.Columns) == 0 {
			return
		}
		file := write(t, format, b.Schema, rows)
		if how%16 < 4 && toldApart(b.Schema.Columns) { // the other reader is slow
			check(t, file, b.Schema, rows)
			return
		}
		leaves, err := read(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range b.Schema.Columns {
			compare(t, "parquet-go", i, c, leaves[i], rows)
		}
	})
}

// toldApart reports whether xitongsys/parquet-go reads columns as so many: it calls each by a variable's name, where "-" and "45" are one.
func toldApart(columns []record.Column) bool {
	names := make(map[string]bool, len(columns))
	for _, c := range columns {
		names[common.StringToVariableName(fileName(c))] = true
	}
	return len(names) == len(columns)
}

// fileSchema leaves out the columns that no file takes beside those before them, as connectors do.
func fileSchema(f formats.Format, columns []record.Column) *record.Schema {
	s := &record.Schema{Open: true}
	for _, c := range columns {
		wider := &record.Schema{Columns: append(slices.Clone(s.Columns), c)}
		if _, err := f.NewEncoder(new(bytes.Buffer), wider); err == nil {
			s.Columns = wider.Columns
		}
	}
	return s
}

// checkRow holds a row against encoding/json's reading of its value.
func checkRow(t *testing.T, s *record.Schema, r *record.Record) {
	var members map[string]stdjson.RawMessage
	if err := stdjson.Unmarshal(r.Value, &members); err != nil {
		t.Fatalf("%q has become a row: %v", r.Value, err)
	}
	for i, c := range s.Columns {
		var want record.Value
		raw, got := members[c.Name], r.Row[i]
		var err error
		switch {
		case raw == nil || string(raw) == "null":
		case c.Type.Kind == record.JSON:
			want = record.JSONOf(string(raw))
		case c.Type.Kind == record.String:
			want.Kind = record.String
			err = stdjson.Unmarshal(raw, &want.Str)
		case c.Type.Kind == record.Bool:
			want = record.BoolOf(string(raw) == "true")
		default:
			var f float64
			err = stdjson.Unmarshal(raw, &f)
			want = record.FloatOf(f)
		}
		if err != nil || got != want {
			t.Fatalf("%q: column %q is %+v, want %+v, %v", r.Value, c.Name, got, want, err)
		}
	}
}
