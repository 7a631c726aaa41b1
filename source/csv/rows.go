package csv

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

const (
	chunkBytes = 256 << 10
	maxRow     = 16 << 20
)

// rows cuts a text into rows and a row into cells, by the rules of RFC 4180 and encoding/csv: quotes may hold delimiters,
// line ends and doubled quotes, \r\n is \n, empty lines are no rows. Cells stay where they were read to: they are good
// until recycle.
type rows struct {
	r     io.Reader
	comma byte
	quote byte  // 0 where there is none
	grows bool  // what does not end with a line end is not a row yet
	end   bool  // nothing comes after row, for now; known after peek
	at    int64 // in the text, of the first byte after row
	line  int   // lines up to there
	row   []byte
	cells []cell // of row
	lines int    // of row

	buf        []byte // of which [pos:] is yet to be cut
	pos        int
	before     []byte // buf, where that is fewer than tailBytes
	eof        bool
	used, free [][]byte
}

// place is where a row begins, so that it can be found again.
type place struct {
	at   int64
	line int
	tail uint32 // checksum of the tailBytes before it
}

// here is the place after row, or before it.
func (r *rows) here() place { return place{r.at, r.line, r.tail(r.pos)} }
func (r *rows) back() place {
	at, line := r.begins()
	return place{at, line, r.tail(r.pos - len(r.row))}
}

// begins is where row does, and how many lines stand before it.
func (r *rows) begins() (at int64, line int) { return r.at - int64(len(r.row)), r.line - r.lines }

func (r *rows) tail(pos int) uint32 {
	if n := pos - tailBytes; n >= 0 {
		return crc32.ChecksumIEEE(r.buf[n:pos])
	}
	n := min(len(r.before), tailBytes-pos)
	return crc32.Update(crc32.ChecksumIEEE(r.before[len(r.before)-n:]), crc32.IEEETable, r.buf[:pos])
}

// restart begins anew at a place of the text, which r.r has gone to already.
func (r *rows) restart(at int64, line int) {
	r.used = append(r.used, r.buf)
	r.recycle()
	*r = rows{r: r.r, comma: r.comma, quote: r.quote, grows: r.grows, at: at, line: line, used: r.used, free: r.free}
}

// pass goes n bytes on without looking at them, and gives how many there were.
func (r *rows) pass(n int) (int, error) {
	for !r.eof && len(r.buf)-r.pos < n {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n = min(n, len(r.buf)-r.pos)
	r.pos += n
	r.at += int64(n)
	return n, nil
}

// recycle takes the memory of all rows so far back.
func (r *rows) recycle() {
	for _, b := range r.used {
		if cap(b) == chunkBytes {
			r.free = append(r.free, b)
		}
	}
	r.used = r.used[:0]
}

// skipBOM skips a byte order mark at the start of the text.
func (r *rows) skipBOM() error {
	err := r.fill()
	if bytes.HasPrefix(r.buf, []byte("\xef\xbb\xbf")) {
		r.pos, r.at = 3, 3
	}
	return err
}

// next gives the row that follows, or io.EOF. A malformed one is there to see, its error beside it in bad, and reading can go on.
func (r *rows) next() (bad, err error) {
	for {
		data := r.buf[r.pos:min(len(r.buf), r.pos+maxRow)]
		last := r.eof && !r.grows && r.pos+len(data) == len(r.buf)
		if last && len(data) == 0 {
			return nil, io.EOF
		}
		size, bad := r.cut(data, last)
		if size == 0 && (last || len(data) == maxRow) {
			if size, bad = lineEnd(data, 0), errUnclosed; data[size-1] != '\n' && !last {
				return nil, fmt.Errorf("line %d is longer than %d MiB; is this a CSV file?", r.line+1, maxRow>>20)
			}
		}
		if size == 0 && r.eof {
			return nil, io.EOF
		}
		if size == 0 {
			if err := r.fill(); err != nil {
				return nil, err
			}
			continue
		}
		r.take(data[:size])
		if len(r.cells) > 0 || bad != nil {
			return bad, nil
		}
	}
}

// only makes row of data, which holds nothing else.
func (r *rows) only(data []byte, line int) (bad error) {
	size, bad := r.cut(data, true)
	if size == 0 {
		size, bad = lineEnd(data, 0), errUnclosed
	}
	r.row, r.line = data[:size], line+r.lines
	return bad
}

func (r *rows) take(row []byte) {
	r.row = row
	r.pos += len(row)
	r.at += int64(len(row))
	r.line += r.lines
}

// peek finds out whether row is the last. Only row's text, not its place, is to be had afterwards.
func (r *rows) peek() (err error) {
	if r.pos == len(r.buf) && !r.eof {
		err = r.fill()
	}
	r.end = r.eof && r.pos == len(r.buf)
	return err
}

// fill reads more. Where its memory is full it goes on in another piece: rows already cut stay as they are.
func (r *rows) fill() error {
	if len(r.buf) == cap(r.buf) {
		r.move()
	}
	n := len(r.buf)
	m, err := r.r.Read(r.buf[n:cap(r.buf)])
	r.buf = r.buf[:n+m]
	if r.eof = err == io.EOF; r.eof {
		return nil
	}
	return err
}

func (r *rows) move() {
	rest, next := r.buf[r.pos:], []byte(nil)
	if n := len(r.free); n > 0 && len(rest) <= chunkBytes/2 {
		next, r.free = r.free[n-1], r.free[:n-1]
	} else {
		next = make([]byte, max(chunkBytes, 2*len(rest)))
	}
	before := append(slices.Clone(r.before), r.buf[max(0, r.pos-tailBytes):r.pos]...)
	r.before = before[max(0, len(before)-tailBytes):]
	r.used = append(r.used, r.buf)
	r.buf, r.pos = append(next[:0], rest...), 0
}
