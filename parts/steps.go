package parts

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// The pins that are not in pom.xml and requirements.txt.
const (
	minioPin       = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
	versityPin     = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
	staticcheckPin = "honnef.co/go/tools/cmd/staticcheck@v0.8.2"
)

var (
	//go:embed pom.xml
	pom string
	//go:embed requirements.txt
	requirements string
	//go:embed log4j2.properties
	log4j string
)

// A step installs one part.
type step struct {
	name    string
	pins    []string // what decides the product
	product string   // a path below the cache that the step makes
	needs   []tool
	install func(context.Context, Cache) error
}

func steps() []step {
	return []step{
		{"kafka", []string{pom, log4j}, "kafka/lib", []tool{java, maven}, installKafka},
		{"python", []string{requirements}, "venv/bin/moto_server", []tool{python}, installPython},
		{"minio", []string{minioPin}, "bin/minio", nil, goInstall(minioPin)},
		{"versity", []string{versityPin}, "bin/versitygw", nil, goInstall(versityPin)},
		{"staticcheck", []string{staticcheckPin}, "bin/staticcheck", nil, goInstall(staticcheckPin)},
	}
}

func (s step) stamp() string {
	return fmt.Sprintf("%x\n", sha256.Sum256([]byte(strings.Join(s.pins, "\x00"))))
}

func installKafka(ctx context.Context, c Cache) error {
	if err := os.RemoveAll(c.path("kafka")); err != nil {
		return err
	}
	if err := os.MkdirAll(c.path("kafka"), 0o755); err != nil {
		return err
	}
	err := errors.Join(
		os.WriteFile(c.path("kafka", "pom.xml"), []byte(pom), 0o644),
		os.WriteFile(c.path("kafka", "log4j2.properties"), []byte(log4j), 0o644))
	if err != nil {
		return err
	}
	return sh(ctx, nil, "mvn", "-B", "-q", "-f", c.path("kafka", "pom.xml"), "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+c.jars())
}

func installPython(ctx context.Context, c Cache) error {
	if err := os.RemoveAll(c.path("venv")); err != nil {
		return err
	}
	if err := sh(ctx, nil, "python3", "-m", "venv", c.path("venv")); err != nil {
		return err
	}
	list := c.path("venv", "requirements.txt")
	if err := os.WriteFile(list, []byte(requirements), 0o644); err != nil {
		return err
	}
	return sh(ctx, nil, c.Python(), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input", "-r", list)
}

// goInstall installs a program with dependencies of its own: our go.mod has no part in it.
func goInstall(pin string) func(context.Context, Cache) error {
	return func(ctx context.Context, c Cache) error {
		env := []string{"GOBIN=" + c.path("bin"), "GOFLAGS=", "GOWORK=off", "GO111MODULE=on"}
		return sh(ctx, env, "go", "install", pin)
	}
}

// sh runs a program outside the repository; its error ends with the last lines that the program wrote.
func sh(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(append([]string{name}, args...), " "), err, tail(out, 20))
	}
	return nil
}

func tail(text []byte, lines int) []byte {
	all := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(all[max(0, len(all)-lines):], []byte("\n"))
}
