package files

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Chunks are powers of two between these.
const (
	minChunk = 512
	maxChunk = 64 << 10
)

// chunk is a piece of memory that data fills from the front, or, once stored, where its bytes stand in a scratch file.
type chunk struct {
	data   []byte
	next   *chunk
	stored bool
	at     int64
	size   int
}

// chunkSize is what a stored chunk costs.
const chunkSize = int64(unsafe.Sizeof(chunk{}))

// pool keeps chunks for their next use, by size. It is safe for concurrent use.
type pool struct {
	sizes [8]sync.Pool
}

// get gives an empty chunk with room for n bytes: at least the smallest, at most the largest, or one made to measure.
func (p *pool) get(n int) *chunk {
	if n > maxChunk {
		return &chunk{data: make([]byte, 0, n)}
	}
	class := sizeClass(n)
	if c, ok := p.sizes[class].Get().(*chunk); ok {
		return c
	}
	return &chunk{data: make([]byte, 0, minChunk<<class)}
}

func (p *pool) put(c *chunk) {
	if n := cap(c.data); n <= maxChunk {
		c.data, c.next = c.data[:0], nil
		p.sizes[sizeClass(n)].Put(c)
	}
}

// sizeClass is the first whose chunks hold n bytes.
func sizeClass(n int) int { return bits.Len(uint(max(n, minChunk)-1) / minChunk) }
