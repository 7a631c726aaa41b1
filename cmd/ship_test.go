package cmd

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The systemd unit is one, and it says of exit codes and of the time to end what the program does.
func TestUnit(t *testing.T) {
	unit := read(t, "docs/penstock.service")
	says := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)=(.*)$`).FindAllStringSubmatch(unit, -1) {
		says[m[1]] = m[2]
	}
	for key, want := range map[string]string{
		"ExecStart":                "/usr/local/bin/penstock run /etc/penstock/connectors.yaml",
		"EnvironmentFile":          "-/etc/penstock/environment",
		"Restart":                  "always",
		"RestartPreventExitStatus": fmt.Sprint(exitInput),
		"TimeoutStopSec":           "40", // beyond the 25 s that a process which ends takes at most
		"DynamicUser":              "yes",
		"WantedBy":                 "multi-user.target",
	} {
		if says[key] != want {
			t.Errorf("%s is %q, want %q", key, says[key], want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze, which has the last word, is not here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "penstock.service")
	write(t, file, strings.Replace(unit, "/usr/local/bin/penstock", self, 1))
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || strings.Contains(string(out), "penstock.service") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The image is made by what there is: the target of the Makefile, the Go of go.mod, and files that are there, or that a line before makes.
func TestImage(t *testing.T) {
	image, mod, makefile := read(t, "Dockerfile"), read(t, "go.mod"), read(t, "Makefile")
	line := func(expr, text string) string {
		t.Helper()
		m := regexp.MustCompile(`(?m)^` + expr + `$`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no line fits %s in\n%s", expr, text)
		}
		return m[len(m)-1]
	}
	if has, wants := line(`FROM golang:(\d+\.\d+)-\w+ AS build`, image), line(`go (\d+\.\d+)(?:\.\d+)?`, mod); has != wants {
		t.Errorf("the image has Go %s, and go.mod wants %s", has, wants)
	}
	binary := line(`BINARY +\?= (\S+)`, makefile)
	line(`build:`, makefile)
	line(`COPY \. \.`, image)
	line(`RUN make build && install -d -m 1777 root/tmp`, image)
	line(`COPY --from=build /etc/ssl/certs/ca-certificates\.crt /etc/ssl/certs/`, image)
	line(`COPY --from=build /src/root /`, image)
	if placed := line(`COPY --from=build /src/`+binary+` (/\S+)`, image); line(`ENTRYPOINT \["(.*)"\]`, image) != placed {
		t.Errorf("the entry point is not %s", placed)
	}
	line(`WORKDIR /src`, image)
	line(`CMD \["run", "/etc/penstock/connectors\.yaml"\]`, image)
	for ignored := range strings.Lines(read(t, ".dockerignore")) {
		if name := strings.TrimSpace(ignored); name != ".cache" && name != ".penstock" && name != binary {
			t.Errorf(".dockerignore keeps %s from the build", name)
		}
	}
}

// What make build makes needs nothing of the machine that it runs on.
func TestStaticBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while to link")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "penstock")
	if out, err := exec.CommandContext(t.Context(), "make", "-C", "..", "build", "BINARY="+binary).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if needs, err := f.ImportedLibraries(); err != nil || len(needs) > 0 {
		t.Errorf("it needs %q, %v", needs, err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a loader")
		}
	}
	write(t, filepath.Join(dir, "connectors.yaml"), "kafka: {brokers: [localhost:9092]}\nconnectors:\n  prices: {source: {csv: prices.csv}, topic: prices}\n")
	for command, want := range map[string]string{
		"version": `^penstock \S+\ncommit \S+\nlibrdkafka \d+\.\d+\.\d+\n$`,
		"check":   `^connectors\.yaml: 1 connector, no mistakes\n$`,
	} {
		c := exec.CommandContext(t.Context(), binary, command)
		c.Dir, c.Env = dir, []string{}
		if out, err := c.CombinedOutput(); err != nil || !regexp.MustCompile(want).Match(out) {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}
