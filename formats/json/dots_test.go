package json

import (
	"strings"
	"testing"

	"github.com/penstock/penstock/record"
)

func TestNestedColumns(t *testing.T) {
	any := record.Type{Kind: record.Any}
	s := &record.Schema{Columns: []record.Column{
		{Name: "a.b", Type: any}, {Name: "a.b", Type: any, Nested: true}, {Name: "x.y.z", Type: record.Type{Kind: record.Date}, Nested: true},
	}}
	null := record.Value{}
	for _, c := range []struct {
		value string
		want  []record.Value
	}{
		{`{}`, []record.Value{null, null, null}},
		{`{"a.b":1,"a":{"b":2}}`, []record.Value{record.IntOf(1), record.IntOf(2), null}},
		{` { "a" : { "c" : [ {"b":1} ] , "b" : "x" } } `, []record.Value{null, record.StringOf("x"), null}},
		{`{"a":{"\u0062":true},"x":{"y":{"w":"}","z":"1970-01-02"}}}`, []record.Value{null, record.BoolOf(true), record.DateOf(1)}},
		{`{"a":[1],"x":{"y":3}}`, []record.Value{null, null, null}},
		{`{"a":{"b":null},"x":null}`, []record.Value{null, null, null}},
		{`{"a":{"b":{"k":1}}}`, []record.Value{null, record.JSONOf(`{"k":1}`), null}},
	} {
		b := decoded(t, s, c.value)
		if len(b.Bad) > 0 {
			t.Errorf("%s is bad: %v", c.value, &b.Bad[0])
			continue
		}
		for i, got := range b.Records[0].Row {
			if got != c.want[i] {
				t.Errorf("%s: column %d is %v, want %v", c.value, i, got, c.want[i])
			}
		}
	}
	for value, want := range map[string]string{
		`{"x":{"y":{"z":"soon"}}}`: `column "x.y.z": "soon" does not fit date`,
		`{"a":{"b":1`:              "not one JSON value",
	} {
		if b := decoded(t, s, value); len(b.Bad) != 1 || !strings.Contains(b.Bad[0].Err.Error(), want) {
			t.Errorf("%s: %v, want %s", value, b.Bad, want)
		}
	}
}

func decoded(t *testing.T, s *record.Schema, value string) *record.Batch {
	t.Helper()
	c, err := NewCodec(CodecConfig{})
	if err != nil {
		t.Fatal(err)
	}
	b := &record.Batch{Schema: s, Records: []record.Record{{Value: []byte(value)}}}
	if err := c.Decode(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAddedMembers(t *testing.T) {
	s := &record.Schema{Columns: []record.Column{
		{Name: "k", As: "key", Type: record.Type{Kind: record.String}},
		{Name: "offset", Type: record.Type{Kind: record.Int}},
		{Name: "time", Type: record.Type{Kind: record.Timestamp, Short: true}},
		{Name: "headers", Type: record.Type{Kind: record.JSON}},
	}}
	row := []record.Value{record.StringOf(`a"`), record.IntOf(7), record.TimestampOf(1_500_000), record.JSONOf(`{"h":"\n"}`)}
	const added = `"key":"a\"","offset":7,"time":"1970-01-01T00:00:01.5Z","headers":{"h":"\n"}}`
	for _, c := range []struct {
		value, want string
		cut         []string
	}{
		{`{}`, `{` + added, nil},
		{" {\n} ", ` {` + added, nil},
		{`{"a":{}}`, `{"a":{},` + added, nil},
		{"{\"a\":\"{\"\n}\n", `{"a":"{",` + added, nil},
		{`{"a":1,"offset":null}`, `{"a":1,` + added, []string{"offset"}},
		{`{"offset":null}`, `{` + added, []string{"offset"}},
		{`[1]`, "", nil},
		{`1`, "", nil},
		{``, "", nil},
	} {
		s.Cut = c.cut
		f, _ := New(Defaults())
		var w strings.Builder
		e, err := f.NewEncoder(&w, s)
		if err != nil {
			t.Fatal(err)
		}
		err = e.Encode([]record.Record{{Value: []byte(c.value), Row: row}, {Value: []byte(c.value), Row: row}})
		if (err == nil) != (c.want != "") {
			t.Errorf("%s: %v", c.value, err)
		}
		if err == nil {
			err = e.Close()
		}
		if want := c.want + "\n" + c.want + "\n"; c.want != "" && (err != nil || w.String() != want) {
			t.Errorf("%s becomes %s, want %s", c.value, w.String(), want)
		}
	}
	e := &encoder{add: newAdder(s.Columns)}
	if err := e.Encode([]record.Record{{Value: []byte("{}")}}); err == nil {
		t.Error("a record without its cells was taken")
	}
}
