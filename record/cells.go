package record

import (
	"encoding/binary"
	"errors"
)

// ListOf is a cell that holds a list of cells.
func ListOf(cells ...Value) Value { return Value{Kind: List, Str: packed(cells)} }

// StructOf is a cell that holds a struct of cells, one to each field of its type.
func StructOf(cells ...Value) Value { return Value{Kind: Struct, Str: packed(cells)} }

func packed(cells []Value) string {
	var b []byte
	for i := range cells {
		b = AppendCell(b, &cells[i])
	}
	return string(b)
}

// Cells walks through what a List or Struct holds, in order.
func (v Value) Cells() Cells { return Cells{v.Str} }

// Cells are the cells of a List or Struct that are still to come.
type Cells struct{ rest string }

// Next sets v to the next cell; false if there is none. Its Str aliases the list's.
func (c *Cells) Next(v *Value) bool {
	n := ReadCell(c.rest, v)
	c.rest = c.rest[n:]
	return n > 0
}

var errCells = errors.New("the cell does not hold the cells of its type")

// Err says, when Next has returned false, whether what came was everything.
func (c *Cells) Err() error {
	if c.rest != "" {
		return errCells
	}
	return nil
}

// CellRoom is at least what AppendCell appends for v.
func CellRoom(v *Value) int { return 3 + binary.MaxVarintLen64 + len(v.Str) }

// AppendCell appends v as ReadCell reads it: a kind, and a payload that fits it.
func AppendCell(dst []byte, v *Value) []byte {
	dst = append(dst, byte(v.Kind))
	switch v.Kind {
	case Null:
	case Bool:
		dst = append(dst, byte(v.Num))
	case Int, Date, Timestamp:
		dst = binary.AppendVarint(dst, v.Int())
	case Float:
		dst = binary.LittleEndian.AppendUint64(dst, v.Num)
	case Decimal:
		dst = append(dst, v.Scale)
		if len(v.Str) != wideBytes {
			return binary.AppendVarint(append(dst, 0), v.Int())
		}
		dst = append(append(dst, wideBytes), v.Str...)
	default:
		dst = append(binary.AppendUvarint(dst, uint64(len(v.Str))), v.Str...)
	}
	return dst
}

// ReadCell sets v to the cell at the beginning of src and returns its length there; 0 if there is none. Its Str aliases src.
func ReadCell(src string, v *Value) (n int) {
	if src == "" {
		return 0
	}
	*v = Value{Kind: Kind(src[0])}
	switch v.Kind {
	case Null:
		return 1
	case Bool:
		if len(src) < 2 {
			return 0
		}
		v.Num = uint64(src[1])
		return 2
	case Int, Date, Timestamp:
		v.Num, n = varint(src, 1)
		return n
	case Float:
		if len(src) < 9 {
			return 0
		}
		v.Num = binary.LittleEndian.Uint64([]byte(src[1:9]))
		return 9
	case Decimal:
		return readDecimal(src, v)
	}
	size, n := uvarint(src, 1)
	if n == 0 || size > uint64(len(src)-n) {
		return 0
	}
	v.Str = src[n : n+int(size)]
	return n + int(size)
}

func readDecimal(src string, v *Value) (n int) {
	if len(src) < 4 {
		return 0
	}
	v.Scale = src[1]
	if src[2] == wideBytes {
		if n = 3 + wideBytes; len(src) < n {
			return 0
		}
		v.Str = src[3:n]
		return n
	}
	v.Num, n = varint(src, 3)
	return n
}

// uvarint is binary.Uvarint at src[i:]; n is where it ends, 0 if it does not.
func uvarint(src string, i int) (x uint64, n int) {
	for shift := 0; i < len(src) && shift < 64; shift += 7 {
		c := src[i]
		i++
		x |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return x, i
		}
	}
	return 0, 0
}

// varint is uvarint, of what binary.AppendVarint writes, as an int64's bits.
func varint(src string, i int) (uint64, int) {
	x, n := uvarint(src, i)
	return x>>1 ^ -(x & 1), n
}
