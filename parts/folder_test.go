package parts

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSmallFolder(t *testing.T) {
	for how, attr := range map[string]*syscall.SysProcAttr{"in a mount namespace": {Cloneflags: syscall.CLONE_NEWNS}, "in a user namespace": ownUser()} {
		t.Run(how, func(t *testing.T) {
			dir, end, err := smallFolder(attr, t.TempDir(), 1<<20)
			if err != nil {
				t.Skipf("%v; TestSmallFolderRunsFull says whether that is allowed", err)
			}
			runsFull(t, dir)
			end()
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it outlives its test: %v", err)
			}
		})
	}
}

func TestSmallFolderRunsFull(t *testing.T) {
	dir := ""
	t.Run("a test", func(t *testing.T) {
		dir = SmallFolder(t, 1<<20)
		runsFull(t, dir)
	})
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it outlives its test: %v", err)
	}
}

// runsFull fills the folder, from this process and from another, and frees it.
func runsFull(t *testing.T, dir string) {
	t.Helper()
	ballast, small := filepath.Join(dir, "ballast"), filepath.Join(dir, "small")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("writing twice what it holds: %v", err)
	}
	write := func() (string, error) {
		cmd := exec.Command("sh", "-c", "head -c 65536 /dev/zero >"+small)
		cmd.Env = append(os.Environ(), "LC_ALL=C", "TMPDIR="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := write(); err == nil || !strings.Contains(out, "No space left on device") {
		t.Errorf("another process writes on: %v %s", err, out)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if out, err := write(); err != nil {
		t.Errorf("freed, and another process cannot write: %v %s", err, out)
	}
	if got, err := os.ReadFile(small); err != nil || !bytes.Equal(got, make([]byte, 65536)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// The file system does not outlive a process that is killed while it has one.
func TestSmallFolderDiesWithTheTest(t *testing.T) {
	if at := os.Getenv("PENSTOCK_TEST_SMALL"); at != "" {
		if err := os.WriteFile(at, []byte(SmallFolder(t, 1<<20)), 0o600); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	SmallFolder(t, 1<<20) // leaves this test out where none can be had
	at := filepath.Join(t.TempDir(), "at")
	cmd := exec.Command(os.Args[0], "-test.run=^TestSmallFolderDiesWithTheTest$")
	cmd.Env = append(os.Environ(), "PENSTOCK_TEST_SMALL="+at)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir := ""
	for end := time.Now().Add(20 * time.Second); dir == "" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(at)
		dir = string(text)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is left", dir)
		}
	}
}
