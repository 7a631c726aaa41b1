package s3

import (
	"context"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	sweepPages = 10              // of a thousand uploads
	sweepTime  = 3 * time.Second // in which a store that is ill is asked again
)

// Sweep ends uploads of names that need none any more. The service keeps their parts, and bills them, until somebody does. Where it is
// ill, it is asked again for sweepTime.
func (s *store) Sweep(ctx context.Context, prefix string, needless func(name string) bool) error {
	for began := time.Now(); ; {
		err := s.sweep(ctx, prefix, needless)
		if !passing(err) || time.Since(began) > sweepTime || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(sweepTime / 20):
		}
	}
}

// once keeps the SDK from asking again: how often it may is shared with the requests that make files.
func once(o *s3.Options) { o.RetryMaxAttempts = 1 }

// passing tells of an error whether the same request may go well in a moment.
func passing(err error) bool {
	is := status(err)
	return err != nil && (is == 0 || is == 429 || is >= 500 && is != 501)
}

func (s *store) sweep(ctx context.Context, prefix string, needless func(name string) bool) error {
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &prefix})
	for n := 0; pages.HasMorePages() && n < sweepPages; n++ {
		page, err := pages.NextPage(ctx, once)
		if code(err) == "NoSuchUpload" { // how gofakes3 says that there are none
			return nil
		}
		if err != nil {
			return s.failed("list uploads of", prefix, err)
		}
		for _, u := range page.Uploads {
			if s.underWay(&u) || !needless(sdk.ToString(u.Key)) {
				continue
			}
			_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: u.Key, UploadId: u.UploadId}, once)
			if err != nil && code(err) != "NoSuchUpload" {
				return s.failed("abort an upload of", sdk.ToString(u.Key), err)
			}
		}
	}
	return nil
}

// underWay tells whether an upload is this process's own.
func (s *store) underWay(u *types.MultipartUpload) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[sdk.ToString(u.UploadId)]
}
