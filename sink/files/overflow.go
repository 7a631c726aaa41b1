package files

import (
	"bufio"
	"io"
	"os"

	"github.com/penstock/penstock/scratch"
)

// overflow holds the rows of one interval that went out of memory. After the interval is cut it is only read, by several.
type overflow struct {
	file *os.File // nil as long as nothing went there
	end  int64
}

// spill moves what buffers hold in memory, and says how much that was. After an error they hold what they held.
func (s *overflow) spill(all []*buffer) (freed int64, err error) {
	if s.file == nil {
		if s.file, err = scratch.New(); err != nil {
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
		return 0, scratch.Failed(err)
	}
	s.end = end
	for _, b := range all {
		freed += b.leave()
	}
	return freed, nil
}

// load brings a chunk back, in memory of its own.
func (s *overflow) load(c *chunk, p *pool) (*chunk, error) {
	in := p.get(c.size)
	in.data = in.data[:c.size]
	if _, err := s.file.ReadAt(in.data, c.at); err != nil {
		p.put(in)
		return nil, scratch.Failed(err)
	}
	return in, nil
}

// Close may be called again.
func (s *overflow) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
