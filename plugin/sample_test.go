package plugin_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/plugin"
)

// A file, its contracts and its plugins, as small as they can be with one of everything in them.
type (
	Sink   interface{ Describe() string }
	Format interface{ Ext() string }
	Hook   interface{ Name() string }

	built string
)

func (b built) Describe() string { return string(b) }
func (b built) Ext() string      { return string(b) }
func (b built) Name() string     { return string(b) }

type File struct {
	Memory     plugin.Size `yaml:"memory" doc:"The budget of the process."`
	AWS        AWS         `yaml:"aws" doc:"What everything on AWS shares."`
	Connectors []Connector `yaml:"connectors" doc:"What moves rows, by name."`
}

func (f *File) Check() error {
	var errs []error
	for _, c := range f.Connectors {
		if c.Errors.Topic != "" && strings.Contains(strings.Join(c.Topics, " "), c.Errors.Topic) {
			errs = append(errs, plugin.Option("connectors", plugin.Option(c.Name+".errors.topic", errors.New("is a topic that the connector reads"))))
		}
	}
	return errors.Join(errs...)
}

type Connector struct {
	Name   string   `yaml:",key"`
	Line   int      `yaml:",line"`
	Layout string   `yaml:",layout"`
	Topics []string `yaml:"topics" doc:"The topics to read."`
	Topic  *Topic   `yaml:"topic" doc:"The topic to fill."`
	Sink   Sink     `yaml:"sink" doc:"Where rows go."`
	Codec  Format   `yaml:"codec" default:"json" doc:"How records are read."`
	Schema struct {
		Columns []Column `yaml:"columns" doc:"Declared types."`
	} `yaml:"schema" doc:"The columns."`
	Flush  Flush  `yaml:"flush" doc:"When files are made."`
	Hooks  []Hook `yaml:"after_flush" layout:"-" doc:"What runs after a flush."`
	Errors struct {
		Policy string `yaml:"on_bad_record,short" enum:"stop|skip|dead_letter" doc:"What becomes of a bad record."`
		Topic  string `yaml:"topic" doc:"Where dead letters go."`
	} `yaml:"errors" doc:"The error policy."`
}

func (c *Connector) Default() {
	c.Flush = Flush{Bytes: 128 << 20, Every: 5 * time.Minute}
	c.Errors.Policy = "stop"
}

func (c Connector) Check() error {
	if c.Sink != nil && len(c.Topics) == 0 {
		return plugin.Option("topics", errors.New("is missing: a sink needs topics"))
	}
	return nil
}

type Topic struct {
	Name       string `yaml:"name,short" required:"true" doc:"Its name."`
	Partitions int32  `yaml:"partitions" doc:"How many it is made with."`
}

func (t *Topic) Default() { t.Partitions = 1 }

type Column struct {
	Name string   `yaml:",key"`
	Type ColumnOf `yaml:",value"`
}

type ColumnOf struct{ name string }

func (c *ColumnOf) UnmarshalText(b []byte) error {
	if c.name = string(b); !strings.Contains("date double string", c.name) {
		return fmt.Errorf("unknown type %q; there are date, double, string", b)
	}
	return nil
}
func (c ColumnOf) MarshalText() ([]byte, error) { return []byte(c.name), nil }

type Flush struct {
	Rows  int64         `yaml:"rows" doc:"At so many rows."`
	Bytes plugin.Size   `yaml:"bytes" doc:"At so many bytes."`
	Every time.Duration `yaml:"every" doc:"After so long."`
}

type AWS struct {
	Region   string `yaml:"region" required:"true" layout:"-" doc:"The region."`
	Endpoint string `yaml:"endpoint" layout:"-" doc:"Another endpoint than AWS's."`
}

