package json

import (
	"encoding/binary"
	"math/bits"

	"github.com/penstock/penstock/record"
)

// What follows finds the ends of JSON's tokens and refuses what is none: -1. Strings with escapes, objects and arrays are jx's.

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// plain is where the string that begins at in[i] ends, if it stands for itself: no escapes, no control characters.
func plain(in []byte, i int) int {
	for i++; i+8 <= len(in); i += 8 {
		x := binary.LittleEndian.Uint64(in[i:])
		quote, slash := x^('"'*ones), x^('\\'*ones)
		// The lowest bit set is of the first byte that is a quote, a backslash or below a space.
		if found := ((quote-ones)&^quote | (slash-ones)&^slash | (x-' '*ones)&^x) & tops; found != 0 {
			if i += bits.TrailingZeros64(found) / 8; in[i] == '"' {
				return i + 1
			}
			return -1
		}
	}
	for ; i < len(in); i++ {
		switch c := in[i]; {
		case c == '"':
			return i + 1
		case c == '\\' || c < ' ':
			return -1
		}
	}
	return -1
}

// ascii says whether all of in is ASCII, and so valid UTF-8; of text of fewer than eight bytes it may not know.
func ascii(in []byte) bool {
	if len(in) < 8 {
		return false
	}
	all := binary.LittleEndian.Uint64(in[len(in)-8:])
	for ; len(in) >= 32; in = in[32:] {
		all |= binary.LittleEndian.Uint64(in) | binary.LittleEndian.Uint64(in[8:]) | binary.LittleEndian.Uint64(in[16:]) | binary.LittleEndian.Uint64(in[24:])
	}
	for ; len(in) >= 8; in = in[8:] {
		all |= binary.LittleEndian.Uint64(in)
	}
	return all&tops == 0
}

// word is where the word of letters ends that begins at in[i], if it is there.
func word(in []byte, i int, letters string) int {
	if end := i + len(letters); end <= len(in) && string(in[i:end]) == letters {
		return end
	}
	return -1
}

// scanNumber reads the number that begins at in[i], and is where it ends.
func scanNumber(in []byte, i int, n *number) int {
	*n = number{negative: in[i] == '-'}
	if n.negative {
		i++
	}
	start := i
	digits, i := digitsAt(in, i, 0)
	n.count = i - start
	if n.count == 0 || n.count > 1 && in[start] == '0' {
		return -1
	}
	if i < len(in) && in[i] == '.' {
		start = i + 1
		digits, i = digitsAt(in, start, digits)
		n.decimals = i - start
		if n.count += n.decimals; n.decimals == 0 {
			return -1
		}
	}
	n.digits = digits
	if i < len(in) && in[i]|0x20 == 'e' {
		n.exponent = true
		return exponent(in, i+1)
	}
	return i
}

// numberEnd is where the number that begins at in[i] ends, of which nothing else is asked. One of up to fifteen bytes is seen at one look, since
// each further look has to wait for what the one before it found.
func numberEnd(in []byte, i int) int {
	if in[i] == '-' {
		i++
	}
	if i+16 > len(in) {
		return longNumberEnd(in, i)
	}
	text := in[i : i+16]
	others := notDigits(binary.LittleEndian.Uint64(text)) | notDigits(binary.LittleEndian.Uint64(text[8:]))<<8
	whole := bits.TrailingZeros16(others)
	if whole == 16 || whole == 0 {
		return longNumberEnd(in, i)
	}
	if whole > 1 && text[0] == '0' {
		return -1
	}
	end := whole
	if text[whole&15] == '.' {
		if end = bits.TrailingZeros16(others & (others - 1)); end == 16 || end == whole+1 {
			return longNumberEnd(in, i)
		}
	}
	if text[end&15]|0x20 == 'e' {
		return exponent(in, i+end+1)
	}
	return i + end
}

// notDigits has a bit for each byte of x, in the same order, that is no digit.
func notDigits(x uint64) uint16 {
	x ^= '0' * ones
	return uint16(((x&^tops + ('\x7f'-9)*ones | x) & tops) * 0x0002040810204081 >> 56)
}

// longNumberEnd is where the digits end that begin at in[i], and what may follow them in a number.
func longNumberEnd(in []byte, i int) int {
	start := i
	i = digitsEnd(in, i)
	if n := i - start; n == 0 || n > 1 && in[start] == '0' {
		return -1
	}
	if i < len(in) && in[i] == '.' {
		start = i + 1
		if i = digitsEnd(in, start); i == start {
			return -1
		}
	}
	if i < len(in) && in[i]|0x20 == 'e' {
		return exponent(in, i+1)
	}
	return i
}

// digitsEnd is where the digits at in[i] end.
func digitsEnd(in []byte, i int) int {
	for ; i+8 <= len(in); i += 8 {
		x := binary.LittleEndian.Uint64(in[i:]) ^ '0'*ones
		// The lowest bit set is of the first byte that is no digit.
		if found := ((x + ('\x7f'-9)*ones) | x) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(in) && in[i]-'0' <= 9 {
		i++
	}
	return i
}

// digitsAt reads the digits at in[i] after those of n, and is where they end: eight at a time, since a loop that ends anywhere costs a branch
// mispredicted for each number.
func digitsAt(in []byte, i int, n uint64) (uint64, int) {
	for i+8 <= len(in) {
		x := binary.LittleEndian.Uint64(in[i:]) ^ '0'*ones
		// The lowest bit set is of the first byte that is no digit.
		k := bits.TrailingZeros64(((x+('\x7f'-9)*ones)|x)&tops) / 8
		if k == 0 {
			return n, i
		}
		n, i = n*powers[k]+record.EightDigits(x<<(64-8*k)), i+k // the digits behind as many zeros as make eight
		if k < 8 {
			return n, i
		}
	}
	for ; i < len(in); i++ {
		c := in[i] - '0'
		if c > 9 {
			break
		}
		n = n*10 + uint64(c)
	}
	return n, i
}

var powers = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// exponent is where the exponent ends whose sign or digits begin at in[i].
func exponent(in []byte, i int) int {
	if i < len(in) && (in[i] == '+' || in[i] == '-') {
		i++
	}
	start := i
	for i < len(in) && in[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
