package files_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
	"github.com/penstock/penstock/sink/local"
	"github.com/penstock/penstock/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cells is a format that writes the cells of each row, after a line with the names of the columns.
type cells struct{ fail error }

func (cells) Ext() string { return ".cells" }

func (c cells) NewEncoder(w io.Writer, s *record.Schema) (formats.Encoder, error) {
	e := &cellsEncoder{s: s, fail: c.fail}
	e.Reset(w)
	return e, nil
}

type cellsEncoder struct {
	w    io.Writer
	s    *record.Schema
	fail error
}

func (e *cellsEncoder) Reset(w io.Writer) {
	e.w = w
	for _, c := range e.s.Columns {
		fmt.Fprintf(w, "%s ", c.As)
	}
	fmt.Fprintf(w, "without %v\n", e.s.Cut)
}

func (e *cellsEncoder) Encode(rows []record.Record) error {
	for _, r := range rows {
		for _, v := range r.Row {
			fmt.Fprintf(e.w, "%d:%d:%s ", v.Kind, v.Int(), v.Str)
		}
		fmt.Fprintf(e.w, "@%d\n", r.Offset)
	}
	return e.fail
}

func (e *cellsEncoder) Close() error { _, err := io.WriteString(e.w, "end\n"); return err }

var schema = &record.Schema{Version: 3, Columns: []record.Column{
	{Name: "Index", As: "index", Type: record.Type{Kind: record.String}},
	{Name: "Date", As: "date", Type: record.Type{Kind: record.Date}},
	{Name: "n", As: "n", Type: record.Type{Kind: record.Int}},
}}

func batch(s *record.Schema, rows ...[]record.Value) *record.Batch {
	b := &record.Batch{Topic: "stock", Schema: s}
	for i, row := range rows {
		b.Records = append(b.Records, record.Record{Offset: int64(i), Time: record.NoTime, Value: []byte("v"), Row: row})
	}
	return b
}

func row(index string, n int64) []record.Value {
	return []record.Value{record.StringOf(index), record.DateOf(n), record.IntOf(n)}
}

// open is a Writer of a new sink over dir.
func open(t *testing.T, dir, path string, f formats.Format, c sink.Claim) sink.Writer {
	t.Helper()
	p, err := files.ParseTemplate(path)
	must(t, err)
	s, err := local.New(local.Config{Dir: dir, Files: files.Config{Path: p, Format: f}})
	must(t, err)
	w, err := s.Open(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { must(t, w.(io.Closer).Close()) })
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, w sink.Writer, next int64) []sink.File {
	t.Helper()
	f, err := w.Cut(next)
	must(t, err)
	made, err := f.Commit(t.Context())
	must(t, err)
	return made
}

func TestCellsWithoutThoseOfThePath(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, "{topic}/index={Index}", cells{}, sinktest.Claim(0, 0))
	must(t, w.Write(t.Context(), batch(schema, row("HSI", 1), row("", 2), row("HSI", 3))))
	got := map[string]string{}
	for _, f := range commit(t, w, 3) {
		content, err := os.ReadFile(filepath.Join(dir, f.Name))
		must(t, err)
		got[f.Name] = string(content)
		if f.Path != filepath.Dir(f.Name) || f.Bytes != int64(len(content)) {
			t.Errorf("wrong: %+v", f)
		}
	}
	const head = "date n without [Index]\n"
	want := map[string]string{
		"stock/index=HSI/stock+0+00000000000000000000.cells":                        head + "6:1: 2:1: @0\n6:3: 2:3: @2\nend\n",
		"stock/index=__HIVE_DEFAULT_PARTITION__/stock+0+00000000000000000001.cells": head + "6:2: 2:2: @1\nend\n",
	}
	if !maps.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestColumned(t *testing.T) {
	for _, c := range []struct {
		f    formats.Format
		want bool
	}{{cells{}, true}, {sinktest.Lines{}, false}} {
		p, err := files.ParseTemplate("{Index}/{Date:%Y}")
		must(t, err)
		s, err := files.New(nil, files.Config{Path: p, Format: c.f}, files.Options{})
		must(t, err)
		asked, all := s.(sink.Columned).Columns()
		var names []string
		for _, c := range asked {
			names = append(names, c.Name)
		}
		if !slices.Equal(names, []string{"Index", "Date"}) || all != c.want || asked[0].Nested != all {
			t.Errorf("columns %v, all %v", asked, all)
		}
	}
}

