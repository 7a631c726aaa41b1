package csv

import (
	"bytes"
	stdcsv "encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/source"
)

// FuzzPages: a file read in pages gives every row of encoding/csv once, good or bad, however small the pages are and from whichever
// page's offset it is gone on with; what lies between two offsets are the page's bytes, and none are left over.
func FuzzPages(f *testing.F) {
	for _, text := range []string{
		"a,b\n1,2\n3,4\n5,6\n7,8", "\xef\xbb\xbfa,b\r\n\"1\r\n\",\"x\"\"y\"\r\n\r\n2,z\r\n", "a\n\"\n1\n2\n\"x\"y\n3", "a,b\n1\n1,2,3\n\xff,1\n,\n",
		"a\n" + strings.Repeat("9007199254740993\n", 5), "d,t,f\n2026-01-31,2026-01-31T00:00:00Z,1.5\n,,\nNaN,x,1e400\n", "a,A\n1,2\n", "\n\na\n\n1\n",
	} {
		f.Add([]byte(text), uint8(1))
	}
	path := filepath.Join(f.TempDir(), "f.csv")
	f.Fuzz(func(t *testing.T, text []byte, rows uint8) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		at := func(rows int) source.Source {
			src := open(t, path, nil)
			inPages(src, rows)
			return src
		}
		whole := read(t.Context(), at(100), "f.csv", nil)
		pages := at(int(rows%5) + 1)
		paged := read(t.Context(), pages, "f.csv", nil)
		sameRows(t, whole, paged)
		if whole.err != nil {
			return
		}
		checkCount(t, text, len(whole.rows)+len(whole.bad))
		var offsets []source.Offset
		for p, err := range pages.Read(t.Context(), "f.csv", nil) {
			if err != nil {
				t.Fatal(err)
			}
			offsets = append(offsets, p.Next)
		}
		offsets = append(offsets, paged.before...)
		for i := 0; i < len(offsets); i += 1 + len(offsets)/5 {
			o := offsets[i]
			if _, err := parseMark(o); err != nil {
				t.Fatalf("%s: %v", o, err)
			}
			rest := read(t.Context(), pages, "f.csv", o)
			if rest.err != nil || !isTail(whole.rows, rest.rows) || !isTail(whole.bad, rest.bad) {
				t.Fatalf("after %s: %q %q %v, of %q %q", o, rest.rows, rest.bad, rest.err, whole.rows, whole.bad)
			}
			left := len(rest.rows) + len(rest.bad)
			m, _ := parseMark(o)
			if int(m.Row)+left != len(whole.rows)+len(whole.bad) {
				t.Fatalf("after %s: %d rows, of %d", o, left, len(whole.rows)+len(whole.bad))
			}
		}
		if end, _ := parseMark(whole.next); end.Byte != int64(len(text)) || !end.Done {
			t.Fatalf("%d bytes end with %s", len(text), whole.next)
		}
	})
}

func isTail(all, tail []string) bool {
	return len(tail) <= len(all) && slices.Equal(all[len(all)-len(tail):], tail)
}

func sameRows(t *testing.T, a, b result) {
	if (a.err == nil) != (b.err == nil) || !slices.Equal(a.rows, b.rows) || !slices.Equal(a.bad, b.bad) || !slices.Equal(a.keys, b.keys) || !bytes.Equal(a.next, b.next) {
		t.Fatalf("%+v\nin pages %+v", a, b)
	}
}

// checkCount expects as many rows as encoding/csv finds below the header. A quote never closed is the rest of the file there, and
// one line here.
func checkCount(t *testing.T, text []byte, n int) {
	r := stdcsv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	want := -1
	for ; ; want++ {
		_, err := r.Read()
		if err == io.EOF {
			break
		}
		if errors.Is(err, stdcsv.ErrQuote) && r.InputOffset() == int64(len(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))) {
			return
		}
	}
	if n != want {
		t.Fatalf("%d rows of %q, encoding/csv says %d", n, text, want)
	}
}

// FuzzOffset: whatever stands in the topic of offsets, it is refused or is a place from which the file is read to its end.
func FuzzOffset(f *testing.F) {
	const text = "a,b\n1,x\n2,y\n3,z\n"
	path := filepath.Join(f.TempDir(), "f.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	src := open(f, path, nil)
	inPages(src, 1)
	for p, err := range src.Read(f.Context(), "f.csv", nil) {
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(p.Next))
	}
	f.Add([]byte(`{"v":1,"byte":-5,"line":-1,"row":-1,"names":["a","b"],"types":["int64","string"],"tail":0,"pass":-9}`))
	f.Add([]byte(`{"v":1,"byte":9223372036854775807,"names":["a","b"],"types":["int64","list<struct<x:json>>"]}`))
	f.Fuzz(func(t *testing.T, offset []byte) {
		r := read(t.Context(), src, "f.csv", offset)
		if r.err == nil && len(r.rows)+len(r.bad) > 3 {
			t.Fatalf("%s: %q, %q", offset, r.rows, r.bad)
		}
		if m, err := parseMark(offset); err == nil && (m.Byte < 0 || m.Line < 0 || m.Row < 0 || m.Pass < 0) {
			t.Fatalf("%s is taken for %+v", offset, m)
		}
		if done, total := src.(source.Measured).Measure("f.csv", offset); done < 0 || done > total {
			t.Fatalf("%s: %d of %d", offset, done, total)
		}
	})
}

// FuzzPlain: what numbers mostly are is read as any text would be, whatever stands behind it in memory.
func FuzzPlain(f *testing.F) {
	for _, text := range []string{"0", "-0", "-0.0", "1.", ".5", "01", "00.5", "1.2.3", "1..2", "-", "1e5", "12345678", "12345678.9", "1234567.8", "123456789012345.6", "1234567890123456", "1/3", "2:0", "\xb02"} {
		f.Add([]byte(text), []byte("7.7,7777777777777777"))
	}
	f.Fuzz(func(t *testing.T, text, behind []byte) {
		var fast, slow number
		slow.scan(text)
		for _, b := range [][]byte{text[:len(text):len(text)], slices.Concat(text, behind)[:len(text)]} {
			if fast.plain(b) && fast != slow {
				t.Fatalf("%q is %+v, not %+v", b, fast, slow)
			}
		}
		if slow.json && !slow.exp && len(bytes.TrimPrefix(text, []byte("-"))) <= 16 && !fast.plain(text) {
			t.Fatalf("%q is not plain", text)
		}
	})
}
