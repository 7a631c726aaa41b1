package connector

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/penstock/penstock/dev"
	"go.uber.org/goleak"
)

// servers are the embedded Kafka, S3 and Glue that all tests share: name topics, groups and buckets apart.
var servers *dev.Servers

func TestMain(m *testing.M) { goleak.VerifyTestMain(served{m}) }

// served runs the tests beside the servers.
type served struct{ m *testing.M }

func (s served) Run() int {
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		os.Setenv(k, v)
	}
	dir, err := os.MkdirTemp("", "penstock")
	if err == nil {
		defer os.RemoveAll(dir)
		servers, err = dev.Start(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer servers.Close()
	return s.m.Run()
}
