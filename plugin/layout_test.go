package plugin_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/plugin"
)

func TestLayout(t *testing.T) {
	want := `{"codec":{"json":{"compression":"none"}},` +
		`"errors":{"on_bad_record":"dead_letter","topic":"stock.dead"},` +
		`"flush":{"bytes":"128MiB","every":"36h0m0s","rows":50000},` +
		`"schema":{"columns":{"Date":"date","Adj Close":"double","b":"string","a":"string"}},` +
		`"sink":{"s3":{"bucket":"stock-lake","format":{"json":{"compression":"gzip"}},"level":-128,"path":"prices/{topic}/$${x}","rate":"0.5/s","share":0.5,"strict":true}},` +
		`"topic":null,"topics":["stock","2010-01-08","123","NO","1e3"]}`
	if got := mustDecode(t, good).Connectors[1].Layout; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// What changes a layout, and what does not.
func TestLayoutChanges(t *testing.T) {
	layout := func(text string) string {
		t.Helper()
		return mustDecode(t, "aws: {region: r}\nconnectors:\n  a:\n    topics: [t]\n"+text).Connectors[0].Layout
	}
	base := layout("    sink: {s3: {bucket: b, format: json}}\n    flush: {rows: 5}\n    schema: {columns: {a: date, b: string}}")
	for name, c := range map[string]struct {
		text string
		same bool
	}{
		"order and comments":   {"    schema: {columns: {a: date, b: string}}\n    flush: {rows: 5} # five\n    sink: {s3: {format: json, bucket: b}}", true},
		"a default written":    {"    sink: {s3: {bucket: b, format: {json: {compression: none}}, path: '{topic}'}}\n    flush: {rows: 5, every: 300s, bytes: 131072KiB}\n    schema: {columns: {a: date, b: string}}\n    codec: json", true},
		"what is not laid out": {"    sink: {s3: {bucket: b, format: json, region: other, tags: {a: b}}}\n    after_flush: [glue: {crawler: x}]\n    flush: {rows: 5}\n    schema: {columns: {a: date, b: string}}", true},
		"order of columns":     {"    sink: {s3: {bucket: b, format: json}}\n    flush: {rows: 5}\n    schema: {columns: {b: string, a: date}}", false},
		"a value":              {"    sink: {s3: {bucket: c, format: json}}\n    flush: {rows: 5}\n    schema: {columns: {a: date, b: string}}", false},
		"a plugin's option":    {"    sink: {s3: {bucket: b, format: {json: gzip}}}\n    flush: {rows: 5}\n    schema: {columns: {a: date, b: string}}", false},
	} {
		if got := layout(c.text); (got == base) != c.same {
			t.Errorf("%s: %s\n base %s", name, got, base)
		}
	}
}

func TestLayoutFollowsDefaults(t *testing.T) {
	layout := func(compression string) string {
		r := plugin.New()
		plugin.Add(r, "json", JSON{compression}, func(JSON) (Format, error) { return built(""), nil })
		into := struct {
			Layout string `yaml:",layout"`
			Format Format `yaml:"format"`
		}{}
		if err := plugin.Decode(r, "f", []byte("format: json"), &into); err != nil {
			t.Fatal(err)
		}
		return into.Layout
	}
	if layout("none") == layout("zstd") {
		t.Error("another default makes the same layout")
	}
}

// everything has one of each kind of value that a layout can hold.
type everything struct {
	Layout  string            `yaml:",layout"`
	Text    string            `yaml:"text"`
	Texts   []string          `yaml:"texts"`
	Map     map[string]string `yaml:"map"`
	Maps    map[string]Flush  `yaml:"maps"`
	Float   float64           `yaml:"float"`
	Float32 float32           `yaml:"float32"`
	Bool    *bool             `yaml:"bool"`
	Int     *int              `yaml:"int"`
	Tier    tier              `yaml:"tier"`
	Tiers   []struct {
		Tier tier `yaml:",key"`
		Say  say  `yaml:",value"`
	} `yaml:"tiers"`
	Uint     uint64        `yaml:"uint"`
	Duration time.Duration `yaml:"duration"`
	Size     plugin.Size   `yaml:"size"`
	Rate     plugin.Rate   `yaml:"rate"`
	Columns  []Column      `yaml:"columns"`
	Named    []struct {
		Name  string `yaml:",key"`
		Flush Flush  `yaml:"flush,short"`
		To    *Flush `yaml:"to"`
	} `yaml:"named"`
	Nested struct {
		Text string `yaml:"text"`
	} `yaml:"nested"`
	Formats []Format          `yaml:"formats"`
	ByName  map[string]Format `yaml:"by_name"`
	Codec   Format            `yaml:"codec" default:"json"`
}

// What a type prints is not what the YAML says.
type (
	tier int8
	say  string
)

func (tier) String() string { return "a tier" }
func (say) String() string  { return "said" }

// A layout is a file of its own, which decodes to the same struct: it stands in for the YAML when an interval is redone.
func TestLayoutDecodesToTheSame(t *testing.T) {
	yes, three := true, 3
	odd := "\u0000\t\n\r \"\\/{}[]#: -&*!|>'%@`,\u007f\u0085\u00a0\u2028\u2029\ufeff\ufffe\U0001f600é ${env:X} $${ $$"
	for name, e := range map[string]everything{
		"zero": {},
		"full": {
			Text: odd, Texts: []string{"", "null", "true", "1", odd}, Map: map[string]string{odd: odd, "${x}": "", "a.b": "c", "null": "~"},
			Maps: map[string]Flush{"x": {Rows: 1, Bytes: 1 << 53, Every: -time.Nanosecond}}, Float: 1e300, Float32: 0.1, Bool: &yes, Int: &three,
			Uint: 1<<64 - 1, Duration: 1<<63 - 1, Size: 4097, Rate: 1.0 / 3, Columns: []Column{{odd, ColumnOf{"date"}}, {"a", ColumnOf{""}}},
		},
		"keys": {
			Tiers: []struct {
				Tier tier `yaml:",key"`
				Say  say  `yaml:",value"`
			}{{-3, "x"}, {4, "${y}"}},
			Named: []struct {
				Name  string `yaml:",key"`
				Flush Flush  `yaml:"flush,short"`
				To    *Flush `yaml:"to"`
			}{{Name: "a"}, {Name: "${b}", To: &Flush{Rows: 1}}},
		},
		"negative": {Float: -1e-300, Duration: -1 << 63, Rate: 1e21},
	} {
		t.Run(name, func(t *testing.T) {
			first := e
			if err := plugin.Decode(registry(), "first", []byte("{}"), &first, settings()...); err != nil {
				t.Fatal(err)
			}
			again(t, first)
		})
	}
}

func TestLayoutOfPluginsDecodesToTheSame(t *testing.T) {
	var first everything
	text := "{formats: [json, json: gzip], by_name: {a: json, 'b.c': {json: {compression: zstd}}}, codec: ~, tiers: {3: x, -4: y}, named: {x: {to: {rows: 1}}, y: {}}}"
	if err := plugin.Decode(registry(), "first", []byte(text), &first, settings()...); err != nil {
		t.Fatal(err)
	}
	if len(first.Formats) != 2 || first.ByName["b.c"] != built("json.zstd") || first.Codec != nil {
		t.Fatalf("%+v", first)
	}
	again(t, first)
}

// again decodes a layout, to compare the struct.
func again(t *testing.T, first everything) {
	t.Helper()
	if !json.Valid([]byte(first.Layout)) || strings.Contains(first.Layout, "\n") {
		t.Errorf("not compact JSON: %s", first.Layout)
	}
	var second everything
	if err := plugin.Decode(registry(), "second", []byte(first.Layout), &second); err != nil {
		t.Fatalf("%v\n%s", err, first.Layout)
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("\n got %+v\nwant %+v\nlayout %s", second, first, first.Layout)
	}
}
