package s3

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/penstock/penstock/plugin"
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
	"NoSuchBucket":                  "make the bucket, or correct bucket",
	"NotFound":                      "make the bucket, or correct bucket",
	"PermanentRedirect":             "set region to the bucket's own",
	"MovedPermanently":              "set region to the bucket's own",
	"AuthorizationHeaderMalformed":  "set region to the bucket's own",
	"InvalidAccessKeyId":            "correct the credentials, or endpoint",
	"SignatureDoesNotMatch":         "correct the credentials, or endpoint",
	"ExpiredToken":                  "renew the credentials",
	"RequestTimeTooSkewed":          "set the clock of this machine, or of the service, right",
	"InvalidBucketName":             "correct bucket, or set path_style: true for a stand-in of S3",
	"NotImplemented":                "use a store that knows If-None-Match, or set head_first: true",
	"AccessControlListNotSupported": "leave out acl: the bucket's owner owns every object in it",
	"InvalidStorageClass":           "correct storage_class",
	"InvalidTag":                    "correct tags",
	"KMS.NotFoundException":         "correct kms_key; the key must be in the bucket's region",
	"KMS.DisabledException":         "enable the key, or correct kms_key",
	"KMS.KMSInvalidStateException":  "enable the key, or correct kms_key",
}

// rights is what must be allowed for what was refused.
func (s *store) rights(what string) string {
	switch what {
	case "get":
		return "allow s3:GetObject on the objects"
	case "head":
		return "allow s3:GetObject on the objects, and s3:ListBucket on the bucket: without it an object that is missing is refused too"
	case "list":
		return "allow s3:ListBucket on the bucket"
	case "list uploads of", "abort an upload of":
		return "allow s3:ListBucketMultipartUploads on the bucket and s3:AbortMultipartUpload on the objects, or give the bucket a lifecycle rule that ends such uploads"
	}
	all := "allow s3:PutObject on the objects"
	if len(s.object.Tags) > 0 {
		all += ", s3:PutObjectTagging for tags"
	}
	if s.object.ACL != "" {
		all += ", s3:PutObjectAcl for acl"
	}
	if strings.HasPrefix(s.object.SSE, "aws:kms") {
		all += ", kms:GenerateDataKey and kms:Decrypt on the key for sse"
	}
	return all
}

// remedy is what to do about an error, "" where that is not known.
func (s *store) remedy(what string, err error) string {
	word := code(err)
	switch {
	case word == "AccessDenied" || word == "Forbidden" || status(err) == 403 && remedies[word] == "":
		return s.rights(what)
	case status(err) == 301:
		return remedies["PermanentRedirect"]
	}
	return remedies[word]
}

// failed says where it went wrong, and what to do where that is known.
func (s *store) failed(what, name string, err error) error {
	remedy := s.remedy(what, err)
	if word := code(err); word == "PreconditionFailed" || word == "ConditionalRequestConflict" || status(err) == 412 {
		err = fmt.Errorf("%w (%w)", files.ErrExists, err)
	}
	err = fmt.Errorf("s3: %s s3://%s/%s: %w", what, s.bucket, name, err)
	if remedy != "" {
		return &plugin.Outside{Err: err, Remedy: remedy}
	}
	return err
}
