package dev

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

func client(t *testing.T, s *Servers) *s3.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &s.AWS, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: &http.Client{Transport: transport}})
}

func put(t *testing.T, c *s3.Client, key, body string, absent bool) error {
	t.Helper()
	in := &s3.PutObjectInput{Bucket: aws.String("lake"), Key: &key, Body: strings.NewReader(body),
		Metadata: map[string]string{"layout": "x1", "first": "0042"}, ContentType: aws.String("application/json")}
	if absent {
		in.IfNoneMatch = aws.String("*")
	}
	_, err := c.PutObject(t.Context(), in)
	return err
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestS3(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	if err := errors.Join(s.Bucket("lake"), s.Bucket("lake")); err != nil {
		t.Fatal(err)
	}
	if err := s.Bucket("../lake"); err == nil {
		t.Error("a bucket outside the folder")
	}
	const key = `raw/stock/date=1986-12-31/index=H%20S "I"/stock+0+00000000000000000000.json`
	if err := put(t, client(t, s), key, "{}\n", true); err != nil {
		t.Fatal(err)
	}
	if plain, err := os.ReadFile(filepath.Join(dir, "s3", "lake", filepath.FromSlash(key))); err != nil || string(plain) != "{}\n" {
		t.Errorf("the plain file: %q, %v", plain, err)
	}
	stop(t, s)

	c := client(t, start(t, dir))
	if err := put(t, c, key, "other", true); code(err) != "PreconditionFailed" {
		t.Errorf("put if absent: %v", err)
	}
	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("lake"), Key: aws.String(key)})
	if err != nil || head.Metadata["layout"] != "x1" || head.Metadata["first"] != "0042" || *head.ContentLength != 3 || *head.ContentType != "application/json" {
		t.Errorf("head: %+v, %v", head, err)
	}
	got, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("lake"), Key: aws.String(key), Range: aws.String("bytes=1-2")})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(got.Body); string(text) != "}\n" || err != nil {
		t.Errorf("range: %q, %v", text, err)
	}
	if err := put(t, c, key, "other", false); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("lake"), Key: aws.String(key)}); err != nil {
		t.Error(err)
	}
	_, err = c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("lake"), Key: aws.String(key)})
	if entries, _ := os.ReadDir(filepath.Join(dir, "s3", "lake")); len(entries) > 0 || code(err) != "NotFound" {
		t.Errorf("left after the delete: %v; head %v", entries, err)
	}
}

func TestS3Refuses(t *testing.T) {
	s := start(t, t.TempDir())
	c := client(t, s)
	if err := put(t, c, "a/b", "", false); err != nil { // buckets are made as they are named
		t.Fatal(err)
	}
	for _, key := range []string{"../x", "a//b", "a/./b", "a/b/c", "a", "x/"} {
		if err := put(t, c, key, "", false); code(err) != "InvalidArgument" {
			t.Errorf("put %s: %v", key, err)
		}
	}
	for _, key := range []string{"../lake/a/b", "a", "a/b/c", "x"} {
		if _, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("lake"), Key: &key}); code(err) != "NoSuchKey" {
			t.Errorf("get %s: %v", key, err)
		}
	}
}

// An upload in parts keeps metadata, and does not overwrite where it is not to.
func TestS3Parts(t *testing.T) {
	s := start(t, t.TempDir())
	c := client(t, s)
	if err := s.Bucket("lake"); err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"<nil>", "PreconditionFailed"} {
		up, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("lake"), Key: aws.String("big"), Metadata: map[string]string{"n": fmt.Sprint(n)}})
		if err != nil {
			t.Fatal(err)
		}
		part := &s3.UploadPartInput{Bucket: aws.String("lake"), Key: aws.String("big"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(make([]byte, 5<<20))}
		sent, err := c.UploadPart(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: aws.String("lake"), Key: aws.String("big"), UploadId: up.UploadId, IfNoneMatch: aws.String("*"),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: sent.ETag, PartNumber: aws.Int32(1)}}}})
		if code(err) != want {
			t.Errorf("upload %d: %v", n, err)
		}
	}
	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("lake"), Key: aws.String("big")})
	if err != nil || head.Metadata["n"] != "0" || *head.ContentLength != 5<<20 {
		t.Errorf("head: %+v, %v", head, err)
	}
}

func TestS3Lists(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	c := client(t, s)
	if err := s.Bucket("lake"); err != nil {
		t.Fatal(err)
	}
	keys := []string{"a", "b.c/1", "b/1", "b/2", "b/c/3", "bc", "z"}
	for _, key := range keys {
		if err := put(t, c, key, key, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "s3", "lake", "by-hand"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ prefix, delimiter, after, want string }{
		{"", "", "", "a b.c/1 b/1 b/2 b/c/3 bc by-hand z"},
		{"b/", "", "", "b/1 b/2 b/c/3"},
		{"b", "", "b/2", "b/c/3 bc by-hand"},
		{"b", "/", "", "bc by-hand b.c/ b/"},
		{"b/", "/", "", "b/1 b/2 b/c/"},
		{"none/", "/", "", ""},
		{"../", "", "", ""},
	} {
		var got []string
		var folders []string
		in := &s3.ListObjectsV2Input{Bucket: aws.String("lake"), Prefix: &tt.prefix, Delimiter: &tt.delimiter, MaxKeys: aws.Int32(2)}
		if tt.after != "" {
			in.StartAfter = &tt.after
		}
		for pages := s3.NewListObjectsV2Paginator(c, in); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Contents {
				got = append(got, *o.Key)
			}
			for _, p := range page.CommonPrefixes {
				folders = append(folders, *p.Prefix)
			}
		}
		if got = slices.Concat(got, folders); strings.Join(got, " ") != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}
