package csv

import (
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		set  func(*Config)
		want string
	}{
		{func(c *Config) { c.Path = "[" }, "path: \"[\" is not a glob"},
		{func(c *Config) { c.Order = "random" }, `order: unknown order "random"; write file or sample`},
		{func(c *Config) { c.Delimiter = ",," }, "delimiter: \",,\" cannot part cells"},
		{func(c *Config) { c.Delimiter = "\n" }, "cannot part cells"},
		{func(c *Config) { c.Quote = "" }, "quote: \"\" cannot stand around cells"},
		{func(c *Config) { c.Quote = "," }, "other than the delimiter"},
		{func(c *Config) { c.Seed = 1 }, "seed: only order: sample draws rows"},
		{func(c *Config) { c.Repeat = -1 }, "repeat: -1 is not how often"},
		{func(c *Config) { c.Order, c.Repeat = sampled, 2 }, "repeat: order: sample has no end already"},
		{func(c *Config) { c.Follow, c.Repeat = true, forever }, "repeat: a file that is followed never comes to its end"},
		{func(c *Config) { c.Order, c.Follow = sampled, true }, "follow: rows cannot be drawn from a file that grows"},
		{func(c *Config) { c.Path, c.Follow = "*.csv.zst", true }, "follow: a compressed file cannot be followed"},
		{func(c *Config) { c.Header = false }, "columns: without a header the columns must be named here"},
		{func(c *Config) { c.Header, c.Columns = false, columns(t, "a", "infer", "A", "infer") }, `columns: columns "a" and "A" are one name`},
		{func(c *Config) { c.Header, c.Columns, c.Key = false, columns(t, "a", "infer"), "b" }, `key: there is no column "b"; the columns are ["a"]`},
		{func(c *Config) { c.Columns, c.Time = columns(t, "b", "json", "a", "bool"), "a" }, `time: column "a" is declared bool, and no time is; declare it date,`},
		{func(c *Config) { c.Header, c.Columns, c.Time = false, columns(t, "a", "infer"), "b" }, `time: there is no column "b"`},
	} {
		c := Defaults()
		c.Path = "*.csv"
		tt.set(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.want, err)
		}
	}
}

// The YAML of every option, and the mistakes that are seen while it is read.
func TestYAML(t *testing.T) {
	type file struct {
		Source source.Source `yaml:"source"`
	}
	r := plugin.New()
	plugin.Add(r, "csv", Defaults(), New)
	for _, tt := range []struct{ yaml, want string }{
		{"data/*.csv", ""},
		{"{path: a.csv, header: false, columns: {Date: date, Volume: double, x: infer}, delimiter: ';', quote: none, order: file, repeat: forever, rate: 5/s, key: x, time: Date}", ""},
		{"{path: a.csv, order: sample, seed: 7}", ""},
		{"{path: a.csv, repeat: 0}", `repeat: "0" is not how often a file can be read; write a whole number from 1 on, or forever`},
		{"{path: a.csv, repeat: ever}", `"ever" is not how often`},
		{"{path: a.csv, columns: {a: varchar}}", `columns.a: unknown type "varchar"; there are string, bool,`},
		{"{path: a.csv, columns: {a: bytes, b: \"decimal(10,2)\", c: list<int64>, d: \"struct<a:int64,b:string>\"}}", ""},
		{"{path: a.csv, order: smaple}", `did you mean "sample"?`},
	} {
		err := plugin.Decode(r, "f.yaml", []byte("source: {csv: "+tt.yaml+"}"), &file{})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.yaml, err)
		}
	}
	for _, v := range []interface {
		MarshalText() ([]byte, error)
	}{forever, Repeat(12), Type{}, Type{record.Type{Kind: record.Date}}} {
		if text, err := v.MarshalText(); err != nil || !slices.Contains([]string{"forever", "12", "infer", "date"}, string(text)) {
			t.Errorf("%s, %v", text, err)
		}
	}
}
