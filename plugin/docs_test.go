package plugin_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/penstock/penstock/plugin"
)

func TestDocs(t *testing.T) {
	var b strings.Builder
	if err := registry().Docs(&b, "s3"); err != nil {
		t.Fatal(err)
	}
	want := "## s3 (sink)\n\n" +
		"| option | takes | default | what it is |\n|---|---|---|---|\n" +
		"| `region` | text | `region` of `aws` | The region. |\n" +
		"| `endpoint` | text | `endpoint` of `aws` | Another endpoint than AWS's. |\n" +
		"| `bucket` | text | required | The bucket. |\n" +
		"| `path` | text | `{topic}` | The path template. |\n" +
		"| `format` | format | required | How files are written. |\n" +
		"| `tags` | mapping of names to text |  | Tags of the objects. |\n" +
		"| `strict` | true or false |  | Whether to be strict. |\n" +
		"| `share` | number |  | A share. |\n" +
		"| `level` | whole number |  | A level. |\n" +
		"| `rate` | rate | `none` | Rows in a time. |\n"
	if b.String() != want {
		t.Errorf("\n got %s\nwant %s", b.String(), want)
	}
}

func TestDocsOfOthers(t *testing.T) {
	for name, want := range map[string]string{
		"aws":  "## aws (top of the file)\n",
		"json": "| `compression` | `none`, `gzip`, `zstd` | `none` | How files are compressed. |\n",
		"nil":  "It has no options.\n",
	} {
		var b strings.Builder
		if err := registry().Docs(&b, name); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
	}
	err := registry().Docs(&strings.Builder{}, "s33")
	if want := `there is no plugin "s33"; did you mean "s3"?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := registry().Table(&b, File{Memory: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `memory` | size | `1MiB` | The budget of the process. |\n",
		"| `connectors` | mapping of names to options |  | What moves rows, by name. |\n",
		"| `connectors.*.topic` | options, or name |  | The topic to fill. |\n",
		"| `connectors.*.topic.partitions` | whole number | `1` | How many it is made with. |\n",
		"| `connectors.*.codec` | format | `json` | How records are read. |\n",
		"| `connectors.*.flush.every` | duration | `5m` | After so long. |\n",
		"| `connectors.*.schema.columns` | mapping of names to text |  | Declared types. |\n",
		"| `connectors.*.after_flush` | list of hook |  | What runs after a flush. |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in\n%s", want, b.String())
		}
	}
	if err := registry().Table(&b, 1); err == nil {
		t.Error("a number has a table")
	}
}

func TestReference(t *testing.T) {
	var b strings.Builder
	if err := registry().Reference(&b, &File{Memory: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	var heads []string
	for line := range strings.Lines(b.String()) {
		if head, ok := strings.CutPrefix(line, "## "); ok {
			heads = append(heads, strings.TrimSpace(head))
		}
	}
	want := "The file, connectors.NAME (top of the file), aws (top of the file), json (format), glue (hook), nil (hook), local (sink), s3 (sink)"
	if got := strings.Join(heads, ", "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for _, row := range []string{
		"## The file\n\n| option | takes | default | what it is |\n|---|---|---|---|\n| `memory` | size | `1MiB` | The budget of the process. |\n| `aws` | options |  |",
		"| `topic.partitions` | whole number | `1` | How many it is made with. |\n",
		"| `bucket` | text | required | The bucket. |\n",
	} {
		if strings.Count(b.String(), row) != 1 {
			t.Errorf("%s is not once in\n%s", row, b.String())
		}
	}
	if err := registry().Reference(&b, nil); err == nil {
		t.Error("nil has a reference")
	}
}

// Every option of what is registered here says what it is for: an empty last cell is one that does not.
func TestEveryOptionHasADoc(t *testing.T) {
	r := registry()
	var b strings.Builder
	for _, name := range append(r.Names(reflect.TypeFor[Sink]()), "json", "glue", "aws") {
		if err := r.Docs(&b, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Table(&b, File{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasSuffix(line, "|  |\n") {
			t.Errorf("no doc: %s", line)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := plugin.JSONSchema(registry(), &File{Memory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads YAML as an editor does.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The schema judges the shape of a file as Decode does.
func TestJSONSchema(t *testing.T) {
	s := compiled(t)
	for text, fine := range map[string]bool{
		good:                               true,
		"{}":                               true,
		"memory: 4096\naws: {endpoint: e}": true,
		"connectors: {a: {topic: {name: t, partitions: \"${env:N:3}\"}}}":                         true,
		"connectors: {a: {topics: [t], sink: {local: }, topic: null}}":                            true,
		"aws: {region: r}\nconnectors: {a: {topics: [t], sink: {s3: {bucket: b, format: json}}}}": true,
		"memory: \"${env:MEMORY}\"\nconnectors: {a: {flush: {every: 1d12h}}}":                     true,
		"connectors: {a: {flush: {every: \"${env:N:3}s\"}}}":                                      true,
		"connectors: {a: {sink: {s3: {bucket: b, format: json, region: r, rate: 30/m}}}}":         true,
		"memry: 1":                             false,
		"memory: lots":                         false,
		"memory: -1":                           true, // a number is not looked at: Decode refuses it
		"connectors: {a: {flush: {every: 5}}}": false,
		"connectors: {a: {flush: {every: 5 minutes}}}":                                 false,
		"connectors: {a: {sink: {s3: {bucket: b, format: json, rate: 30}}}}":           false,
		"connectors: {a: {sink: {s3: {bucket: '', format: json}}}}":                    false,
		"connectors: {a: {sink: {s3: {bucket: b, format: null}}}}":                     false,
		"connectors: {a: {sink: {s3: {bucket: b, format: json, ulr: x}}}}":             false,
		"connectors: {a: {sink: {s3: {bucket: b}}}}":                                   false,
		"connectors: {a: {sink: {s3: {bucket: b, format: jsn}}}}":                      false,
		"connectors: {a: {sink: {s3: {bucket: b, format: json, level: 128}}}}":         false,
		"connectors: {a: {sink: {s3: {bucket: b, format: json, strict: yes please}}}}": false,
		"connectors: {a: {sink: {s3: {}, local: {}}}}":                                 false,
		"connectors: {a: {errors: often}}":                                             false,
		"connectors: {a: {topic: {partitions: 3}}}":                                    false,
		"connectors: {a: {topics: stock}}":                                             false,
		"connectors: []":                                                               false,
	} {
		if err := s.Validate(asJSON(t, text)); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := plugin.JSONSchema(registry(), nil); err == nil {
		t.Error("nil has a schema")
	}
}
