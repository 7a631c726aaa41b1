package glue

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/plugin"
)

// remedies by the error codes of Glue and of what stands before it.
var remedies = map[string]string{
	"EntityNotFoundException":              "make the crawler in this account and region, mend its name, or let create make it",
	"UnrecognizedClientException":          "check the credentials, and that they belong to this endpoint",
	"InvalidSignatureException":            "check the credentials",
	"ExpiredTokenException":                "renew the credentials",
	"ThrottlingException":                  throttled,
	"TooManyRequestsException":             throttled,
	"ResourceNumberLimitExceededException": "delete crawlers or databases that are of no use, or ask AWS for more",
}

const throttled = "it is tried again later; if that lasts, raise at_most_every and poll, or ask AWS for a higher rate"

// explain names the crawler and the remedy.
func (c *crawler) explain(err error) error {
	if err == nil || errors.As(err, new(*hook.Later)) {
		return err
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch remedy := remedy(api.ErrorCode(), err); remedy {
		case "":
		case throttled:
			return fmt.Errorf("glue: crawler %q: %w; %s", c.Crawler, err, remedy)
		default:
			return &plugin.Outside{Err: fmt.Errorf("glue: crawler %q: %w", c.Crawler, err), Remedy: remedy}
		}
	}
	return fmt.Errorf("glue: crawler %q: %w", c.Crawler, err)
}

// remedy for a right that is missing names it after the operation that was refused.
func remedy(code string, err error) string {
	var op *smithy.OperationError
	if (code != "AccessDeniedException" && code != "AccessDenied") || !errors.As(err, &op) {
		return remedies[code]
	}
	if op.OperationName == "CreateCrawler" {
		return "allow glue:CreateCrawler on the crawler and iam:PassRole on the role to these credentials"
	}
	return fmt.Sprintf("allow glue:%s to these credentials", op.OperationName)
}
