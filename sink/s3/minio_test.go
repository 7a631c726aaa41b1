package s3

import (
	"fmt"
	"testing"
	"time"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/sink/sinktest"
)

func TestPromisesOnMinIO(t *testing.T) {
	access := parts.S3(t)
	credentials(t, access.AccessKey, access.SecretKey)
	a := aws.Config{Endpoint: access.Endpoint, Region: access.Region, PathStyle: true}
	n := 0
	sinktest.Run(t, func(t *testing.T) sinktest.Place {
		n++
		return place(t, a, fmt.Sprintf("promises-%x-%d", time.Now().UnixNano(), n))
	})
}
