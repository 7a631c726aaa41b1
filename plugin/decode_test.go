package plugin_test

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/plugin"
)

func TestDecode(t *testing.T) {
	f := mustDecode(t, good)
	if f.Memory != 64<<20 || f.AWS.Region != "us-east-1" || len(f.Connectors) != 3 {
		t.Fatalf("%+v", f)
	}
	prices, lake, short := f.Connectors[0], f.Connectors[1], f.Connectors[2]
	for _, c := range []struct{ got, want any }{
		{prices.Name, "stock-prices"},
		{*prices.Topic, Topic{"stock", 1}},
		{prices.Line, 5},
		{prices.Codec, built("json.none")},
		{prices.Sink, nil},
		{lake.Line, 7},
		{lake.Topics, []string{"stock", "2010-01-08", "123", "NO", "1e3"}},
		{lake.Sink, built("s3 stock-lake/prices/{topic}/${x} in us-east-1 as json.gzip")},
		{lake.Schema.Columns, []Column{{"Date", ColumnOf{"date"}}, {"Adj Close", ColumnOf{"double"}}, {"b", ColumnOf{"string"}}, {"a", ColumnOf{"string"}}}},
		{lake.Flush, Flush{50000, 128 << 20, 36 * time.Hour}},
		{lake.Hooks, []Hook{built("glue stock 15m0s")}},
		{lake.Errors.Topic, "stock.dead"},
		{short.Sink, built("local from a file")},
		{short.Errors.Policy, "skip"},
		{short.Topic, (*Topic)(nil)},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %#v, want %#v", c.got, c.want)
		}
	}
}

