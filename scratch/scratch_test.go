package scratch

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNewHasNoName, so that nobody else can read it and nothing is left.
func TestNewHasNoName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	f, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var is unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &is); err != nil || is.Nlink != 0 || is.Mode&0o777 != 0o600 {
		t.Errorf("it has %d names and mode %o, %v", is.Nlink, is.Mode, err)
	}
	if there, err := os.ReadDir(dir); err != nil || len(there) > 0 {
		t.Errorf("there are %v, %v", there, err)
	}
	t.Setenv("TMPDIR", dir+"/none")
	if _, err := New(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "TMPDIR ("+dir+"/none): no such file or directory; point TMPDIR") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestFailed says which folder, and what to do, and does not name a file that nobody can look at.
func TestFailed(t *testing.T) {
	err := Failed(&fs.PathError{Op: "write", Path: "(scratch)", Err: unix.ENOSPC})
	if text := err.Error(); !errors.Is(err, unix.ENOSPC) || strings.Contains(text, "(scratch)") || !strings.Contains(text, "on device; free some, or set TMPDIR") {
		t.Error(err)
	}
}
