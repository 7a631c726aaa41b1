package sink_test

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/penstock/penstock/sink"
)

// ours is the mark of the interval from 10 to 20, whose first row is 12.
func ours(changes ...func(m *sink.Mark)) sink.Mark {
	m := sink.Mark{First: 12, Rows: 8, Schema: 3, Claim: sink.Claim{
		Connector: "stock lake é", Topic: "stock", TopicID: "id-1", Partition: 4, From: 10, Until: 20, Layout: "a b",
	}}
	for _, change := range changes {
		change(&m)
	}
	return m
}

func TestJudge(t *testing.T) {
	const name = "stock+4+00000000000000000012"
	foreign := func(why string) string { return fmt.Sprint(&sink.Foreign{Name: name, Why: why}) }
	conflict := func(end int64) string { return fmt.Sprint(&sink.Conflict{Name: name, End: end}) }
	for _, c := range []struct {
		what   string
		stands map[string]string
		want   string
	}{
		{"our own", ours().Texts(), ""},
		{"rows are fewer, since the topic is compacted", ours(func(m *sink.Mark) { m.First, m.Rows = 11, 9 }).Texts(), ""},
		{"cut elsewhere", ours(func(m *sink.Mark) { m.Until = 15 }).Texts(), conflict(15)},
		{"another layout", ours(func(m *sink.Mark) { m.Layout = "c" }).Texts(), conflict(20)},
		{"another schema", ours(func(m *sink.Mark) { m.Schema = 4 }).Texts(), conflict(20)},
		{"begins behind no rows", ours(func(m *sink.Mark) { m.From = 12 }).Texts(), conflict(12)},
		{"begins before", ours(func(m *sink.Mark) { m.From = 9 }).Texts(), foreign("it is of an interval that begins at offset 9, not 10")},
		{"begins behind our first row", ours(func(m *sink.Mark) { m.From = 13 }).Texts(), foreign("it is of an interval that begins at offset 13, not 10")},
		{"another connector", ours(func(m *sink.Mark) { m.Connector = "x" }).Texts(), foreign(`it is of connector "x", not "stock lake é"`)},
		{"another topic of the name", ours(func(m *sink.Mark) { m.TopicID = "id-2" }).Texts(), foreign(`it is of the topic with the id "id-2", not "id-1"`)},
		{"another partition", ours(func(m *sink.Mark) { m.Partition = 5 }).Texts(), foreign(`it is of partition "5", not "4"`)},
		{"nothing of penstock", map[string]string{"author": "me"}, foreign("it carries no metadata of penstock")},
		{"damaged", func() map[string]string { m := ours().Texts(); delete(m, sink.MarkPrefix+"until"); return m }(), foreign("its metadata is damaged")},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := ours().Judge(ours().Name(), func(key string) string { return c.stands[key] })
			if got := fmt.Sprint(err); got != c.want && (c.want != "" || err != nil) {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// What Texts says Read understands, and it goes into a header.
func TestMarkComesBack(t *testing.T) {
	texts := ours().Texts()
	is, why := ours().Read(func(key string) string { return texts[key] })
	if why != "" || !reflect.DeepEqual(is, ours()) {
		t.Errorf("%+v, %s", is, why)
	}
	for text := range maps.Values(texts) {
		for _, c := range text {
			if c <= ' ' || c > '~' {
				t.Errorf("%q is not for a header", text)
			}
		}
	}
}
