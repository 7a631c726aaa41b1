package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
)

// tally is what became of the rows that a test has sent. It is taken from what stands in topic and bucket alone.
type tally struct {
	lost, doubled int
	changed       int      // rows that stand otherwise than on the topic, or where they do not belong
	why           []string // what is wrong, in words
}

func (c *tally) wrong(count *int, format string, args ...any) {
	*count++
	c.why = append(c.why, fmt.Sprintf(format, args...))
}

// places is where each row stands on the topic, or stood when it was kept.
func (b *bed) places() map[int]row {
	b.t.Helper()
	at := map[int]row{}
	for _, r := range b.rows(b.name) {
		for _, id := range (object{body: r.value}).ids(b.t) {
			at[id] = r
		}
	}
	maps.Copy(at, b.kept)
	return at
}

// keep remembers where rows stand now: the topic is about to lose some.
func (b *bed) keep() {
	b.t.Helper()
	b.kept = b.places()
}

// tally counts what is wrong with objects that should hold every row exactly once, as it stands on the topic, in the file and
// interval of its offset.
func (b *bed) tally(objects []object) (c tally) {
	b.t.Helper()
	where := b.places()
	seen := map[int]string{}
	for _, o := range objects {
		rows := o.table()
		for i, id := range ids(b.t, o.key, rows) {
			if before, twice := seen[id]; twice {
				c.wrong(&c.doubled, "row %d stands in %s and in %v", id, before, o)
			}
			seen[id] = o.String()
			at, sent := where[id]
			switch {
			case !sent:
				c.wrong(&c.changed, "row %d of %v was never sent", id, o)
			case at.partition != o.partition() || at.offset < o.from || at.offset >= o.until || i == 0 && at.offset != o.first():
				c.wrong(&c.changed, "row %d of %v is at offset %d of partition %d", id, o, at.offset, at.partition)
			case !same(rows[i], at.value):
				c.wrong(&c.changed, "row %d of %v is not what is at offset %d: %s", id, o, at.offset, at.value)
			}
		}
	}
	for id := range b.sent {
		if seen[id] == "" {
			c.wrong(&c.lost, "row %d, at offset %d, stands in no object", id, where[id].offset)
		}
	}
	if len(where) != b.sent {
		c.wrong(&c.changed, "%d rows are on the topic, want %d", len(where), b.sent)
	}
	return c
}

// wantAll wants every row that was sent in exactly one object, at the offset where it stands on the topic, and within the
// object's interval.
func (b *bed) wantAll() {
	b.t.Helper()
	b.wantRows(b.objects(""))
}

// wantRows wants it of these objects.
func (b *bed) wantRows(objects []object) {
	b.t.Helper()
	for _, why := range b.tally(objects).why {
		b.t.Error(why)
	}
}

// same tells whether a row says what a record does. It may leave members out, such as its path's.
func same(row map[string]any, value []byte) bool {
	var want map[string]any
	if json.Unmarshal(value, &want) != nil {
		return false
	}
	for name, got := range row {
		if number, is := got.(json.Number); is {
			got, _ = number.Float64()
		}
		_, text := want[name].(string)
		if packed, is := got.(string); is && !text { // a column of type json
			_ = json.Unmarshal([]byte(packed), &got)
		}
		if fmt.Sprint(got) != fmt.Sprint(want[name]) {
			return false
		}
	}
	return true
}

func TestSame(t *testing.T) {
	const value = `{"id":7,"p":"a","x":{"y":[1]},"z":null,"n":1.50}`
	for _, tt := range []struct {
		row  map[string]any
		want bool
	}{
		{map[string]any{"id": 7.0, "p": "a"}, true},
		{map[string]any{"id": json.Number("7.0"), "n": json.Number("1.5"), "z": nil, "late": nil}, true},
		{map[string]any{"x": `{"y": [1]}`}, true},
		{map[string]any{"x": map[string]any{"y": []any{1.0}}}, true},
		{map[string]any{"id": 7.0, "p": "b"}, false},
		{map[string]any{"id": 7.0, "p": nil}, false},
		{map[string]any{"id": 7.0, "late": true}, false},
		{map[string]any{"x": `{"y": [2]}`}, false},
		{map[string]any{"n": json.Number("1.51")}, false},
	} {
		if got := same(tt.row, []byte(value)); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.row, got, tt.want)
		}
	}
	if same(nil, []byte("no record")) {
		t.Error("anything is the same as what is no JSON")
	}
}
