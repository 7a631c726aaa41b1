package csv

import (
	"math"
	"strconv"
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

// parseNumber reads text such as 12, -0.5, .5, 1e9. Leading zeros and plus signs are not numbers' but codes'.
func parseNumber(b []byte) (n number) {
	i := 0
	if n.neg = len(b) > 0 && b[0] == '-'; n.neg {
		i = 1
	}
	lead := i
	i = n.digits(b, i)
	ints := i - lead
	if ints > 1 && b[lead] == '0' {
		return n
	}
	point := i < len(b) && b[i] == '.'
	if point {
		from := i + 1
		i = n.digits(b, from)
		n.frac = i - from
	}
	if ints+n.frac == 0 {
		return n
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
			return n
		}
	}
	n.ok = i == len(b)
	n.json = n.ok && ints > 0 && (!point || n.frac > 0)
	n.whole = n.ok && !point && !n.exp && !(n.neg && n.mant == 0)
	return n
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
func (n number) int64(b []byte) (int64, bool) {
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
func (n number) float64(b []byte) (float64, bool) {
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
func (n number) finite(b []byte) bool {
	if n.ok && !n.big && !n.exp {
		return true
	}
	_, ok := n.float64(b)
	return ok
}
