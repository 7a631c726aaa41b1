package parquet

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/record"
)

type wide struct{ hi, lo uint64 }

// powers are the powers of ten: what a decimal of so many digits is below.
var powers = func() (p [record.MaxPrecision + 1]wide) {
	p[0].lo = 1
	for i := range record.MaxPrecision {
		carry, lo := bits.Mul64(p[i].lo, 10)
		p[i+1] = wide{p[i].hi*10 + carry, lo}
	}
	return p
}()

// decimal refuses what has another scale than the column, or more digits.
func (c *column) decimal(v *record.Value) (parquet.Value, error) {
	hi, lo := v.Unscaled()
	limit := powers[c.Type.Precision]
	if v.Scale != c.Type.Scale || !below(magnitude(hi, lo), limit) {
		return parquet.Value{}, fmt.Errorf("%s does not fit %v", v.AppendDecimal(nil), c.Type)
	}
	switch c.width {
	case 4:
		return parquet.Int32Value(int32(lo)), nil
	case 8:
		return parquet.Int64Value(int64(lo)), nil
	}
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(hi))
	binary.BigEndian.PutUint64(raw[8:], lo)
	start := len(c.text)
	c.text = append(c.text, raw[16-c.width:]...)
	return parquet.FixedLenByteArrayValue(c.text[start:]), nil
}

func magnitude(hi int64, lo uint64) wide {
	if hi >= 0 {
		return wide{uint64(hi), lo}
	}
	low, borrow := bits.Sub64(0, lo, 0)
	high, _ := bits.Sub64(0, uint64(hi), borrow)
	return wide{high, low}
}

func below(a, b wide) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }
