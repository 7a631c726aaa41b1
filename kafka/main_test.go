package kafka

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(memberLog) != "" {
		os.Exit(memberProcess())
	}
	goleak.VerifyTestMain(m)
}
