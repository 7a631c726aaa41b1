package s3

import (
	"context"
	"io"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/penstock/penstock/sink/files"
)

const (
	largest   = files.Uploaded  // of what one request sends
	mostParts = 10_000          // of an object
	abreast   = 4               // parts of one object at once
	abortTime = 3 * time.Second // the partition may be waiting to be handed on
)

// upload makes a large object: its parts come straight from the body, and only the last request makes it visible, where nothing
// stands. Whatever fails before is taken back. Where the last answer is lost too, Stat tells.
func (s *store) upload(ctx context.Context, name string, meta map[string]string, body files.Body) error {
	made, err := s.client.CreateMultipartUpload(ctx, s.uploadInput(name, meta))
	if err != nil {
		return s.failed("begin the upload of", name, err)
	}
	id := sdk.ToString(made.UploadId)
	s.know(id, true)
	defer s.know(id, false)
	parts, err := s.parts(ctx, name, id, body)
	if err == nil {
		err = s.complete(ctx, name, id, parts, body)
	}
	if err != nil {
		s.abort(ctx, name, id)
	}
	return err
}

func (s *store) uploadInput(name string, meta map[string]string) *s3.CreateMultipartUploadInput {
	return &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: &name, Metadata: meta,
		ChecksumAlgorithm:    types.ChecksumAlgorithmCrc32c,
		ChecksumType:         types.ChecksumTypeFullObject,
		ServerSideEncryption: types.ServerSideEncryption(s.object.SSE),
		SSEKMSKeyId:          optional(s.object.KMSKey),
		StorageClass:         types.StorageClass(s.object.StorageClass),
		ACL:                  types.ObjectCannedACL(s.object.ACL),
		Tagging:              s.tagging(),
	}
}

// parts sends them, a few side by side, and ends with none under way.
func (s *store) parts(ctx context.Context, name, id string, body files.Body) ([]types.CompletedPart, error) {
	sums := body.Sums()
	pieces := (len(sums) + mostParts - 1) / mostParts // of a part
	done := make([]types.CompletedPart, (len(sums)+pieces-1)/pieces)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for i := range done {
		at := int64(i*pieces) * files.Piece
		size := min(int64(pieces)*files.Piece, body.Size()-at)
		in := &s3.UploadPartInput{
			Bucket: &s.bucket, Key: &name, UploadId: &id, PartNumber: sdk.Int32(int32(i + 1)),
			Body: io.NewSectionReader(body, at, size), ContentLength: &size,
			ChecksumCRC32C: encoded(files.CRC32C(sums[i*pieces:min(len(sums), (i+1)*pieces)], size)),
		}
		group.Go(func() (err error) {
			done[i], err = s.part(ctx, in)
			return err
		})
	}
	return done, group.Wait()
}

func (s *store) part(ctx context.Context, in *s3.UploadPartInput) (done types.CompletedPart, err error) {
	err = s.send(ctx, func() error {
		out, err := s.client.UploadPart(ctx, in, unhashed)
		if err == nil {
			err = sound(out.ETag, out.ChecksumCRC32C, in.ChecksumCRC32C)
		}
		if err != nil {
			return s.failed("upload a part of", *in.Key, err)
		}
		done = types.CompletedPart{ETag: out.ETag, PartNumber: in.PartNumber, ChecksumCRC32C: in.ChecksumCRC32C}
		return nil
	})
	return done, err
}

// complete makes the object visible, if nothing stands.
func (s *store) complete(ctx context.Context, name, id string, parts []types.CompletedPart, body files.Body) error {
	sum := encoded(files.CRC32C(body.Sums(), body.Size()))
	out, err := s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &name, UploadId: &id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		IfNoneMatch:     s.ifNoneMatch(),
		ChecksumCRC32C:  sum, ChecksumType: types.ChecksumTypeFullObject,
		MpuObjectSize: sdk.Int64(body.Size()),
	})
	if err == nil && out.ChecksumType == types.ChecksumTypeComposite { // a store that does not know sums of whole objects
		out.ChecksumCRC32C = nil
	}
	if err == nil {
		err = damaged(sound(out.ETag, out.ChecksumCRC32C, sum))
	}
	if err != nil {
		return s.failed("complete the upload of", name, err)
	}
	return nil
}

// abort takes an upload back, also when ctx is done. What it cannot do, a later sweep does.
func (s *store) abort(ctx context.Context, name, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, _ = s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &name, UploadId: &id})
}

// know keeps which uploads are under way.
func (s *store) know(id string, begins bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if begins {
		s.live[id] = true
	} else {
		delete(s.live, id)
	}
}
