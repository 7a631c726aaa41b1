package parts

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A suite that passes for a broken plugin is found out, and so is one that fails for another reason.
func TestBites(t *testing.T) {
	failing := func(part string) func(*testing.T) {
		return func(t *testing.T) { t.Run(part, func(t *testing.T) { t.Error("broken") }) }
	}
	if os.Getenv("PENSTOCK_TEST_BITES") != "" {
		Bites(t, "passes", "a promise", func(*testing.T) {})
		Bites(t, "fails elsewhere", "a promise", func(t *testing.T) { t.Error("broken") })
		Bites(t, "fails", "a promise", failing("a promise"))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestBites$", "-test.v")
	cmd.Env = append(os.Environ(), "PENSTOCK_TEST_BITES=1")
	out, err := cmd.CombinedOutput()
	for _, want := range []string{"--- FAIL: TestBites/passes ", "--- FAIL: TestBites/fails_elsewhere ", "--- PASS: TestBites/fails "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%v, without %q:\n%s", err, want, out)
		}
	}
}
