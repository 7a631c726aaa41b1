package s3

import (
	"strings"
	"testing"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// file is as much of connectors.yaml as a sink needs.
type file struct {
	AWS  aws.Config `yaml:"aws" doc:"Where AWS is."`
	Sink one        `yaml:"one" doc:"A connector."`
}

type one struct {
	Sink   sink.Sink `yaml:"sink" doc:"Where to."`
	Layout string    `yaml:",layout"`
}

// decoded also gives the options that the sink was made with.
func decoded(t *testing.T, text string) (file, Config, error) {
	t.Helper()
	r := plugin.New()
	var got Config
	plugin.Block(r, "aws", aws.Config{})
	plugin.Add(r, "lines", struct{}{}, func(struct{}) (formats.Format, error) { return sinktest.Lines{}, nil })
	plugin.Add(r, "s3", Defaults(), func(c Config) (sink.Sink, error) {
		got = c
		return New(c)
	})
	var f file
	err := plugin.Decode(r, "connectors.yaml", []byte(text), &f)
	return f, got, err
}

func TestConfig(t *testing.T) {
	f, c, err := decoded(t, `
aws: {region: eu-west-1, endpoint: "http://127.0.0.1:9000"}
one:
  sink: {s3: {bucket: lake, region: eu-west-2, path_style: true, path: "{topic}/i={Index}", time_zone: Asia/Tokyo, format: lines}}`)
	if err != nil {
		t.Fatal(err)
	}
	if c.AWS != (aws.Config{Region: "eu-west-2", Endpoint: "http://127.0.0.1:9000", PathStyle: true}) {
		t.Errorf("aws %+v", c.AWS)
	}
	if c.Bucket != "lake" || c.Files.Path.String() != "{topic}/i={Index}" || c.Files.TimeZone.String() != "Asia/Tokyo" {
		t.Errorf("config %+v", c)
	}
	for option, there := range map[string]bool{"bucket": true, "prefix": true, "path": true, "time_zone": true, "format": true, "region": false, "endpoint": false, "path_style": false} {
		if strings.Contains(f.Sink.Layout, `"`+option+`":`) != there {
			t.Errorf("the layout %s: %s is in it: %v", f.Sink.Layout, option, !there)
		}
	}
	_, c, err = decoded(t, "one: {sink: {s3: {bucket: lake, format: lines}}}")
	if err != nil || c.Files.Path.String() != "{topic}/day={time:%Y-%m-%d}" || c.Files.TimeZone.String() != "UTC" {
		t.Errorf("defaults %+v, %v", c, err)
	}
}

func TestMistakesInTheConfig(t *testing.T) {
	for _, c := range []struct{ options, want string }{
		{"{format: lines}", "bucket"},
		{"{bucket: lake}", "format"},
		{"{bucket: s3://lake, format: lines}", `bucket: "s3://lake" is no name of a bucket; put what follows a slash into prefix`},
		{"{bucket: '', format: lines}", "bucket"},
		{"{bucket: lake, format: lines, path: /x}", `path: "/x", character 1: a folder without a name`},
		{"{bucket: lake, format: lines, time_zone: Berlin}", `time_zone: "Berlin" is not a time zone; write UTC or`},
	} {
		_, _, err := decoded(t, "one: {sink: {s3: "+c.options+"}}")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "connectors.yaml:1: one.sink.s3") {
			t.Errorf("%s: error %v, want one that says %s", c.options, err, c.want)
		}
	}
}
