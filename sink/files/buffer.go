package files

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"github.com/penstock/penstock/record"
)

// buffer holds the rows of one path and interval, compactly, in chunks that grow with them: what it costs is in proportion to
// what it holds.
type buffer struct {
	path       string
	head, tail *chunk
	rows       int64
	first      int64 // offset of the first row
	offset     int64 // of the last one
	time       int64
	held       int64         // bytes of its chunks
	account    *atomic.Int64 // of the Writer, that they are part of
	pool       *pool
}

// overhead is about what a buffer costs beside its chunks.
const overhead = 256

func newBuffer(path string, p *pool, account *atomic.Int64) *buffer {
	b := &buffer{path: path, pool: p, account: account, held: int64(overhead + len(path))}
	account.Add(b.held)
	return b
}

// room gives the free end of a chunk, with space for n bytes.
func (b *buffer) room(n int) []byte {
	if b.tail == nil || cap(b.tail.data)-len(b.tail.data) < n {
		size := minChunk
		if b.tail != nil {
			size = min(2*cap(b.tail.data), maxChunk)
		}
		c := b.pool.get(max(size, n))
		b.held += int64(cap(c.data))
		b.account.Add(int64(cap(c.data)))
		if b.tail == nil {
			b.head = c
		} else {
			b.tail.next = c
		}
		b.tail = c
	}
	return b.tail.data
}

// add copies a record: its Value where keep is nil, or else those cells of its Row.
func (b *buffer) add(rec *record.Record, keep []int) {
	if b.rows == 0 {
		b.first, b.offset = rec.Offset, rec.Offset
	}
	size := 3*binary.MaxVarintLen64 + len(rec.Value)
	if keep != nil {
		size = 2*binary.MaxVarintLen64 + cellsSize(rec.Row, keep)
	}
	dst := b.room(size)
	dst = binary.AppendVarint(dst, rec.Offset-b.offset)
	dst = binary.AppendVarint(dst, rec.Time-b.time)
	if keep != nil {
		dst = appendCells(dst, rec.Row, keep)
	} else {
		dst = appendValue(dst, rec.Value)
	}
	b.tail.data = dst
	b.offset, b.time = rec.Offset, rec.Time
	b.rows++
}

// free gives the chunks back. Whoever reads rows of them must have ended.
func (b *buffer) free() {
	for c := b.head; c != nil; {
		next := c.next
		b.pool.put(c)
		c = next
	}
	b.account.Add(-b.held)
	b.head, b.tail, b.held = nil, nil, 0
}

// appendValue writes a length, plus one so that null has one too, and the bytes.
func appendValue(dst, v []byte) []byte {
	if v == nil {
		return append(dst, 0)
	}
	return append(binary.AppendUvarint(dst, uint64(len(v))+1), v...)
}

func cellsSize(row []record.Value, keep []int) (n int) {
	for _, i := range keep {
		n += 1 + binary.MaxVarintLen64 + len(row[i].Str)
	}
	return n
}

// appendCells writes a kind, and a payload that fits it.
func appendCells(dst []byte, row []record.Value, keep []int) []byte {
	for _, i := range keep {
		v := &row[i]
		dst = append(dst, byte(v.Kind))
		switch v.Kind {
		case record.Null:
		case record.Bool:
			dst = append(dst, byte(v.Num))
		case record.Int, record.Date, record.Timestamp:
			dst = binary.AppendVarint(dst, v.Int())
		case record.Float:
			dst = binary.LittleEndian.AppendUint64(dst, v.Num)
		default:
			dst = append(binary.AppendUvarint(dst, uint64(len(v.Str))), v.Str...)
		}
	}
	return dst
}

// reader gives a buffer's rows back, in order. Their bytes are the chunks' own.
type reader struct {
	chunk  *chunk
	at     int
	offset int64
	time   int64
}

func (b *buffer) reader() reader { return reader{chunk: b.head, offset: b.first} }

// next fills rec, and its Row where it has cells; false at the end.
func (r *reader) next(rec *record.Record, raw bool) bool {
	for r.chunk != nil && r.at == len(r.chunk.data) {
		r.chunk, r.at = r.chunk.next, 0
	}
	if r.chunk == nil {
		return false
	}
	r.offset += r.varint()
	r.time += r.varint()
	rec.Offset, rec.Time = r.offset, r.time
	if raw {
		rec.Value = r.value()
		return true
	}
	for i := range rec.Row {
		r.cell(&rec.Row[i])
	}
	return true
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.chunk.data[r.at:])
	r.at += size
	return n
}

func (r *reader) bytes(n int) []byte {
	b := r.chunk.data[r.at : r.at+n : r.at+n]
	r.at += n
	return b
}

func (r *reader) uvarint() int {
	n, size := binary.Uvarint(r.chunk.data[r.at:])
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
	*v = record.Value{Kind: record.Kind(r.bytes(1)[0])}
	switch v.Kind {
	case record.Null:
	case record.Bool:
		v.Num = uint64(r.bytes(1)[0])
	case record.Int, record.Date, record.Timestamp:
		v.Num = uint64(r.varint())
	case record.Float:
		v.Num = binary.LittleEndian.Uint64(r.bytes(8))
	default:
		b := r.bytes(r.uvarint())
		v.Str = unsafe.String(unsafe.SliceData(b), len(b))
	}
}
