package sink_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
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
		{"of an interval that made other objects, after another one", ours(func(m *sink.Mark) { m.Bytes, m.CRC32C, m.Files, m.Total, m.Before = 9, 8, 7, 60, 5 }).Texts(), ""},
		{"cut elsewhere", ours(func(m *sink.Mark) { m.Until = 15 }).Texts(), conflict(15)},
		{"another layout", ours(func(m *sink.Mark) { m.Layout = "c" }).Texts(), conflict(20)},
		{"another schema", ours(func(m *sink.Mark) { m.Schema = 4 }).Texts(), conflict(20)},
		{"begins behind no rows", ours(func(m *sink.Mark) { m.From = 12 }).Texts(), conflict(12)},
		{"begins before", ours(func(m *sink.Mark) { m.From = 9 }).Texts(), foreign("it is of an interval that begins at offset 9, not 10")},
		{"begins behind our first row", ours(func(m *sink.Mark) { m.From, m.First = 13, 13 }).Texts(), foreign("it is of an interval that begins at offset 13, not 10")},
		{"another connector", ours(func(m *sink.Mark) { m.Connector = "x" }).Texts(), foreign(`it is of connector "x", not "stock lake é"`)},
		{"another topic of the name", ours(func(m *sink.Mark) { m.TopicID = "id-2" }).Texts(), foreign(`it is of the topic with the id "id-2", not "id-1"`)},
		{"another partition", ours(func(m *sink.Mark) { m.Partition = 5 }).Texts(), foreign(`it is of partition "5", not "4"`)},
		{"nothing of penstock", map[string]string{"author": "me"}, foreign("it carries no metadata of penstock")},
		{"damaged", func() map[string]string { m := ours().Texts(); delete(m, sink.MarkPrefix+"until"); return m }(), foreign("its metadata is damaged")},
		{"ends before its first row", ours(func(m *sink.Mark) { m.Until = 12 }).Texts(), foreign("its metadata is damaged")},
		{"begins behind its first row", ours(func(m *sink.Mark) { m.From, m.First = 12, 11 }).Texts(), foreign("its metadata is damaged")},
		{"has no rows", ours(func(m *sink.Mark) { m.Rows = 0 }).Texts(), foreign("its metadata is damaged")},
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
	all := ours(func(m *sink.Mark) { m.Bytes, m.CRC32C, m.Files, m.Total, m.Before = 1<<40, 0xfedcba98, 3, 24, 10 })
	texts := all.Texts()
	text := func(key string) string { return texts[key] }
	is, why := ours().Read(text)
	if why != "" || !reflect.DeepEqual(is, all) {
		t.Errorf("%+v, %s", is, why)
	}
	if is, why = sink.ReadMark(text); why != "" || !reflect.DeepEqual(is, all) {
		t.Errorf("without a claim: %+v, %s", is, why)
	}
	if is, why = sink.ReadMark(func(string) string { return "" }); why == "" {
		t.Errorf("of nothing: %+v", is)
	}
	if n := len(ours().Texts()); n != 10 {
		t.Errorf("%d texts of a mark that knows no more", n)
	}
	for text := range maps.Values(texts) {
		for _, c := range text {
			if c <= ' ' || c > '~' {
				t.Errorf("%q is not for a header", text)
			}
		}
	}
}

// FuzzMark: a mark comes back from its texts, which any header can hold; and whatever texts stand beside an object, they are refused
// or make a mark that an interval can be adopted from.
func FuzzMark(f *testing.F) {
	f.Add("stock lake é", "t-1", "stock", "a b", int32(4), int64(10), int64(20), int64(12), int64(8), 3, "until", "15")
	f.Add("\x00\n%", "", "..", "\xff", int32(-1), int64(-10), int64(-20), int64(0), int64(0), -1, "from", "9223372036854775808")
	f.Add("c", "i", "t", "l", int32(0), int64(0), int64(1<<62), int64(0), int64(1), 0, "first", "+7")
	f.Fuzz(func(t *testing.T, connector, id, topic, layout string, partition int32, from, until, first, rows int64, schema int, key, text string) {
		m := sink.Mark{First: first, Rows: rows, Schema: schema, Claim: sink.Claim{
			Connector: connector, Layout: layout, Topic: topic, TopicID: id, Partition: partition, From: from, Until: until,
		}}
		texts := m.Texts()
		for _, said := range texts {
			if strings.ContainsFunc(said, func(c rune) bool { return c <= ' ' || c > '~' }) {
				t.Fatalf("%q is not for a header", said)
			}
		}
		sound := connector != "" && 0 <= from && from <= first && first < until && rows > 0 && schema >= 0
		read := func() (sink.Mark, string) { return m.Read(func(key string) string { return texts[key] }) }
		if is, why := read(); (why == "") != sound || sound && is != m {
			t.Fatalf("%+v comes back as %+v, %q", m, is, why)
		}
		texts[sink.MarkPrefix+key] = text
		is, why := read()
		if _, err := m.Judge("x", func(key string) string { return texts[key] }); err == nil && why != "" {
			t.Fatalf("%v is ours, and %s", texts, why)
		}
		if why != "" {
			return
		}
		if texts = is.Texts(); is.From < 0 || is.First < is.From || is.Until <= is.First || is.Rows < 1 || is.Schema < 0 {
			t.Fatalf("%+v is taken for sound", is)
		}
		if again, why := read(); again != is {
			t.Fatalf("%+v comes back as %+v, %s", is, again, why)
		}
	})
}
