package json

import (
	"strconv"
	"strings"
)

// exactInts is the last integer below which all are doubles.
const exactInts = 1 << 53

var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// number is what a JSON number says.
type number struct {
	digits   uint64 // without the point; meaningless where there are more than 18
	count    int    // of them
	decimals int    // how many of them follow the point
	negative bool
	exponent bool // there is one, not counted in
}

// integer says whether the number is written as one.
func (n *number) integer() bool { return !n.exponent && n.decimals == 0 }

// exact says whether the number is no integer that doubles may round.
func (n *number) exact() bool { return !n.integer() || n.count <= 18 && n.digits <= exactInts }

// float is the double nearest to the number, whose text is text. One of few digits is a quotient of two numbers that doubles hold
// exactly, and so is rounded once.
func (n *number) float(text string) (float64, bool) {
	if n.exponent || n.count > 18 || n.digits >= exactInts {
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	}
	f := float64(n.digits) / tens[n.decimals]
	if n.negative {
		f = -f
	}
	return f, true
}

// int is the number, if it is a whole one.
func (n *number) int(text string) (int64, bool) {
	if !n.integer() || n.count > 18 {
		return parseInt(text)
	}
	if n.negative {
		return -int64(n.digits), true
	}
	return int64(n.digits), true
}

// parseInt reads a JSON number that is a whole one: 12, 12.0, 1.2e1.
func parseInt(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	digits, sign := s, ""
	if s[0] == '-' {
		digits, sign = s[1:], "-"
	}
	exponent := 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		exponent = clampedInt(digits[i+1:])
		digits = digits[:i]
	}
	if whole, fraction, ok := strings.Cut(digits, "."); ok {
		digits, exponent = whole+fraction, exponent-len(fraction)
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return 0, true
	}
	for ; exponent < 0 && digits[len(digits)-1] == '0'; exponent++ {
		digits = digits[:len(digits)-1]
	}
	if exponent < 0 || len(digits)+exponent > len("9223372036854775808") {
		return 0, false
	}
	n, err := strconv.ParseInt(sign+digits+strings.Repeat("0", exponent), 10, 64)
	return n, err == nil
}

// clampedInt reads an exponent; one that is out of all reason stays out of it.
func clampedInt(s string) int {
	n, _ := strconv.ParseInt(s, 10, 32) // the nearest int32, if it is beyond
	return int(n)
}
