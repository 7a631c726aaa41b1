package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// scratchFile makes a file that only this process can read and that has no name: nothing is left behind, however it ends.
// Whoever drops it without Close has it closed by the garbage collector.
func scratchFile() (*os.File, error) {
	dir := os.TempDir()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), dir+"/(scratch)"), nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EINVAL) {
		return nil, scratchFailed(err)
	}
	f, err := os.CreateTemp(dir, "penstock-*") // a file system without files that have no name: it has one for a moment
	if err != nil {
		return nil, scratchFailed(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, scratchFailed(err)
	}
	return f, nil
}

// scratchFailed says what to do about a scratch file that cannot be made, written or read.
func scratchFailed(err error) error {
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

// scratch holds the rows of one interval that went out of memory. After the interval is cut it is only read, by several.
type scratch struct {
	file *os.File // nil as long as nothing went there
	end  int64
}

// spill moves what buffers hold in memory, and says how much that was. After an error they hold what they held.
func (s *scratch) spill(all []*buffer) (freed int64, err error) {
	if s.file == nil {
		if s.file, err = scratchFile(); err != nil {
			return 0, err
		}
	}
	end := s.end
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, end), maxChunk*4)
	for _, b := range all {
		for c := b.head; c != nil; c = c.next {
			if !c.stored {
				c.at = end
				end += int64(len(c.data))
				_, _ = w.Write(c.data) // Flush tells
			}
		}
	}
	if err := w.Flush(); err != nil {
		_ = s.file.Truncate(s.end) // what room there was is given back
		return 0, scratchFailed(err)
	}
	s.end = end
	for _, b := range all {
		freed += b.leave()
	}
	return freed, nil
}

// load brings a chunk back, in memory of its own.
func (s *scratch) load(c *chunk, p *pool) (*chunk, error) {
	in := p.get(c.size)
	in.data = in.data[:c.size]
	if _, err := s.file.ReadAt(in.data, c.at); err != nil {
		p.put(in)
		return nil, scratchFailed(err)
	}
	return in, nil
}

// Close may be called again.
func (s *scratch) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
