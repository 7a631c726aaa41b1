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

// Whatever the text, Decode ends, soon and without a panic of its own; mistakes have a line of the file, and say nothing that came
// from outside it; what it accepts has layouts that it accepts again.
func FuzzDecode(f *testing.F) {
	f.Add(good)
	f.Add(laughs())
	f.Add("a: &a [*a]\n? {b: c}\n: d\n<<: *a\n---\n- x")
	f.Add("connectors: {a: {topic: {name: ${env:BUCKET:x}}, sink: {s3: }}}")
	f.Add("memory: ${env:PASSWORD}\nconnectors: {a: {topics: [x], errors: {on_bad_record: '${env:PASSWORD}'}, flush: {every: '1${env:PASSWORD}', rows: '${env:PASSWORD}'}}}")
	f.Add("connectors: {a: {sink: {'s3': {path: '${env:PASSWORD}{', level: '${env:PASSWORD}', rate: '${file:secret.txt}/s', strict: '${env:PASSWORD}'}}, schema: {columns: {a: '${env:PASSWORD}'}}}}")
	f.Add("connectors: {a: {sink: '${env:PASSWORD}', after_flush: [{'${env:PASSWORD}': {}}], '${env:PASSWORD}': 1}}")
	f.Add("a: &a [&b [*b, *b], *a]\nb: *a")
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		file, err := decode(text)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if err != nil && strings.Contains(err.Error(), "hunter") && !strings.Contains(text, "hunter") {
			t.Errorf("a secret is told: %v", err)
		}
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

// A size or a rate is refused or comes back from what it is written as, and fits the schema's pattern if it
// is taken.
func FuzzUnits(f *testing.F) {
	for _, text := range []string{"64MiB", "1.5 gib", "4096", "1e3", "0.5/s", "30 / m", "none", "-1/h", "inf/s", "0x1p3/s", "1_0/s", "١", "1,000KB", "18EB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var size, sizeBack plugin.Size
		if size.UnmarshalText([]byte(text)) == nil {
			said, err := size.MarshalText()
			if err != nil || sizeBack.UnmarshalText(said) != nil || sizeBack != size || size < 0 || !fits(size, text) || !fits(size, string(said)) {
				t.Errorf("size %q is %d, written %q", text, size, said)
			}
		}
		var rate, rateBack plugin.Rate
		if rate.UnmarshalText([]byte(text)) == nil {
			said, err := rate.MarshalText()
			if err != nil || rateBack.UnmarshalText(said) != nil || rateBack != rate || rate < 0 || !fits(rate, text) || !fits(rate, string(said)) {
				t.Errorf("rate %q is %v, written %q", text, rate, said)
			}
		}
	})
}
