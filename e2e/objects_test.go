package e2e

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/penstock/penstock/parts"
)

// An object is what a sink made: a file, as it was fetched, and what stands beside its bytes.
type object struct {
	body []byte
	meta map[string]string // without "penstock-"
	made time.Time         // as a listing says it, in milliseconds
}

// A store is the objects of one sink by key.
type store map[string]object

// save copies the objects below dir, for the readers that want files, each at its key.
func (s store) save(t testing.TB, dir string) {
	t.Helper()
	for key, o := range s {
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, o.body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A bucket is one, with a client that asks path-style.
type bucket struct {
	name   string
	client *s3.Client
}

func newBucket(access parts.S3Access, name string) *bucket {
	return &bucket{name, s3.New(s3.Options{
		Region: access.Region, BaseEndpoint: &access.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(access.AccessKey, access.SecretKey, ""),
	})}
}

// list is the objects without their bodies, and without what only a HEAD tells.
func (b *bucket) list(ctx context.Context, prefix string) (store, error) {
	all := store{}
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			all[*o.Key] = object{made: *o.LastModified}
		}
	}
	return all, nil
}

func (b *bucket) fetch(ctx context.Context, prefix string) (store, error) {
	all, err := b.list(ctx, prefix)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	got := store{}
	var mu sync.Mutex
	for key, listed := range all {
		group.Go(func() error {
			o, err := b.get(ctx, key)
			o.made = listed.made
			mu.Lock()
			defer mu.Unlock()
			got[key] = o
			return err
		})
	}
	return got, group.Wait()
}

func (b *bucket) get(ctx context.Context, key string) (o object, err error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return o, fmt.Errorf("%s: %w", key, err)
	}
	defer out.Body.Close()
	o.meta = map[string]string{}
	for name, value := range out.Metadata {
		if name, ours := strings.CutPrefix(strings.ToLower(name), "penstock-"); ours {
			o.meta[name] = value
		}
	}
	o.body, err = io.ReadAll(out.Body)
	return o, err
}

// localFiles is the files below dir; what S3 keeps as metadata stands in their extended attributes.
func localFiles(t testing.TB, dir string) store {
	t.Helper()
	all := store{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		o := object{meta: map[string]string{}}
		names := make([]byte, 4096)
		n, err := unix.Listxattr(path, names)
		if err != nil {
			return err
		}
		for _, attribute := range strings.FieldsFunc(string(names[:n]), func(r rune) bool { return r == 0 }) {
			value := make([]byte, 4096)
			n, err := unix.Getxattr(path, attribute, value)
			if err != nil {
				return err
			}
			o.meta[strings.TrimPrefix(attribute, "user.penstock-")] = string(value[:n])
		}
		o.body, err = os.ReadFile(path)
		all[key] = o
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
