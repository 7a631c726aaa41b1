package files

import "hash/crc32"

// Piece is how many bytes of a Body each of its Sums is of; the last may be of fewer.
const Piece = 16 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC32C is the sum of what pieces make together, which is size bytes: nothing is read again for it.
func CRC32C(sums []uint32, size int64) (whole uint32) {
	for i, sum := range sums {
		whole = joined(whole, sum, min(Piece, size-int64(i)*Piece))
	}
	return whole
}

// joined is the sum of two runs of bytes, one after the other, of which the second is n bytes long. A sum is linear over the
// bits: that many zero bytes are a matrix, made by squaring the one of a single zero bit.
func joined(first, second uint32, n int64) uint32 {
	if first == 0 || n == 0 {
		return first ^ second
	}
	var zeros, squared matrix
	zeros[0] = crc32.Castagnoli
	for i := 1; i < len(zeros); i++ {
		zeros[i] = 1 << (i - 1)
	}
	for range 3 { // one bit, two, four, eight: a byte
		zeros.square(&squared)
		zeros = squared
	}
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			first = zeros.times(first)
		}
		zeros.square(&squared)
		zeros = squared
	}
	return first ^ second
}

// matrix is 32 columns of 32 bits.
type matrix [32]uint32

func (m *matrix) times(v uint32) (sum uint32) {
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 == 1 {
			sum ^= m[i]
		}
	}
	return sum
}

func (m *matrix) square(into *matrix) {
	for i := range m {
		into[i] = m.times(m[i])
	}
}
