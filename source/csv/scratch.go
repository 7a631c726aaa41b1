package csv

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// scratchFile makes a file that only this process can read and that has no name: nothing is left behind, however it ends.
func scratchFile() (*os.File, error) {
	dir := os.TempDir()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), dir+"/(scratch)"), nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EINVAL) {
		return nil, &os.PathError{Op: "make a scratch file in TMPDIR", Path: dir, Err: err}
	}
	f, err := os.CreateTemp(dir, "penstock-csv-") // a file system without files that have no name: it has one for a moment
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
