package plugin_test

import (
	"testing"

	"github.com/penstock/penstock/plugin"
)

// A struct taken from its canonical text is what it was, in what that text holds, and as the file is now in the rest.
func TestLaid(t *testing.T) {
	was := mustDecode(t, "aws: {region: old}\nconnectors:\n  a:\n    topics: [t]\n    sink: {s3: {bucket: was, path: 'p/{topic}', format: {json: gzip}, strict: true}}\n    errors: skip").Connectors[0]
	for name, c := range map[string]struct{ now, sink string }{
		"another bucket":  {"aws: {region: new}\nconnectors:\n  a:\n    topics: [u]\n    sink: {s3: {bucket: now, format: json}}\n    after_flush: [glue: {crawler: x}]", "s3 was/p/{topic} in new as json.gzip"},
		"its own region":  {"connectors:\n  a:\n    topics: [u]\n    sink: {s3: {bucket: now, format: json, region: here}}\n    after_flush: [glue: {crawler: x}]", "s3 was/p/{topic} in here as json.gzip"},
		"another plugin":  {"aws: {region: new}\nconnectors:\n  a:\n    topics: [u]\n    sink: {local: x}\n    after_flush: [glue: {crawler: x}]", "s3 was/p/{topic} in new as json.gzip"},
		"nothing changed": {"aws: {region: old}\nconnectors:\n  a:\n    topics: [t]\n    sink: {s3: {bucket: was, path: 'p/{topic}', format: {json: gzip}, strict: true}}\n    after_flush: [glue: {crawler: x}]", "s3 was/p/{topic} in old as json.gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			var f File
			if err := plugin.Decode(registry(), "f", []byte(c.now), &f, append(settings(), plugin.Laid("connectors.a", was.Layout))...); err != nil {
				t.Fatal(err)
			}
			got := f.Connectors[0]
			if got.Layout != was.Layout {
				t.Errorf("layout\n%s, was\n%s", got.Layout, was.Layout)
			}
			if got.Sink != built(c.sink) || got.Errors.Policy != "skip" || len(got.Hooks) != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
	if err := plugin.Decode(registry(), "f", []byte("connectors: {a: {}}"), &File{}, plugin.Laid("connectors.a", "{")); err == nil {
		t.Error("a text that cannot be read is let pass")
	}
}
