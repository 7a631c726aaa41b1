// Package s3 is a sink that makes objects in a bucket of S3, or of a store that speaks its protocol and knows If-None-Match.
package s3

import (
	"errors"
	"fmt"
	"strings"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// Config is the sink's options.
type Config struct {
	AWS    aws.Config   `yaml:",inline"`
	Bucket string       `yaml:"bucket" required:"true" doc:"Bucket for the objects; it must be there."`
	Prefix string       `yaml:"prefix" doc:"Folder below which objects are made."`
	Files  files.Config `yaml:",inline"`
}

// Defaults is a Config that needs Bucket and Format.
func Defaults() Config { return Config{Files: files.Defaults()} }

const (
	slots   = 16   // uploads at once, over all partitions of a sink
	maxName = 1024 // bytes of a key
)

// New makes a sink whose objects are whole as soon as they can be seen. Nothing is asked of the service before Open.
func New(c Config) (sink.Sink, error) {
	if c.Bucket == "" {
		return nil, plugin.Option("bucket", errors.New("is missing; name the bucket for the objects"))
	}
	if strings.ContainsAny(c.Bucket, "/:") {
		return nil, plugin.Option("bucket", fmt.Errorf("%q is no name of a bucket; put what follows a slash into prefix, and a URL into endpoint", c.Bucket))
	}
	prefix := strings.Trim(c.Prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	o := files.Options{Prefix: prefix, Slots: slots, MaxName: maxName}
	return files.New(&store{config: c.AWS, bucket: c.Bucket}, c.Files, o)
}
