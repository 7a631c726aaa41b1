// Package scratch makes files for what does not fit into memory.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// New makes a file in TMPDIR that only this process can read and that has no name: nothing is left behind, however it ends.
// Whoever drops it without Close has it closed by the garbage collector.
func New() (*os.File, error) {
	dir := os.TempDir()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), dir+"/(scratch)"), nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EINVAL) {
		return nil, Failed(err)
	}
	f, err := os.CreateTemp(dir, "penstock-*") // a file system without files that have no name: it has one for a moment
	if err != nil {
		return nil, Failed(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, Failed(err)
	}
	return f, nil
}

// Failed says what to do about a scratch file that could not be made, written or read.
func Failed(err error) error {
	var at *fs.PathError // which names a file that nobody can look at
	if errors.As(err, &at) {
		err = at.Err
	}
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EFBIG):
		return fmt.Errorf("scratch file in TMPDIR (%s): %w; free some, or set TMPDIR to a folder on a larger disk", os.TempDir(), err)
	}
	return fmt.Errorf("scratch file in TMPDIR (%s): %w; point TMPDIR to a disk that can be written", os.TempDir(), err)
}