// What the file may look like without anything being wrong, each beside what it is the same as.
func TestDecodeAlike(t *testing.T) {
	base := "connectors: {a: {topics: [t], sink: {local: here}, flush: {every: 24h}}}"
	for name, text := range map[string]string{
		"byte order mark":       "\ufeff" + base,
		"windows lines":         "connectors:\r\n  a:\r\n    topics:\r\n    - t\r\n    sink: {local: here}\r\n    flush: {every: 1d}\r\n",
		"an explicit document":  "---\n" + base + "\n...\n",
		"a plugin's whole form": "connectors: {a: {topics: [t], sink: {local: {dir: here}}, flush: {every: 1d}}}",
		"aliases":               "connectors: {a: {topics: [&x t], sink: {local: &h here}, errors: {topic: ''}, flush: &f {every: 24h}}}",
		"an anchored mapping":   "connectors: {a: &a {topics: [t], sink: {local: here}, flush: {every: 24h}}}",
		"null for a pointer":    "connectors: {a: {topics: [t], topic: null, sink: {local: here}, flush: {every: 24h}, after_flush: []}}",
		"core tags":             "connectors: {a: {topics: [!!str t], sink: {local: here}, flush: {every: !!str 24h}}}",
		"a default":             "connectors: {a: {topics: [\"${env:EMPTY:t}\"], sink: {local: \"${env:UNSET:here}\"}, flush: {every: '${env:UNSET:24}h'}}}",
	} {
		t.Run(name, func(t *testing.T) {
			want, got := mustDecode(t, base), mustDecode(t, text)
			got.Connectors[0].Line = want.Connectors[0].Line
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestDecodeAliasedTwice(t *testing.T) {
	f := mustDecode(t, "connectors:\n  a: &a {topics: &t [x], sink: local}\n  b: *a\n  c: {topics: *t, sink: local}\n")
	if len(f.Connectors) != 3 || f.Connectors[1].Topics[0] != "x" || f.Connectors[2].Topics[0] != "x" {
		t.Errorf("%+v", f)
	}
}

// The defaults are values that many decodings share: none may change them.
func TestDecodeLeavesDefaultsAlone(t *testing.T) {
	type config struct {
		List []string          `yaml:"list"`
		Map  map[string]string `yaml:"map"`
		To   *Flush            `yaml:"to"`
	}
	r, defaults := plugin.New(), config{[]string{"a"}, map[string]string{"a": "b"}, &Flush{Rows: 1}}
	var got config
	plugin.Add(r, "p", defaults, func(c config) (Hook, error) { got = c; return built(""), nil })
	into := struct {
		Hook Hook `yaml:"hook"`
	}{}
	if err := plugin.Decode(r, "f", []byte("hook: {p: {list: [x, y], map: {c: d}, to: {bytes: 2}}}"), &into); err != nil {
		t.Fatal(err)
	}
	if want := (config{[]string{"x", "y"}, map[string]string{"c": "d"}, &Flush{Rows: 1, Bytes: 2}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if want := (config{[]string{"a"}, map[string]string{"a": "b"}, &Flush{Rows: 1}}); !reflect.DeepEqual(defaults, want) {
		t.Errorf("the defaults are now %+v", defaults)
	}
}

func TestBlocks(t *testing.T) {
	type deeper struct {
		Nested struct {
			AWS `yaml:",inline"`
		} `yaml:"nested"`
	}
	r := registry()
	var got []string
	plugin.Add(r, "deep", deeper{}, func(c deeper) (Hook, error) {
		got = append(got, c.Nested.Region+" "+c.Nested.Endpoint)
		return built("deep"), nil
	})
	into := struct {
		Hooks []Hook `yaml:"hooks"`
	}{}
	text := "hooks: [deep, deep: {nested: {endpoint: e}}, deep: {nested: {region: r}}]\naws: {region: \"${env:R:block}\", endpoint: b}"
	if err := plugin.Decode(r, "f", []byte(text), &into); err != nil {
		t.Fatal(err)
	}
	if want := []string{"block b", "block e", "r b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A block may start from another, whatever the two are called and in whatever order they stand.
func TestBlockFromBlock(t *testing.T) {
	type athena struct {
		AWS      `yaml:",inline"`
		Database string `yaml:"database"`
	}
	r := registry()
	plugin.Block(r, "athena", athena{Database: "default"})
	for text, want := range map[string]athena{
		"aws: {region: r, endpoint: e}":                             {AWS{"r", "e"}, "default"},
		"athena: {endpoint: own, database: d}\naws: {region: r}":    {AWS{"r", "own"}, "d"},
		"aws: {region: r}\nathena: {region: \"${env:NONE:other}\"}": {AWS{"other", ""}, "default"},
	} {
		into := struct {
			Athena athena `yaml:"athena"`
		}{}
		if err := plugin.Decode(r, "f", []byte(text), &into); err != nil || into.Athena != want {
			t.Errorf("%s: %+v, %v", text, into.Athena, err)
		}
	}
}

// A fixed block has its value wherever it is inlined, and the file is checked as ever.
func TestFixed(t *testing.T) {
	fixed := plugin.Fixed(AWS{Region: "fixed", Endpoint: "here"})
	text := "aws: {region: r}\nconnectors: {a: {topics: [t], sink: {s3: {bucket: b, format: json, region: other, endpoint: there}}}}"
	var f File
	if err := plugin.Decode(registry(), "f", []byte(text), &f, fixed); err != nil {
		t.Fatal(err)
	}
	if f.AWS.Endpoint != "here" || f.Connectors[0].Sink != built("s3 b/{topic} in fixed as json.none") {
		t.Errorf("%+v", f)
	}
	if err := plugin.Decode(registry(), "f", []byte("aws: {regoin: r}"), &f, fixed); err == nil {
		t.Error("an unknown option of a fixed block is let pass")
	}
}

func TestList(t *testing.T) {
	want := []plugin.Named{{"format", "json"}, {"hook", "glue"}, {"hook", "nil"}, {"sink", "local"}, {"sink", "s3"}}
	if got := registry().List(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProblems(t *testing.T) {
	_, err := decode("memory: lots\nconnectors: {a: {topics: [t], sink: {s3: {bucket: '${file:none}', format: json, region: r}}}}")
	var problems plugin.Problems
	if !errors.As(err, &problems) || len(problems) != 2 {
		t.Fatalf("got %v", err)
	}
	p := problems[1]
	if p.File != "c.yaml" || p.Line != 2 || p.Option != "connectors.a.sink.s3.bucket" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%+v", p)
	}
	if got := strings.Count(err.Error(), "\n"); got != 1 {
		t.Errorf("%d line breaks in %q", got, err)
	}
}

func TestNames(t *testing.T) {
	if got := registry().Names(reflect.TypeFor[Sink]()); !reflect.DeepEqual(got, []string{"local", "s3"}) {
		t.Errorf("%q", got)
	}
}

// What only a programmer can mend is refused before anything is decoded.
func TestRegisteringPanics(t *testing.T) {
	type again struct {
		Again *again `yaml:"again"`
	}
	sink := func(r *plugin.Registry, name string) {
		plugin.Add(r, name, Topic{}, func(Topic) (Sink, error) { return nil, nil })
	}
	for name, register := range map[string]func(r *plugin.Registry){
		"a name taken":      func(r *plugin.Registry) { sink(r, "s3") },
		"an empty name":     func(r *plugin.Registry) { sink(r, "") },
		"no interface":      func(r *plugin.Registry) { plugin.Add(r, "x", Topic{}, func(Topic) (string, error) { return "", nil }) },
		"no struct":         func(r *plugin.Registry) { plugin.Add(r, "x", 1, func(int) (Sink, error) { return nil, nil }) },
		"a block's name":    func(r *plugin.Registry) { plugin.Block(r, "aws", Topic{}) },
		"a block's type":    func(r *plugin.Registry) { plugin.Block(r, "other", AWS{}) },
		"no tag":            func(r *plugin.Registry) { plugin.Block(r, "x", struct{ A int }{}) },
		"a type that loops": func(r *plugin.Registry) { plugin.Block(r, "x", again{}) },
		"a type like no YAML": func(r *plugin.Registry) {
			plugin.Block(r, "x", struct {
				A chan int `yaml:"a"`
			}{})
		},
		"keys but text": func(r *plugin.Registry) {
			plugin.Block(r, "x", struct {
				A map[int]int `yaml:"a"`
			}{})
		},
		"an unknown role": func(r *plugin.Registry) {
			plugin.Block(r, "x", struct {
				A int `yaml:"a,omitempty"`
			}{})
		},
		"an option twice": func(r *plugin.Registry) {
			plugin.Block(r, "x", struct {
				A, B int `yaml:"a"`
			}{})
		},
		"a line of text": func(r *plugin.Registry) {
			plugin.Block(r, "x", struct {
				A string `yaml:",line"`
			}{})
		},
		"a default tag": func(r *plugin.Registry) {
			plugin.Block(r, "x", struct {
				A int `yaml:"a" default:"1"`
			}{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			register(registry())
		})
	}
}
