package files

import (
	"fmt"
	"io"
	"sort"

	"github.com/penstock/penstock/scratch"
)

// rope is the Body that a buffer's lines make, which stay where they are: in its chunks, or in the scratch file. It is good until the
// buffer is freed.
type rope struct {
	summed
	strands []strand
	over    *overflow
}

// strand is a chunk, and where it ends in the file.
type strand struct {
	*chunk
	end int64
}

func newRope(b *buffer, s *overflow) (*rope, error) {
	n := 0
	for c := b.head; c != nil; c = c.next {
		n++
	}
	r := &rope{over: s, strands: make([]strand, 0, n)}
	for c := b.head; c != nil; c = c.next {
		in := c
		if c.stored {
			var err error
			if in, err = s.load(c, b.pool); err != nil {
				return nil, err
			}
		}
		r.sum(in.data)
		if c.stored {
			b.pool.put(in)
		}
		r.strands = append(r.strands, strand{c, r.size})
	}
	return r, nil
}

func (r *rope) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, fmt.Errorf("rope: read at %d", at)
	}
	i := sort.Search(len(r.strands), func(i int) bool { return r.strands[i].end > at })
	for ; n < len(p) && i < len(r.strands); i++ {
		m, err := r.read(p[n:], r.strands[i], at+int64(n))
		if n += m; err != nil {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// read gives what a strand holds from at on.
func (r *rope) read(p []byte, s strand, at int64) (int, error) {
	left := s.end - at
	if !s.stored {
		return copy(p, s.data[int64(len(s.data))-left:]), nil
	}
	p = p[:min(int64(len(p)), left)]
	if n, err := r.over.file.ReadAt(p, s.at+int64(s.size)-left); err != nil {
		return n, scratch.Failed(err)
	}
	return len(p), nil
}

// Close lets go of nothing: the chunks are the buffer's.
func (*rope) Close() error { return nil }
