// Package aws makes one SDK configuration out of one config block, for every plugin that speaks to AWS or to a stand-in of it.
package aws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/penstock/penstock/plugin"
)

// Config says where AWS is and who calls. What is left out comes from the SDK's default chain: environment, shared files, roles.
type Config struct {
	Region    string `yaml:"region" layout:"-" doc:"Region of the service; the SDK's default chain if left out, us-east-1 where an endpoint is given."`
	Endpoint  string `yaml:"endpoint" layout:"-" doc:"URL of a stand-in such as MinIO, with its scheme."`
	Profile   string `yaml:"profile" layout:"-" doc:"Profile of the shared config and credentials files."`
	RoleARN   string `yaml:"role_arn" layout:"-" doc:"Role to assume with the credentials that were found."`
	PathStyle bool   `yaml:"path_style" layout:"-" doc:"Put the bucket into the URL's path, not its host name, as most stand-ins of S3 need."`
}

// Check holds the rules of the options.
func (c Config) Check() error {
	var errs []error
	if u, err := url.Parse(c.Endpoint); c.Endpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		errs = append(errs, plugin.Option("endpoint", fmt.Errorf("%q is no URL of a service; write it with its scheme, as in http://localhost:9000", c.Endpoint)))
	}
	if c.RoleARN != "" && !strings.HasPrefix(c.RoleARN, "arn:") {
		errs = append(errs, plugin.Option("role_arn", fmt.Errorf("%q is no ARN; write it whole, as in arn:aws:iam::123456789012:role/NAME", c.RoleARN)))
	}
	return errors.Join(errs...)
}

// attempts is low because whoever calls repeats the whole operation too, for as long as it takes.
const attempts = 3

// Load reads the environment and the shared files; no request is sent before the first operation. Credentials that are missing
// are reported by that operation.
func Load(ctx context.Context, c Config) (sdk.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRetryMode(sdk.RetryModeStandard),
		config.WithRetryMaxAttempts(attempts),
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return sdk.Config{}, fmt.Errorf("aws: %w", err)
	}
	if loaded.Region == "" && c.Endpoint != "" {
		loaded.Region = "us-east-1"
	}
	if loaded.Region == "" {
		return sdk.Config{}, fmt.Errorf("aws: no region is set; set region, AWS_REGION, or region in the profile")
	}
	if c.RoleARN != "" {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(loaded), c.RoleARN)
		loaded.Credentials = sdk.NewCredentialsCache(role)
	}
	if c.Endpoint != "" { // after the role: the stand-in of one service is not one of sts
		loaded.BaseEndpoint = sdk.String(c.Endpoint)
	}
	return loaded, nil
}
