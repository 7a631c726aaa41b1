package files

import (
	"encoding/binary"
	"unsafe"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// loadedMemory bounds what a reader brings back from a scratch file at a time.
const loadedMemory = 1 << 20

// reader gives a buffer's rows back, in order. Their bytes are the chunks' own, and stay until release.
type reader struct {
	plan    *plan
	claim   *sink.Claim
	pool    *pool
	scratch *overflow
	rest    *chunk // those that follow the one in hand
	data    []byte
	at      int
	loaded  []*chunk // brought back from the scratch file
	held    int      // bytes of them
	offset  int64
	time    int64
	err     error
}

func (b *buffer) reader(p *plan, c *sink.Claim, s *overflow) *reader {
	return &reader{plan: p, claim: c, pool: b.pool, scratch: s, rest: b.head, offset: b.first}
}

// next fills rec, and its Row where it has cells; false at the end, after an error, or when release has to come first.
func (r *reader) next(rec *record.Record) bool {
	for r.at == len(r.data) {
		if r.rest == nil || r.err != nil || r.held >= loadedMemory {
			return false
		}
		r.take(r.rest)
	}
	r.offset += r.varint()
	r.time += r.varint()
	rec.Offset, rec.Time = r.offset, r.time
	keep := len(r.plan.keep)
	for i, x := range r.plan.extras {
		rec.Row[keep+i] = r.extra(x)
	}
	if r.plan.raw {
		rec.Value = r.value()
		return true
	}
	for i := range keep {
		r.cell(&rec.Row[i])
	}
	return true
}

// take makes a chunk the one in hand.
func (r *reader) take(c *chunk) {
	if c.stored {
		in, err := r.scratch.load(c, r.pool)
		if err != nil {
			r.err = err
			return
		}
		r.loaded = append(r.loaded, in)
		r.held += cap(in.data)
		r.data, r.at, r.rest = in.data, 0, c.next
		return
	}
	r.data, r.at, r.rest = c.data, 0, c.next
}

// release lets go of the memory of rows that were given, but for the chunk in hand.
func (r *reader) release() {
	r.held = 0
	for i, c := range r.loaded {
		if i == len(r.loaded)-1 && r.at < len(r.data) {
			r.loaded[0] = c
			r.loaded = r.loaded[:1]
			return
		}
		r.pool.put(c)
	}
	r.loaded = r.loaded[:0]
}

func (r *reader) varint() int64 {
	if b := r.data[r.at]; b < 0x80 { // as most differences of offsets and times are
		r.at++
		return int64(b>>1) ^ -int64(b&1)
	}
	n, size := binary.Varint(r.data[r.at:])
	r.at += size
	return n
}

func (r *reader) bytes(n int) []byte {
	b := r.data[r.at : r.at+n : r.at+n]
	r.at += n
	return b
}

func (r *reader) uvarint() int {
	n, size := binary.Uvarint(r.data[r.at:])
	r.at += size
	return int(n)
}

func (r *reader) value() []byte {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	return r.bytes(n - 1)
}

func (r *reader) cell(v *record.Value) {
	r.at += record.ReadCell(text(r.data[r.at:]), v)
}

func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
