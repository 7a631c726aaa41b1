package json

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/formattest"
	"github.com/penstock/penstock/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newFormat(t testing.TB, compression string) formats.Format {
	f, err := New(Config{Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// unpack is what a reader of a file with that ending would see.
func unpack(ext string, file []byte) ([]byte, error) {
	switch ext {
	case ".json.gz":
		r, err := gzip.NewReader(bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case ".json.zst":
		d, err := zstd.NewReader(nil)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return d.DecodeAll(file, nil)
	}
	return file, nil
}

func countLines(ext string) func([]byte) (int, error) {
	return func(file []byte) (int, error) {
		text, err := unpack(ext, file)
		if err != nil {
			return 0, err
		}
		n := 0
		for line := range bytes.Lines(text) {
			if n++; line[len(line)-1] != '\n' || !stdjson.Valid(line) {
				return n, fmt.Errorf("line %d: %q", n, line)
			}
		}
		return n, nil
	}
}

func TestFormatConformance(t *testing.T) {
	for compression, ext := range map[string]string{"none": ".json", "gzip": ".json.gz", "zstd": ".json.zst"} {
		t.Run(compression, func(t *testing.T) {
			f := newFormat(t, compression)
			if f.Ext() != ext {
				t.Errorf("ext %q", f.Ext())
			}
			if raw, ok := f.(formats.Raw); !ok || !raw.Raw() {
				t.Error("it must be raw")
			}
			formattest.Format(t, f, countLines(ext))
		})
	}
}

func TestUnknownCompression(t *testing.T) {
	if _, err := New(Config{Compression: "lzma"}); err == nil || !strings.Contains(err.Error(), "there are none, gzip and zstd") {
		t.Error(err)
	}
	if _, err := New(Defaults()); err != nil {
		t.Error(err)
	}
}

func encodeLines(s *record.Schema, values ...string) (string, error) {
	f, _ := New(Defaults())
	var w bytes.Buffer
	e, err := f.NewEncoder(&w, s)
	if err != nil {
		return "", err
	}
	var rows []record.Record
	for i, v := range values {
		rows = append(rows, record.Record{Offset: int64(100 + i), Value: []byte(v)})
		if v == "" {
			rows[i].Value = nil
		}
	}
	err = errors.Join(e.Encode(rows), e.Close())
	if s == nil {
		s = new(record.Schema)
	}
	if text, failed := appendLines(f.(formats.Lined).Appender(s), rows); (failed == nil) != (err == nil) || err == nil && text != w.String() {
		return "", fmt.Errorf("the encoder makes %q, %w, and the appender %q, %w", w.String(), err, text, failed)
	}
	return w.String(), err
}

// appendLines gives each line no more room than it may take.
func appendLines(line func([]byte, *record.Record) ([]byte, error), rows []record.Record) (text string, err error) {
	for i := range rows {
		dst := make([]byte, 3, 3+len(rows[i].Value)+1)
		got, err := line(dst, &rows[i])
		if err != nil {
			return "", err
		}
		if cap(got) != cap(dst) {
			return "", fmt.Errorf("%q makes a line of %d bytes", rows[i].Value, len(got)-3)
		}
		text += string(got[3:])
	}
	return text, nil
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		value, want string
		cut         []string
	}{
		{`{"a":1}`, `{"a":1}`, nil},
		{"{\r\n  \"a\": \"x\\ny\"\n}\n", `{  "a": "x\ny"}`, nil},
		{`"text"`, `"text"`, nil},
		{`{"a":1,"b":2,"c":3}`, `{"b":2,"c":3}`, []string{"a"}},
		{`{"a":1,"b":2,"c":3}`, `{"a":1,"c":3}`, []string{"b"}},
		{`{"a":1,"b":2,"c":3}`, `{"a":1,"b":2}`, []string{"c"}},
		{`{"a":1,"b":2,"c":3}`, `{"b":2}`, []string{"c", "a"}},
		{`{"a":1,"b":2,"c":3}`, `{"c":3}`, []string{"a", "b"}},
		{`{"a":1,"b":2,"c":3,"d":4}`, `{"a":1,"d":4}`, []string{"c", "b"}},
		{`{"a":1 , "b":"aa","c":"a"}`, `{"b":"aa","c":"a"}`, []string{"a"}},
		{`{"a":1,"":2,"c":3}`, `{"c":3}`, []string{"a", ""}},
		{`{"b":1,"a":2 , "c":"\n"}`, `{"b":1 , "c":"\n"}`, []string{"a"}},
		{`{"a":1}`, `{}`, []string{"a"}},
		{`{}`, `{}`, []string{"a"}},
		{` { "a" : 1 , "b" : 2 } `, ` {"b" : 2 } `, []string{"a"}},
		{`{"A":1,"a":2,"A ":3}`, `{"a":2,"A ":3}`, []string{"A"}},
		{`{"a":1,"b":{"a":2,"c":[{"a":3}]},"a":"}\","}`, `{"b":{"a":2,"c":[{"a":3}]}}`, []string{"a"}},
		{`{"\u0061":1,"b":1.50e+3}`, `{"b":1.50e+3}`, []string{"a"}},
		{"{\n \"a\": 1,\n \"b\": 2\n}", `{"b": 2}`, []string{"a"}},
	} {
		got, err := encodeLines(&record.Schema{Cut: c.cut}, c.value, c.value)
		if want := c.want + "\n" + c.want + "\n"; err != nil || got != want {
			t.Errorf("%s without %v is %q, %v; want %q", c.value, c.cut, got, err, want)
		}
	}
}

func TestBadLines(t *testing.T) {
	for _, c := range []struct {
		value, says string
		cut         []string
	}{
		{``, "record at offset 101: a null value (a tombstone)", nil},
		{``, "record at offset 101: a null value (a tombstone)", []string{"a"}},
		{`[1]`, "record at offset 101: the value is not one JSON object", []string{"a"}},
		{`{"a":1`, "record at offset 101: the value is not one JSON object", []string{"a"}},
		{`{"a":1} {}`, "not one JSON object", []string{"a"}},
	} {
		if _, err := encodeLines(&record.Schema{Cut: c.cut}, `{}`, c.value); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.value, err, c.says)
		}
	}
}
