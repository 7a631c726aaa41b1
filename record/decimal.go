package record

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
)

const (
	shortPrecision = 18 // how many digits an int64 surely holds
	wideBytes      = 16 // what a Decimal of more has in Str
)

// DecimalOf is a cell that holds unscaled / 10^scale.
func DecimalOf(unscaled int64, scale int) Value {
	return Value{Kind: Decimal, Scale: uint8(scale), Num: uint64(unscaled)}
}

// Decimal is a cell that holds the number that text says, which may have a fraction and an exponent, exactly: false if t does not.
// Its memory is the batch's, see Keep.
func (b *Batch) Decimal(text string, t Type) (Value, bool) {
	m, ok := parseMantissa(text)
	zeros := m.exponent + int(t.Scale)
	if !ok || m.digits > 0 && (zeros < 0 || m.digits+zeros > int(t.Precision)) {
		return Value{}, false
	}
	for ; m.digits > 0 && zeros > 0; zeros-- {
		m.wide = m.wide.ten(0)
	}
	if m.negative {
		m.wide = m.wide.negated()
	}
	v := Value{Kind: Decimal, Scale: t.Scale, Num: m.wide.lo}
	if t.Precision > shortPrecision {
		var raw [wideBytes]byte
		binary.BigEndian.PutUint64(raw[:8], m.wide.hi)
		binary.BigEndian.PutUint64(raw[8:], m.wide.lo)
		v.Num, v.Str = 0, b.Keep(raw[:])
	}
	return v, true
}

// Unscaled is the number that a Decimal holds, times 10^Scale, as the halves of 128 bits.
func (v Value) Unscaled() (hi int64, lo uint64) {
	if len(v.Str) != wideBytes {
		return v.Int() >> 63, v.Num
	}
	return int64(binary.BigEndian.Uint64([]byte(v.Str[:8]))), binary.BigEndian.Uint64([]byte(v.Str[8:]))
}

// AppendDecimal appends the text of a Decimal, with all the digits of its scale: -0.50.
func (v Value) AppendDecimal(dst []byte) []byte {
	hi, lo := v.Unscaled()
	w := wide{uint64(hi), lo}
	if hi < 0 {
		w = w.negated()
		dst = append(dst, '-')
	}
	var room [2 * MaxPrecision]byte
	digits := w.append(room[:0])
	point := len(digits) - int(v.Scale)
	if v.Scale == 0 {
		return append(dst, digits...)
	}
	if point <= 0 {
		dst = append(dst, '0', '.')
		for range -point {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(append(dst, digits[:point]...), '.')
	return append(dst, digits[point:]...)
}

// wide is 128 bits, without a sign.
type wide struct{ hi, lo uint64 }

// ten is w times ten, plus digit.
func (w wide) ten(digit uint64) wide {
	carry, lo := bits.Mul64(w.lo, 10)
	lo, more := bits.Add64(lo, digit, 0)
	return wide{w.hi*10 + carry + more, lo}
}

func (w wide) negated() wide {
	lo, borrow := bits.Sub64(0, w.lo, 0)
	hi, _ := bits.Sub64(0, w.hi, borrow)
	return wide{hi, lo}
}

// append writes w's digits.
func (w wide) append(dst []byte) []byte {
	if w.hi == 0 {
		return strconv.AppendUint(dst, w.lo, 10)
	}
	const unit = 1e19 // w is at most 2^127, so that the quotient has 64 bits
	high, rest := bits.Div64(w.hi, w.lo, unit)
	var room [20]byte
	low := strconv.AppendUint(room[:0], rest, 10)
	dst = strconv.AppendUint(dst, high, 10)
	for range 19 - len(low) {
		dst = append(dst, '0')
	}
	return append(dst, low...)
}

// mantissa is a number's digits, without the zeros at either end, and the power of ten they are to be multiplied by.
type mantissa struct {
	wide
	digits, exponent int
	negative         bool
}

// parseMantissa reads digits with a sign, a point and an exponent, each optional; false also where there are too many digits.
func parseMantissa(s string) (m mantissa, ok bool) {
	if m.negative = s != "" && s[0] == '-'; m.negative {
		s = s[1:]
	}
	zeros, point, i := 0, -1, 0
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if s[i] == '.' && point < 0 {
			point = i
			continue
		}
		if c > 9 {
			break
		}
		if zeros++; c != 0 && !m.push(&zeros, uint64(c)) {
			return m, false
		}
		ok = true
	}
	m.exponent = zeros
	if point >= 0 {
		m.exponent -= i - point - 1
	}
	if i < len(s) {
		e, err := strconv.ParseInt(s[i+1:], 10, 16) // the nearest int16, if it is beyond
		m.exponent += int(e)
		ok = ok && s[i]|0x20 == 'e' && (err == nil || errors.Is(err, strconv.ErrRange))
	}
	return m, ok
}

// push adds a digit after the zeros, of which it is counted as one.
func (m *mantissa) push(zeros *int, digit uint64) bool {
	if m.digits == 0 {
		*zeros = 1
	}
	if m.digits += *zeros; m.digits > MaxPrecision {
		return false
	}
	for ; *zeros > 1; *zeros-- {
		m.wide = m.wide.ten(0)
	}
	m.wide, *zeros = m.wide.ten(digit), 0
	return true
}
