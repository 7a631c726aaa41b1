package s3

import (
	"reflect"
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
  sink: {s3: {bucket: lake, region: eu-west-2, path_style: true, path: "{topic}/i={Index}", time_zone: Asia/Tokyo, format: lines, with: [offset],
    sse: "aws:kms", kms_key: k, storage_class: STANDARD_IA, acl: private, tags: {team: data}, head_first: true}}`)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.Object, Object{SSE: "aws:kms", KMSKey: "k", StorageClass: "STANDARD_IA", ACL: "private", Tags: map[string]string{"team": "data"}}) || !c.HeadFirst {
		t.Errorf("object %+v", c.Object)
	}
	if c.AWS != (aws.Config{Region: "eu-west-2", Endpoint: "http://127.0.0.1:9000", PathStyle: true}) {
		t.Errorf("aws %+v", c.AWS)
	}
	if c.Bucket != "lake" || c.Files.Path.String() != "{topic}/i={Index}" || c.Files.TimeZone.String() != "Asia/Tokyo" {
		t.Errorf("config %+v", c)
	}
	for option, there := range map[string]bool{"bucket": true, "prefix": true, "path": true, "time_zone": true, "format": true, "with": true, "region": false,
		"sse": false, "kms_key": false, "storage_class": false, "acl": false, "tags": false, "head_first": false, "endpoint": false, "path_style": false} {
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
		{"{bucket: lake, format: lines, with: [when]}", `with[0]: "when" is not one of topic, partition, offset, time, key, headers`},
		{"{bucket: lake, format: lines, with: [key], path: 'key={key}'}", "with: the path says key= already"},
		{"{bucket: lake, format: lines, sse: aes256}", `sse: "aes256" is not one of AES256, aws:kms, aws:kms:dsse`},
		{"{bucket: lake, format: lines, kms_key: k}", "kms_key: is used with sse: aws:kms or sse: aws:kms:dsse only"},
		{"{bucket: lake, format: lines, kms_key: k, sse: AES256}", "kms_key: is used with sse: aws:kms"},
		{"{bucket: lake, format: lines, storage_class: COLD}", `storage_class: "COLD" is not one of STANDARD, STANDARD_IA`},
		{"{bucket: lake, format: lines, acl: public}", `acl: "public" is not one of private, public-read`},
		{"{bucket: lake, format: lines, tags: {aws:x: y}}", "tags.aws:x: names that begin with aws: belong to the service"},
		{"{bucket: lake, format: lines, tags: {a: " + strings.Repeat("x", 257) + "}}", "tags.a: a tag has a name of 1 to 128 characters"},
		{"{bucket: lake, format: lines, tags: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1}}", "tags: are 11, and an object has 10 at most"},
		{"{bucket: lake, format: lines, endpoint: 'localhost:9000'}", `endpoint: "localhost:9000" is no URL of a service; write it with its scheme, as in http://localhost:9000`},
	} {
		_, _, err := decoded(t, "one: {sink: {s3: "+c.options+"}}")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "connectors.yaml:1: one.sink.s3") {
			t.Errorf("%s: error %v, want one that says %s", c.options, err, c.want)
		}
	}
}
