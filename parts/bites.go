package parts

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// envBite tells a process that Bites started which suite it is to run.
const envBite = "PENSTOCK_TEST_BITE"

// Bites shows that a suite bites: it runs the suite on a plugin that is broken in some way, by the test that calls it, in a process
// of its own, and wants the part of the suite that is named after the promise to fail there: no other is run. That test does nothing
// else.
func Bites(t *testing.T, broken, promise string, suite func(t *testing.T)) {
	switch os.Getenv(envBite) {
	case "":
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			bitten(t, broken, promise)
		})
	case broken:
		suite(t)
	}
}

func bitten(t *testing.T, broken, promise string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	test, _, _ := strings.Cut(t.Name(), "/")
	run := "^" + test + "$"
	for part := range strings.SplitSeq(promise, "/") {
		run += "/^" + regexp.QuoteMeta(part) + "$"
	}
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run="+run)
	cmd.Env = append(os.Environ(), envBite+"="+broken)
	out, err := cmd.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	switch failed := "/" + strings.ReplaceAll(promise, " ", "_") + " ("; {
	case err == nil:
		t.Errorf("the suite passes")
	case !errors.As(err, &exit) || !strings.Contains(string(out), failed):
		t.Errorf("%q has not failed: %v\n%s", promise, err, out)
	}
}
