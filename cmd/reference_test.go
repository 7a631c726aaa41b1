package cmd

import (
	"os"
	"strings"
	"testing"
)

// The reference is what docs --all prints: `go test ./cmd -run Reference -update` writes it anew.
func TestReference(t *testing.T) {
	const name, head, begins = "../docs/reference.md", "# connectors.yaml: every option\n", "<!-- printed by penstock docs --all -->\n\n"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	own, was, found := strings.Cut(string(text), begins)
	if !found || !strings.HasPrefix(own, head) {
		t.Fatalf("%s has no line %s", name, begins)
	}
	code, out, errOut := invoke(t, "docs", "--all")
	if code != 0 || errOut != "" {
		t.Fatalf("exit code %d, %s", code, errOut)
	}
	if *update {
		write(t, name, own+begins+out)
	} else if was != out {
		t.Errorf("%s is not what docs --all prints; write it anew by go test ./cmd -run Reference -update", name)
	}
	for line := range strings.Lines(out) {
		if strings.HasSuffix(line, "|  |\n") {
			t.Errorf("an option without a word on what it is: %s", line)
		}
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil || !strings.Contains(string(readme), "(docs/reference.md)") {
		t.Errorf("the README does not lead to the reference; %v", err)
	}
}
