// Package connector runs one connector: a source into a topic, or topics into a sink, each row exactly once.
package connector

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/source"
)

// Config is one entry of the connectors block. It has a source and a topic, or topics and a sink.
type Config struct {
	Line   int    `yaml:",line"`
	Layout string `yaml:",layout"` // the text of everything that decides names, rows and verdicts

	Source source.Source `yaml:"source" layout:"-" doc:"What is read into the topic."`
	Topic  Topic         `yaml:"topic" layout:"-" doc:"The topic that the source fills, made if absent: a name, or name and partitions."`

	Topics       Topics        `yaml:"topics" layout:"-" doc:"The topics that the sink empties."`
	Sink         sink.Sink     `yaml:"sink" doc:"Where the rows of the topics go."`
	Group        string        `yaml:"group" layout:"-" doc:"The consumer group; connect-<name> if not said."`
	From         From          `yaml:"from" layout:"-" doc:"Where to begin at the group's first start: earliest, latest, or a time as in 2026-01-31T00:00:00Z."`
	OnOffsetLoss string        `yaml:"on_offset_loss" enum:"stop|continue" layout:"-" doc:"What to do when rows have expired before they were read: hold the partition, or continue with the oldest that is left."`
	Codec        formats.Codec `yaml:"codec" default:"json" doc:"How the records of the topic are encoded."`
	Schema       Schema        `yaml:"schema" doc:"The columns of the rows."`
	Flush        Flush         `yaml:"flush" layout:"-" doc:"When to make rows visible: whichever comes first, for each partition of a topic over all its paths."`
	AfterFlush   []hook.Hook   `yaml:"after_flush" layout:"-" doc:"What runs after rows have become visible."`
	Errors       Errors        `yaml:"errors" doc:"What becomes of records that cannot be read or written."`
}

// Topic is a topic to fill.
type Topic struct {
	Name       string `yaml:"name,short" doc:"Its name."`
	Partitions int    `yaml:"partitions" doc:"How many partitions it is made with; the broker's default if not said."`
}

// Schema is what a connector says of its columns.
type Schema struct {
	Columns []record.Column `yaml:"columns" doc:"Columns and their types: string, bool, int32, int64, float, double, date, timestamp(ms), timestamp(us), bytes, json, decimal(p,s), list<type>, struct<name:type,...>. Others are inferred from the records; one that path reads as a date is what it was seen to be in files."`
	New     string          `yaml:"new" enum:"add|ignore|error" doc:"What becomes of a column that is not known yet: a new version of the schema, nothing, or a bad record."`
	Names   string          `yaml:"names" enum:"as_is|snake_case" doc:"How files spell the columns' names."`
}

// Flush says when an interval is closed.
type Flush struct {
	Rows  int           `yaml:"rows" doc:"After so many rows; 0 is off."`
	Bytes plugin.Size   `yaml:"bytes" doc:"After so many bytes of record values."`
	Every time.Duration `yaml:"every" doc:"So long after the first row of the interval was taken in."`
	Idle  time.Duration `yaml:"idle" doc:"So long after the last row was taken in; 0 is off."`
}

// Errors is the policy for bad records.
type Errors struct {
	OnBadRecord string `yaml:"on_bad_record" enum:"stop|skip|dead_letter" doc:"stop holds the partition, or the split of a source, before the record; skip leaves it out, and counts it; dead_letter stores it in a topic."`
	Topic       string `yaml:"topic" doc:"The topic of dead letters, made if absent."`
}

// Defaults is where a Config starts from.
func Defaults() Config {
	return Config{
		OnOffsetLoss: "stop",
		Schema:       Schema{Names: "as_is", New: "add"},
		Flush:        Flush{Bytes: 128 << 20, Every: 5 * time.Minute},
		Errors:       Errors{OnBadRecord: "stop"},
	}
}

// Check holds the rules between options.
func (c *Config) Check() error {
	var errs []error
	says := func(option, text string, broken bool) {
		if broken {
			errs = append(errs, plugin.Option(option, errors.New(text)))
		}
	}
	switch {
	case c.Source != nil && c.Sink != nil:
		says("sink", "a connector has a source or a sink; make it two, with a topic between them", true)
	case c.Source != nil:
		says("topic", "a source needs a topic to fill; add topic: NAME", c.Topic.Name == "")
		says("topics", "topics are for a sink; the topic that a source fills is topic: NAME", c.Topics.given())
		says("flush", "flush is for a sink; move it to the connector that empties the topic", c.Flush != Defaults().Flush)
		says("schema", "schema is for a sink; a source names its columns itself", len(c.Schema.Columns) > 0 || c.Schema.Names != Defaults().Schema.Names || c.Schema.New != Defaults().Schema.New)
		says("on_offset_loss", "on_offset_loss is for a sink; a source reads no topic", c.OnOffsetLoss != Defaults().OnOffsetLoss)
		says("from", "from is for a sink; a source goes on where its splits stand", c.From != From{})
		says("after_flush", "after_flush is for a sink; move it to the connector that empties the topic", len(c.AfterFlush) > 0)
	case c.Sink != nil:
		says("topics", "a sink needs topics to empty; add topics: [NAME]", !c.Topics.given())
		says("topic", "topic is what a source fills; a sink empties topics: [NAME]", c.Topic.Name != "")
	default:
		errs = append(errs, errors.New("a connector needs a source and a topic, or topics and a sink"))
	}
	says("topics.match", "names and match are two ways to say which topics; leave one out", len(c.Topics.Names) > 0 && c.Topics.Match.whole != nil)
	says("topic.partitions", "there are no fewer than 1; leave it out for the broker's default", c.Topic.Partitions < 0)
	says("flush", "nothing would ever be flushed; set rows, bytes, every or idle", c.Flush == Flush{})
	errs = append(errs, c.Flush.check(), c.topicNames())
	says("errors.topic", "a topic is for dead letters alone; set on_bad_record: dead_letter, or leave it out", c.Errors.Topic != "" && c.Errors.OnBadRecord != "dead_letter")
	says("errors.topic", "dead letters need a topic; add topic: NAME", c.Errors.OnBadRecord == "dead_letter" && c.Errors.Topic == "")
	says("errors.topic", "the connector reads the topic of its dead letters; give them one of their own", c.Errors.Topic != "" && slices.Contains(c.Topics.Names, c.Errors.Topic))
	says("errors.topic", "the connector fills the topic of its dead letters; give them one of their own", c.Errors.Topic != "" && c.Topic.Name == c.Errors.Topic)
	if c.Sink != nil {
		errs = append(errs, c.fits())
	}
	return errors.Join(errs...)
}

