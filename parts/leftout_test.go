package parts

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLeftOut says in one line what go test leaves out without the parts. The go command hides what a passing package
// prints, so the line goes to that command's own standard error; and it must not answer from its cache.
func TestLeftOut(t *testing.T) {
	if os.Getenv(envKafka) != "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("CI=true lets no test be left out: run make test")
	}
	notCached(t)
	w := goStderr()
	defer w.Close()
	fmt.Fprintln(w, "left out: tests that need a real Kafka, S3, Glue and Python readers; make test runs them")
}

// notCached reads a file that was just written: go test caches no result that hangs on one.
func notCached(t *testing.T) {
	cache, err := FindCache()
	if err != nil {
		t.Fatal(err)
	}
	path := cache.path("left-out")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Append(nil, os.Getpid()), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
}

// goStderr is the standard error of the go command that runs this test, or our own where that cannot be had.
func goStderr() io.WriteCloser {
	parent := os.Getppid()
	if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent)); strings.TrimSpace(string(name)) != "go" {
		return os.Stderr
	}
	if fd, ok := borrow(parent, 2); ok {
		return os.NewFile(fd, "stderr of go")
	}
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/2", parent), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return os.Stderr
	}
	return f
}

// borrow is another process's open file, its position shared: a file opened anew would be written over.
func borrow(pid, fd int) (uintptr, bool) {
	const pidfdOpen, pidfdGetfd = 434, 438 // the same on every architecture
	process, _, errno := syscall.Syscall(pidfdOpen, uintptr(pid), 0, 0)
	if errno != 0 {
		return 0, false
	}
	defer syscall.Close(int(process))
	got, _, errno := syscall.Syscall(pidfdGetfd, process, uintptr(fd), 0)
	return got, errno == 0
}
