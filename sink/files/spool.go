package files

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/penstock/penstock/scratch"
)

const (
	// spoolMemory is how much of one encoded file stays in memory; what is larger goes to a scratch file.
	spoolMemory = 16 << 20
	// spoolsMemory is how much all spools of a Sink may keep in memory; above it each goes to a scratch file.
	spoolsMemory = 48 << 20
)

// spool takes in a file as it is encoded, and is then its Body. Each byte is hashed once, on its way in.
type spool struct {
	pool    *pool
	limit   int64
	account *atomic.Int64 // of the Writer
	all     *atomic.Int64 // of the Sink's spools together
	summed
	blocks []*chunk
	file   *os.File // holds what came before the blocks
	stored int64
	failed error // of its scratch file, last
}

func (s *spool) Write(p []byte) (int, error) {
	s.sum(p)
	for left := p; len(left) > 0; {
		b, err := s.block()
		if err != nil {
			s.failed = err
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
	if held := int64(len(s.blocks)) * maxChunk; held >= s.limit || held > 0 && s.all.Load() >= spoolsMemory {
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	b := s.pool.get(maxChunk)
	s.blocks = append(s.blocks, b)
	s.hold(maxChunk)
	return b, nil
}

func (s *spool) hold(n int64) {
	s.account.Add(n)
	s.all.Add(n)
}

// spill moves the blocks to the scratch file, which takes every further one as soon as it is full.
func (s *spool) spill() (err error) {
	if s.file == nil {
		s.limit = maxChunk
		if s.file, err = scratch.New(); err != nil {
			return err
		}
	}
	for _, b := range s.blocks {
		n, err := s.file.Write(b.data)
		s.stored += int64(n)
		if err != nil {
			return scratch.Failed(err)
		}
	}
	s.free()
	return nil
}

func (s *spool) free() {
	for _, b := range s.blocks {
		s.pool.put(b)
	}
	s.hold(-int64(len(s.blocks)) * maxChunk)
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
