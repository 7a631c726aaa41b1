package csv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
	"github.com/penstock/penstock/source/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write puts files into a new folder and gives it.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t testing.TB, glob string, set func(*Config)) source.Source {
	t.Helper()
	c := Defaults()
	if c.Path = glob; set != nil {
		set(&c)
	}
	src, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// result is all that a split gave, as text.
type result struct {
	columns, rows, keys, bad []string
	times                    []int64
	before                   []source.Offset
	pages                    int
	next                     source.Offset
	err                      error
}

func read(ctx context.Context, src source.Source, split string, after source.Offset) (r result) {
	for p, err := range src.Read(ctx, split, after) {
		if err != nil {
			r.err = err
			return r
		}
		r.pages++
		r.next, r.columns = p.Next, nil
		r.before = append(r.before, p.Before...)
		if p.Schema == nil {
			continue
		}
		for _, c := range p.Schema.Columns {
			r.columns = append(r.columns, c.Name+" "+c.Type.String())
		}
		for _, b := range p.Bad {
			r.bad = append(r.bad, b.Err.Error())
		}
		for _, rec := range p.Records {
			if rec.Row == nil {
				continue
			}
			var cells []string
			for _, v := range rec.Row {
				cells = append(cells, show(v))
			}
			r.rows, r.keys = append(r.rows, strings.Join(cells, "|")), append(r.keys, string(rec.Key))
			r.times = append(r.times, rec.Time)
		}
	}
	return r
}

func show(v record.Value) string {
	switch v.Kind {
	case record.Null:
		return "null"
	case record.Bool:
		return fmt.Sprint(v.Bool())
	case record.Int:
		return fmt.Sprint(v.Int())
	case record.Float:
		return fmt.Sprintf("%v(%s)", v.Float(), v.Str)
	case record.Date:
		return fmt.Sprintf("%dd", v.Int())
	case record.Timestamp:
		return fmt.Sprintf("%dus", v.Int())
	case record.JSON:
		return v.Str
	case record.Decimal:
		return string(v.AppendDecimal(nil))
	case record.List:
		return "[" + showAll(v) + "]"
	case record.Struct:
		return "{" + showAll(v) + "}"
	}
	return fmt.Sprintf("%q", v.Str)
}

func showAll(v record.Value) string {
	var all []string
	var one record.Value
	for cells := v.Cells(); cells.Next(&one); {
		all = append(all, show(one))
	}
	return strings.Join(all, " ")
}

func TestStockFile(t *testing.T) {
	src := open(t, "../../testdata/stock/*.csv", func(c *Config) { c.Key = "Index" })
	splits, err := src.Splits(t.Context())
	if err != nil || !slices.Contains(splits, "hsi.csv") {
		t.Fatalf("splits %q, %v", splits, err)
	}
	r := read(t.Context(), src, "hsi.csv", nil)
	if r.err != nil || len(r.bad) > 0 || len(r.rows) != 5692 || r.keys[5691] != "HSI" {
		t.Fatalf("%d rows, %q, %v", len(r.rows), r.bad, r.err)
	}
	if want := `"HSI"|"1986-12-31"|2568.300049(2568.300049)|2568.300049(2568.300049)|2568.300049(2568.300049)|2568.300049(2568.300049)|2568.300049(2568.300049)|0(0.0)|333.87900637(333.87900637)`; r.rows[0] != want {
		t.Errorf("first row %s", r.rows[0])
	}
	want := []string{"Index string", "Date string", "Open double", "High double", "Low double", "Close double", "Adj Close double", "Volume double", "CloseUSD double"}
	if !slices.Equal(r.columns, want) {
		t.Errorf("columns %q", r.columns)
	}
}

