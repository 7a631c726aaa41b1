package chaos

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/penstock/penstock/parts"
)

// TestVersity empties a topic into an S3 that shares no code with MinIO, through bad times.
func TestVersity(t *testing.T) {
	t.Parallel()
	brokers := parts.Kafka(t)
	versity, err := parts.StartVersity(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { versity.Kill() })
	b := newBedIn(t, brokers, versity.S3)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	b.proxy.set(turns(pass, reset, pass, late, pass, away, pass))
	b.add(60, "")
	b.drain()
	b.wantAll()
	b.wantChain()
	b.wantMark(60, 0, -1)
	b.wantIfAbsent()
	minio := newBucket(t, parts.S3(t), b.name)
	minio.wantIfAbsent()
}

// wantIfAbsent wants that the store refuses, when asked to, what would replace an object, both whole and in parts.
func (b *bucket) wantIfAbsent() {
	b.t.Helper()
	put := func(key, body string) error {
		_, err := b.s3.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: &key, IfNoneMatch: aws.String("*"), Body: strings.NewReader(body)})
		return err
	}
	complete := func(key, body string) error {
		up, err := b.s3.CreateMultipartUpload(b.t.Context(), &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: &key})
		if err != nil {
			return err
		}
		part, err := b.s3.UploadPart(b.t.Context(), &s3.UploadPartInput{Bucket: &b.name, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader(body)})
		if err != nil {
			return err
		}
		_, err = b.s3.CompleteMultipartUpload(b.t.Context(), &s3.CompleteMultipartUploadInput{Bucket: &b.name, Key: &key, UploadId: up.UploadId, IfNoneMatch: aws.String("*"),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}}})
		return err
	}
	for _, tt := range []struct {
		what string
		err  error
		code string
	}{
		{"put", put("absent/b", "first"), ""},
		{"put over it", put("absent/b", "second"), "PreconditionFailed"},
		{"complete over it", complete("absent/b", "third"), "PreconditionFailed"},
		{"complete", complete("absent/c", "first"), ""},
		{"complete over that", complete("absent/c", "second"), "PreconditionFailed"},
	} {
		if code := codeOf(tt.err); code != tt.code {
			b.t.Errorf("%s: %v, want the code %q", tt.what, tt.err, tt.code)
		}
	}
	var made atomic.Int32
	var group errgroup.Group
	for range 16 {
		group.Go(func() error {
			err := put("absent/race", "first")
			if err == nil {
				made.Add(1)
			}
			// S3 may also say that another request was on its way.
			if code := codeOf(err); err != nil && code != "PreconditionFailed" && code != "ConditionalRequestConflict" {
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil || made.Load() != 1 {
		b.t.Errorf("%d of 16 at once made the object, error %v", made.Load(), err)
	}
	for _, o := range b.objects("absent/") {
		if string(o.body) != "first" {
			b.t.Errorf("%s holds %q", o.key, o.body)
		}
	}
}

// codeOf is S3's word for an error; "" is none, and an error without such a word is its text.
func codeOf(err error) string {
	var e smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.ErrorCode()
	}
	return err.Error()
}
