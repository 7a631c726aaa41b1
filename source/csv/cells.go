package csv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

var (
	errBare     = errors.New(`a quote stands inside a cell that does not begin with one; double it and put the cell in quotes`)
	errQuote    = errors.New(`a quoted cell goes on after its closing quote; double quotes inside a cell`)
	errUnclosed = errors.New(`a quoted cell has no closing quote`)
)

// cell is a place in row, without its quotes.
type cell struct {
	lo, hi  int
	escaped bool // holds doubled quotes or \r\n
}

// text is what a cell of row says.
func (r *rows) text(c cell) []byte {
	if c.escaped {
		return r.unescape(r.row[c.lo:c.hi])
	}
	return r.row[c.lo:c.hi]
}

func (r *rows) unescape(b []byte) []byte {
	plain := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == r.quote || b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
			i++
		}
		plain = append(plain, b[i])
	}
	return plain
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
	if !r.cutPlain(line) {
		return r.cutQuoted(data, last)
	}
	return size, nil
}

// cutPlain finds the cells of a line without quotes; false if it has some. It looks at eight bytes together, since cells are short.
func (r *rows) cutPlain(line []byte) bool {
	cells, lo := r.cells, 0
	comma, quote := uint64(r.comma)*ones, uint64(r.quote)*ones
	for i := 0; i < len(line); i += 8 {
		x := word(line, i)
		if zeros(x^quote) != 0 && quote != 0 {
			return false
		}
		for found := zeros(x ^ comma); found != 0; found &= found - 1 {
			hi := i + bits.TrailingZeros64(found)/8
			cells = append(cells, cell{lo: lo, hi: hi})
			lo = hi + 1
		}
	}
	r.cells = append(cells, cell{lo: lo, hi: len(line)})
	return true
}

const ones = 0x0101010101010101 // times a byte: eight of it

// zeros has the highest bit of each byte set that is zero in x, and no other.
func zeros(x uint64) uint64 {
	const low = 0x7f * ones
	return ^((x&low + low) | x | low)
}

// word is the eight bytes at b[i], the first one lowest; behind the end of b they are 0.
func word(b []byte, i int) uint64 {
	if i+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[i:])
	}
	return lastWord(b, i)
}

func lastWord(b []byte, i int) (x uint64) {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b[len(b)-8:]) >> (8 * (i + 8 - len(b)))
	}
	for n := len(b) - 1; n >= i; n-- {
		x = x<<8 | uint64(b[n])
	}
	return x
}

// trimEnd takes a line's end off: \n, \r\n, or \r before the end of the file.
func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// cutQuoted is cut for a row with quotes. A malformed row ends with the line at fault; one whose quote is never closed does
// not end, and next takes its first line alone.
func (r *rows) cutQuoted(data []byte, last bool) (size int, bad error) {
	for at := 0; ; at++ {
		var c cell
		if at < len(data) && data[at] == r.quote {
			c, at, bad = r.quotedCell(data, at+1)
		} else {
			c, at, bad = r.plainCell(data, at)
		}
		if bad == nil {
			r.cells = append(r.cells, c)
			if at < len(data) && data[at] == r.comma {
				continue
			}
		}
		size = lineEnd(data, at)
		if bad == errUnclosed || !last && data[size-1] != '\n' {
			return 0, nil
		}
		r.lines = max(1, bytes.Count(data[:size], []byte("\n")))
		return size, bad
	}
}

// quotedCell is the cell whose text begins at lo; end is where its delimiter or line end stands.
func (r *rows) quotedCell(data []byte, lo int) (c cell, end int, bad error) {
	c.lo = lo
	for at := lo; ; at++ {
		i := bytes.IndexByte(data[at:], r.quote)
		if i < 0 {
			return c, len(data), errUnclosed
		}
		at += i
		rest := data[at+1:]
		if len(rest) > 0 && rest[0] == r.quote {
			c.escaped = true
			at++
			continue
		}
		c.hi = at
		c.escaped = c.escaped || bytes.Contains(data[lo:at], []byte("\r\n"))
		if len(rest) > 0 && rest[0] != r.comma && len(trimEnd(rest[:lineEnd(rest, 0)])) > 0 {
			bad = errQuote
		}
		return c, at + 1, bad
	}
}

// plainCell is the cell that begins at lo without a quote.
func (r *rows) plainCell(data []byte, lo int) (c cell, end int, bad error) {
	line := trimEnd(data[lo:lineEnd(data, lo)])
	if i := bytes.IndexByte(line, r.comma); i >= 0 {
		line = line[:i]
	}
	if bytes.IndexByte(line, r.quote) >= 0 {
		bad = errBare
	}
	return cell{lo: lo, hi: lo + len(line)}, lo + len(line), bad
}

// lineEnd is where the line after the one that holds at begins.
func lineEnd(data []byte, at int) int {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(data)
}
