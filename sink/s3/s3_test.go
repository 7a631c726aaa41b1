package s3

import (
	"bytes"
	"context"
	"io"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
	"github.com/penstock/penstock/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// credentials are all that the SDK learns of the machine.
func credentials(t *testing.T, key, secret string) {
	t.Setenv("AWS_ACCESS_KEY_ID", key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func newSink(t *testing.T, a aws.Config, bucket string) sink.Sink {
	t.Helper()
	s, err := New(Config{AWS: a, Bucket: bucket, Prefix: "/lake/", Files: fileConfig(t)})
	must(t, err)
	return s
}

func fileConfig(t *testing.T) files.Config {
	t.Helper()
	path, err := files.ParseTemplate(sinktest.Path)
	must(t, err)
	return files.Config{Path: path, Format: sinktest.Lines{}}
}

// inParts is a sink that uploads every object in parts, however small.
func inParts(t *testing.T, a aws.Config, bucket string) sink.Sink {
	t.Helper()
	store := newStore(Config{AWS: a, Bucket: bucket})
	store.single = -1
	s, err := files.New(store, fileConfig(t), files.Options{Prefix: "lake/", Slots: slots, MaxName: maxName})
	must(t, err)
	return s
}

// bucket is an empty one, and the client that looks after it.
func bucket(t *testing.T, a aws.Config, name string) *store {
	s := newStore(Config{AWS: a, Bucket: name})
	must(t, s.Open(t.Context()))
	t.Cleanup(s.Idle)
	_, err := s.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
	must(t, err)
	return s
}

func (s *store) all(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, o := range page.Contents {
			out, err := s.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: o.Key})
			must(t, err)
			all[*o.Key], err = io.ReadAll(out.Body)
			must(t, err)
			must(t, out.Body.Close())
		}
	}
	return all
}

func place(t *testing.T, a aws.Config, name string, open func(*testing.T, aws.Config, string) sink.Sink) sinktest.Place {
	s := bucket(t, a, name)
	return sinktest.Place{
		Sink:  func() sink.Sink { return open(t, a, name) },
		Files: func() map[string][]byte { return s.all(t) },
		Plant: func(name, content string) {
			_, err := s.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: &name, Body: bytes.NewReader([]byte(content))})
			must(t, err)
		},
		Remove: func(name string) {
			_, err := s.client.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &s.bucket, Key: sdk.String(name)})
			must(t, err)
		},
	}
}

func TestPromises(t *testing.T) {
	sinktest.Files(t, func(t *testing.T) sinktest.Place { _, a := faults(t); return place(t, a, "lake", newSink) })
}

func TestPromisesInParts(t *testing.T) {
	sinktest.Files(t, func(t *testing.T) sinktest.Place { _, a := faults(t); return place(t, a, "lake", inParts) })
}
