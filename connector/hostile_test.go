package connector

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/formats/parquet"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// hostile is a record that somebody sends to do harm, or by mistake. What becomes of it is, after "bad: ", how the reason begins or
// what it holds; or else what is written.
type hostile struct {
	value   string
	key     string
	lines   string // as it stands; "" is the value itself
	path    string // v={v}/{key}; the folder
	parquet string // the cells that are not null, of columns which are inferred
}

const (
	notJSON   = "bad: is not one JSON value"
	isNowhere = "v=__HIVE_DEFAULT_PARTITION__/k"
	tooLong   = "bad: bytes long, above"
	huge      = 10 << 20
)

// wide is an object of n members, c0 to, each 1.
func wide(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `%c"c%d":1`, ",{"[min(1, max(0, 1-i))], i)
	}
	return b.String() + "}"
}

// deep is an array in arrays.
func deep(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

func hostiles() map[string]hostile {
	digits := strings.Repeat("9", 400)
	v := func(raw string) string { return `{"v":` + raw + `}` }
	return map[string]hostile{
		"10 MB":               {v(`"` + strings.Repeat("x", huge) + `"`), "k", "", tooLong, "v=" + strings.Repeat("x", huge)},
		"998 columns":         {wide(998), "k", "", isNowhere, "998 cells"}, // and two of its neighbours
		"1,001 columns":       {wide(1001), "k", "", isNowhere, "bad: its columns would bring the schema to more than 1000"},
		"10,000 columns":      {wide(10_000), "k", "", isNowhere, "bad: its columns would bring the schema to more than 1000"},
		"200 levels":          {v(deep(200)), "k", "", tooLong, "v=" + deep(200)},
		"499 levels within":   {v(deep(499)), "k", "", tooLong, "v=" + deep(499)},
		"500 levels within":   {v(deep(500)), "k", "bad: the value nests more than 500 levels deep", "bad: the value nests", "bad: the value nests"},
		"a million levels":    {strings.Repeat("[", 1_000_000), "k", "bad: the value nests", "bad: the value nests", "bad: the value nests"},
		"invalid UTF-8":       {v("\"\xff\""), "k", "bad: the value is not valid UTF-8", "bad: the value is not", "bad: the value is not"},
		"half of a letter":    {v("\"\xc3\""), "k", "bad: the value is not valid UTF-8", "bad: the value is not", "bad: the value is not"},
		"a surrogate in it":   {v("\"\xed\xa0\x80\""), "k", "bad: the value is not valid UTF-8", "bad: the value is not", "bad: the value is not"},
		"NUL":                 {v("\"\x00\""), "k", notJSON, notJSON, notJSON},
		"NUL, escaped":        {v(`"\u0000"`), "k", "", "v=%00/k", "v=\x00"},
		"NUL in a name":       {`{"\u0000":1}`, "k", "", isNowhere, "\x00=1"},
		"1e400":               {v(`1e400`), "k", "", "bad: column \"v\": 1e400 does not fit", "bad: column \"v\": 1e400 does not fit double"},
		"400 digits":          {v(digits), "k", "", `bad: column "v": 9999`, `bad: column "v": 9999`},
		"300 digits":          {v(digits[:300]), "k", "", tooLong, `bad: is an integer beyond 2^53, which a double does not hold exactly; declare the column under schema: columns: {v: double}`},
		"beyond 2^53":         {v(`9007199254740993`), "k", "", "v=9007199254740993/k", "bad: declare the column under schema: columns: {v: int64}"},
		"2^53":                {v(`9007199254740992`), "k", "", "v=9007199254740992/k", "v=9.007199254740992e+15"},
		"minus 0":             {v(`-0`), "k", "", "v=0/k", "v=-0"},
		"minus 0.0":           {v(`-0.0`), "k", "", "v=-0.0/k", "v=-0"},
		"underflow":           {v(`1e-400`), "k", "", "v=1e-400/k", "v=0"},
		"twice":               {`{"v":1,"v":2}`, "k", "", `bad: column "v" stands twice`, `bad: column "v" stands twice`},
		"twice, escaped":      {`{"v":1,"\u0076":2}`, "k", "", `bad: column "v" stands twice`, `bad: column "v" stands twice`},
		"twice, but for case": {`{"v":1,"V":2}`, "k", "", "v=1/k", `bad: column "V" differs from "v" in letter case alone`},
		"NaN":                 {v(`NaN`), "k", notJSON, notJSON, notJSON},
		"Infinity":            {v(`-Infinity`), "k", notJSON, notJSON, notJSON},
		"NaN as text":         {v(`"NaN"`), "k", "", "v=NaN/k", "v=NaN"},
		"nothing":             {"", "k", notJSON, notJSON, notJSON},
		"white space":         {" \t\r\n", "k", notJSON, notJSON, notJSON},
		"a tombstone":         {tombstone, "k", "bad: the value is null (a tombstone)", "bad: the value is null", "bad: the value is null"},
		"a BOM":               {"\xef\xbb\xbf{}", "k", notJSON, notJSON, notJSON},
		"two values":          {`{}{}`, "k", notJSON, notJSON, notJSON},
		"null":                {`null`, "k", "", "bad: null is not a JSON object", "bad: null is not a JSON object"},
		"a list":              {`[{"v":1}]`, "k", "", `bad: [{"v":1}] is not a JSON object`, `bad: [{"v":1}] is not a JSON object`},
		"empty":               {`{}`, "k", "", isNowhere, ""},
		"half a pair":         {v(`"\ud800"`), "k", "", "v=\ufffd/k", "v=\ufffd"},
		"half, then a pair":   {v(`"\ud800\ud83d\ude00"`), "k", "", "v=\ufffd\U0001f600/k", "v=\ufffd\U0001f600"},
		"line separators":     {v("\"\u2028\u2029\u0085\""), "k", "", "v=\u2028\u2029\u0085/k", "v=\u2028\u2029\u0085"},
		"lines":               {"{\r\n\"v\":\n\"a\\nb\"\r}\n", "k", `{"v":"a\nb"}`, "v=a%0Ab/k", "v=a\nb"},
		"no name":             {`{"":1}`, "k", "", isNowhere, `bad: column "": a column of a Parquet file needs a name`},
		"dots in names":       {`{"v.v":1,"v":{"v":2}}`, "k", "", `v=%7B%22v%22%3A2}/k`, `v.v=1 v={"v":2}`},
		"quotes in names":     {`{"\"\n":1,"v":"\""}`, "k", "", `v=%22/k`, "\"\n=1 v=\""},
		"no key":              {v(`1`), "", "", "v=1/__HIVE_DEFAULT_PARTITION__", "v=1"},
		"a key of bytes":      {v(`1`), "\x00\xff/..", "", "v=1/%00%FF%2F..", "v=1"},
		"out of the folder":   {v(`"../../../etc"`), "..", "", "v=..%2F..%2F..%2Fetc/%2E%2E", "v=../../../etc"},
		"out, escaped":        {v(`"%2e%2e%2f"`), "%2e%2e", "", "v=%252e%252e%252f/%252e%252e", "v=%2e%2e%2f"},
		"absolute":            {v(`"/etc/passwd"`), "/", "", "v=%2Fetc%2Fpasswd/%2F", "v=/etc/passwd"},
		"2,000 characters":    {v(`"` + strings.Repeat("é", 2000) + `"`), "k", "", tooLong, "v=" + strings.Repeat("é", 2000)},
		"no character":        {v(`"\uffff\ufffe"`), "k", "", "v=%EF%BF%BF%EF%BF%BE/k", "v=\uffff\ufffe"},
	}
}

// tombstone stands for a null value.
const tombstone = "(none)"

// TestHostileRecords: each is written as it should be, or is bad and named so, and its neighbours are written whatever it is.
func TestHostileRecords(t *testing.T) {
	lines, err := json.New(json.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	typed, err := parquet.New(parquet.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range hostiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written := strings.NewReplacer("\n", "", "\r", "").Replace(h.value)
			want := h.lines
			if want == "" {
				want = written
			}
			became(t, journey(t, lines, "all", h), want, func(s sink.File, dir string) string { return middle(t, dir, s) })
			became(t, journey(t, lines, "v={v}/{key}", h), h.path, func(s sink.File, _ string) string { return s.Path })
			became(t, journey(t, typed, "all", h), h.parquet, func(s sink.File, dir string) string { return cells(t, filepath.Join(dir, s.Name)) })
		})
	}
}

