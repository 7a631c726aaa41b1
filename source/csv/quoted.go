package csv

import "bytes"

// cutQuoted is cut for a row with quotes. A malformed row ends with the line at fault; one whose quote is never closed does
// not end, and next takes its first line alone.
func (r *rows) cutQuoted(data []byte, last bool) (size int, bad error) {
	for at := 0; ; at++ {
		var c cell
		if at < len(data) && data[at] == '"' {
			c, at, bad = quotedCell(data, at+1, r.comma)
		} else {
			c, at, bad = plainCell(data, at, r.comma)
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
func quotedCell(data []byte, lo int, comma byte) (c cell, end int, bad error) {
	c.lo = lo
	for at := lo; ; at++ {
		i := bytes.IndexByte(data[at:], '"')
		if i < 0 {
			return c, len(data), errUnclosed
		}
		at += i
		rest := data[at+1:]
		if len(rest) > 0 && rest[0] == '"' {
			c.escaped = true
			at++
			continue
		}
		c.hi = at
		c.escaped = c.escaped || bytes.Contains(data[lo:at], []byte("\r\n"))
		if len(rest) > 0 && rest[0] != comma && len(trimEnd(rest[:lineEnd(rest, 0)])) > 0 {
			bad = errQuote
		}
		return c, at + 1, bad
	}
}

// plainCell is the cell that begins at lo without a quote.
func plainCell(data []byte, lo int, comma byte) (c cell, end int, bad error) {
	line := trimEnd(data[lo:lineEnd(data, lo)])
	if i := bytes.IndexByte(line, comma); i >= 0 {
		line = line[:i]
	}
	if bytes.IndexByte(line, '"') >= 0 {
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
