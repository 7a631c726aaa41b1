package files

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

func TestHeadersAsJSON(t *testing.T) {
	h := func(pairs ...string) (all []record.Header) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, record.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
		}
		return all
	}
	for _, c := range []struct {
		headers []record.Header
		want    string
	}{
		{nil, ""},
		{h("a", "1"), `{"a":"1"}`},
		{h("a", "1", "b", ""), `{"a":"1","b":""}`},
		{h("a", "1", "b", "2", "a", "3"), `{"a":["1","3"],"b":"2"}`},
		{[]record.Header{{Key: "n"}, {Key: "n"}}, `{"n":[null,null]}`},
		{h("a", "\xff\x00"), `{"a":{"base64":"/wA="}}`},
		{h("\"\\\n\x01é", "\t\u2028</>"), `{"\"\\\u000a\u0001é":"\u0009` + "\u2028" + `</>"}`},
	} {
		got := string(appendHeaders(nil, c.headers))
		if got != c.want || got != "" && !json.Valid([]byte(got)) {
			t.Errorf("%v: %s, want %s", c.headers, got, c.want)
		}
	}
}

func FuzzHeadersAsJSON(f *testing.F) {
	f.Add("a", []byte("1"), "a", []byte{0xff})
	f.Fuzz(func(t *testing.T, k1 string, v1 []byte, k2 string, v2 []byte) {
		text := appendHeaders(nil, []record.Header{{Key: k1, Value: v1}, {Key: k2, Value: v2}})
		if !json.Valid(text) {
			t.Errorf("%q", text)
		}
	})
}

func TestMistakesInWith(t *testing.T) {
	for _, c := range []struct {
		with []string
		path string
		want string
	}{
		{[]string{"offset", "when"}, "", `with: "when" is not one of topic, partition,`},
		{[]string{"key", "time", "key"}, "", "with: key stands twice"},
		{[]string{"topic"}, "Topic={topic}", "with: the path says topic= already"},
		{[]string{"topic", "key"}, "{topic}/k={key}", ""},
	} {
		_, err := New(discard{}, Config{Path: parse(t, c.path), Format: sinktest.Lines{}, With: c.with}, Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %s", c.with, err, c.want)
		}
	}
}

// withAll is a sink whose values pass through, with everything added.
func withAll(t *testing.T, raw bool) sink.Sink {
	t.Helper()
	c := Config{Format: typed{sinktest.Lines{}}, With: []string{"headers", "key", "time", "offset", "partition", "topic"}}
	if raw {
		c.Format = sinktest.Lines{}
	}
	s, err := New(discard{}, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestClashesWithColumns(t *testing.T) {
	str, any := record.Type{Kind: record.String}, record.Type{Kind: record.Any}
	asked, _ := withAll(t, true).(sink.Columned).Columns()
	for _, c := range []struct {
		raw     bool
		columns []record.Column
		want    string
	}{
		{false, []record.Column{{Name: "a", As: "a", Type: str}}, ""},
		{false, []record.Column{{Name: "Offset", As: "Offset", Type: str}}, `with: there is a column "Offset" already; leave offset out of with`},
		{false, []record.Column{{Name: "K e y", As: "KEY", Type: str}}, `with: there is a column "K e y" already`},
		{true, asked, ""},
		{true, append(slices.Clone(asked[1:]), record.Column{Name: "headers", Type: str}), `with: a column "headers" is declared`},
		{true, []record.Column{{Name: "a", Type: any}}, `with: the rows have been decoded without "headers"`},
	} {
		err := withAll(t, c.raw).(sink.Fitted).Fits(&record.Schema{Columns: c.columns})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %s", c.columns, err, c.want)
		}
	}
}

func TestRowsThatExtrasDoNotFit(t *testing.T) {
	s := withAll(t, true)
	asked, _ := s.(sink.Columned).Columns()
	for _, c := range []struct {
		spoil func(*record.Record)
		want  string
	}{
		{func(r *record.Record) { r.Key = []byte{0xff} }, "with: the key is not UTF-8"},
		{func(r *record.Record) { r.Headers = []record.Header{{Key: "\xff"}} }, "with: a header's name is not UTF-8"},
		{func(r *record.Record) { r.Time = 1 << 60 }, "with: the record's timestamp 1152921504606846976 lies outside"},
		{func(r *record.Record) { r.Row[3] = record.IntOf(7) }, `with: the value has a member "offset" of its own; leave offset out`},
		{func(r *record.Record) { r.Time, r.Key = record.NoTime, nil }, ""},
	} {
		w, err := s.Open(t.Context(), sinktest.Claim(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		rec := record.Record{Value: []byte("{}"), Row: make([]record.Value, len(asked))}
		c.spoil(&rec)
		err = w.Write(t.Context(), &record.Batch{Schema: &record.Schema{Columns: asked}, Records: []record.Record{rec}})
		bad := (*record.Bad)(nil)
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &bad) || !strings.HasPrefix(bad.Err.Error(), c.want)) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