// outcome is what became of the record at offset 1.
type outcome struct {
	dir  string
	bad  string
	file sink.File
}

func became(t *testing.T, o outcome, want string, written func(sink.File, string) string) {
	t.Helper()
	reason, bad := strings.CutPrefix(want, "bad: ")
	switch {
	case bad && !strings.Contains(o.bad, reason) || !bad && o.bad != "":
		t.Errorf("bad %.300q, want %.300q", o.bad, want)
	case !bad:
		if got := written(o.file, o.dir); got != want {
			t.Errorf("%.300q, want %.300q", got, want)
		}
	}
}

// journey takes the record between two others from decoding to files.
func journey(t *testing.T, f formats.Format, path string, h hostile) outcome {
	t.Helper()
	o := outcome{dir: t.TempDir()}
	b := &record.Batch{Topic: "stock", Next: 3, Records: []record.Record{
		{Offset: 0, Value: []byte(`{"v":null,"first":true}`), Key: []byte("first")},
		{Offset: 1, Value: []byte(h.value), Key: []byte(h.key)},
		{Offset: 2, Value: []byte(`{"v":null,"last":true}`), Key: []byte("last")},
	}}
	if h.value == tombstone {
		b.Records[1].Value = nil
	}
	if h.key == "" {
		b.Records[1].Key = nil
	}
	task := taking(t, o.dir, f, path, b)
	w, err := task.in.config.Sink.Open(t.Context(), sink.Claim{Connector: "c", Layout: "l", Topic: "stock", TopicID: "i"})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for i := range b.Records {
		one := *b
		one.Records, one.Bad = b.Records[i:i+1], nil
		at := slices.IndexFunc(b.Bad, func(bad record.Bad) bool { return bad.Index == i })
		if at >= 0 {
			err = b.Bad[at].Err
		} else if err = w.Write(t.Context(), &one); err == nil {
			rows++
			continue
		}
		if bad := (*record.Bad)(nil); at < 0 && !errors.As(err, &bad) || i != 1 {
			t.Fatalf("record %d: %v", i, err)
		}
		o.bad = err.Error()
	}
	o.file = flushed(t, w, rows)
	return o
}

