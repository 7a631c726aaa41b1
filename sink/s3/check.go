package s3

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// probeName is hidden from Hive and Athena. It stays where we may not remove it, and does not hinder the next check.
const probeName = "_penstock_check"

// probe is the object that a check writes.
type probe string

func (p probe) Size() int64 { return int64(len(p)) }
func (p probe) Sums() []uint32 {
	return []uint32{crc32.Checksum([]byte(p), crc32.MakeTable(crc32.Castagnoli))}
}
func (p probe) ReadAt(b []byte, at int64) (int, error) {
	n := copy(b, p[min(at, p.Size()):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Check finds out whether the bucket is there, objects may be listed, made as configured and asked about, and whether the service
// refuses to replace one.
func (s *store) Check(ctx context.Context, prefix string) error {
	err := s.checked(ctx, prefix)
	name := options[code(err)]
	if errors.Is(err, errReplace) {
		name = "head_first"
	}
	if name != "" {
		return plugin.Option(name, err)
	}
	return err
}

// options are what to look at where the service answers so.
var options = map[string]string{
	"NoSuchBucket": "bucket", "NotFound": "bucket", "InvalidBucketName": "bucket",
	"PermanentRedirect": "region", "MovedPermanently": "region", "AuthorizationHeaderMalformed": "region",
	"NotImplemented": "head_first", "AccessControlListNotSupported": "acl", "InvalidStorageClass": "storage_class", "InvalidTag": "tags",
	"KMS.NotFoundException": "kms_key", "KMS.DisabledException": "kms_key", "KMS.KMSInvalidStateException": "kms_key",
}

func (s *store) checked(ctx context.Context, prefix string) error {
	for _, err := range s.List(ctx, prefix, "") {
		if err != nil {
			return err
		}
		break
	}
	name := prefix + probeName
	defer func() { _, _ = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &name}) }()
	for _, make := range []func(context.Context, string, map[string]string, files.Body) error{s.put, s.upload} {
		if err := s.guarded(ctx, name, make); err != nil {
			return err
		}
	}
	meta, _, err := s.Stat(ctx, name)
	if err == nil && meta[probeMeta] == "" {
		err = s.failed("head", name, errNoMeta)
	}
	return err
}

const probeMeta = sink.MarkPrefix + "check"

var (
	errNoMeta  = errors.New("the service gives an object's metadata not back; no object could be told from another's, use another store")
	errReplace = errors.New("the service replaces an object in spite of If-None-Match; set head_first: true")
)

// guarded makes the probe until that is refused because it stands: the second time at the latest, and once more where a check of
// somebody else removed it in between.
func (s *store) guarded(ctx context.Context, name string, make func(context.Context, string, map[string]string, files.Body) error) error {
	for range 3 {
		err := make(ctx, name, map[string]string{probeMeta: "1"}, probe("a check of penstock\n"))
		if errors.Is(err, files.ErrExists) || err == nil && s.headFirst {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("s3: put s3://%s/%s: %w", s.bucket, name, errReplace)
}