func TestFormatIsNeeded(t *testing.T) {
	if _, err := files.New(nil, files.Defaults(), files.Options{}); err == nil || !strings.Contains(err.Error(), "format: is missing") {
		t.Errorf("error %v", err)
	}
}

func TestBadRows(t *testing.T) {
	for _, c := range []struct {
		path string
		row  []record.Value
		want string
	}{
		{"{Index:%Y}", row("soon", 1), `column "Index" "soon" is not a date or time`},
		{"{Index}", row(strings.Repeat("x", 256), 1), "would be 256 bytes long, above 255"},
		{"{Index}", nil, "has not the cells"},
		{"{n:%Y}", row("HSI", 1<<62), "outside the years"},
	} {
		w := open(t, t.TempDir(), c.path, cells{}, sinktest.Claim(0, 0))
		err := w.Write(t.Context(), batch(schema, row("2024-01-01", 1), c.row, row("2024-01-01", 2)))
		var bad *record.Bad
		if !errors.As(err, &bad) || bad.Index != 1 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want record 1 to be bad: %s", err, c.want)
		}
		if made := commit(t, w, 3); len(made) != 1 || made[0].Rows != 1 {
			t.Errorf("made %+v", made)
		}
	}
}

func TestWhatIsWrongWithMoreThanARow(t *testing.T) {
	other := &record.Schema{Version: 4, Columns: schema.Columns}
	equal := &record.Schema{Version: 3, Columns: slices.Clone(schema.Columns)}
	for _, c := range []struct {
		path   string
		f      formats.Format
		first  *record.Schema
		second *record.Schema
		want   string
	}{
		{"{Index}", cells{}, schema, other, "stock/0: rows of two schemas in one interval"},
		{"{Index}", cells{}, schema, equal, ""},
		{"{Index}", cells{}, nil, nil, "have not been decoded, and the format needs"},
		{"{Index}", sinktest.Lines{}, nil, nil, `path: needs column "Index", and the rows have not been decoded`},
		{"{Volume}", cells{}, schema, schema, `path: there is no column "Volume"; there are "Index", "Date", "n"`},
	} {
		w := open(t, t.TempDir(), c.path, c.f, sinktest.Claim(0, 0))
		err := w.Write(t.Context(), batch(c.first, row("HSI", 1)))
		if err == nil {
			err = w.Write(t.Context(), batch(c.second, row("HSI", 1)))
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("error %v, want one that says %q", err, c.want)
		}
	}
}

func TestSchemasMayChangeBetweenIntervals(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, "{n}", cells{}, sinktest.Claim(0, 0))
	must(t, w.Write(t.Context(), batch(schema, row("HSI", 1))))
	commit(t, w, 1)
	wider := &record.Schema{Version: 4, Columns: append([]record.Column{{Name: "x", As: "x"}}, schema.Columns...)}
	b := batch(wider, append([]record.Value{record.IntOf(9)}, row("HSI", 2)...))
	b.Records[0].Offset = 1
	must(t, w.Write(t.Context(), b))
	if made := commit(t, w, 2); made[0].Path != "2" {
		t.Errorf("made %+v: the column was looked for where it stood before", made)
	}
}

func TestCutBelowWhatWasTaken(t *testing.T) {
	w := open(t, t.TempDir(), "", sinktest.Lines{}, sinktest.Claim(0, 0))
	must(t, w.Write(t.Context(), batch(nil, nil, nil, nil)))
	if _, err := w.Cut(2); err == nil || !strings.Contains(err.Error(), "cut at offset 2, and rows up to 2 were taken") {
		t.Errorf("error %v", err)
	}
	if made := commit(t, w, 3); len(made) != 1 || made[0].Name != "stock+0+00000000000000000000.txt" {
		t.Errorf("made %+v", made)
	}
}

func TestAnEncoderThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, "", cells{errors.New("no such number")}, sinktest.Claim(0, 0))
	must(t, w.Write(t.Context(), batch(schema, row("HSI", 1))))
	f, err := w.Cut(1)
	must(t, err)
	for range 2 {
		var unfit *sink.Unfit
		if _, err := f.Commit(t.Context()); !errors.As(err, &unfit) || unfit.Name != "stock+0+00000000000000000000.cells" || unfit.Err.Error() != "no such number" {
			t.Errorf("error %v", err)
		}
	}
	if there, err := os.ReadDir(dir); err != nil || len(there) > 0 {
		t.Errorf("there are %v, %v", there, err)
	}
}

func TestARedoHoldsBeforeAFileOfUnknownOrigin(t *testing.T) {
	dir := t.TempDir()
	name := "stock+0+00000000000000000002.txt" // within the interval, and not the name it would have
	must(t, os.WriteFile(filepath.Join(dir, name), []byte("v\n"), 0o666))
	c := sinktest.Claim(0, 0)
	c.Until = 4
	w := open(t, dir, "", sinktest.Lines{}, c)
	must(t, w.Write(t.Context(), batch(nil, nil, nil, nil)))
	f, err := w.Cut(4)
	must(t, err)
	_, err = f.Commit(t.Context())
	if want := (&sink.Foreign{}); !errors.As(err, &want) || want.Name != name {
		t.Errorf("error %v, want a Foreign that names %s", err, name)
	}
}

// TestAnotherVersionOfTheSchemaIsAConflict: the anchor was made with columns that are not today's.
func TestAnotherVersionOfTheSchemaIsAConflict(t *testing.T) {
	dir := t.TempDir()
	write := func(s *record.Schema) ([]sink.File, error) {
		w := open(t, dir, "{Index}", cells{}, sinktest.Claim(0, 0))
		must(t, w.Write(t.Context(), batch(s, row("HSI", 1), row("N225", 2))))
		f, err := w.Cut(2)
		must(t, err)
		return f.Commit(t.Context())
	}
	made, err := write(schema)
	must(t, err)
	_, err = write(&record.Schema{Version: 4, Columns: schema.Columns})
	want := &sink.Conflict{Name: made[0].Name, End: 2, Layout: "layout-1", Schema: 3}
	if got := (&sink.Conflict{}); !errors.As(err, &got) || !reflect.DeepEqual(got, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestWithColumns(t *testing.T) {
	dir := t.TempDir()
	p, err := files.ParseTemplate("{Index}")
	must(t, err)
	s, err := local.New(local.Config{Dir: dir, Files: files.Config{
		Path: p, Format: cells{}, With: []string{"headers", "key", "time", "offset", "partition", "topic"},
	}})
	must(t, err)
	w, err := s.Open(t.Context(), sinktest.Claim(3, 0))
	must(t, err)
	defer w.(io.Closer).Close()
	b := batch(schema, row("HSI", 1), row("HSI", 2))
	b.Records[0].Key, b.Records[0].Time = []byte("k"), 5
	b.Records[0].Headers = []record.Header{{Key: "h", Value: []byte("1")}}
	must(t, w.Write(t.Context(), b))
	made := commit(t, w, 2)
	content, err := os.ReadFile(filepath.Join(dir, made[0].Name))
	must(t, err)
	const want = "index date n headers key time offset partition topic without []\n" +
		`4:0:HSI 6:1: 2:1: 8:0:{"h":"1"} 4:0:k 7:5000: 2:0: 2:3: 4:0:stock @0` + "\n" +
		"4:0:HSI 6:2: 2:2: 0:0: 0:0: 0:0: 2:1: 2:3: 4:0:stock @1\nend\n"
	if string(content) != want {
		t.Errorf("the file holds %q, want %q", content, want)
	}
}