// taking has decoded a batch, under the columns that its records need.
func taking(t *testing.T, dir string, f formats.Format, path string, b *record.Batch) *task {
	s := Schema{Names: "as_is", New: "add"}
	var inferred []record.Column
	for range b.Records {
		task := &task{in: into(t, dir, f, path, s, inferred...)}
		if _, err := task.decode(b); err != nil {
			t.Fatal(err)
		}
		if len(task.wanted) == 0 {
			return task
		}
		inferred = append(inferred, task.wanted...)
	}
	t.Fatal("the columns were not enough")
	return nil
}

// flushed makes the files, and gives the one of the row at offset 1, or any.
func flushed(t *testing.T, w sink.Writer, rows int) sink.File {
	f, err := w.Cut(3)
	if err != nil {
		t.Fatal(err)
	}
	made, err := f.Commit(t.Context())
	if err != nil {
		t.Fatalf("the interval cannot be made: %v", err)
	}
	all := 0
	at := 0
	for i, f := range made {
		if all += int(f.Rows); f.First == 1 {
			at = i
		}
	}
	if all != rows {
		t.Fatalf("%d rows in %d files, want %d", all, len(made), rows)
	}
	return made[at]
}

// middle is the second of a file's lines.
func middle(t *testing.T, dir string, f sink.File) string {
	text, err := os.ReadFile(filepath.Join(dir, f.Name))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[0] != `{"v":null,"first":true}` || lines[2] != `{"v":null,"last":true}` {
		t.Fatalf("%.300q", text)
	}
	return lines[1]
}

// cells is what the second row of a Parquet file holds: its cells that are not null, or how many where there are many.
func cells(t *testing.T, name string) string {
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := pq.OpenFile(file, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]pq.Row, 3)
	r := f.RowGroups()[0].Rows()
	defer r.Close()
	if n, _ := r.ReadRows(rows); n != 3 {
		t.Fatalf("%d rows", n)
	}
	var all []string
	for _, v := range rows[1] {
		if v.IsNull() {
			continue
		}
		text := v.String()
		if v.Kind() == pq.Double {
			text = strconv.FormatFloat(v.Double(), 'g', -1, 64)
		}
		all = append(all, f.Schema().Columns()[v.Column()][0]+"="+text)
	}
	if len(all) > 10 {
		return fmt.Sprint(len(all), " cells")
	}
	return strings.Join(all, " ")
}
