package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	chunkBytes = 256 << 10
	maxRow     = 16 << 20
)

var (
	errBare     = errors.New(`a quote stands inside a cell that does not begin with one; double it and put the cell in quotes`)
	errQuote    = errors.New(`a quoted cell goes on after its closing quote; double quotes inside a cell`)
	errUnclosed = errors.New(`a quoted cell has no closing quote`)
)

// rows cuts a file into rows and a row into cells, by the rules of RFC 4180 and encoding/csv: quotes may hold delimiters,
// line ends and doubled quotes, \r\n is \n, empty lines are no rows. Cells stay where they were read to: they are good
// until recycle.
type rows struct {
	r     io.Reader
	comma byte
	end   bool  // nothing comes after row
	at    int64 // in the file, of the first byte after row
	line  int   // lines up to there
	row   []byte
	cells []cell // of row
	lines int    // of row

	buf        []byte // of which [pos:] is yet to be cut
	pos        int
	eof        bool
	used, free [][]byte
}

// cell is a place in row, without its quotes.
type cell struct {
	lo, hi  int
	escaped bool // holds doubled quotes or \r\n
}

// text is what the cell says.
func (c cell) text(row []byte) []byte {
	b := row[c.lo:c.hi]
	if !c.escaped {
		return b
	}
	plain := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '"' || b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
			i++
		}
		plain = append(plain, b[i])
	}
	return plain
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

// skipBOM skips a byte order mark at the start of the file.
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
		last := r.eof && r.pos+len(data) == len(r.buf)
		if last && len(data) == 0 {
			r.end = true
			return nil, io.EOF
		}
		size, bad := r.cut(data, last)
		if size == 0 && (last || len(data) == maxRow) {
			if size, bad = lineEnd(data, 0), errUnclosed; data[size-1] != '\n' && !last {
				return nil, fmt.Errorf("line %d is longer than %d MiB; is this a CSV file?", r.line+1, maxRow>>20)
			}
		}
		if size == 0 {
			if err := r.fill(); err != nil {
				return nil, err
			}
			continue
		}
		r.take(data[:size])
		if len(r.cells) > 0 || bad != nil {
			return bad, r.peek()
		}
	}
}

func (r *rows) take(row []byte) {
	r.row = row
	r.pos += len(row)
	r.at += int64(len(row))
	r.line += r.lines
}

// peek finds out whether row is the last.
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
	r.used = append(r.used, r.buf)
	r.buf, r.pos = append(next[:0], rest...), 0
}

// cut finds the first row of data, its lines and its cells. Size 0: it does not end there. Last: the file ends with data.
func (r *rows) cut(data []byte, last bool) (size int, bad error) {
	r.cells, r.lines = r.cells[:0], 1
	size = bytes.IndexByte(data, '\n') + 1
	if size == 0 && last {
		size = len(data)
	}
	line := trimEnd(data[:size])
	if len(line) == 0 {
		return size, nil
	}
	if bytes.IndexByte(line, '"') >= 0 {
		return r.cutQuoted(data, last)
	}
	for at := 0; ; {
		i := bytes.IndexByte(line[at:], r.comma)
		if i < 0 {
			r.cells = append(r.cells, cell{lo: at, hi: len(line)})
			return size, nil
		}
		r.cells = append(r.cells, cell{lo: at, hi: at + i})
		at += i + 1
	}
}

// trimEnd takes a line's end off: \n, \r\n, or \r before the end of the file.
func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