type S3 struct {
	AWS    `yaml:",inline"`
	Bucket string            `yaml:"bucket" required:"true" doc:"The bucket."`
	Path   string            `yaml:"path" doc:"The path template."`
	Format Format            `yaml:"format" required:"true" doc:"How files are written."`
	Tags   map[string]string `yaml:"tags" layout:"-" doc:"Tags of the objects."`
	Strict bool              `yaml:"strict" doc:"Whether to be strict."`
	Share  float64           `yaml:"share" doc:"A share."`
	Level  int8              `yaml:"level" doc:"A level."`
	Rate   plugin.Rate       `yaml:"rate" doc:"Rows in a time."`
}

func newS3(c S3) (Sink, error) {
	if strings.Contains(c.Path, "PANIC") {
		panic("no such directive")
	}
	var errs []error
	if strings.HasSuffix(c.Path, "{") {
		errs = append(errs, plugin.Option("path", fmt.Errorf("%q: a brace is not closed", c.Path)))
	}
	if c.Tags["owner"] == "nobody" {
		errs = append(errs, plugin.Option("tags.owner", errors.New("nobody is not an owner")))
	}
	return built(fmt.Sprintf("s3 %s/%s in %s as %s", c.Bucket, c.Path, c.Region, c.Format.Ext())), errors.Join(errs...)
}

type JSON struct {
	Compression string `yaml:"compression,short" enum:"none|gzip|zstd" doc:"How files are compressed."`
}

type Glue struct {
	Crawler string        `yaml:"crawler" required:"true" doc:"The crawler."`
	AtMost  time.Duration `yaml:"at_most_every" doc:"How often at most."`
}

func registry() *plugin.Registry {
	r := plugin.New()
	plugin.Block(r, "aws", AWS{})
	plugin.Add(r, "s3", S3{Path: "{topic}"}, newS3)
	plugin.Add(r, "local", struct {
		Dir string `yaml:"dir,short" doc:"The folder."`
	}{"out"}, func(c struct {
		Dir string `yaml:"dir,short" doc:"The folder."`
	}) (Sink, error) {
		return built("local " + c.Dir), nil
	})
	plugin.Add(r, "json", JSON{"none"}, func(c JSON) (Format, error) { return built("json." + c.Compression), nil })
	plugin.Add(r, "glue", Glue{}, func(c Glue) (Hook, error) { return built("glue " + c.Crawler + " " + c.AtMost.String()), nil })
	plugin.Add(r, "nil", struct{}{}, func(struct{}) (Hook, error) { return nil, nil })
	return r
}

// settings stand for the environment and the files that a test's YAML refers to.
func settings() []plugin.DecodeOption {
	env := map[string]string{"BUCKET": "stock-lake", "EMPTY": "", "PASSWORD": "hunter22", "THREE": "3", "BINARY": "\xff"}
	return []plugin.DecodeOption{
		plugin.Env(func(name string) (string, bool) { v, ok := env[name]; return v, ok }),
		plugin.Files(func(name string) ([]byte, error) {
			if name == "secret.txt" {
				return []byte("from a file\n"), nil
			}
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}),
	}
}

func decode(text string) (File, error) {
	f := File{Memory: 256 << 20}
	err := plugin.Decode(registry(), "c.yaml", []byte(text), &f, settings()...)
	return f, err
}

const good = `
memory: 64MiB
aws: {region: us-east-1}
connectors:
  stock-prices:
    topic: stock
  stock-lake:
    topics: [stock, 2010-01-08, 123, NO, 1e3]
    sink:
      s3:
        bucket: ${env:BUCKET}
        path: "prices/{topic}/$${x}"
        format: {json: {compression: gzip}}
        tags: {owner: me, cost: "1"}
        endpoint: http://localhost:9000
        strict: true
        share: .5
        level: -128
        rate: 30/m
    schema:
      columns: {Date: date, Adj Close: double, b: string, a: string}
    flush: {rows: 50000, every: 1d12h}
    after_flush:
      - glue: {crawler: stock, at_most_every: 15m}
    errors: {on_bad_record: dead_letter, topic: stock.dead}
  short:
    topics: ["x"]
    sink: {local: "${file:secret.txt}"}
    errors: skip
`

// mustDecode is for text that has nothing wrong with it.
func mustDecode(t *testing.T, text string) File {
	t.Helper()
	f, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
