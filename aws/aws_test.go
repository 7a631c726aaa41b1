package aws

import (
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// alone takes away whatever the machine would tell the SDK.
func alone(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestLoad(t *testing.T) {
	cases := []struct {
		name             string
		c                Config
		region, endpoint string
		err              string
	}{
		{"all", Config{Region: "eu-west-1", Endpoint: "http://127.0.0.1:9000"}, "eu-west-1", "http://127.0.0.1:9000", ""},
		{"region of a stand-in", Config{Endpoint: "http://127.0.0.1:9000"}, "us-east-1", "http://127.0.0.1:9000", ""},
		{"no region", Config{}, "", "", "aws: no region is set; set region"},
		{"no such profile", Config{Profile: "nobody", Region: "eu-west-1"}, "", "", "nobody"},
		{"role", Config{Region: "eu-west-1", RoleARN: "arn:aws:iam::1:role/x"}, "eu-west-1", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			alone(t)
			got, err := Load(t.Context(), c.c)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one that says %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Region != c.region || sdk.ToString(got.BaseEndpoint) != c.endpoint {
				t.Errorf("region %q, endpoint %q; want %q, %q", got.Region, sdk.ToString(got.BaseEndpoint), c.region, c.endpoint)
			}
			if got.RetryMaxAttempts != attempts || got.RetryMode != sdk.RetryModeStandard {
				t.Errorf("retries %d %s", got.RetryMaxAttempts, got.RetryMode)
			}
		})
	}
}

func TestMissingCredentialsAreTheSDKsOwnError(t *testing.T) {
	alone(t)
	c, err := Load(t.Context(), Config{Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sts.NewFromConfig(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err == nil || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("error %v, want one about credentials", err)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		c    Config
		want string
	}{
		{Config{}, ""},
		{Config{Endpoint: "https://s3.example.com:9000/", RoleARN: "arn:aws:iam::1:role/x"}, ""},
		{Config{Endpoint: "localhost:9000"}, `endpoint: "localhost:9000" is no URL of a service; write it with its scheme`},
		{Config{Endpoint: "http://"}, "endpoint: "},
		{Config{Endpoint: "http://%zz"}, "endpoint: "},
		{Config{Endpoint: "ftp://x"}, "endpoint: "},
		{Config{RoleARN: "lake"}, `role_arn: "lake" is no ARN; write it whole`},
	} {
		err := c.c.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%+v: error %v, want %q", c.c, err, c.want)
		}
	}
}
