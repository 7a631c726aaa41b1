package chaos

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// cells are what the column v has, one record after the other, which changes its type in the midst of a file; and what it is in a file where it
// is declared as double, as string and as json.
var cells = []struct{ value, double, text, any string }{
	{"1", "1.0", isDead, "1"},
	{"2.5", "2.5", isDead, "2.5"},
	{"null", "<nil>", "<nil>", "<nil>"},
	{`"three"`, isDead, "three", `"three"`},
	{`"4"`, isDead, "4", `"4"`},
	{"true", isDead, isDead, "true"},
	{`{"five":5}`, isDead, isDead, `{"five":5}`},
	{"[6]", isDead, isDead, "[6]"},
	{`""`, isDead, "", `""`},
	{"1e400", isDead, isDead, "1e400"},
	{"-0", "-0.0", isDead, "-0"},
	{"7", "7.0", isDead, "7"},
}

// typed is a connector of a column v, declared or not, into files of a format.
func typed(name, declared, format string) string {
	return fmt.Sprintf(`
  $topic-%s:
    topics: [$topic]
    schema: {columns: {%s}}
    sink: {s3: {bucket: $bucket, prefix: %s, path: all, format: %s, with: [offset]}}
    flush: {rows: 100, every: 300ms}
    errors: {on_bad_record: dead_letter, topic: $topic-%s-dead}
`, name, declared, name, format, name)
}

// TestTypesThatChange has the values of one column change from numbers to text to objects in the midst of a file. Each record is judged by
// itself, by what the column is: as declared, or as it was first seen to be; its neighbours are not touched. JSON passes through as it is.
func TestTypesThatChange(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	columns := map[string]func(i int) string{
		"double":   func(i int) string { return cells[i].double },
		"string":   func(i int) string { return cells[i].text },
		"any":      func(i int) string { return cells[i].any },
		"inferred": func(i int) string { return cells[i].double },
		"mixed":    func(i int) string { return cells[i].any },
	}
	b.file("connectors.yaml", typed("double", "v: double", "parquet")+typed("string", "v: string", "parquet")+typed("any", "v: json", "parquet")+
		typed("inferred", "id: double", "parquet")+typed("json", "id: double", "json"))
	b.file("mixed.yaml", typed("mixed", "id: double", "parquet"))
	var values [][]byte
	for i := range 20 { // of numbers alone: by these the column is inferred
		values = append(values, fmt.Appendf(nil, `{"id":%d,"v":%d}`, i, i))
	}
	b.produce(b.name, 0, values, "")
	b.drain()
	values = nil
	for i, c := range cells {
		values = append(values, fmt.Appendf(nil, `{"id":%d,"v":%s}`, 20+i, c.value))
	}
	b.produce(b.name, 0, values, "")
	b.drain()
	b.drain("mixed.yaml") // which sees all of them before it infers
	for sink, want := range columns {
		rows := b.placed(sink)
		dead := b.buriedAt(sink)
		for i, c := range cells {
			offset := int64(20 + i)
			got, there := rows[offset]
			verdict := isDead
			if there {
				verdict = fmt.Sprint(got["v"])
			}
			if verdict != want(i) || there == (dead[offset] != "") || !there && !strings.Contains(dead[offset], `column "v"`) {
				t.Errorf("%s: %s is %q, want %q; dead by %q", sink, c.value, verdict, want(i), dead[offset])
			}
		}
		if len(rows)+len(dead) != 20+len(cells) {
			t.Errorf("%s: %d rows and %d dead letters", sink, len(rows), len(dead))
		}
	}
	if rows, dead := b.placed("json"), b.buriedAt("json"); len(rows) != 20+len(cells) || len(dead) > 0 {
		t.Errorf("json: %d rows, dead letters %v", len(rows), dead)
	}
}

// buriedAt is why records are dead letters, by their offsets.
func (b *bed) buriedAt(sink string) map[int64]string {
	b.t.Helper()
	dead := map[int64]string{}
	b.read(b.name+"-"+sink+"-dead", func(r *kgo.Record) {
		said, _ := about(r)
		offset, err := strconv.ParseInt(said["offset"], 10, 64)
		if err != nil || dead[offset] != "" {
			b.t.Errorf("%s: dead letter of offset %q, %v", sink, said["offset"], err)
		}
		dead[offset] = said["exception.message"]
	})
	return dead
}
