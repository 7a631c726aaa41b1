package plugin_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/plugin"
)

// Large files arranged to be slow still get an answer at once.
func TestDecodeEnds(t *testing.T) {
	many := func(format string) string {
		var b strings.Builder
		for i := range 5_000 {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"unknown options":   many("memory%d: 1\n"),
		"bad references":    "connectors: {a: {topics: [\n" + many("'${env:X%d}',\n") + "]}}",
		"syntax at the end": many("a%d: [b, c]\n") + "}",
		"anchors":           many("a%[1]d: &a%[1]d [*a%[1]d]\n"),
		"open brackets":     strings.Repeat("[", 9_000),
	} {
		began := time.Now()
		if _, err := decode(text); err == nil || time.Since(began) > 10*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(began))
		}
	}
}

// Whatever the text, Decode ends, without a panic of its own; what it accepts has layouts that it accepts again.
func FuzzDecode(f *testing.F) {
	f.Add(good)
	f.Add(laughs())
	f.Add("a: &a [*a]\n? {b: c}\n: d\n<<: *a\n---\n- x")
	f.Add("connectors: {a: {topic: {name: ${env:BUCKET:x}}, sink: {s3: }}}")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := decode(text)
		var problems plugin.Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("%T: %v", err, err)
		}
		for _, p := range problems {
			if p.Line < 0 || p.Line > 1+strings.Count(text, "\n")+strings.Count(text, "\r") || p.Err == nil {
				t.Errorf("%+v", p)
			}
			if strings.Contains(p.Error(), "panicked") && !strings.Contains(text, "PANIC") {
				t.Error(p)
			}
		}
		if err == nil {
			relay(t, file)
		}
	})
}

func relay(t *testing.T, file File) {
	for _, c := range file.Connectors {
		again := Connector{}
		layout := `{"aws":{"region":"r"},` + c.Layout[1:]
		if err := plugin.Decode(registry(), "layout", []byte(layout), &again); err != nil || again.Layout != c.Layout {
			t.Errorf("%v\n%s\n%s", err, c.Layout, again.Layout)
		}
	}
}
