package plugin_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/penstock/penstock/plugin"
)

// s3With is a sound file but for one line more in the options of s3, which stands on line 7.
func s3With(line string) string {
	return "connectors:\n  a:\n    topics: [t]\n    sink:\n      s3:\n        {\n" +
		"        " + line + ",\n        bucket: b, format: json, region: r}\n"
}

// A row a kind of mistake: the whole of what the user is told.
func TestMistakes(t *testing.T) {
	const s3 = "connectors.a.sink.s3"
	for _, c := range []struct{ name, text, want string }{
		// The file.
		{"empty", "", "c.yaml: holds no options; an empty mapping is written {}"},
		{"comments", "# nothing\n", "c.yaml: holds no options; an empty mapping is written {}"},
		{"null", "---\n~\n", "c.yaml: holds no options; an empty mapping is written {}"},
		{"too large", strings.Repeat("#", 1<<20+1), "c.yaml: is larger than 1048576 bytes"},
		{"list", "\n- a\n", "c.yaml:2: expects a mapping of options, not a list"},
		{"text", "hello", `c.yaml:1: expects a mapping of options, not "hello"`},
		{"second document", "memory: 1\n---\nmemory: 2\n", "c.yaml:2: a second document begins here; keep one, or give each a file of its own"},
		{"latin 1", "memory: 1\n# caf\xe9\n", "c.yaml:2: is not UTF-8 text; save it as UTF-8"},

		// YAML itself.
		{"tab", "connectors:\n  a:\n\ttopics: [t]\n", "c.yaml:3: is not YAML: found character that cannot start any token; indent with spaces, not with tabs"},
		{"unquoted template", "memory: 1\nconnectors:\n  a:\n    codec: {topic}/x\n    topic: t\n", "c.yaml:4: is not YAML: did not find expected key; quote text that begins with {"},
		{"unquoted star", "connectors:\n  a:\n    topics:\n    - *.csv\n", "c.yaml:4: is not YAML: did not find expected alphabetic or numeric character; quote text that begins with a sign such as *, &, !, % or @"},
		{"unknown anchor", "memory: 1\nconnectors:\n  a: *other\n", "c.yaml:3: is not YAML: unknown anchor 'other' referenced; quote text that begins with a sign such as *, &, !, % or @"},
		{"unquoted colon", "memory: 1\nconnectors:\n  a:\n    codec: a: b\n", "c.yaml:4: is not YAML: mapping values are not allowed in this context; mind the indentation, or quote text that holds \": \""},
		{"open bracket", "memory: 1\nconnectors:\n  a:\n    topics: [a, b\n    codec: json\n", "c.yaml:4: is not YAML: did not find expected ',' or ']'; close the [, or quote text that begins with it"},
		{"open quote", "memory: 1\nconnectors:\n  a:\n    codec: \"json\n", "c.yaml:4: is not YAML: found unexpected end of stream; close the quotation mark"},
		{"indentation", "connectors:\n  a:\n    topics: []\n   codec: json\n", "c.yaml:4: is not YAML: did not find expected key; mind the indentation"},
		{"reference in flow", "aws: {region: ${env:R}}\n", "c.yaml:1: is not YAML: did not find expected ',' or '}'; quote a value with ${...} where it stands inside { } or [ ]"},
		{"tag", "memory: 1\naws: {region: !secret x}\n", `c.yaml:2: the tag !secret is not known; leave it out, or quote the text that begins with "!"`},

		// Keys and aliases.
		{"duplicate option", s3With("bucket: x"), `c.yaml:8: ` + s3 + `: option "bucket" is given twice; it stands on line 7 already`},
		{"duplicate name", "connectors:\n  a: {topic: t}\n  a: {topic: u}\n", `c.yaml:3: connectors: option "a" is given twice; it stands on line 2 already`},
		{"duplicate block", "aws: {region: r}\naws: {}\n", `c.yaml:2: option "aws" is given twice; it stands on line 1 already`},
		{"merge", "connectors:\n  a: &a {topic: t}\n  b:\n    <<: *a\n", "c.yaml:4: connectors.b: the merge key << is not read; write its options out"},
		{"mapping as a key", "connectors:\n  a:\n    {topic}: x\n", "c.yaml:3: connectors.a: expects text as a key, not a mapping; quote it"},
		{"no key", "connectors:\n  '': x\n", "c.yaml:2: connectors: a key is missing before the colon"},
		{"cyclic alias", "memory: 1\nconnectors: &c\n  a: *c\n", "c.yaml:3: the alias *c stands inside what it names; write that out"},
		{"too many aliases", laughs(), "c.yaml:6: holds more than 100000 values, aliases written out; use fewer"},
		{"too deep", "memory: " + strings.Repeat("[", 200) + strings.Repeat("]", 200), "c.yaml:1: is nested more than 100 deep"},

		// Options.
		{"unknown option, near", s3With("buckt: x"), `c.yaml:7: ` + s3 + `: unknown option "buckt"; did you mean "bucket"?`},
		{"unknown option, swapped", s3With("tasg: {}"), `c.yaml:7: ` + s3 + `: unknown option "tasg"; did you mean "tags"?`},
		{"unknown option, its value", s3With("levl: high"), `c.yaml:7: ` + s3 + `: unknown option "levl"; did you mean "level"?` + "\n" +
			`c.yaml:7: ` + s3 + `.levl: "high" is not a whole number; write plain digits as in 50000`},
		{"unknown option, of many", s3With("frobnicate: x"), `c.yaml:7: ` + s3 + `: unknown option "frobnicate"; there are bucket, endpoint, format, level, path, rate, region, share, strict, tags`},
		{"unknown option, of few", "connectors: {a: {flush: {often: true}}}", `c.yaml:1: connectors.a.flush: unknown option "often"; there are bytes, every, rows`},
		{"unknown option at the top", "kafka: {}", `c.yaml:1: unknown option "kafka"; there are aws, connectors, memory`},
		{"reference in a key", "${env:X}: 1", `c.yaml:1: unknown option "${env:X}"; there are aws, connectors, memory`},
		{"missing option", "connectors:\n  a:\n    topics: [t]\n    sink:\n      s3: {bucket: b, region: r}\n", `c.yaml:5: ` + s3 + `: missing option "format"`},
		{"missing through a block", "aws: {}\nconnectors: {a: {topics: [t], sink: {s3: {bucket: b, format: json}}}}", `c.yaml:2: ` + s3 + `: missing option "region"`},
		{"required but empty", "connectors: {a: {topic: '${env:EMPTY:}'}}", "c.yaml:1: connectors.a.topic: is required, and may not be empty"},
		{"required but null", s3With("x: 1") + "  b:\n    topic: {name: ~}", `c.yaml:7: ` + s3 + `: unknown option "x"; there are bucket, endpoint, format, level, path, rate, region, share, strict, tags` + "\n" +
			`c.yaml:10: connectors.b.topic.name: has no value; give one, leave the option out, or write "" for empty text`},
		{"no value", "connectors: {a: {flush: {rows: }}}", "c.yaml:1: connectors.a.flush.rows: has no value; give one, or leave the option out"},
		{"no value in a list", "connectors: {a: {topics: [t, ~]}}", "c.yaml:1: connectors.a.topics[1]: has no value; give one, or leave the item out"},
		{"no options", "connectors:\n  a:\n", "c.yaml:2: connectors.a: has no options; indent them below it, write {} for none, or leave it out"},
		{"enum", "connectors: {a: {errors: dead_leter}}", `c.yaml:1: connectors.a.errors: "dead_leter" is not one of stop, skip, dead_letter; did you mean "dead_letter"?`},
		{"enum, far", "connectors: {a: {errors: {on_bad_record: x}}}", `c.yaml:1: connectors.a.errors.on_bad_record: "x" is not one of stop, skip, dead_letter`},

		// Shapes.
		{"list for text", s3With("path: [a]"), "c.yaml:7: " + s3 + ".path: expects text, not a list; quote text that begins with ["},
		{"template for text", s3With("path: {topic}"), "c.yaml:7: " + s3 + `.path: expects text, but {topic} without quotes is a mapping; write "{topic}"`},
		{"mapping for text", s3With("path: {a: b}"), "c.yaml:7: " + s3 + ".path: expects text, not a mapping; quote text that begins with {"},
		{"block mapping for text", "connectors:\n  a:\n    topic:\n      name:\n        b: c\n", "c.yaml:4: connectors.a.topic.name: expects text, not a mapping"},
		{"list for a number", s3With("level: [1]"), "c.yaml:7: " + s3 + ".level: expects a whole number, not a list"},
		{"text for a list", "connectors: {a: {topics: stock}}", `c.yaml:1: connectors.a.topics: expects a list, not "stock"; write ["stock"]`},
		{"mapping for a list", "connectors: {a: {topics: {}}}", "c.yaml:1: connectors.a.topics: expects a list, not an empty mapping"},
		{"text for a mapping", s3With("tags: x"), "c.yaml:7: " + s3 + `.tags: expects a mapping, not "x"`},
		{"text for options", "connectors: {a: {flush: 5}}", `c.yaml:1: connectors.a.flush: expects a mapping of options, not "5"; write each by its name, as in {rows: ...}`},
		{"list for a short form", "connectors: {a: {errors: [skip]}}", "c.yaml:1: connectors.a.errors: expects a mapping of options, not a list; write each by its name, as in {on_bad_record: ...}"},
		{"list for pairs", "connectors: []", "c.yaml:1: connectors: expects a mapping, not a list"},

		// Values.
		{"yes", s3With("strict: yes"), "c.yaml:7: " + s3 + `.strict: "yes" is not true or false; write true`},
		{"Off", s3With("strict: Off"), "c.yaml:7: " + s3 + `.strict: "Off" is not true or false; write false`},
		{"maybe", s3With("strict: maybe"), "c.yaml:7: " + s3 + `.strict: "maybe" is not true or false`},
		{"fraction", s3With("level: 1.5"), "c.yaml:7: " + s3 + `.level: "1.5" is not a whole number; write plain digits as in 50000`},
		{"octal", s3With("level: 010"), "c.yaml:7: " + s3 + `.level: "010" is not a whole number; write plain digits as in 50000`},
		{"range", s3With("level: -129"), "c.yaml:7: " + s3 + `.level: "-129" is out of range; it goes from -128 to 127`},
		{"range of 64 bits", "connectors: {a: {flush: {rows: 9223372036854775808}}}", `c.yaml:1: connectors.a.flush.rows: "9223372036854775808" is out of range; it goes from -9223372036854775808 to 9223372036854775807`},
		{"not a number", s3With("share: .nan"), "c.yaml:7: " + s3 + `.share: ".nan" is not a number; write one as in 10, 0.5 or 1e6`},
		{"duration", "connectors: {a: {flush: {every: 5}}}", `c.yaml:1: connectors.a.flush.every: "5" is not a duration; write numbers with units as in 10s, 5m, 1h30m or 7d`},
		{"size", "memory: lots", `c.yaml:1: memory: "lots" is not a size; write bytes as in 64MiB, 10MB or 4096`},
		{"rate", s3With("rate: 5"), "c.yaml:7: " + s3 + `.rate: "5" is not a rate; write rows in a time as in 1000/s, 30/m or 0.5/s, or none for no limit`},
		{"a type's own reason", "connectors: {a: {schema: {columns: {D: dat3}}}}", `c.yaml:1: connectors.a.schema.columns.D: unknown type "dat3"; there are date, double, string`},
		{"long text", s3With("level: " + strings.Repeat("x", 100)), "c.yaml:7: " + s3 + `.level: "` + strings.Repeat("x", 57) + `..." is not a whole number; write plain digits as in 50000`},

		// References: what they stand for is never shown.
		{"unset", s3With(`path: "x/${env:NOPE}"`), "c.yaml:7: " + s3 + ".path: the environment variable NOPE is not set; set it, or give a default as in ${env:NOPE:default}"},
		{"empty is unset", s3With(`path: "${env:EMPTY}"`), "c.yaml:7: " + s3 + ".path: the environment variable EMPTY is not set; set it, or give a default as in ${env:EMPTY:default}"},
		{"no such file", s3With(`path: "${file:no.txt}"`), "c.yaml:7: " + s3 + ".path: ${file:no.txt} cannot be read: open no.txt: file does not exist"},
		{"unknown reference", s3With(`path: "${topic}"`), "c.yaml:7: " + s3 + ".path: ${topic} is not understood; write ${env:NAME}, ${env:NAME:default} or ${file:path}, and $${ for the text ${"},
		{"nested reference", s3With(`path: "${env:A:${env:B}}"`), "c.yaml:7: " + s3 + ".path: ${env:B} stands inside another; a default cannot refer to more"},
		{"open reference", s3With(`path: "${env:A"`), "c.yaml:7: " + s3 + ".path: ${ is not closed; end it with }, or write $${ for the text ${"},
		{"binary", s3With(`path: "${env:BINARY}"`), "c.yaml:7: " + s3 + ".path: what ${env:BINARY} stands for is not UTF-8 text"},
		{"secret number", s3With(`level: "${env:PASSWORD}"`), "c.yaml:7: " + s3 + `.level: "${env:PASSWORD}" is not a whole number; write plain digits as in 50000`},
		{"secret size", `memory: "${env:PASSWORD}"`, `c.yaml:1: memory: "${env:PASSWORD}" is not a size; write bytes as in 64MiB, 10MB or 4096`},
		{"short secret", `connectors: {a: {schema: {columns: {D: "${env:THREE}"}}}}`, `c.yaml:1: connectors.a.schema.columns.D: unknown type "${env:THREE}"; there are date, double, string`},
		{"secret in a constructor", s3With(`path: "a/${env:PASSWORD}/{"`), "c.yaml:7: " + s3 + `.path: "a/${env:PASSWORD}/{": a brace is not closed`},
		{"secret plugin", `connectors: {a: {codec: "${env:PASSWORD}"}}`, `c.yaml:1: connectors.a.codec: unknown format "${env:PASSWORD}"; there are json`},
		{"secret in an enum", `connectors: {a: {errors: "${env:PASSWORD}"}}`, `c.yaml:1: connectors.a.errors: "${env:PASSWORD}" is not one of stop, skip, dead_letter`},

		// Plugins.
		{"unknown plugin", "connectors: {a: {topics: [t], sink: {s33: {}}}}", `c.yaml:1: connectors.a.sink: unknown sink "s33"; there are local, s3; did you mean "s3"?`},
		{"no name", "connectors: {a: {topics: [t], sink: {}}}", "c.yaml:1: connectors.a.sink: expects a sink's name, or a mapping of its name to its options, not an empty mapping"},
		{"list of names", "connectors: {a: {topics: [t], sink: [s3]}}", "c.yaml:1: connectors.a.sink: expects a sink's name, or a mapping of its name to its options, not a list"},
		{"two names", "connectors:\n  a:\n    topics: [t]\n    sink:\n      local:\n      dir: x\n", "c.yaml:4: connectors.a.sink: expects one sink, not local and dir; its options are indented below its name"},
		{"name alone", "connectors: {a: {after_flush: [glue]}}", `c.yaml:1: connectors.a.after_flush[0].glue: missing option "crawler"`},
		{"name and nothing", "connectors:\n  a:\n    after_flush:\n    - glue:\n", `c.yaml:4: connectors.a.after_flush[0].glue: missing option "crawler"`},
		{"constructor, at two options", s3With("tags: {owner: nobody}, path: '{'"), "c.yaml:7: " + s3 + `.path: "{": a brace is not closed` + "\nc.yaml:7: " + s3 + ".tags.owner: nobody is not an owner"},
		{"constructor that panics", s3With("path: PANIC"), "c.yaml:5: " + s3 + ": the constructor panicked: no such directive; this is a mistake in its code, please report it"},
		{"constructor that makes nothing", "connectors: {a: {after_flush: [nil]}}", "c.yaml:1: connectors.a.after_flush[0].nil: the constructor made no hook and gave no error; this is a mistake in its code, please report it"},

		// Rules that join options.
		{"check", "connectors:\n  a:\n    sink: local\n", "c.yaml:2: connectors.a.topics: is missing: a sink needs topics"},
		{"check at an option", "connectors:\n  a:\n    sink: local\n    topics: []\n", "c.yaml:4: connectors.a.topics: is missing: a sink needs topics"},
		{"check beside a mistake", "connectors:\n  a:\n    sink: local\n    flush: {rows: many}\n", "c.yaml:2: connectors.a.topics: is missing: a sink needs topics\n" +
			`c.yaml:4: connectors.a.flush.rows: "many" is not a whole number; write plain digits as in 50000`},
		{"check of what is unsound", "connectors:\n  a:\n    sink: local\n    topics: 5\n", `c.yaml:4: connectors.a.topics: expects a list, not "5"; write ["5"]`},
		{"check of what stands in something unsound", "connectors:\n  a:\n    topics: [t, dead]\n    errors: {topic: dead, tpic: x}\n",
			`c.yaml:4: connectors.a.errors: unknown option "tpic"; did you mean "topic"?`},
		{"check of the file beside a mistake", "memory: lots\nconnectors:\n  a:\n    topics: [t, dead]\n    errors:\n      topic: dead\n",
			`c.yaml:1: memory: "lots" is not a size; write bytes as in 64MiB, 10MB or 4096` + "\nc.yaml:6: connectors.a.errors.topic: is a topic that the connector reads"},
		{"check of the file", "connectors:\n  a:\n    topics: [t, dead]\n    errors:\n      topic: dead\n", "c.yaml:5: connectors.a.errors.topic: is a topic that the connector reads"},

		// Every problem, in the order of lines; what depends on something unsound is not guessed at.
		{"several", "memry: 1\nconnectors:\n  b:\n    sink: {s3: {bucket: 1, formt: json}}\n  a:\n    flush: {rows: many, every: x}\n",
			"c.yaml:1: unknown option \"memry\"; did you mean \"memory\"?\n" +
				"c.yaml:4: connectors.b.sink.s3: unknown option \"formt\"; did you mean \"format\"?\n" +
				"c.yaml:4: connectors.b.sink.s3: missing option \"region\"\n" +
				"c.yaml:6: connectors.a.flush.rows: \"many\" is not a whole number; write plain digits as in 50000\n" +
				"c.yaml:6: connectors.a.flush.every: \"x\" is not a duration; write numbers with units as in 10s, 5m, 1h30m or 7d"},
		{"a block with problems", "aws: {regoin: x}\nconnectors: {a: {topics: [t], sink: {s3: {bucket: b, format: json, region: r}}}}", `c.yaml:1: aws: unknown option "regoin"; did you mean "region"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decode(c.text)
			if err == nil {
				t.Fatalf("no error; want %s", c.want)
			}
			if err.Error() != c.want {
				t.Errorf("\n got %s\nwant %s", err, c.want)
			}
		})
	}
}

// laughs names a list of nine nine times over, and that again, on six lines.
func laughs() string {
	text := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'f'; c++ {
		text += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 9) + "]\n"
	}
	return text
}

func TestDecodeIntoTheWrongThing(t *testing.T) {
	for name, c := range map[string]struct {
		into any
		want string
	}{
		"nil":       {nil, "f: cannot be decoded into a <nil>; a pointer to a struct is needed"},
		"no struct": {new(int), "f: cannot be decoded into a *int; a pointer to a struct is needed"},
		"untagged":  {&struct{ A int }{}, "f: field struct { A int }.A is exported without a yaml tag, or tagged without being exported"},
		"a block": {&struct {
			A int `yaml:"aws"`
		}{}, "f:1: aws: is a block of plugin_test.AWS, and cannot be a int here"},
	} {
		t.Run(name, func(t *testing.T) {
			err := plugin.Decode(registry(), "f", []byte("{}"), c.into)
			if err == nil || err.Error() != c.want {
				t.Errorf("\n got %v\nwant %s", err, c.want)
			}
		})
	}
}

type careless struct {
	Text misread `yaml:"text"`
}

func (careless) Check() error { panic("check") }

type misread string

func (*misread) UnmarshalText(b []byte) error { panic("text " + string(b)) }
func (misread) MarshalText() ([]byte, error)  { panic("marshal") }

// Code that is not ours may panic: the message says whose it is.
func TestForeignPanics(t *testing.T) {
	for text, want := range map[string]string{
		"text: x": "f:1: text: plugin_test.misread panicked: text x; this is a mistake in its code, please report it",
		"{}":      "f:1: plugin_test.careless.Check panicked: check; this is a mistake in its code, please report it",
	} {
		err := plugin.Decode(plugin.New(), "f", []byte(text), &careless{})
		if err == nil || err.Error() != want {
			t.Errorf("\n got %v\nwant %s", err, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	type numbers struct {
		U8  uint8   `yaml:"u8"`
		U64 uint64  `yaml:"u64"`
		I64 int64   `yaml:"i64"`
		F32 float32 `yaml:"f32"`
		F64 float64 `yaml:"f64"`
	}
	for text, want := range map[string]any{
		"{u8: 255, u64: 18446744073709551615, i64: -9223372036854775808}": numbers{U8: 255, U64: 1<<64 - 1, I64: -1 << 63},
		"{u8: +7, i64: '12', f64: 1e3, f32: -.5}":                         numbers{U8: 7, I64: 12, F64: 1000, F32: -.5},
		"u8: 256":    `f:1: u8: "256" is out of range; it goes from 0 to 255`,
		"u8: -1":     `f:1: u8: "-1" is out of range; it goes from 0 to 255`,
		"i64: 1e3":   `f:1: i64: "1e3" is not a whole number; write plain digits as in 50000`,
		"i64: 0x10":  `f:1: i64: "0x10" is not a whole number; write plain digits as in 50000`,
		"i64: 1_000": `f:1: i64: "1_000" is not a whole number; write plain digits as in 50000`,
		"f32: 1e39":  `f:1: f32: "1e39" is not a number; write one as in 10, 0.5 or 1e6`,
		"f64: 0x1p4": `f:1: f64: "0x1p4" is not a number; write one as in 10, 0.5 or 1e6`,
	} {
		var got numbers
		if err := plugin.Decode(plugin.New(), "f", []byte(text), &got); err != nil {
			if err.Error() != want {
				t.Errorf("%s: got %v, want %v", text, err, want)
			}
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}
