package s3

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// store keeps objects in one bucket.
type store struct {
	config    aws.Config
	bucket    string
	object    Object
	headFirst bool
	single    int64         // what is larger goes in parts
	sending   chan struct{} // places of requests that send bytes: each holds a connection and its buffers, no part of the file

	mu     sync.Mutex
	client *s3.Client
	http   bounded
	live   map[string]bool // uploads that are under way here
}

func newStore(c Config) *store {
	return &store{
		config: c.AWS, bucket: c.Bucket, object: c.Object, headFirst: c.HeadFirst,
		single: largest, sending: make(chan struct{}, slots), live: map[string]bool{},
	}
}

// Open makes the client, once.
func (s *store) Open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return nil
	}
	loaded, err := aws.Load(ctx, s.config)
	if err != nil {
		return err
	}
	s.http = client(loaded.HTTPClient)
	s.client = s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = s.config.PathStyle
		o.HTTPClient = s.http
		o.RequestChecksumCalculation = sdk.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = sdk.ResponseChecksumValidationWhenRequired
	})
	return nil
}

// Idle closes the connections that wait for more to do.
func (s *store) Idle() { s.http.CloseIdleConnections() }

// Create makes an object by one request, or a large one in parts.
func (s *store) Create(ctx context.Context, name string, meta map[string]string, body files.Body) error {
	if s.headFirst {
		_, _, err := s.Stat(ctx, name)
		if err == nil {
			return s.failed("put", name, files.ErrExists)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if body.Size() > s.single {
		return s.upload(ctx, name, meta, body)
	}
	return s.put(ctx, name, meta, body)
}

// send takes a place for a request that sends bytes.
func (s *store) send(ctx context.Context, request func() error) error {
	select {
	case s.sending <- struct{}{}:
		defer func() { <-s.sending }()
		return request()
	case <-ctx.Done():
		return fmt.Errorf("waiting to send: %w", ctx.Err())
	}
}

// Stat is one HeadObject. Where the bucket encrypts, the checksum may not be ours to know: then it is one more, without.
func (s *store) Stat(ctx context.Context, name string) (map[string]string, int64, error) {
	in := &s3.HeadObjectInput{Bucket: &s.bucket, Key: &name, ChecksumMode: types.ChecksumModeEnabled}
	out, err := s.client.HeadObject(ctx, in)
	if status(err) == 403 {
		in.ChecksumMode = ""
		out, err = s.client.HeadObject(ctx, in)
	}
	if status(err) == 404 && code(err) != "NoSuchBucket" {
		return nil, 0, s.failed("head", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, 0, s.failed("head", name, err)
	}
	meta := map[string]string{}
	for k, v := range out.Metadata {
		if k = strings.ToLower(k); strings.HasPrefix(k, sink.MarkPrefix) {
			meta[k] = v
		}
	}
	sum, err := base64.StdEncoding.DecodeString(sdk.ToString(out.ChecksumCRC32C))
	if err == nil && out.ChecksumType == types.ChecksumTypeFullObject && len(meta) > 0 { // others may be sums of the parts' sums
		meta[files.StoredSum] = hex.EncodeToString(sum)
	}
	return meta, sdk.ToInt64(out.ContentLength), nil
}

// List asks for a page after the other, as names are taken.
func (s *store) List(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return s.list(ctx, &s3.ListObjectsV2Input{Prefix: &prefix, StartAfter: &after, Delimiter: sdk.String("/")})
}

func (s *store) list(ctx context.Context, in *s3.ListObjectsV2Input) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := s.Open(ctx); err != nil {
			yield("", err)
			return
		}
		in.Bucket = &s.bucket
		pages := s3.NewListObjectsV2Paginator(s.client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", s.failed("list", path.Dir(*in.Prefix), err))
				return
			}
			for _, o := range page.Contents {
				if !yield(sdk.ToString(o.Key), nil) {
					return
				}
			}
		}
	}
}
