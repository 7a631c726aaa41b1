package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/sink/files"
)

// store keeps objects in one bucket.
type store struct {
	config aws.Config
	bucket string
	mu     sync.Mutex
	client *s3.Client
	http   bounded
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

// Create is one PutObject, with the checksum that was taken while the body was written: nothing is hashed again on its way.
func (s *store) Create(ctx context.Context, name string, meta map[string]string, body files.Body) error {
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, body.CRC32C()))
	out, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &name,
		Body:           io.NewSectionReader(body, 0, body.Size()),
		ContentLength:  sdk.Int64(body.Size()),
		ChecksumCRC32C: &sum,
		IfNoneMatch:    sdk.String("*"),
		Metadata:       meta,
	}, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
	if err != nil {
		return s.failed("put", name, err)
	}
	if sdk.ToString(out.ETag) == "" { // an error in the body of a 200, or not S3 at all
		return s.failed("put", name, errNoETag)
	}
	if out.ChecksumCRC32C != nil && *out.ChecksumCRC32C != sum {
		return s.failed("put", name, errChecksum)
	}
	return nil
}

var (
	errNoETag   = errors.New("the service answered 200 without an ETag, so the object may not stand")
	errChecksum = errors.New("the service reports another checksum than was sent")
)

// Stat is one HeadObject.
func (s *store) Stat(ctx context.Context, name string) (map[string]string, int64, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &name})
	if status(err) == 404 && code(err) != "NoSuchBucket" {
		return nil, 0, s.failed("head", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, 0, s.failed("head", name, err)
	}
	meta := map[string]string{}
	for k, v := range out.Metadata {
		if k = strings.ToLower(k); strings.HasPrefix(k, files.MetaPrefix) {
			meta[k] = v
		}
	}
	return meta, sdk.ToInt64(out.ContentLength), nil
}

// List asks for a page after the other, as names are taken.
func (s *store) List(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
			Bucket: &s.bucket, Prefix: &prefix, StartAfter: &after, Delimiter: sdk.String("/"),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", s.failed("list", path.Dir(prefix), err))
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
