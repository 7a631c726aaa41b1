package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/penstock/penstock/sink/files"
)

// unhashed keeps the SDK from hashing a body: its checksum was taken while it was written.
var unhashed = s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)

// put is one PutObject.
func (s *store) put(ctx context.Context, name string, meta map[string]string, body files.Body) error {
	in := s.putInput(name, meta)
	sum := encoded(files.CRC32C(body.Sums(), body.Size()))
	in.Body = io.NewSectionReader(body, 0, body.Size())
	in.ContentLength = sdk.Int64(body.Size())
	in.ChecksumCRC32C = sum
	return s.send(ctx, func() error {
		out, err := s.client.PutObject(ctx, in, unhashed)
		if err == nil {
			err = damaged(sound(out.ETag, out.ChecksumCRC32C, sum))
		}
		if err != nil {
			return s.failed("put", name, err)
		}
		return nil
	})
}

func (s *store) putInput(name string, meta map[string]string) *s3.PutObjectInput {
	return &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &name, Metadata: meta,
		IfNoneMatch:          s.ifNoneMatch(),
		ServerSideEncryption: types.ServerSideEncryption(s.object.SSE),
		SSEKMSKeyId:          optional(s.object.KMSKey),
		StorageClass:         types.StorageClass(s.object.StorageClass),
		ACL:                  types.ObjectCannedACL(s.object.ACL),
		Tagging:              s.tagging(),
	}
}

// ifNoneMatch makes the service refuse what would replace an object.
func (s *store) ifNoneMatch() *string {
	if s.headFirst {
		return nil
	}
	return sdk.String("*")
}

func (s *store) tagging() *string {
	tags := url.Values{}
	for k, v := range s.object.Tags {
		tags.Set(k, v)
	}
	return optional(tags.Encode())
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// encoded is a sum as the service writes it.
func encoded(sum uint32) *string {
	return sdk.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum)))
}

var (
	errNoETag   = errors.New("the service answered 200 without an ETag, so the object may not stand")
	errChecksum = errors.New("the service reports another checksum than was sent")
)

// damaged is of a whole object, which stands: one part that is not sound is another matter.
func damaged(err error) error {
	if errors.Is(err, errChecksum) {
		return fmt.Errorf("%w: %w", files.ErrDamaged, err)
	}
	return err
}

// sound judges an answer that says that an object stands: an error may be in the body of a 200, or it may not be S3 at all.
func sound(etag, got, want *string) error {
	switch {
	case sdk.ToString(etag) == "":
		return errNoETag
	case got != nil && *got != *want:
		return errChecksum
	}
	return nil
}
