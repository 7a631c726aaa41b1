package files

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock/penstock/record"
)

// schema is of the columns that the tests' templates name.
var schema = &record.Schema{Columns: []record.Column{
	{Name: "Index", As: "index", Type: record.Type{Kind: record.String}},
	{Name: "Date", As: "date", Type: record.Type{Kind: record.Date}},
	{Name: "Adj Close", As: "adj_close", Type: record.Type{Kind: record.Float}},
	{Name: "at", As: "at", Type: record.Type{Kind: record.Any}},
	{Name: "n", As: "n", Type: record.Type{Kind: record.Int}},
	{Name: "topic", As: "topic", Type: record.Type{Kind: record.String}},
}}

func parse(t testing.TB, text string) Template {
	t.Helper()
	p, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func inZone(t testing.TB, name string) (z TimeZone) {
	t.Helper()
	if err := z.UnmarshalText([]byte(name)); err != nil {
		t.Fatal(err)
	}
	return z
}

// pathOf renders one record of stock/7.
func pathOf(t testing.TB, tmpl, tz string, rec record.Record) (string, error) {
	t.Helper()
	r := newRenderer(parse(t, tmpl), inZone(t, tz), "stock", 7)
	if err := r.bind(schema); err != nil {
		t.Fatal(err)
	}
	b, err := r.render(&rec)
	return string(b), err
}

func TestPath(t *testing.T) {
	base := record.Record{
		Offset: 42, Time: 1_769_900_400_000, Key: []byte("HSI/1"), // 2026-01-31 23:00 UTC
		Headers: []record.Header{{Key: "src", Value: []byte("old")}, {Key: "src", Value: []byte("new")}, {Key: "empty"}},
		Row: []record.Value{
			record.StringOf("N225"), record.DateOf(14617), record.FloatOf(1.5),
			record.StringOf("2010-01-08T23:30:00-05:00"), record.IntOf(-7), record.StringOf("T"),
		},
	}
	const null = "__HIVE_DEFAULT_PARTITION__"
	for _, c := range []struct{ tmpl, tz, want string }{
		{DefaultPath, "UTC", "stock/day=2026-01-31"},
		{DefaultPath, "Asia/Tokyo", "stock/day=2026-02-01"},
		{"", "UTC", ""},
		{"a/{{b}}/%41=", "UTC", "a/{b}/%41="},
		{"{topic}/{partition}/{offset}/{key}", "UTC", "stock/7/42/HSI%2F1"},
		{"{header.src}/{header.empty}/{header.none}", "UTC", "new/" + null + "/" + null},
		{"{Index}-{n}/{\"Adj Close\"}/{value.topic}/{\"topic\"}/{value.\"Index\"}", "UTC", "N225--7/1.5/T/T/N225"},
		{"{Date}/y={Date:%Y}/{Date:%Y/%m/%d}", "Asia/Tokyo", "2010-01-08/y=2010/2010/01/08"},
		{"{Date:%y %j %G-W%V %H:%M:%S %%}", "UTC", "10 008 2010-W01 00:00:00 %"},
		{"{at:%Y-%m-%d %H:%M}", "Asia/Tokyo", "2010-01-09 13:30"},
		{"{time:year=%Y/hour=%H}", "Asia/Kolkata", "year=2026/hour=04"},
	} {
		got, err := pathOf(t, c.tmpl, c.tz, base)
		if err != nil || got != c.want {
			t.Errorf("%s in %s: %q, %v; want %q", c.tmpl, c.tz, got, err, c.want)
		}
	}
}

// TestPathsFollowTheirOwnRow: whatever rows came before, a row's path is that of a renderer that has seen no other.
func TestPathsFollowTheirOwnRow(t *testing.T) {
	times := []int64{record.NoTime, -2, 0, 1, -62167219200_000, -62167219200_001, 253402300799_999, 253402300800_000, math.MinInt64, math.MaxInt64}
	for _, border := range []int64{1_774_746_000_000, 1_792_890_000_000, 1_769_900_400_000, 1_769_817_600_000, 1_767_225_600_000} { // summer time begins, ends; others
		for _, by := range []int64{1, 999, 1000, 1800_000, 3600_000, 86400_000} {
			times = append(times, border-by, border, border+by)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, zone := range []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe"} {
		tz := inZone(t, zone)
		for _, tmpl := range []string{
			"", "a/b", DefaultPath, "{time:%Y}/.{at}/{time:%H}", "{time:%m/%d}.{at}", "{at}/{time:%Y-%m-%d}", "x.{at}{time:%H:%M:%S}", "{time:%G-%V}", "{offset}/{time:%j}", ".{at}",
		} {
			template := parse(t, tmpl)
			fresh := func() *renderer {
				r := newRenderer(template, tz, "stock", 7)
				if err := r.bind(schema); err != nil {
					t.Fatal(err)
				}
				return r
			}
			seen := fresh()
			for range 2000 {
				rec := record.Record{
					Offset: random.Int64N(3), Time: times[random.IntN(len(times))],
					Row: []record.Value{3: record.StringOf([]string{".", "", "a", "a/b"}[random.IntN(4)]), 5: {}},
				}
				want, wrong := fresh().render(&rec)
				got, err := seen.render(&rec)
				if string(got) != string(want) || fmt.Sprint(err) != fmt.Sprint(wrong) {
					t.Fatalf("%s in %s: %+v goes to %q, %v; want %q, %v", tmpl, zone, rec, got, err, want, wrong)
				}
			}
		}
	}
}

func TestPathOfOddValues(t *testing.T) {
	row := func(v record.Value) record.Record {
		return record.Record{Time: record.NoTime, Row: []record.Value{3: v, 5: {}}}
	}
	const null = nullValue
	for _, c := range []struct {
		tmpl string
		v    record.Value
		want string
	}{
		{"{time:%Y}", record.Value{}, null},
		{"x={at}", record.Value{}, "x=" + null},
		{"x={at}", record.StringOf(""), "x=" + null},
		{"{at:%Y/%m}", record.Value{}, null + "/" + null},
		{"{at:%Y}", record.StringOf(""), null},
		{"{at}", record.StringOf(".."), "%2E%2E"},
		{"a/{at}/b", record.StringOf("."), "a/%2E/b"},
		{".{at}", record.StringOf("."), "%2E%2E"},
		{"{at}", record.StringOf("..."), "..."},
		{"{at}", record.StringOf("/../etc"), "%2F..%2Fetc"},
		{"{at}", record.StringOf("a\x00\n\"#%'*/:=?\\{[]^\x7f}b"), "a%00%0A%22%23%25%27%2A%2F%3A%3D%3F%5C%7B%5B%5D%5E%7F}b"},
		{"{at}", record.StringOf("é日\xff\xc3\uffff"), "é日%FF%C3%EF%BF%BF"},
		{"{at}", record.BoolOf(true), "true"},
		{"{at}", record.Value{Kind: record.Float, Num: 1, Str: "1e3"}, "1e3"},
		{"{at}", record.TimestampOf(1_262_908_800_123_000), "2010-01-08 00%3A00%3A00.123"},
		{"{at}", record.JSONOf(`{"a":1}`), "%7B%22a%22%3A1}"},
	} {
		got, err := pathOf(t, c.tmpl, "UTC", row(c.v))
		if err != nil || got != c.want {
			t.Errorf("%s of %+v: %q, %v; want %q", c.tmpl, c.v, got, err, c.want)
		}
	}
}

func TestADateThatIsNone(t *testing.T) {
	rec := record.Record{Key: []byte("k"), Headers: []record.Header{{Key: "h", Value: []byte("2024-01-01")}}, Row: []record.Value{3: record.StringOf("x"), 5: {}}}
	for tmpl, want := range map[string]string{
		"{header.h:%Y}/{key:%Y}": `path: the key "k" is not a date or time`,
		"{at:%Y}":                `path: column "at" "x" is not a date or time in ISO 8601, as 2026-01-31`,
	} {
		if got, err := pathOf(t, tmpl, "UTC", rec); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error that begins %s", tmpl, got, err, want)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"/a", "character 1: a folder without a name; leave out the /"},
		{"a/", "character 3: a folder without a name"},
		{"a//b", "character 3: a folder without a name"},
		{"a/../b", "character 5: a path holds no ..;"},
		{".", "a path holds no .;"},
		{"a\x01", "character 2: a path holds no control characters"},
		{"a}", "character 2: } closes nothing; write }}"},
		{"a{b", "character 2: { is never closed; write {{"},
		{"{b:%Y", "{ is never closed"},
		{"{}", "character 2: a name is missing"},
		{"{value.}", "a name is missing"},
		{"{a..b}", "character 1: a name is missing beside a dot; quote"},
		{"{value.a.}", "a name is missing beside a dot"},
		{"{Adj Close}", `character 5: " Close" cannot stand in a name; quote it as in {"Adj Close"}`},
		{`{"Adj}`, "the quoted name does not end"},
		{"{time}", "needs a format, as in {time:%Y-%m-%d}; a column of that name is {value.time}"},
		{"{topic:%Y}", "{topic} takes no format; leave out :%Y"},
		{"{a:%Q}", "character 4: unknown directive %Q; there are %Y %y %m"},
		{"{a:%}", "the format ends with %"},
		{"{a:}", "holds no directive"},
		{"{a:%Y/x}", "holds no directive"},
	} {
		_, err := ParseTemplate(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), strconv.Quote(c.text)+", character ") {
			t.Errorf("%q: error %v, want one that says %q", c.text, err, c.want)
		}
	}
}

func TestColumns(t *testing.T) {
	var p Template
	if err := p.UnmarshalText([]byte(`{topic}/index={Index}/{Date:%Y}/{"Adj Close"}/{Index}/{value.topic}/{header.h.x}/{geo.city}/{"geo.city"}/{value.geo.city}`)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Columns() {
		got = append(got, fmt.Sprint(c.Name, " ", c.Type, " ", c.Nested))
	}
	want := []string{"Index any false", "Date any false", "Adj Close any false", "topic any false", "geo.city any true", "geo.city any false"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("columns %q, want %q", got, want)
	}
	if text, _ := p.MarshalText(); string(text) != p.String() || !strings.HasPrefix(p.String(), "{topic}/index=") {
		t.Errorf("text %q", text)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		tmpl string
		want []string
	}{
		{"index={Index}", []string{"Index"}},
		{"INDEX={value.Index}/adj_close={\"Adj Close\"}", []string{"Index"}}, // a double is not lossless
		{"date={Date:%Y-%m}", nil},
		{"={Index}/{n}", nil},
		{"Date={Date}/at={at}", []string{"Date", "at"}},
		{"i={Index}/x{Index}/index={Index}y", nil},
	} {
		for _, raw := range []bool{true, false} {
			p, err := newPlan(schema, parse(t, c.tmpl), raw, nil)
			if err != nil || !reflect.DeepEqual(p.file.Cut, c.want) {
				t.Errorf("%s: cut %q, %v; want %q", c.tmpl, p.file.Cut, err, c.want)
			}
			if n := len(schema.Columns) - len(c.want); !raw && (len(p.file.Columns) != n || len(p.keep) != n) || raw && p.keep != nil {
				t.Errorf("%s: files have columns %v, from %v", c.tmpl, p.file.Columns, p.keep)
			}
		}
	}
}

// TestDots: they descend, but in a name that is declared or quoted.
func TestDots(t *testing.T) {
	own := record.Column{Name: "a.b", As: "a.b", Type: record.Type{Kind: record.String}}
	deep := record.Column{Name: "a.b", As: "a.b", Type: record.Type{Kind: record.Any}, Nested: true}
	for _, c := range []struct {
		tmpl    string
		columns []record.Column
		want    string // "" is an error
		cut     []string
	}{
		{"{a.b}", []record.Column{deep}, "0", nil},
		{"{a.b}", []record.Column{own}, "0", nil},
		{"{a.b}", []record.Column{own, deep}, "1", nil},
		{`{"a.b"}`, []record.Column{own, deep}, "0", nil},
		{`{"a.b"}`, []record.Column{deep}, "", nil},
		{`a.b={"a.b"}`, []record.Column{own}, "a.b=0", []string{"a.b"}},
		{"a.b={a.b}", []record.Column{deep}, "a.b=0", nil},
		{"a.b={a.b}", []record.Column{own}, "a.b=0", []string{"a.b"}},
	} {
		s := &record.Schema{Columns: c.columns}
		r := newRenderer(parse(t, c.tmpl), TimeZone{}, "stock", 0)
		if err := r.bind(s); (err == nil) != (c.want != "") {
			t.Errorf("%s of %v: %v", c.tmpl, c.columns, err)
		} else if err != nil {
			continue
		}
		got, err := r.render(&record.Record{Row: []record.Value{record.StringOf("0"), record.StringOf("1")}})
		p, planErr := newPlan(s, parse(t, c.tmpl), false, nil)
		if err != nil || planErr != nil || string(got) != c.want || !reflect.DeepEqual(p.file.Cut, c.cut) {
			t.Errorf("%s of %v: %s, cut %q, want %s, %q; %v", c.tmpl, c.columns, got, p.file.Cut, c.want, c.cut, errors.Join(err, planErr))
		}
	}
}

func TestFoldersAndStem(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "[] ",
		"raw/x={n}/date={Date}":     "[x date] raw/x=",
		"{topic}/a={key}b=c":        "[a] ",
		"raw/b/{topic}={n}/c=d=e/x": "[c] raw/b/",
		"plain/k=v":                 "[k] plain/k=v",
		"{at:a=%Y/%m}/ {{=}}":       "[a  {] ",
	} {
		p := parse(t, text)
		var keys []string
		for _, f := range p.folders() {
			keys = append(keys, f.key)
		}
		text, _ := p.stem("")
		if got := fmt.Sprintf("%v %s", keys, text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestTimeZone(t *testing.T) {
	var z TimeZone
	for _, bad := range []string{"", "Local", "Mars/Base", "../etc"} {
		if err := z.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "Europe/Berlin") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	for _, good := range []string{"UTC", "Europe/Berlin"} {
		if inZone(t, good).String() != good {
			t.Errorf("%q becomes %q", good, inZone(t, good))
		}
	}
}
