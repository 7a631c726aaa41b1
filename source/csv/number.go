package csv

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"

	"github.com/penstock/penstock/record"
)

// number is what a cell's text says when it is read as one.
type number struct {
	ok    bool // a decimal number
	whole bool // an integer, written as integers are: 12 and -12, but not 012, +12 or -0
	json  bool // written as JSON writes numbers
	neg   bool
	exp   bool
	frac  int    // digits after the point
	mant  uint64 // all digits, unless big
	big   bool   // more than 18 digits
}

// parse reads text such as 12, -0.5, .5, 1e9. Leading zeros and plus signs are not numbers' but codes'.
func (n *number) parse(b []byte) {
	if !n.plain(b) {
		n.scan(b)
	}
}

// scan is parse, for any text.
func (n *number) scan(b []byte) {
	*n = number{}
	i := 0
	if n.neg = len(b) > 0 && b[0] == '-'; n.neg {
		i = 1
	}
	lead := i
	i = n.digits(b, i)
	ints := i - lead
	if ints > 1 && b[lead] == '0' {
		return
	}
	point := i < len(b) && b[i] == '.'
	if point {
		from := i + 1
		i = n.digits(b, from)
		n.frac = i - from
	}
	if ints+n.frac == 0 {
		return
	}
	n.big = ints+n.frac > 18
	if n.exp = i < len(b) && b[i]|0x20 == 'e'; n.exp {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		if i == from {
			return
		}
	}
	n.ok = i == len(b)
	n.json = n.ok && ints > 0 && (!point || n.frac > 0)
	n.whole = n.ok && !point && !n.exp && !(n.neg && n.mant == 0)
}

// plain is parse for what most numbers are, without a loop whose end a processor would have to guess: numbers as JSON writes them, without
// exponent, of up to sixteen characters besides the sign. It is false, and n of no use, for any other.
func (n *number) plain(b []byte) bool {
	*n = number{}
	if n.neg = len(b) > 0 && b[0] == '-'; n.neg {
		b = b[1:]
	}
	size := len(b)
	if size == 0 || size > 16 || b[0] == '.' || b[size-1] == '.' || b[0] == '0' && size > 1 && b[1] != '.' {
		return false
	}
	lo, hi := alignRight(b)
	point := true
	if at := zeros(hi ^ dot); at != 0 {
		k := bits.TrailingZeros64(at) &^ 7
		n.frac = 7 - k/8
		hi, lo = without(hi, k)|lo>>56, lo<<8
	} else if at := zeros(lo ^ dot); at != 0 {
		k := bits.TrailingZeros64(at) &^ 7
		n.frac = 15 - k/8
		lo = without(lo, k)
	} else {
		point = false
	}
	const above9 = (0x7f - 9) * ones
	if ((hi+above9)|hi|(lo+above9)|lo)&(0x80*ones) != 0 {
		return false
	}
	n.mant = record.EightDigits(lo)*1e8 + record.EightDigits(hi)
	n.ok, n.json, n.whole = true, true, !point && !(n.neg && n.mant == 0)
	return true
}

const (
	zero = '0' * ones
	dot  = ('.' ^ '0') * ones
)

// alignRight is b, of at most sixteen bytes, behind as many zeros as make sixteen, each less '0' if it is a digit.
func alignRight(b []byte) (lo, hi uint64) {
	if cap(b) >= 16 { // what stands behind b is shifted out
		all := b[:16]
		lo, hi = binary.LittleEndian.Uint64(all)^zero, binary.LittleEndian.Uint64(all[8:])^zero
	} else {
		lo, hi = word(b, 0)^zero, word(b, 8)^zero
	}
	shift := 8 * (16 - len(b))
	if shift >= 64 {
		return 0, lo << (shift - 64)
	}
	return lo << shift, hi<<shift | lo>>(64-shift)
}

// without is x with its lower bytes moved over the one at bit k.
func without(x uint64, k int) uint64 {
	below := uint64(1)<<k - 1
	return x&^(below<<8|0xff) | x&below<<8
}

// digits takes the digits of b from i on into mant and gives the place after them.
func (n *number) digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		n.mant = n.mant*10 + uint64(b[i]-'0')
		i++
	}
	return i
}

// int64 is the number, if it is whole and fits.
func (n *number) int64(b []byte) (int64, bool) {
	if !n.whole {
		return 0, false
	}
	if n.big {
		v, err := strconv.ParseInt(alias(b), 10, 64)
		return v, err == nil
	}
	if n.neg {
		return -int64(n.mant), true
	}
	return int64(n.mant), true
}

var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// float64 is the double nearest to the number, if there is a finite one. One division of two exact doubles is exact enough:
// it rounds once.
func (n *number) float64(b []byte) (float64, bool) {
	if !n.ok {
		return 0, false
	}
	if n.big || n.exp || n.mant >= 1<<53 || n.frac >= len(pow10) {
		v, err := strconv.ParseFloat(alias(b), 64)
		return v, err == nil
	}
	v := float64(n.mant) / pow10[n.frac]
	if n.neg {
		v = math.Copysign(v, -1)
	}
	return v, true
}

// finite tells whether float64 has one to give.
func (n *number) finite(b []byte) bool {
	if n.ok && !n.big && !n.exp {
		return true
	}
	_, ok := n.float64(b)
	return ok
}
