package cmd

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/penstock/penstock/worker"
)

// TestGoLeavesMemoryToTheKafkaClient: its heap may grow to three quarters of memory, or to what GOMEMLIMIT says.
func TestGoLeavesMemoryToTheKafkaClient(t *testing.T) {
	for env, want := range map[string]int64{"": 192 << 20, "1GiB": math.MaxInt64} { // which Go itself has read, when the process began
		t.Setenv("GOMEMLIMIT", env)
		before := debug.SetMemoryLimit(math.MaxInt64)
		limitMemory(&worker.File{Memory: 256 << 20})
		if got := debug.SetMemoryLimit(before); got != want {
			t.Errorf("with GOMEMLIMIT=%q the limit is %d, want %d", env, got, want)
		}
	}
}
