package s3

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/penstock/penstock/sink/files"
)

// status is the answer's, or 0.
func status(err error) int {
	var e *smithyhttp.ResponseError
	if errors.As(err, &e) {
		return e.HTTPStatusCode()
	}
	return 0
}

// code is the service's own word for what is wrong, or "".
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// remedies are by code, or by status where an answer has no body to name one.
var remedies = map[string]string{
	"NoSuchBucket":                 "make the bucket, or correct bucket",
	"NotFound":                     "make the bucket, or correct bucket",
	"AccessDenied":                 "allow s3:PutObject, s3:GetObject and s3:ListBucket on the bucket",
	"Forbidden":                    "allow s3:PutObject, s3:GetObject and s3:ListBucket on the bucket",
	"PermanentRedirect":            "set region to the bucket's own",
	"MovedPermanently":             "set region to the bucket's own",
	"AuthorizationHeaderMalformed": "set region to the bucket's own",
	"InvalidAccessKeyId":           "correct the credentials, or endpoint",
	"SignatureDoesNotMatch":        "correct the credentials, or endpoint",
	"ExpiredToken":                 "renew the credentials",
	"InvalidBucketName":            "correct bucket, or set path_style: true for a stand-in of S3",
	"NotImplemented":               "use a store that knows If-None-Match",
}

// failed says where it went wrong, and what to do where that is known.
func (s *store) failed(what, name string, err error) error {
	word := code(err)
	if word == "PreconditionFailed" || word == "ConditionalRequestConflict" || status(err) == 412 {
		err = fmt.Errorf("%w (%w)", files.ErrExists, err)
	}
	remedy := remedies[word]
	if remedy == "" {
		remedy = remedies[map[int]string{301: "PermanentRedirect", 403: "AccessDenied"}[status(err)]]
	}
	if remedy != "" {
		return fmt.Errorf("s3: %s s3://%s/%s: %w; %s", what, s.bucket, name, err, remedy)
	}
	return fmt.Errorf("s3: %s s3://%s/%s: %w", what, s.bucket, name, err)
}
