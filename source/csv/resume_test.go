package csv

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/penstock/penstock/source"
)

// A file that grew keeps the types it was first read with.
func TestTypesArePinned(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": "a,b\n1,x\n2,y\n3,z"})
	src := open(t, dir+"/*.csv", nil)
	inPages(src, 2)
	var first []byte
	for p, err := range src.Read(t.Context(), "f.csv", nil) {
		if err != nil || len(p.Records) != 2 {
			t.Fatalf("%d records, %v", len(p.Records), err)
		}
		first = p.Next
		break
	}
	if err := os.WriteFile(dir+"/f.csv", []byte("a,b\n1,x\n2,y\n3,z\nfour,x\n5,6\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := read(t.Context(), src, "f.csv", first)
	if r.err != nil || strings.Join(r.rows, ";") != `3|"z";5|"6"` || len(r.bad) != 1 ||
		!strings.HasSuffix(r.bad[0], `f.csv:5: column "a": "four" is no int64, which the column's cells were when the file was first read; declare another type in columns`) {
		t.Errorf("%q, %q, %v", r.rows, r.bad, r.err)
	}
	if again := read(t.Context(), src, "f.csv", r.next); again.pages != 0 || again.err != nil {
		t.Errorf("after the end: %+v", again)
	}
}

func TestReplacedFile(t *testing.T) {
	const text = "a,b\n1,2\n3,4\n5,6\n"
	dir := write(t, map[string]string{"f.csv": text})
	src := open(t, dir+"/*.csv", nil)
	inPages(src, 2)
	var after []byte
	for p := range src.Read(t.Context(), "f.csv", nil) {
		after = p.Next
		break
	}
	for now, want := range map[string]string{
		"a,b\n1,2\n":            "12 bytes had been read, now it has 8",
		"a,c\n1,2\n3,4\n5,6\n":  `its columns were ["a" "b"], now they are ["a" "c"]`,
		"a,b\n1,2\n3,5\n5,6\n":  "line 3, the last one read, is another now",
		"a,b\n11,22\n3,4\n5,6n": "line 3, the last one read, is another now",
	} {
		if err := os.WriteFile(dir+"/f.csv", []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		r := read(t.Context(), src, "f.csv", after)
		if r.err == nil || !strings.HasPrefix(r.err.Error(), "csv: f.csv: the file was replaced: ") || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%q: %v", now, r.err)
		}
	}
	for _, offset := range []string{"", "{", `{"v":2,"names":["a"],"types":["string"]}`, `{"v":1,"names":["a"],"types":["strong"]}`} {
		if r := read(t.Context(), src, "f.csv", []byte(offset)); r.err == nil || !strings.Contains(r.err.Error(), "the stored offset") {
			t.Errorf("offset %q: %v", offset, r.err)
		}
	}
}

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	for _, part := range []string{text[:len(text)/2], text[len(text)/2:]} { // two members, as of two files put together
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(part))
		if err := errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func zstded(t testing.TB, text string) string {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return string(z.EncodeAll([]byte(text), nil))
}

// A compressed file is read, and gone on with, as its text is, to the very offsets.
func TestCompressed(t *testing.T) {
	text := mixed(40_000)
	dir := write(t, map[string]string{"f.csv": text, "f.csv.gz": gzipped(t, text), "f.csv.zst": zstded(t, text)})
	set := func(c *Config) { c.Delimiter = ";" }
	want := offsets(t, open(t, dir+"/*", set), "f.csv", nil)
	if len(want) < 4 {
		t.Fatalf("%d pages", len(want))
	}
	for _, split := range []string{"f.csv.gz", "f.csv.zst"} {
		src := open(t, dir+"/*", set)
		if got := offsets(t, src, split, nil); !slices.Equal(got, want) {
			t.Errorf("%s: %d pages, not %d", split, len(got), len(want))
		}
		for i, after := range want {
			if got := offsets(t, src, split, source.Offset(after)); !slices.Equal(got, want[i+1:]) {
				t.Errorf("%s: %d pages after %d of %d", split, len(got), i+1, len(want))
			}
		}
	}
}

// offsets reads a split and gives the offset after every page.
func offsets(t *testing.T, src source.Source, split string, after source.Offset) (all []string) {
	t.Helper()
	for p, err := range src.Read(t.Context(), split, after) {
		if err != nil || len(p.Bad) > 0 {
			t.Fatal(split, err, p.Bad)
		}
		all = append(all, string(p.Next))
	}
	return all
}

func TestDamagedFiles(t *testing.T) {
	text := mixed(20_000)
	gz, zst := gzipped(t, text), zstded(t, text)
	dir := write(t, map[string]string{"plain.gz": text, "plain.zst": text, "cut.gz": gz[:len(gz)-9], "cut.zst": zst[:len(zst)-9], "void.gz": "", "void.zst": ""})
	src := open(t, dir+"/*", func(c *Config) { c.Delimiter = ";" })
	for split, want := range map[string]string{
		"plain.gz": "is it whole, and gzip as its name says?", "plain.zst": "is it whole, and zstd as its name says?",
		"cut.gz": "the file cannot be decompressed: unexpected EOF; is it whole", "cut.zst": "the file cannot be decompressed: unexpected EOF; is it whole",
		"void.gz": "the file is empty", "void.zst": "the file is empty",
	} {
		if r := read(t.Context(), src, split, nil); r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%s: %v", split, r.err)
		}
	}
	for split, was := range map[string]string{"new.gz": gz, "new.zst": zst} {
		now := map[string]func(testing.TB, string) string{"new.gz": gzipped, "new.zst": zstded}[split]
		dir := write(t, map[string]string{split: was})
		src := open(t, dir+"/*", func(c *Config) { c.Delimiter = ";" })
		after := offsets(t, src, split, nil)[0]
		for other, want := range map[string]string{
			text[:1000]: "bytes had been read, now it has 1000", strings.ReplaceAll(text, "true", "TRUE"): "the last one read, is another now",
			"x" + text[1:]: `its columns were ["i" "d" "s" "b"], now they are ["x" "d" "s" "b"]`,
		} {
			if err := os.WriteFile(dir+"/"+split, []byte(now(t, other)), 0o644); err != nil {
				t.Fatal(err)
			}
			if r := read(t.Context(), src, split, []byte(after)); r.err == nil || !strings.Contains(r.err.Error(), "the file was replaced: ") || !strings.Contains(r.err.Error(), want) {
				t.Errorf("%s: %v", split, r.err)
			}
		}
	}
}

// What the config says after a restart decides, where the file has been read in part.
func TestConfigChangedBetween(t *testing.T) {
	const text = "a,b\n1,2\n3,4\n5,6\n"
	dir := write(t, map[string]string{"f.csv": text})
	begin := func(set func(*Config)) source.Offset {
		src := open(t, dir+"/f.csv", set)
		inPages(src, 1)
		for p := range src.Read(t.Context(), "f.csv", nil) {
			return p.Next
		}
		return nil
	}
	bare := func(names ...string) func(*Config) {
		return func(c *Config) { c.Header, c.Columns = false, columns(t, names...) }
	}
	sample := func(c *Config) { c.Order = sampled }
	for _, tt := range []struct {
		name, rows, err string
		was, is         func(*Config)
	}{
		{"a type declared", `"3"|4;"5"|6`, "", nil, func(c *Config) { c.Columns = columns(t, "a", "string") }},
		{"other names", "", `columns: they were ["a" "b"] when the file was begun, now they are ["a" "c"]`, bare("a", "infer", "b", "infer"), bare("a", "infer", "c", "infer")},
		{"more passes", "3|4;5|6;1|2;3|4;5|6", "", nil, func(c *Config) { c.Repeat = 2 }},
		{"follow no more", "3|4;5|6", "", func(c *Config) { c.Follow = true }, nil},
		{"sample now", "", "the file was begun in another order than sample", nil, sample},
		{"sample no more", "", "the file was begun in another order than file", sample, nil},
	} {
		r := read(t.Context(), open(t, dir+"/f.csv", tt.is), "f.csv", begin(tt.was))
		if strings.Join(r.rows, ";") != tt.rows || (r.err == nil) != (tt.err == "") || r.err != nil && !strings.Contains(r.err.Error(), tt.err) {
			t.Errorf("%s: %q, %v", tt.name, r.rows, r.err)
		}
	}
	end := read(t.Context(), open(t, dir+"/f.csv", nil), "f.csv", nil).next
	if r := read(t.Context(), open(t, dir+"/f.csv", func(c *Config) { c.Repeat = 2 }), "f.csv", end); strings.Join(r.rows, ";") != "1|2;3|4;5|6" {
		t.Errorf("a second pass after the end: %q, %v", r.rows, r.err)
	}
}

func TestRepeatForever(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": "a\n1\n2\n3", "none.csv": "a\n\n"})
	src := open(t, dir+"/*.csv", func(c *Config) { c.Repeat = forever })
	inPages(src, 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows := ""
	for p, err := range src.Read(ctx, "f.csv", nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Records {
			rows += show(r.Row[0])
		}
		if len(rows) > 20 {
			break
		}
	}
	if !strings.HasPrefix(rows, "123123123123123") {
		t.Error(rows)
	}
	if r := read(ctx, src, "none.csv", nil); r.err == nil || !strings.Contains(r.err.Error(), "there are no rows to repeat") {
		t.Error(r.err)
	}
}
