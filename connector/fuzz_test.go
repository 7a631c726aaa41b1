package connector

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
)

// FuzzMemo: whatever stands beside a group's offset is refused, or is a memo that can be acted on, and comes back as it is.
func FuzzMemo(f *testing.F) {
	for _, text := range []string{
		"", "null", `{}`, `{"v":1,"layout":"a"}`, `{"v":1,"end":41,"layout":"a","schema":2,"topic":"t","owed":7}`, `{"v":2,"end":9}`, `{"v":1,"layout":"a","owed":-1}`,
		`{"v":1,"V":2,"layout":"a"}`, `{"v":1,"end":-1,"layout":"a","schema":-1}`, `{"v":1,"end":9223372036854775808,"layout":"a"}`, `{"v":1,"layout":"\ud800"}x`,
	} {
		f.Add(text, int64(40))
		f.Add(text, int64(-1))
	}
	f.Fuzz(func(t *testing.T, text string, offset int64) {
		m, err := readMemo(kafka.Mark{Offset: offset, Metadata: text})
		if owes := Owes(kafka.Mark{Offset: offset, Metadata: text}); owes != (err == nil && m.Owed != nil) {
			t.Fatalf("%q: owes %v", text, owes)
		}
		if err != nil {
			if !strings.Contains(err.Error(), "committed") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if m.Version != memoVersion || m.End != 0 && (m.End < offset || m.End < 0) || m.Schema < 0 || m.Owed != nil && *m.Owed < 0 || text != "" && m.Layout == "" {
			t.Fatalf("%q at %d is taken for %+v", text, offset, m)
		}
		if text == "" {
			return
		}
		if again, err := readMemo(m.mark(offset)); err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q is %+v, then %+v, %v", text, m, again, err)
		}
	})
}

// FuzzColumns: whatever stands in the state topic as a version of a schema is refused, or is columns that come back as they are, and
// of which a schema can be made.
func FuzzColumns(f *testing.F) {
	f.Add(string(writeColumns([]record.Column{seenDouble("a"), {Name: "b", Type: record.ListType(record.Type{Kind: record.String}), Required: true}})))
	f.Add(`[{"name":"a","type":"struct<x:list<json>,\"y z\":decimal(38,10)>","nested":true},{"name":"A","type":"date"}]`)
	f.Add(`[{"name":"","type":"any"}]`)
	f.Add(`[{"name":"a","type":"` + strings.Repeat("list<", 100) + `int64"}]`)
	f.Add(`[{}]`)
	r := typed(f, Schema{Names: "as_is", New: "add"})
	f.Fuzz(func(t *testing.T, text string) {
		columns, err := readColumns([]byte(text))
		if err != nil {
			return
		}
		again, err := readColumns(writeColumns(columns))
		if err != nil || !slices.Equal(again, columns) {
			t.Fatalf("%q is %+v, then %+v, %v", text, columns, again, err)
		}
		s, err := r.config.schema(columns, 1)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		b := &record.Batch{Schema: s, Records: []record.Record{{Value: []byte(`{"a":[{"x":[1]}]}`)}}}
		if err := r.config.Codec.Decode(b); err != nil {
			t.Fatal(err)
		}
	})
}
