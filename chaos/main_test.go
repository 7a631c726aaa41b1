// Package chaos kills, stops and starves real penstock processes at named and at random moments, on a real Kafka and a real S3,
// and then counts every row.
package chaos

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// The tests wait most of the time, for sessions to end.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
