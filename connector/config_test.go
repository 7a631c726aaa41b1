package connector

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/source"
)

type noSource struct{}

func (noSource) Splits(context.Context) ([]string, error) { return nil, nil }
func (noSource) Read(context.Context, string, source.Offset) iter.Seq2[source.Page, error] {
	return nil
}

func TestCheck(t *testing.T) {
	into := func(c *Config) { c.Source, c.Topic.Name = noSource{}, "t" }
	outOf := func(c *Config) { c.Sink, c.Topics.Names = sink.Func(nil), []string{"t"} }
	for name, c := range map[string]struct {
		base   func(*Config)
		change func(*Config)
		want   []string // in the error; none: sound
	}{
		"a source":             {into, func(*Config) {}, nil},
		"a sink":               {outOf, func(*Config) {}, nil},
		"neither":              {func(*Config) {}, func(*Config) {}, []string{"a connector needs a source and a topic, or topics and a sink"}},
		"both":                 {outOf, into, []string{"sink: a connector has a source or a sink; make it two, with a topic between them"}},
		"source without topic": {into, func(c *Config) { c.Topic.Name = "" }, []string{"topic: a source needs a topic to fill; add topic: NAME"}},
		"source with topics":   {into, func(c *Config) { c.Topics.Names = []string{"t"} }, []string{"topics: topics are for a sink; the topic that a source fills is topic: NAME"}},
		"source with hooks":    {into, func(c *Config) { c.AfterFlush = make([]hook.Hook, 1) }, []string{"after_flush: after_flush is for a sink; move it to the connector that empties the topic"}},
		"sink without topics":  {outOf, func(c *Config) { c.Topics.Names = nil }, []string{"topics: a sink needs topics to empty; add topics: [NAME]"}},
		"sink with topic":      {outOf, func(c *Config) { c.Topic.Name = "t" }, []string{"topic: topic is what a source fills; a sink empties topics: [NAME]"}},
		"negative rows":        {outOf, func(c *Config) { c.Flush.Rows = -1 }, []string{"flush.rows: is negative; write 0 to switch it off"}},
		"negative idle":        {outOf, func(c *Config) { c.Flush.Idle = -1 }, []string{"flush.idle: is negative; write 0 to switch it off"}},
		"never a flush":        {outOf, func(c *Config) { c.Flush = Flush{} }, []string{"flush: nothing would ever be flushed; set rows, bytes, every or idle"}},
		"only idle":            {outOf, func(c *Config) { c.Flush = Flush{Idle: time.Second} }, nil},
		"schema":               {outOf, func(c *Config) { c.Sink = asking{all: true} }, []string{"schema: the format writes typed columns; declare them"}},
		"a name with dots": {outOf, func(c *Config) { *c = dotted(t) }, []string{
			`sink: column "a.b": its type is not known; declare it under schema: columns: first`}},
		"a declared name with dots": {outOf, func(c *Config) {
			*c = dotted(t)
			c.Schema.Columns = []record.Column{{Name: "a.b", Type: kindOf(record.Date)}}
		}, nil},
		"what is for sinks": {into, func(c *Config) {
			c.Schema.Columns, c.Flush.Rows, c.From = []record.Column{{Name: "a"}}, 10, From{kafka.From{Latest: true}}
			c.OnOffsetLoss = "continue"
		}, []string{"schema: schema is for a sink", "flush: flush is for a sink; move it to the connector that empties the topic", "from: from is for a sink", "on_offset_loss: on_offset_loss is for a sink"}},
		"a source's own dead letters": {into, func(c *Config) { c.Errors = Errors{"dead_letter", "t"} }, []string{
			"errors.topic: the connector fills the topic of its dead letters; give them one of their own"}},
		"a topic of no dead letters": {outOf, func(c *Config) { c.Errors.Topic = "d" }, []string{"errors.topic: a topic is for dead letters alone; set on_bad_record: dead_letter, or leave it out"}},
		"a sink's own dead letters": {outOf, func(c *Config) { c.Errors = Errors{"dead_letter", "t"} }, []string{
			"errors.topic: the connector reads the topic of its dead letters; give them one of their own"}},
		"names and a match": {outOf, func(c *Config) { c.Topics.Match.UnmarshalText([]byte("t.*")) }, []string{"topics.match: names and match are two ways to say which topics; leave one out"}},
		"a topic twice":     {outOf, func(c *Config) { c.Topics.Names = []string{"t", "u", "t"} }, []string{`topics[2]: "t" stands twice; leave one out`}},
		"no name":           {into, func(c *Config) { c.Topic.Name = ".." }, []string{`topic: ".." is no name of a topic; write up to 249 letters, digits, dots, dashes and underscores`}},
		"the longest name":  {into, func(c *Config) { c.Topic.Name = strings.Repeat("t", 249) }, nil},
		"fewer than none":   {into, func(c *Config) { c.Topic.Partitions = -1 }, []string{"topic.partitions: there are no fewer than 1"}},
		"all that is wrong": {outOf, func(c *Config) { c.Topics.Names, c.Flush = nil, Flush{Rows: -1} }, []string{
			"topics: a sink needs topics", "flush.rows: is negative"}},
	} {
		cfg := Defaults()
		c.base(&cfg)
		c.change(&cfg)
		err := cfg.Check()
		if len(c.want) == 0 && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %s", name, err, want)
			}
		}
	}
}

// dotted makes Parquet files below the column a.b, of which they have to say more than the path does.
func dotted(t *testing.T) Config {
	c := *typedOn(t, `{"a.b"}`, Schema{}).config
	c.Topics.Names = []string{"t"}
	return c
}

func TestFromInWords(t *testing.T) {
	at := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]kafka.From{
		"earliest": {}, "latest": {Latest: true}, "2026-01-31T00:00:00Z": {Time: at}, "2026-01-31T01:00:00+01:00": {Time: at},
	} {
		var f From
		if err := f.UnmarshalText([]byte(text)); err != nil || f.Latest != want.Latest || !f.Time.Equal(want.Time) {
			t.Errorf("%s is %+v, %v", text, f, err)
		}
		var again From
		if out, err := f.MarshalText(); err != nil || again.UnmarshalText(out) != nil || again.Latest != f.Latest || !again.Time.Equal(f.Time) {
			t.Errorf("%s comes back as %+v", text, again)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-01-31", "Earliest"} {
		err := new(From).UnmarshalText([]byte(text))
		if err == nil || err.Error() != `"`+text+`" is neither earliest, latest nor a time as in 2026-01-31T00:00:00Z` {
			t.Errorf("%q: %v", text, err)
		}
	}
}
