package chaos

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// wild are values that somebody might use to get out of the folder that they should name, or that some store or file system takes for
// something else.
var wild = []string{
	"plain", "..", ".", "...", "../", "../..", "../../../etc/passwd", "/", "//", "/etc/passwd", "a/b", "a/../../b", `..\..\x`, `C:\x`, `\\host\x`,
	"%2e%2e", "%2E%2E%2F", "%", "%25", "%zz", "%2F..", "a%2Fb", "..%2F", "%00", "", " ", "  ", " a", "a ", "a.", "a..", ".a", "_a", "__a", "~", "-", "-rf",
	"con", "nul", "a:b", "a*b", "a?b", "a|b", `a"b`, "a<b>", "a\tb", "a\nb", "\r\n", "\x00", "a\x00b", "\x1b[31m", "\x7f", "a;b", "a&b=c", "a=b", "a#b", "a+b", "A", "a",
	"é", "e\u0301", "ß", "日本", "🦊", "\u202e", "\ufeff", "\u00a0", "\u2028", "\ufffe", "\uffff", "\ufffd", "__HIVE_DEFAULT_PARTITION__", "null", "{p}", "{{", "${HOME}", "$(id)", "`id`",
	strings.Repeat("x", 200), strings.Repeat("x", 201), strings.Repeat("日", 60), strings.Repeat("/", 60), strings.Repeat("../", 60),
	strings.Repeat("y", 2000), strings.Repeat("/", 800), strings.Repeat("日", 700),
}

const wilder = `
  $topic-s3:
    topics: [$topic]
    sink: {s3: {bucket: $bucket, prefix: below/this, path: "c={p}/{key}/{header.h}", format: json, with: [offset]}}
    flush: {rows: 500, every: 300ms}
    errors: {on_bad_record: dead_letter, topic: $topic-s3-dead}
  $topic-local:
    topics: [$topic]
    sink: {local: {dir: "$dir/below/this", path: "c={p}/{key}/{header.h}", format: json, with: [offset]}}
    flush: {rows: 500, every: 300ms}
    errors: {on_bad_record: dead_letter, topic: $topic-local-dead}
`

