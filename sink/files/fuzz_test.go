package files

import (
	"errors"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink/sinktest"
)

// FuzzTemplate: any text is a template or is refused with a place in it. Whatever the values, a row's file stays below the prefix,
// has a name that every store can say and list, within 1,024 bytes, or the row is bad; the name gives the values back, and others
// have another.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		DefaultPath, "a/{{b}}/{\"x y\":%Y/%m}", "{value.Index}/{header.h}{key}", ".{at}", "{at:%H:%M%%}", "i={Index}/{key}/h={header.h}",
		"x/..", "/x", "{Index}.", "{\"\\x00\"}=", "{a.b}/{\"a.b\"}", "{offset}-{partition}",
	} {
		for _, value := range []string{"..", "../../etc/passwd", "%2e%2e", "/", "", ".", nullValue, "a\x00b\n", "\xff", "\ufffe", strings.Repeat("x", 2000), "2026-01-31"} {
			f.Add(text, value, "a", "k/1")
		}
	}
	f.Fuzz(func(t *testing.T, text, value, other, key string) {
		p, err := ParseTemplate(text)
		if err != nil {
			checkPlace(t, text, err)
			return
		}
		again, err := ParseTemplate(p.String())
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%q does not parse again: %v", text, err)
		}
		name, ok := nameFor(t, p, value, key)
		if !ok {
			return
		}
		folders := checkName(t, p, name)
		for i, s := range p.segments() {
			if want, known := spelled(s, value, key); known && text != "" {
				if back, err := url.PathUnescape(folders[i]); err != nil || back != want {
					t.Fatalf("%q of %q, %q: the folder %q says %q, %v; want %q", text, value, key, folders[i], back, err, want)
				}
			}
		}
		if twin, ok := nameFor(t, p, other, key); ok && twin == name && valued(p, column, header) && orNull(value) != orNull(other) {
			t.Fatalf("%q: %q and %q both give %q", text, value, other, name)
		}
		if twin, ok := nameFor(t, p, value, other); ok && twin == name && valued(p, kindKey) && orNull(key) != orNull(other) {
			t.Fatalf("%q: keys %q and %q both give %q", text, key, other, name)
		}
	})
}

const kindKey = key // the tests' parameters are called that too

var character = regexp.MustCompile(`^"(?s:.*)", character ([0-9]+): `)

func checkPlace(t *testing.T, text string, err error) {
	m := character.FindStringSubmatch(err.Error())
	if m == nil {
		t.Fatalf("%q: %v", text, err)
	}
	if n, _ := strconv.Atoi(m[1]); n < 1 || n > len(text)+1 {
		t.Fatalf("%q: %v", text, err)
	}
}

// nameFor is the name of the file for a row whose columns and header h are value, by a store whose names are 1,024 bytes long at
// most; false where the row is bad.
func nameFor(t *testing.T, p Template, value, key string) (name string, ok bool) {
	s, err := New(discard{}, Config{Path: p, Format: sinktest.Lines{}}, Options{Prefix: "lake/", MaxName: 1024})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(t.Context(), sinktest.Claim(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	b := &record.Batch{Schema: &record.Schema{Columns: p.Columns()}, Records: []record.Record{{
		Offset: 7, Time: 1_769_900_400_000, Key: []byte(key), Value: []byte("{}"), Headers: []record.Header{{Key: "h", Value: []byte(value)}},
	}}}
	for range b.Schema.Columns {
		b.Records[0].Row = append(b.Records[0].Row, record.StringOf(value))
	}
	if err := w.Write(t.Context(), b); err != nil {
		if bad := (*record.Bad)(nil); !errors.As(err, &bad) || !strings.HasPrefix(bad.Err.Error(), "path: ") {
			t.Fatalf("%q of %q, %q: %v", p, value, key, err)
		}
		return "", false
	}
	cut, err := w.Cut(8)
	if err != nil {
		t.Fatal(err)
	}
	return cut.(*flush).parts[0].name, true
}

// checkName gives the folders of a file below the prefix.
func checkName(t *testing.T, p Template, name string) []string {
	rest, below := strings.CutPrefix(name, "lake/")
	folders := strings.Split(rest, "/")
	last := len(folders) - 1
	if !below || len(name) > 1024 || folders[last] != "stock+0+00000000000000000007.txt" || last != slashes(p) {
		t.Fatalf("%q gives %q", p, name)
	}
	for _, folder := range folders {
		if folder == "" || folder == "." || folder == ".." || strings.ContainsFunc(folder, unspeakable) {
			t.Fatalf("%q gives %q", p, name)
		}
	}
	if utf8.ValidString(p.String()) && !utf8.ValidString(name) {
		t.Fatalf("%q gives %q", p, name)
	}
	return folders[:last]
}

// slashes is how many folders a template makes.
func slashes(p Template) int {
	if p.String() == "" {
		return 0
	}
	return len(p.segments())
}

// spelled is what a folder's name says, once it is unescaped.
func spelled(s []part, value, key string) (text string, known bool) {
	for _, p := range s {
		switch {
		case len(p.stamp) > 0 || p.kind == literal && strings.Contains(p.text, "%"):
			return "", false
		case p.kind == literal:
			text += p.text
		case p.kind == topic:
			text += "stock"
		case p.kind == partition:
			text += "0"
		case p.kind == offset:
			text += "7"
		case p.kind == kindKey:
			text += orNull(key)
		case p.kind == header && p.text != "h":
			text += nullValue
		default:
			text += orNull(value)
		}
	}
	return text, true
}

func orNull(value string) string {
	if value == "" {
		return nullValue
	}
	return value
}

// valued tells whether every folder says at most one value, none as a date, and one of them a value of such a kind.
func valued(p Template, kinds ...partKind) (has bool) {
	for _, s := range p.segments() {
		n := 0
		for _, part := range s {
			if len(part.stamp) > 0 {
				return false
			}
			if part.kind == column || part.kind == kindKey || part.kind == header {
				n++
			}
			for _, k := range kinds {
				has = has || part.kind == k && (k != header || part.text == "h")
			}
		}
		if n > 1 {
			return false
		}
	}
	return has
}
