package files

import (
	"fmt"
	"strings"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/formats/parquet"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// laid is a sink of a path that is never opened.
func laid(t *testing.T, path, prefix string, raw bool, with ...string) sink.Sink {
	t.Helper()
	var f formats.Format
	var err error
	if raw {
		f, err = json.New(json.Defaults())
	} else {
		f, err = parquet.New(parquet.Defaults())
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(nil, Config{Path: parse(t, path), Format: f, With: with}, Options{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fitted has the columns that a sink asks for, as nobody has declared them, and then those given.
func fitted(s sink.Sink, columns ...record.Column) *record.Schema {
	asked, more := s.(sink.Columned).Columns()
	all := &record.Schema{Columns: columns, Open: more}
	for _, c := range asked {
		if c.As = strings.ToLower(c.Name); all.Index(c.Name) < 0 {
			all.Columns = append(all.Columns, c)
		}
	}
	return all
}

func named(name string, kind record.Kind) record.Column {
	return record.Column{Name: name, As: strings.ToLower(name), Type: record.Type{Kind: kind}}
}

// A folder that says less than the column it is named as is refused, with what to call it.
func TestClashes(t *testing.T) {
	other := "give the folder another name"
	for _, c := range []struct {
		path    string
		columns []record.Column
		want    string // the end of the error; "" for none
		rawToo  bool
	}{
		{"date={Date}", nil, "", true},
		{"date={Date}/month={Date:%Y-%m}", nil, "", true},
		{"day={Date:%Y-%m-%d}", []record.Column{named("Date", record.Date)}, "", true},
		{"date={Date:%Y-%m}", []record.Column{named("Date", record.Date)}, "call the folder month=", true},
		{"DATE={Date:%Y}", nil, "call the folder year=", true},
		{"date={Date:%Y-%m-%d}", nil, "call the folder day=", true},
		{"date={Date:%G-W%V}", nil, "call the folder week=", true},
		{"date={Date:%H}", nil, "call the folder hour=", true},
		{"{Date:date=%Y/%m}", nil, "call the folder year=", true},
		{"date=d{Date}", nil, other, true},
		{"month={Month:%m}", nil, other, true},
		{"month={month:%m}", nil, other, true},
		{"date={Date:%m}/month={Month}", nil, other, true},
		{"close={Close}", []record.Column{named("Close", record.Float)}, other, true},
		{"date={time:%Y-%m-%d}", []record.Column{named("Date", record.Date)}, "call the folder day=", false},
		{"y={time:%Y}/Y={time:%m}", nil, "call the folder month=", true},
	} {
		for _, raw := range []bool{false, true} {
			if raw && !c.rawToo {
				continue
			}
			s := laid(t, c.path, "", raw)
			err := s.(sink.Fitted).Fits(fitted(s, c.columns...))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "path: ")) {
				t.Errorf("%s, raw %v: %v, want %q", c.path, raw, err, c.want)
			}
		}
	}
}

// What Athena reserves, and does not see.
func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		path, prefix string
		columns      []record.Column
		hooks        bool
		want         []string // of each advice, how it begins and a word of it
	}{
		{"index={Index}/day={time:%d}", "raw/", []record.Column{named("Close", record.Float), named("Date", record.Date)}, true, nil},
		{"all", "", []record.Column{named("Date", record.Date), named("Order", record.Int), named("a b", record.Int)}, false,
			[]string{"column \"date\": .*backquotes", "column \"order\": .*double quotes"}},
		{"group={Index}/date={time:%Y}", "", []record.Column{named("n", record.Int)}, true,
			[]string{"path: the folder group= .*double quotes", "path: the folder date= .*backquotes"}},
		{"_tmp/.x{Index}", "a/.b/", []record.Column{named("n", record.Int)}, true,
			[]string{"prefix: .*begins with ., as in .b", "path: .*begins with _, as in _tmp", "path: .*as in .x"}},
	} {
		s := laid(t, c.path, c.prefix, false)
		got := s.(sink.Advised).Advice(fitted(s, c.columns...), c.hooks)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", c.path, got)
			continue
		}
		for i, err := range got {
			begin, word, _ := strings.Cut(c.want[i], ".*")
			if !strings.HasPrefix(err.Error(), begin) || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, want %s", c.path, err, c.want[i])
			}
		}
	}
}

// A preview warns of folders that values have made hidden.
func TestHiddenFolders(t *testing.T) {
	for _, value := range []string{"HSI", "_HSI", ".x", ""} {
		s := laid(t, "{Index}", "", true)
		w := s.(sink.Previewer).Preview(sink.Claim{Topic: "t"})
		b := &record.Batch{Topic: "t", Schema: fitted(s), Records: []record.Record{{Value: []byte("{}"), Row: []record.Value{record.StringOf(value)}}}}
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		f, err := w.Cut(1)
		if err != nil {
			t.Fatal(err)
		}
		f.(sink.Listed).Files()
		said := fmt.Sprint(s.(sink.Warner).Warnings())
		if strings.Contains(said, "as in "+value+", ") != strings.ContainsAny(value, "_.") {
			t.Errorf("%s: %s", value, said)
		}
	}
}
