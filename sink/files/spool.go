package files

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// spoolMemory is how much of one encoded file stays in memory; what is larger goes to a scratch file.
const spoolMemory = 8 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// spool takes in a file as it is encoded, and is then its Body. Its scratch file has no name: nothing is left behind, however
// the process ends.
type spool struct {
	pool   *pool
	limit  int64
	blocks []*chunk
	file   *os.File // holds what came before the blocks
	stored int64
	size   int64
	crc    uint32
}

func (s *spool) Write(p []byte) (int, error) {
	s.crc = crc32.Update(s.crc, castagnoli, p)
	s.size += int64(len(p))
	for left := p; len(left) > 0; {
		b, err := s.block()
		if err != nil {
			return 0, err
		}
		n := copy(b.data[len(b.data):cap(b.data)], left)
		b.data = b.data[:len(b.data)+n]
		left = left[n:]
	}
	return len(p), nil
}

// block is one with room.
func (s *spool) block() (*chunk, error) {
	if n := len(s.blocks); n > 0 && len(s.blocks[n-1].data) < cap(s.blocks[n-1].data) {
		return s.blocks[n-1], nil
	}
	if int64(len(s.blocks))*maxChunk >= s.limit {
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	b := s.pool.get(maxChunk)
	s.blocks = append(s.blocks, b)
	return b, nil
}

// spill moves the blocks to the scratch file, which takes every further one as soon as it is full.
func (s *spool) spill() (err error) {
	if s.file == nil {
		s.limit = maxChunk
		if s.file, err = os.CreateTemp("", "penstock-*"); err != nil {
			return fmt.Errorf("scratch file: %w", err)
		}
		if err := os.Remove(s.file.Name()); err != nil {
			return fmt.Errorf("scratch file: %w", err)
		}
	}
	for _, b := range s.blocks {
		n, err := s.file.Write(b.data)
		s.stored += int64(n)
		if err != nil {
			return fmt.Errorf("scratch file in %s: %w", os.TempDir(), err)
		}
	}
	s.free()
	return nil
}

func (s *spool) free() {
	for _, b := range s.blocks {
		s.pool.put(b)
	}
	s.blocks = s.blocks[:0]
}

// Close gives back the memory and the scratch file.
func (s *spool) Close() error {
	s.free()
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

func (s *spool) Size() int64    { return s.size }
func (s *spool) CRC32C() uint32 { return s.crc }

func (s *spool) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, fmt.Errorf("spool: read at %d", at)
	}
	for n < len(p) && at < s.size {
		var m int
		if at < s.stored {
			m, err = s.file.ReadAt(p[n:min(len(p), n+int(min(s.stored-at, 1<<30)))], at)
			if err != nil {
				return n + m, err
			}
		} else {
			i := at - s.stored
			m = copy(p[n:], s.blocks[i/maxChunk].data[i%maxChunk:])
		}
		n += m
		at += int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