func TestRead(t *testing.T) {
	tests := []struct{ name, text, columns, rows, bad string }{
		{"types", "i,d,b,s,z,date,code\n1,1.5,true,x,,2010-01-08,000001\n-20,2,FALSE,1,,2010-01-09,000002\n",
			"i int64,d double,b bool,s string,z string,date string,code string",
			`1|1.5(1.5)|true|"x"|null|"2010-01-08"|"000001";-20|2(2)|false|"1"|null|"2010-01-09"|"000002"`, ""},
		{"nulls", "i,d,b,s,n\n,NaN,,x,NaN\n7,1e3,true,NaN,nan\n", "i int64,d double,b bool,s string,n double",
			`null|null|null|"x"|null;7|1000(1e3)|true|"NaN"|null`, ""},
		{"numbers not as JSON writes them", "a,b,c,d\n.5,5.,-.5,-0\n", "a double,b double,c double,d double",
			"0.5()|5()|-0.5()|-0(-0)", ""},
		{"texts that look like numbers", "a,b,c,d,e,f,g,h\n+1,01,0x10,1_000,Inf,1e999,-,e5\n",
			"a string,b string,c string,d string,e string,f string,g string,h string",
			`"+1"|"01"|"0x10"|"1_000"|"Inf"|"1e999"|"-"|"e5"`, ""},
		{"integers at the edge", "a,b,c\n9223372036854775807,9223372036854775808,-9223372036854775808\n", "a int64,b string,c int64",
			`9223372036854775807|"9223372036854775808"|-9223372036854775808`, ""},
		{"long doubles", "a\n0.1234567890123456789\n1.7976931348623157e308\n", "a double",
			"0.12345678901234568(0.1234567890123456789);1.7976931348623157e+308(1.7976931348623157e308)", ""},
		{"quotes", "a,b\n\"x,\"\"y\"\"\r\nz\",\"\"\n\"1\",2\n", "a string,b int64", `"x,\"y\"\nz"|null;"1"|2`, ""},
		{"ends", "\xef\xbb\xbfa,b\r\n1,2\r\n\r\n3,4", "a int64,b int64", "1|2;3|4", ""},
		{"spaces are kept", "a,b\n 1,x \n", "a string,b string", `" 1"|"x "`, ""},
		{"no rows", "a,b\n", "a string,b string", "", ""},
		{"ragged", "a,b\n1,2\n3\n4,5,6\n7,8\n", "a int64,b int64", "1|2;7|8",
			"f.csv:3: the row's cells are 1, the columns 2;f.csv:4: the row's cells are 3, the columns 2"},
		{"bad quotes", "a,b\n1,x\"y\n\"2\"z,3\n4,\"u\nv\"w,5\n6,7\n", "a int64,b int64", "6|7",
			"f.csv:2: " + errBare.Error() + ";f.csv:3: " + errQuote.Error() + ";f.csv:4: " + errQuote.Error()},
		{"an open quote takes one line", "a,b\n1,2\n3,\"4\n5,6\n", "a int64,b int64", "1|2;5|6", "f.csv:3: " + errUnclosed.Error()},
		{"not UTF-8", "a\nx\n\xff\n", "a string", `"x"`, "f.csv:3: the line is not UTF-8; convert the file, as with iconv"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { gives(t, tt.text, nil, tt.columns, tt.rows, tt.bad) })
	}
}

// gives holds what a file of that text is read as.
func gives(t *testing.T, text string, set func(*Config), columns, rows, bad string) {
	t.Helper()
	dir := write(t, map[string]string{"f.csv": text})
	r := read(t.Context(), open(t, dir+"/*.csv", set), "f.csv", nil)
	r.bad = []string{strings.ReplaceAll(strings.Join(r.bad, ";"), dir+"/", "")}
	if r.err != nil || strings.Join(r.columns, ",") != columns || strings.Join(r.rows, ";") != rows || r.bad[0] != bad {
		t.Errorf("%v\ncolumns %s\nrows    %s\nbad     %s", r.err, strings.Join(r.columns, ","), strings.Join(r.rows, ";"), r.bad[0])
	}
}

// columns makes declarations of name, type, name, type.
func columns(t testing.TB, words ...string) (out []Column) {
	t.Helper()
	for i := 0; i < len(words); i += 2 {
		c := Column{Name: words[i]}
		if err := c.Type.UnmarshalText([]byte(words[i+1])); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		name, text         string
		set                func(*Config)
		columns, rows, bad string
	}{
		{"no header", "1,x\n2,y\n", func(c *Config) { c.Header, c.Columns = false, columns(t, "a", "infer", "b", "string") },
			"a int64,b string", `1|"x";2|"y"`, ""},
		{"no header, no rows", "", func(c *Config) { c.Header, c.Columns = false, columns(t, "a", "infer") }, "a string", "", ""},
		{"no header, a byte order mark", "\xef\xbb\xbf1\n", func(c *Config) { c.Header, c.Columns = false, columns(t, "a", "infer") }, "a int64", "1", ""},
		{"no header, other columns", "1,x\n2\n", func(c *Config) { c.Header, c.Columns = false, columns(t, "a", "int32", "b", "string") },
			"a int32,b string", `1|"x"`, "f.csv:2: the row's cells are 1, the columns 2"},
		{"some declared", "n,s,d\n1,2,2020-02-29\n3,4,x\n", func(c *Config) { c.Columns = columns(t, "s", "string", "d", "date") },
			"n int64,s string,d date", `1|"2"|18321d`, `f.csv:3: column "d": "x" is no date, as columns: declares it`},
		{"tabs", "a\tb\n1\t,\n", func(c *Config) { c.Delimiter = "\t" }, "a int64,b string", `1|","`, ""},
		{"another quote", "a,b\n'x,''\n',\"\n", func(c *Config) { c.Quote = "'" }, "a string,b string", `"x,'\n"|"\""`, ""},
		{"no quote", "a,b\n\"x,5\"\n", func(c *Config) { c.Quote = "none" }, "a string,b string", `"\"x"|"5\""`, ""},
		{"thrice", "a\n1\n2", func(c *Config) { c.Repeat = 3 }, "a int64", "1;2;1;2;1;2", ""},
		{"thrice nothing", "a\n\n\n", func(c *Config) { c.Repeat = 3 }, "a string", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) { gives(t, tt.text, tt.set, tt.columns, tt.rows, tt.bad) })
	}
}

func TestMalformedFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "the file is empty; its first line must name the columns",
		"a,,c\n":                      "column 2 has no name",
		"a,b,a\n":                     `columns "a" and "a" are one name`,
		"Close,b,close\n":             `columns "Close" and "close" are one name`,
		"a,\xff\n":                    "column 2 is not UTF-8",
		"a,b\"\n":                     "the header line: a quote stands inside",
		"b,c\n":                       `key: there is no column "a"; the columns are ["b" "c"]`,
		"a\n" + long(maxRow+2) + "\n": "line 2 is longer than 16 MiB",
	} {
		dir := write(t, map[string]string{"f.csv": text})
		r := read(t.Context(), open(t, dir+"/*.csv", func(c *Config) { c.Key = "a" }), "f.csv", nil)
		if r.err == nil || !strings.HasPrefix(r.err.Error(), "csv: f.csv: ") || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%.20q: %v", text, r.err)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestRowsBeyondAChunk(t *testing.T) {
	want := fmt.Sprintf("%q", long(3*chunkBytes+1)+"\n")
	dir := write(t, map[string]string{"f.csv": "a,b\n1,2\n\"" + long(3*chunkBytes+1) + "\n\",3\n"})
	r := read(t.Context(), open(t, dir+"/*.csv", nil), "f.csv", nil)
	if r.err != nil || len(r.rows) != 2 || r.rows[1] != want+"|3" {
		t.Errorf("%d rows, %q, %v", len(r.rows), r.bad, r.err)
	}
}

func TestSplits(t *testing.T) {
	dir := write(t, map[string]string{"x/b.csv": "a\n", "x/a.csv": "a\n", "y/a.csv": "a\n", "x/dir.csv/note.txt": "", "x/a.txt": ""})
	for glob, want := range map[string]string{
		"/*/*.csv":  "x/a.csv y/a.csv x/b.csv",
		"/x/*.csv":  "a.csv b.csv",
		"/y/a.csv":  "a.csv",
		"/x/[ab].*": "a.csv a.txt b.csv",
	} {
		splits, err := open(t, dir+glob, nil).Splits(t.Context())
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if err != nil || !slices.Equal(splits, wanted) {
			t.Errorf("%s: %q, %v", glob, splits, err)
		}
	}
	if _, err := open(t, dir+"/z/*.csv", nil).Splits(t.Context()); err == nil || !strings.Contains(err.Error(), "no file matches") || !strings.Contains(err.Error(), "/z/*.csv") {
		t.Errorf("no match: %v", err)
	}
	for _, split := range []string{"../y/a.csv", "a.txt", "none.csv"} {
		if r := read(t.Context(), open(t, dir+"/x/*.csv", nil), split, nil); r.err == nil {
			t.Errorf("read %s", split)
		}
	}
}

func TestContract(t *testing.T) {
	text := map[string]string{"plain.csv": mixed(40), "none.csv": "a,b\n", "dirty.csv": "a;b\n1;2\n3\n\"4\n\";5\n\n6;\"7\n8;9\n\n"}
	full := map[string]string{"plain.csv": mixed(40), "dirty.csv": text["dirty.csv"]}
	packed := map[string]string{"a.csv.gz": gzipped(t, mixed(400)), "b.csv.zst": zstded(t, text["dirty.csv"])}
	for _, tt := range []struct {
		name  string
		files map[string]string
		rows  int // in a page; 0: as many as it takes
		set   func(*Config)
	}{
		{"a row a page", text, 1, func(*Config) {}},
		{"large pages", text, 0, func(*Config) {}},
		{"without a header", text, 1, func(c *Config) { c.Header, c.Columns = false, columns(t, "a", "infer", "b", "infer") }},
		{"compressed", packed, 7, func(*Config) {}},
		{"twice", text, 3, func(c *Config) { c.Repeat = 2 }},
		{"for ever", full, 3, func(c *Config) { c.Repeat = forever }},
		{"sample", full, 3, func(c *Config) { c.Order = sampled }},
		{"sample of compressed", packed, 3, func(c *Config) { c.Order = sampled }},
		{"follow", full, 3, func(c *Config) { c.Follow = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, tt.files)
			src := open(t, dir+"/*.csv*", func(c *Config) { c.Delimiter = ";"; tt.set(c) })
			inPages(src, tt.rows)
			sourcetest.Run(t, src)
		})
	}
}

// inPages makes pages of so many rows, as fast as they come.
func inPages(src source.Source, rows int) {
	if rows > 0 {
		src.(*files).pace = newPace(9e9)
		src.(*files).pace.rows = rows
	}
}

// mixed is a file whose columns have a type each, and quotes here and there.
func mixed(rows int) string {
	var b strings.Builder
	b.WriteString("i;d;s;b\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d;%g;\"s\"\"%d\";%t\n", i*i, float64(i)/3, i, i%2 == 0)
	}
	return b.String()
}
