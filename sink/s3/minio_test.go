package s3

import (
	"fmt"
	"testing"
	"time"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

func minIO(t *testing.T) aws.Config {
	access := parts.S3(t)
	credentials(t, access.AccessKey, access.SecretKey)
	return aws.Config{Endpoint: access.Endpoint, Region: access.Region, PathStyle: true}
}

func moto(t *testing.T) aws.Config {
	credentials(t, "key", "secret")
	return aws.Config{Endpoint: parts.Moto(t), Region: "us-east-1", PathStyle: true}
}

func TestPromisesOnMinIO(t *testing.T)        { promises(t, minIO(t), newSink) }
func TestPromisesInPartsOnMinIO(t *testing.T) { promises(t, minIO(t), inParts) }
func TestPromisesInPartsOnMoto(t *testing.T)  { promises(t, moto(t), inParts) }

func promises(t *testing.T, a aws.Config, open func(*testing.T, aws.Config, string) sink.Sink) {
	n := 0
	sinktest.Files(t, func(t *testing.T) sinktest.Place {
		n++
		return place(t, a, fmt.Sprintf("promises-%x-%d", time.Now().UnixNano(), n), open)
	})
}
