package json

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape appends what a string says whose quotes have been taken off. Half a surrogate pair that stands alone is U+FFFD, and takes
// nothing of what follows with it. Of a string that is not sound it makes something.
func unescape(dst, in []byte) []byte {
	for {
		i := bytes.IndexByte(in, '\\')
		if i < 0 || i+1 == len(in) {
			return append(dst, in...)
		}
		dst = append(dst, in[:i]...)
		c := in[i+1]
		if in = in[i+2:]; c != 'u' {
			dst = append(dst, escapes[c])
			continue
		}
		r, n := hex4(in)
		if in = in[n:]; utf16.IsSurrogate(r) {
			low, n := rune(0), 0
			if bytes.HasPrefix(in, []byte(`\u`)) {
				low, n = hex4(in[2:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				in = in[2+n:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
}

// escapes are what a backslash and a letter stand for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// hex4 reads the four hexadecimal digits that in begins with, and gives how many bytes it took.
func hex4(in []byte) (r rune, n int) {
	for n < 4 && n < len(in) {
		c := in[n]
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c&15)
		n++
	}
	return r, n
}
