package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What becomes of a record.
const (
	inFile = "in a file"
	isDead = "a dead letter"
	isGone = "left out"
)

// strange is a record, and what becomes of it as JSON, where values pass through, and as Parquet, where every column counts.
type strange struct {
	name          string
	key, value    []byte
	json, parquet string
	says          string // the dead letters, somewhere
}

// object1 is an object that has the column p, and what follows.
func object1(more string) []byte { return []byte(`{"p":"a"` + more + `}`) }

func manyColumns(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"c%d":%d`, i, i)
	}
	return text.String()
}

func levels(n int) string {
	return `,"deep":` + strings.Repeat("[", n) + strings.Repeat("]", n)
}

var (
	megabytes = strings.Repeat("0123456789", 1_000_000)
	k         = []byte("k")
)

var strangers = []strange{
	{"10 MB", k, object1(`,"s":"` + megabytes + `"`), inFile, inFile, ""},
	{"10 MB that do not end", k, []byte(`{"p":"a","s":"` + megabytes), isDead, isDead, ""},
	{"10 MB as a path", k, []byte(`{"p":"` + megabytes + `"}`), isDead, isDead, "use shorter values"},
	{"10,000 columns", k, object1(manyColumns(10_000)), inFile, isDead, "more than 1000"},
	{"200 levels", k, object1(levels(200)), inFile, inFile, ""},
	{"20,000 levels", k, object1(levels(20_000)), isDead, isDead, ""},
	{"not UTF-8 in a string", k, object1(",\"s\":\"\xff\xfe\""), isDead, isDead, ""},
	{"not UTF-8 in a name", k, object1(",\"\xff\":1"), isDead, isDead, ""},
	{"a surrogate alone", k, object1(`,"s":"\ud800"`), inFile, inFile, ""},
	{"bytes", k, []byte("\xff\x00\x01"), isDead, isDead, ""},
	{"NUL", k, object1(",\"s\":\"\x00\""), isDead, isDead, ""},
	{"NUL, escaped", k, object1(`,"s":"\u0000"`), inFile, inFile, ""},
	{"tombstone", k, nil, isDead, isDead, ""},
	{"tombstone without a key", nil, nil, isDead, isDead, ""},
	{"empty", k, []byte{}, isDead, isDead, ""},
	{"blank", k, []byte("  \n"), isDead, isDead, ""},
	{"no key", nil, object1(""), inFile, inFile, ""},
	{"a key that is no text", []byte("\xff\x00"), object1(""), inFile, inFile, ""},
	{"a list", k, []byte(`[{"p":"a"}]`), isDead, isDead, ""},
	{"two objects", k, []byte(`{"p":"a"}{"p":"a"}`), isDead, isDead, ""},
	{"a huge number", k, object1(`,"n":1e999`), inFile, isDead, ""},
	{"a long number", k, object1(`,"n":` + strings.Repeat("9", 400)), inFile, isDead, ""},
	{"an integer that a double cannot hold", k, object1(`,"i":9007199254740993`), inFile, isDead, "i: int64"},
	{"NaN", k, object1(`,"n":NaN`), isDead, isDead, ""},
	{"a name twice", k, object1(`,"n":1,"n":2`), inFile, isDead, "twice"},
	{"the path's name twice", k, object1(`,"p":"b"`), isDead, isDead, "twice"},
	{"names that differ in case", k, object1(`,"N":1,"n":2`), inFile, isDead, "letter case"},
	{"of many lines", k, []byte("{\n \"p\": \"a\",\n \"s\": \"x\\ny\"\n}\n"), inFile, inFile, ""},
}

const endured = `
  $topic-json:
    topics: [$topic]
    sink: {s3: {bucket: $bucket, prefix: json, path: "{p}", format: json, with: [offset]}}
    flush: {rows: 20, every: 200ms}
    errors: {on_bad_record: dead_letter, topic: $topic-json-dead}
  $topic-parquet:
    topics: [$topic]
    schema: {columns: {p: string, n: double, s: string}}
    sink: {s3: {bucket: $bucket, prefix: parquet, path: "{p}", format: parquet, with: [offset]}}
    flush: {rows: 20, every: 200ms}
    errors: {on_bad_record: dead_letter, topic: $topic-parquet-dead}
memory: 64MiB
`

// TestStrangeRecords has records come, between good ones, that hurt: too large, too wide, too deep, or no JSON. Each meets the end that it
// should, alone, with little memory.
func TestStrangeRecords(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.makeWith(b.name, map[string]string{"max.message.bytes": "12000000"})
	b.file("connectors.yaml", endured)
	values := b.strangers()
	b.drain()
	for _, sink := range []string{"json", "parquet"} {
		placed := map[int64]string{}
		for offset, row := range b.placed(sink) {
			placed[offset] = inFile
			if sink == "json" && values[offset] != nil {
				wantSame(t, offset, values[offset], row)
			}
		}
		letters := map[int64]*kgo.Record{}
		b.read(b.name+"-"+sink+"-dead", func(r *kgo.Record) {
			said, _ := about(r)
			offset, err := strconv.ParseInt(said["offset"], 10, 64)
			if err != nil || letters[offset] != nil {
				t.Errorf("%s: dead letter of offset %q, %v", sink, said["offset"], err)
			}
			letters[offset] = r
			placed[offset] += isDead
		})
		for i, s := range strangers {
			offset := int64(2*i + 1)
			want := map[string]string{"json": s.json, "parquet": s.parquet}[sink]
			if want == "" {
				want = isGone
			}
			if got := placed[offset]; got != want {
				why := ""
				if l := letters[offset]; l != nil {
					said, _ := about(l)
					why = said["exception.message"]
				}
				t.Errorf("%s: %s is %s, want %s: %s", sink, s.name, got, want, why)
			}
			if l := letters[offset]; l != nil {
				b.wantLetter(s, l)
			}
			if got := placed[offset-1]; got != inFile {
				t.Errorf("%s: what comes before %s is %s", sink, s.name, got)
			}
			delete(placed, offset)
			delete(placed, offset-1)
		}
		if len(placed) != 1 {
			t.Errorf("%s: %d records more stand somewhere", sink, len(placed)-1)
		}
	}
}

// strangers produces them, each behind a good row, and a good one at the end. It gives the values by offset.
func (b *bed) strangers() map[int64][]byte {
	b.t.Helper()
	cl := b.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(12_000_000))
	defer cl.Close()
	values := map[int64][]byte{}
	send := func(key, value []byte) {
		r := &kgo.Record{Topic: b.name, Key: key, Value: value}
		if err := cl.ProduceSync(b.t.Context(), r).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
		values[r.Offset] = value
	}
	for _, s := range strangers {
		send(k, object1(`,"n":1,"i":1,"s":"good"`))
		send(s.key, s.value)
	}
	send(k, object1(`,"n":1,"i":1,"s":"good"`))
	return values
}