// TestWildPaths has each value as a column, as a key and as a header of a path, beside a plain one. All stay below the prefix, within the
// lengths that stores take, and different values are in different folders; what is too long is a dead letter.
func TestWildPaths(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", wilder)
	var records []*kgo.Record
	for _, w := range wild {
		column, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			v := [3]string{"plain", "plain", "plain"}
			v[i] = w
			value := `{"p":"plain"}`
			if i == 0 {
				value = fmt.Sprintf(`{"p":%s}`, column)
			}
			records = append(records, &kgo.Record{Topic: b.name, Key: []byte(v[1]), Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte(v[2])}}})
		}
	}
	if err := b.cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	b.drain()

	local := map[string][]byte{}
	root := filepath.Join(b.dir, "below", "this")
	err := filepath.WalkDir(filepath.Join(b.dir, "below"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err == nil && !filepath.IsLocal(name) {
			t.Errorf("%q lies outside", path)
		}
		if err == nil {
			local[filepath.ToSlash(name)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s3 := map[string][]byte{}
	for _, o := range b.objects("") {
		name, below := strings.CutPrefix(o.key, "below/this/")
		if !below || len(o.key) > 1024 {
			t.Errorf("the key %q has %d bytes", o.key, len(o.key))
		}
		s3[name] = o.body
	}
	b.wantWild("local", local)
	b.wantWild("s3", s3)
}

// wantWild wants each record in a folder of its value's own, or in the dead letters if a name would be longer than a segment may be.
func (b *bed) wantWild(sink string, files map[string][]byte) {
	b.t.Helper()
	const segment = 255
	folders := map[int64]string{}
	for name, body := range files {
		parts := strings.Split(name, "/")
		for _, part := range parts {
			if part == "" || part == "." || part == ".." || len(part) > segment || !utf8.ValidString(part) || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
				b.t.Errorf("%s: %q has the part %q", sink, name, part)
			}
		}
		if len(parts) != 4 {
			b.t.Errorf("%s: %q lies %d folders deep", sink, name, len(parts)-1)
		}
		for line := range strings.Lines(string(body)) {
			var row struct{ Offset *int64 }
			if err := json.Unmarshal([]byte(line), &row); err != nil || row.Offset == nil || folders[*row.Offset] != "" {
				b.t.Fatalf("%s: %q: %q, %v", sink, name, line, err)
			}
			folders[*row.Offset] = strings.Join(parts[:3], "/")
		}
	}
	dead := b.buriedAt(sink)
	seen := map[string]string{}
	for i, w := range wild {
		for place := range 3 {
			offset := int64(3*i + place)
			folder, why := folders[offset], dead[offset]
			if (folder == "") == (why == "") {
				b.t.Errorf("%s: %.40q is in folder %.60q, and dead by %q", sink, w, folder, why)
			}
			if why != "" {
				if len(w) < segment/4 || !strings.Contains(why, "bytes long, above") || !strings.Contains(why, "use shorter values") || len(why) > 300 {
					b.t.Errorf("%s: %.40q is dead by %.400q", sink, w, why)
				}
				continue
			}
			// What is null says so, and so does what is empty; that alone may be one folder.
			of := fmt.Sprint(place, " ", folder)
			if other, twice := seen[of]; twice && !slices.Equal([]string{other, w}, []string{"", "__HIVE_DEFAULT_PARTITION__"}) {
				b.t.Errorf("%s: %.40q and %.40q are both in %.60q", sink, other, w, folder)
			}
			seen[of] = w
		}
	}
	if len(folders)+len(dead) != 3*len(wild) {
		b.t.Errorf("%s: %d records, of %d", sink, len(folders)+len(dead), 3*len(wild))
	}
}

const longer = `
  $topic-s3:
    topics: [$topic]
    sink: {s3: {bucket: $bucket, prefix: below/this, path: "{a}/{b}/{c}/{d}/{e}", format: json, with: [offset]}}
    errors: {on_bad_record: dead_letter, topic: $topic-s3-dead}
  $topic-local:
    topics: [$topic]
    sink: {local: {dir: "$dir/below/this", path: "{a}/{b}/{c}/{d}/{e}", format: json, with: [offset]}}
    errors: {on_bad_record: dead_letter, topic: $topic-local-dead}
`

// TestLongKeys has five columns in a path, each within what may stand between two slashes: keys of all lengths up to the 1,024 bytes
// that S3 takes stand, also on a server, and what would be longer is a dead letter. A file system takes them all.
func TestLongKeys(t *testing.T) {
	t.Parallel()
	const most = 1024
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", longer)
	rest := len("below/this/") + 5*len("/") + len(b.name+"+0+.json") + 20
	column := func(n int) string { return strings.Repeat("x", n) }
	var lengths []int // of the keys
	var values [][]byte
	for _, last := range []int{1, most - 1 - rest - 4*200, most - rest - 4*200, most + 1 - rest - 4*200, 240} {
		first := 200
		if last == 240 {
			first = 240
		}
		lengths = append(lengths, rest+4*first+last)
		values = append(values, fmt.Appendf(nil, `{"a":%q,"b":%q,"c":%q,"d":%q,"e":%q}`, column(first), column(first), column(first), column(first), column(last)))
	}
	b.produce(b.name, 0, values, "")
	b.drain()

	stand, dead := map[int]bool{}, b.buriedAt("s3")
	for _, o := range b.objects("") {
		stand[len(o.key)] = true
	}
	for i, n := range lengths {
		if why := dead[int64(i)]; stand[n] != (n <= most) || (why == "") != stand[n] || why != "" && !strings.Contains(why, "bytes long, above 1024") {
			t.Errorf("a key of %d bytes stands: %v; dead by %.300q", n, stand[n], why)
		}
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(b.dir, "below"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	})
	if dead := b.buriedAt("local"); err != nil || files != len(lengths) || len(dead) > 0 {
		t.Errorf("%d files, %v, and %v are dead", files, err, dead)
	}
}
