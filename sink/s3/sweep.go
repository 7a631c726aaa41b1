package s3

import (
	"context"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	leftOver   = time.Hour // how old an upload must be: another connector's names may look like ours
	sweepPages = 10        // of a thousand uploads
)

// Sweep ends old uploads of names that are ours. The service keeps their parts, and bills them, until somebody does.
func (s *store) Sweep(ctx context.Context, prefix string, ours func(name string) bool) error {
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &prefix})
	for n := 0; pages.HasMorePages() && n < sweepPages; n++ {
		page, err := pages.NextPage(ctx)
		if code(err) == "NoSuchUpload" { // how gofakes3 says that there are none
			return nil
		}
		if err != nil {
			return s.failed("list uploads of", prefix, err)
		}
		for _, u := range page.Uploads {
			if !s.dead(&u) || !ours(sdk.ToString(u.Key)) {
				continue
			}
			_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: u.Key, UploadId: u.UploadId})
			if err != nil && code(err) != "NoSuchUpload" {
				return s.failed("abort an upload of", sdk.ToString(u.Key), err)
			}
		}
	}
	return nil
}

// dead tells whether nobody can be at work on an upload.
func (s *store) dead(u *types.MultipartUpload) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.Initiated != nil && time.Since(*u.Initiated) > leftOver && !s.live[sdk.ToString(u.UploadId)]
}