// placed reads the rows of a sink's files by the offset that they say.
func (b *bed) placed(sink string) map[int64]map[string]any {
	b.t.Helper()
	rows := map[int64]map[string]any{}
	add := func(o object, row map[string]any) {
		offset, err := strconv.ParseInt(fmt.Sprint(row["offset"]), 10, 64)
		if err != nil || rows[offset] != nil || offset < o.from || offset >= o.until {
			b.t.Errorf("%v has a row of offset %v", o, row["offset"])
		}
		rows[offset] = row
	}
	if sink != "json" {
		for _, o := range b.tablesBelow(sink) {
			for _, row := range o.read {
				add(o, row)
			}
		}
		return rows
	}
	for _, o := range b.objects(sink) {
		for line := range bytes.Lines(o.body) {
			add(o, decoded(b.t, line))
		}
	}
	return rows
}

func decoded(t testing.TB, text []byte) (out map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Errorf("%.80q: %v", text, err)
	}
	return out
}

// wantSame wants a row to be what its record's value was.
func wantSame(t *testing.T, offset int64, value []byte, row map[string]any) {
	t.Helper()
	delete(row, "offset")
	if want := decoded(t, value); !reflect.DeepEqual(row, want) {
		t.Errorf("offset %d: %.80s is not %.80s", offset, fmt.Sprint(row), fmt.Sprint(want))
	}
}

// wantLetter wants a dead letter to be as the record came, or as much of it as its topic takes.
func (b *bed) wantLetter(s strange, l *kgo.Record) {
	b.t.Helper()
	said, own := about(l)
	if !strings.Contains(said["exception.message"], s.says) {
		b.t.Errorf("%s: its dead letter says %q", s.name, said["exception.message"])
	}
	if len(said["exception.message"]) > 1000 {
		b.t.Errorf("%s: its dead letter says %d bytes, %.200q", s.name, len(said["exception.message"]), said["exception.message"])
	}
	if !bytes.Equal(l.Key, s.key) || (l.Key == nil) != (s.key == nil) {
		b.t.Errorf("%s: the key is %q", s.name, l.Key)
	}
	if len(own) == 0 && bytes.Equal(l.Value, s.value) && (l.Value == nil) == (s.value == nil) {
		return
	}
	want := fmt.Sprint("penstock.truncated.from=", len(s.value))
	if len(s.value) < 1<<20 || len(own) != 1 || own[0] != want || !bytes.HasPrefix(s.value, l.Value) || len(l.Value) < 100<<10 {
		b.t.Errorf("%s: the dead letter holds %d of %d bytes, with %q", s.name, len(l.Value), len(s.value), own)
	}
}
