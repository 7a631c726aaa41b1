package files

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// scratchFile makes a file that only this process can read and that has no name: nothing is left behind, however it ends.
// Whoever drops it without Close has it closed by the garbage collector.
func scratchFile() (*os.File, error) {
	f, err := os.CreateTemp("", "penstock-*")
	if err != nil {
		return nil, fmt.Errorf("scratch file: %w; point TMPDIR to a disk that can be written", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("scratch file: %w", err)
	}
	return f, nil
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
		return 0, fmt.Errorf("scratch file in %s: %w", os.TempDir(), err)
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
		return nil, fmt.Errorf("scratch file in %s: %w", os.TempDir(), err)
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