func (f Flush) check() error {
	negative := errors.New("is negative; write 0 to switch it off")
	var errs []error
	for _, o := range []struct {
		name  string
		value int64
	}{{"rows", int64(f.Rows)}, {"bytes", int64(f.Bytes)}, {"every", int64(f.Every)}, {"idle", int64(f.Idle)}} {
		if o.value < 0 {
			errs = append(errs, plugin.Option("flush."+o.name, negative))
		}
	}
	return errors.Join(errs...)
}

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// topicNames refuses names that no broker takes, and topics that stand twice.
func (c *Config) topicNames() error {
	var errs []error
	valid := func(option, name string) {
		if name != "" && (!topicName.MatchString(name) || strings.Trim(name, ".") == "") {
			errs = append(errs, plugin.Option(option, fmt.Errorf("%q is no name of a topic; write up to 249 letters, digits, dots, dashes and underscores", name)))
		}
	}
	valid("topic", c.Topic.Name)
	valid("errors.topic", c.Errors.Topic)
	for i, name := range c.Topics.Names {
		valid(fmt.Sprintf("topics[%d]", i), name)
		if slices.Index(c.Topics.Names, name) < i {
			errs = append(errs, plugin.Option(fmt.Sprintf("topics[%d]", i), fmt.Errorf("%q stands twice; leave one out", name)))
		}
	}
	return errors.Join(errs...)
}

// fits says whether the sink takes the columns that are known.
func (c *Config) fits() error {
	s, err := c.schema(nil, 0)
	if err != nil {
		return plugin.Option("schema", err)
	}
	unread := slices.ContainsFunc(c.Schema.Columns, func(c record.Column) bool { return c.Type.Kind == record.Null }) // the file is wrong there
	if f, ok := c.Sink.(sink.Fitted); ok && !unread {
		return plugin.Option("sink", f.Fits(s))
	}
	return nil
}

// Advice is what somebody who reads what the sink writes should know, and stops nothing; each names its option.
func (c *Config) Advice() (all []error) {
	a, ok := c.Sink.(sink.Advised)
	s, err := c.schema(nil, 0)
	if !ok || err != nil {
		return nil
	}
	for _, err := range a.Advice(s, len(c.AfterFlush) > 0) {
		all = append(all, plugin.Option("sink", err))
	}
	return all
}

// Names is of sink.Naming: what the names of the files of a topic are made from; "" where the sink does not say.
func (c *Config) Names(topic string) string {
	if n, ok := c.Sink.(sink.Naming); ok {
		return n.Names(topic)
	}
	return ""
}

// Endless names the option that keeps the source's splits from ending; "" if they end. Waits says that they come to the end of
// what is there, and wait for more.
func (c *Config) Endless() (option string, waits bool) {
	if s, ok := c.Source.(source.Endless); ok {
		return s.Endless()
	}
	return "", false
}

// From is where to begin, in the YAML's words.
type From struct{ kafka.From }

// UnmarshalText reads earliest, latest or a time.
func (f *From) UnmarshalText(text []byte) error {
	switch string(text) {
	case "earliest":
		f.From = kafka.From{}
	case "latest":
		f.From = kafka.From{Latest: true}
	default:
		t, err := time.Parse(time.RFC3339, string(text))
		if err != nil {
			return fmt.Errorf("%q is neither earliest, latest nor a time as in 2026-01-31T00:00:00Z", text)
		}
		f.From = kafka.From{Time: t}
	}
	return nil
}

// Pattern is what the text of a beginning fits.
func (From) Pattern() string {
	return `^(earliest|latest|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2}))$`
}

// MarshalText writes what UnmarshalText reads.
func (f From) MarshalText() ([]byte, error) {
	switch {
	case f.Latest:
		return []byte("latest"), nil
	case !f.Time.IsZero():
		return []byte(f.Time.Format(time.RFC3339)), nil
	}
	return []byte("earliest"), nil
}
