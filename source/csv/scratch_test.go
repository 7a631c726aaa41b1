package csv

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestScratchHasNoName, so that nobody else can read it and nothing is left.
func TestScratchHasNoName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	f, err := scratchFile()
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
	if _, err := scratchFile(); err == nil {
		t.Error("a folder that is not there")
	}
}
