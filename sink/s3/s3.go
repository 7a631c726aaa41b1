// Package s3 is a sink that makes objects in a bucket of S3, or of a store that speaks its protocol.
package s3

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// Config is the sink's options.
type Config struct {
	AWS       aws.Config   `yaml:",inline"`
	Bucket    string       `yaml:"bucket" required:"true" doc:"Bucket for the objects; it must be there."`
	Prefix    string       `yaml:"prefix" doc:"Folder below which objects are made."`
	Object    Object       `yaml:",inline"`
	HeadFirst bool         `yaml:"head_first" layout:"-" doc:"Ask whether an object stands before it is made, and send no If-None-Match: for stores that refuse or ignore it, which check --connect finds out. Only the consumer group keeps two workers apart then."`
	Files     files.Config `yaml:",inline"`
}

// Object is how the service keeps the objects. It decides nothing about their names or rows.
type Object struct {
	SSE          string            `yaml:"sse" layout:"-" enum:"AES256|aws:kms|aws:kms:dsse" doc:"Encryption by the service; the bucket's own if left out."`
	KMSKey       string            `yaml:"kms_key" layout:"-" doc:"Key for sse: aws:kms or aws:kms:dsse, by id, ARN or alias; the account's own for S3 if left out."`
	StorageClass string            `yaml:"storage_class" layout:"-" enum:"STANDARD|STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER_IR|GLACIER|DEEP_ARCHIVE|REDUCED_REDUNDANCY|EXPRESS_ONEZONE|OUTPOSTS|SNOW" doc:"Storage class of the objects; STANDARD if left out."`
	ACL          string            `yaml:"acl" layout:"-" enum:"private|public-read|public-read-write|authenticated-read|aws-exec-read|bucket-owner-read|bucket-owner-full-control" doc:"Canned ACL, for a bucket that has not turned ACLs off."`
	Tags         map[string]string `yaml:"tags" layout:"-" doc:"Tags of the objects, ten at most."`
}

// Defaults is a Config that needs Bucket and Format.
func Defaults() Config { return Config{Files: files.Defaults()} }

const (
	slots   = 16   // objects, and parts of large ones, on their way at once, over all partitions of a sink
	maxName = 1024 // bytes of a key
	// Servers that keep objects as files, such as MinIO, and tools that copy them to a file system, take no more between two slashes.
	maxSegment = 255
)

// New makes a sink whose objects are whole as soon as they can be seen. Nothing is asked of the service before Open.
func New(c Config) (sink.Sink, error) {
	prefix := strings.Trim(c.Prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	if c.Bucket == "" {
		return nil, plugin.Option("bucket", errors.New("is missing; name the bucket for the objects"))
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return files.New(newStore(c), c.Files, files.Options{Service: strings.TrimRight(c.AWS.Endpoint, "/"), Prefix: prefix, Slots: slots, MaxName: maxName, MaxSegment: maxSegment})
}

// Check holds the rules of the options.
func (c Config) Check() error { return errors.Join(checkBucket(c.Bucket), c.Object.check()) }

func checkBucket(name string) error {
	if strings.ContainsAny(name, "/:") {
		return plugin.Option("bucket", fmt.Errorf("%q is no name of a bucket; put what follows a slash into prefix, and a URL into endpoint", name))
	}
	if name != "" && !bucketName.MatchString(name) {
		return plugin.Option("bucket", fmt.Errorf("%q is no name of a bucket; they are 3 to 63 lower-case letters, digits, dots and hyphens, and begin and end with a letter or digit", name))
	}
	return nil
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Limits of tags.
const (
	maxTags     = 10
	maxTagKey   = 128
	maxTagValue = 256
)

func (o *Object) check() error {
	var errs []error
	if o.KMSKey != "" && !strings.HasPrefix(o.SSE, "aws:kms") {
		errs = append(errs, plugin.Option("kms_key", errors.New("is used with sse: aws:kms or sse: aws:kms:dsse only; set one of them, or leave out kms_key")))
	}
	if len(o.Tags) > maxTags {
		errs = append(errs, plugin.Option("tags", fmt.Errorf("are %d, and an object has %d at most", len(o.Tags), maxTags)))
	}
	for k, v := range o.Tags {
		switch {
		case k == "" || len([]rune(k)) > maxTagKey || len([]rune(v)) > maxTagValue:
			errs = append(errs, plugin.Option("tags."+k, fmt.Errorf("a tag has a name of 1 to %d characters and a value of %d at most", maxTagKey, maxTagValue)))
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			errs = append(errs, plugin.Option("tags."+k, errors.New("names that begin with aws: belong to the service; rename the tag")))
		}
	}
	return errors.Join(errs...)
}
