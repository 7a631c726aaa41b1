package csv

import (
	"fmt"
	"math"
	"strconv"
	"unsafe"

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

// value is the cell of type t that text says, or ok = false. Its Str lies in text's memory.
func value(text []byte, t record.Type) (v record.Value, ok bool) {
	if len(text) == 0 || isNaN(text) && t.Kind != record.String {
		return record.Value{}, true
	}
	switch t.Kind {
	case record.Int:
		n, ok := parseNumber(text).int64(text)
		return record.IntOf(n), ok
	case record.Float:
		n := parseNumber(text)
		f, ok := n.float64(text)
		v = record.FloatOf(f)
		if n.json {
			v.Str = alias(text)
		}
		return v, ok
	case record.Bool:
		b, ok := parseBool(text)
		return record.BoolOf(b), ok
	}
	return record.StringOf(alias(text)), true
}

func isNaN(b []byte) bool { return len(b) == 3 && (string(b) == "NaN" || string(b) == "nan") }

func parseBool(b []byte) (value, ok bool) {
	switch string(b) {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// guess is what the cells of a column have in common so far.
type guess struct {
	seen, nan                 bool
	notInt, notFloat, notBool bool
}

func (g *guess) see(text []byte) {
	if len(text) == 0 || g.notInt && g.notFloat && g.notBool {
		return
	}
	if isNaN(text) {
		g.nan = true
		return
	}
	g.seen = true
	if _, ok := parseBool(text); !ok {
		g.notBool = true
	}
	n := parseNumber(text)
	_, fits := n.int64(text)
	g.notInt = g.notInt || !fits
	if _, finite := n.float64(text); !finite || n.whole && !fits { // an integer that no int64 holds is a code, not a measure
		g.notFloat, g.notInt = true, true
	}
}

// columnType is the narrowest type that holds all cells seen.
func (g *guess) columnType() record.Type {
	switch {
	case g.seen && !g.notFloat && !g.notInt:
		return record.Type{Kind: record.Int}
	case g.seen && !g.notFloat, !g.seen && g.nan:
		return record.Type{Kind: record.Float}
	case g.seen && !g.notBool && !g.nan:
		return record.Type{Kind: record.Bool}
	}
	return record.Type{Kind: record.String}
}

// misfit says that a cell is not of its column's type.
func misfit(text []byte, c record.Column) error {
	return fmt.Errorf("column %q: %.60q is no %s, which the column's cells were when the file was first read", c.Name, text, c.Type)
}
