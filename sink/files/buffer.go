package files

import (
	"encoding/binary"
	"errors"
	"sync/atomic"

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
	left       int           // bytes of the last chunk that left memory: what comes next begins with half of that
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
			size = min(max(minChunk, 2*cap(b.tail.data), b.left/2), maxChunk)
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

// add copies what a plan holds of a record: its line in the file, or its Value or cells, and those of its extras that are not known
// otherwise. Its headers come as text. An error is the record's own, of which nothing is held then.
func (b *buffer) add(rec *record.Record, p *plan, headers []byte) error {
	if p.line != nil {
		if err := b.addLine(rec, p); err != nil {
			return err
		}
	}
	if b.rows == 0 {
		b.first, b.offset = rec.Offset, rec.Offset
	}
	if p.line == nil {
		b.addRow(rec, p, headers)
	}
	b.offset, b.time = rec.Offset, rec.Time
	b.rows++
	return nil
}

var errLonger = errors.New("the format made a line that is longer than the value")

func (b *buffer) addLine(rec *record.Record, p *plan) error {
	dst := b.room(len(rec.Value) + 1)
	line, err := p.line(dst, rec)
	if err == nil && cap(line) != cap(dst) {
		err = errLonger
	}
	if err == nil {
		b.tail.data = line
	}
	return err
}

func (b *buffer) addRow(rec *record.Record, p *plan, headers []byte) {
	size := 3*binary.MaxVarintLen64 + len(rec.Value)
	if !p.raw {
		size = 2*binary.MaxVarintLen64 + cellsSize(rec.Row, p.keep)
	}
	if len(p.extras) > 0 {
		size += 2*binary.MaxVarintLen64 + len(rec.Key) + len(headers)
	}
	dst := b.room(size)
	dst = binary.AppendVarint(dst, rec.Offset-b.offset)
	dst = binary.AppendVarint(dst, rec.Time-b.time)
	for _, x := range p.extras {
		switch x {
		case withKey:
			dst = appendValue(dst, rec.Key)
		case withHeaders:
			dst = appendValue(dst, headers)
		}
	}
	if p.raw {
		dst = appendValue(dst, rec.Value)
	} else {
		dst = appendCells(dst, rec.Row, p.keep)
	}
	b.tail.data = dst
}

// leave lets go of the chunks' memory: their bytes stand in a scratch file, where each chunk says. Those that stand there side by side
// become one, up to the largest, so that there is less to read and to keep.
func (b *buffer) leave() (freed int64) {
	var last *chunk
	link := &b.head
	for c := b.head; c != nil; c = c.next {
		if !c.stored {
			at, size, next := c.at, len(c.data), c.next
			freed += int64(cap(c.data))
			b.left = size
			b.pool.put(c)
			if last != nil && last.at+int64(last.size) == at && last.size+size <= maxChunk {
				last.size, last.next = last.size+size, next
				c = last
				continue
			}
			freed -= chunkSize
			c = &chunk{stored: true, at: at, size: size, next: next}
		}
		*link, last, b.tail = c, c, c
		link = &c.next
	}
	b.held -= freed
	b.account.Add(-freed)
	return freed
}

// memory is what leave would give back, about.
func (b *buffer) memory() int64 {
	if b.tail == nil || b.tail.stored {
		return 0
	}
	return b.held - overhead
}

// free gives the chunks back. Whoever reads rows of them must have ended.
func (b *buffer) free() {
	for c := b.head; c != nil; {
		next := c.next
		if !c.stored {
			b.pool.put(c)
		}
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
		n += record.CellRoom(&row[i])
	}
	return n
}

func appendCells(dst []byte, row []record.Value, keep []int) []byte {
	for _, i := range keep {
		dst = record.AppendCell(dst, &row[i])
	}
	return dst
}
