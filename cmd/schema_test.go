package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// printedSchema is what the command prints, for a validator that is not ours.
func printedSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	code, out, errOut := invoke(t, "schema")
	if code != 0 || errOut != "" {
		t.Fatalf("exit code %d, %s", code, errOut)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("penstock.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("penstock.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validates tells what the schema says of a file, read as editors read it.
func validates(t *testing.T, schema *jsonschema.Schema, text string) error {
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
	return schema.Validate(doc)
}

// A change of the repository's file a row. The schema takes what check takes, and sees the mistakes of options, shapes and words;
// those that join options, and what only a plugin can judge, are check's.
func TestSchema(t *testing.T) {
	schema := printedSchema(t)
	own, err := os.ReadFile("../connectors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, new string // what is changed in the file
		sound    bool
	}{
		"as it is":                 {"", "", true},
		"a reference":              {"memory: 256MiB", "memory: ${env:MEMORY}", true},
		"a reference in a number":  {"partitions: 3", `partitions: "${env:PARTITIONS:3}"`, true},
		"a reference in a plugin":  {"format: parquet", `format: "${env:FORMAT}"`, true},
		"a size in plain bytes":    {"memory: 256MiB", "memory: 268435456", true},
		"a short form":             {"{name: stock, partitions: 3}", "stock", true},
		"a short form of a list":   {`brokers: ["${env:KAFKA_BROKERS:localhost:9092}"]`, "brokers: [a, b]", true},
		"brokers alone":            {"kafka:\n  brokers: [", "kafka: [", true},
		"a short form of a plugin": {`csv: {path: "testdata/stock/*.csv", key: Index}`, `csv: "testdata/*.csv"`, true},
		"a beginning":              {"topics: [stock]", "topics: [stock]\n    from: 2026-01-31T00:00:00Z", true},
		"types":                    {"Volume: double", "Volume: \"decimal(10,2)\"\n        Legs: list<struct<a:int32>>", true},
		"infer":                    {`key: Index`, "columns: {Date: infer, Close: double}, repeat: forever, rate: 1000/s", true},

		"an unknown option":         {"memory:", "memroy:", false},
		"of a connector":            {"topics:", "topic_names:", false},
		"of a part":                 {"idle:", "idel:", false},
		"of a sink":                 {"bucket: stock-lake", "buckt: stock-lake", false},
		"of a hook":                 {"at_most_every", "at_least_every", false},
		"of a block":                {"workgroup", "workgruop", false},
		"an unknown sink":           {"s3:", "s4:", false},
		"an unknown format":         {"format: parquet", "format: parket", false},
		"two sinks":                 {"      s3:\n", "      local: x\n      s3:\n", false},
		"text for a number":         {"partitions: 3", "partitions: many", false},
		"a fraction for a number":   {"partitions: 3", "partitions: 1.5", false},
		"text for a list":           {"topics: [stock]", "topics: stock", false},
		"a list for text":           {"crawler: stock", "crawler: [stock]", false},
		"a mapping for text":        {`path: "prices/{topic}/index={Index}/year={Date:%Y}"`, "path: {topic}", false},
		"text for options":          {"{rows: 50000, every: 1m, idle: 10s}", "often", false},
		"a word for true or false":  {"region: us-east-1", "path_style: maybe", false},
		"a word that is not one":    {"names: snake_case", "names: camelCase", false},
		"a word of a plugin":        {"compression: gzip", "compression: lz4", false},
		"a size":                    {"memory: 256MiB", "memory: lots", false},
		"a size in words":           {"rows: 50000", "bytes: 10 apples", false},
		"a duration without a unit": {"every: 1m,", "every: 5,", false},
		"a duration in words":       {"every: 1m,", "every: ten seconds,", false},
		"a rate without a time":     {"key: Index", "rate: 1000", false},
		"a rate":                    {"key: Index", "rate: -1/day", false},
		"a count":                   {"key: Index", "repeat: never", false},
		"a beginning that is none":  {"topics: [stock]", "topics: [stock]\n    from: yesterday", false},
		"a type":                    {"Volume: double", "Volume: number", false},
		"a type without its unit":   {"Date: date", "Date: timestamp", false},
		"a type of a cell":          {"key: Index", "columns: {Date: day}", false},
		"no connectors":             {"connectors:", "listen: :8083\nconectors:", false},
		"no kafka":                  {"kafka:\n  brokers: [\"${env:KAFKA_BROKERS:localhost:9092}\"]\n", "", false},
		"no brokers":                {`["${env:KAFKA_BROKERS:localhost:9092}"]`, "[]", false},
		"no path":                   {`path: "testdata/stock/*.csv", key: Index`, "key: Index", false},
		"an empty path":             {`path: "testdata/stock/*.csv"`, `path: ""`, false},
		"no bucket":                 {"        bucket: stock-lake\n", "", false},
		"no format":                 {"        format: parquet\n", "", false},
		"a format of nothing":       {"format: parquet", "format:", false},
		"no crawler":                {"crawler: stock, ", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := string(own)
			if text = strings.ReplaceAll(text, c.old, c.new); c.old != "" && text == string(own) {
				t.Fatalf("%q is not in the file", c.old)
			}
			if err := validates(t, schema, text); (err == nil) != c.sound {
				t.Errorf("sound is %v, and the schema says %v", c.sound, err)
			}
			file := filepath.Join(t.TempDir(), "connectors.yaml")
			write(t, file, text)
			t.Setenv("MEMORY", "64MiB")
			t.Setenv("FORMAT", "json")
			if code, _, errOut := invoke(t, "check", file); (code == 0) != c.sound {
				t.Errorf("sound is %v, and check ends with %d: %s", c.sound, code, errOut)
			}
		})
	}
}
