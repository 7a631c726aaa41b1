package files

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/penstock/penstock/sink"
)

// Piece is how many bytes of a Body each of its Sums is of; the last may be of fewer.
const Piece = 16 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// summed is the size and the Sums of a Body, as its bytes come.
type summed struct {
	size int64
	sums []uint32
}

func (s *summed) Size() int64    { return s.size }
func (s *summed) Sums() []uint32 { return s.sums }

// sum adds to the sum of the piece in hand, and begins others as they come.
func (s *summed) sum(p []byte) {
	for len(p) > 0 {
		at := s.size % Piece
		if at == 0 {
			s.sums = append(s.sums, 0)
		}
		n := min(Piece-at, int64(len(p)))
		last := &s.sums[len(s.sums)-1]
		*last = crc32.Update(*last, castagnoli, p[:n])
		s.size += n
		p = p[n:]
	}
}

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

// broken refuses an object of ours that is not what was sent. The rows of its interval are at hand: nothing is lost with it.
func broken(name string, why error) error {
	return fmt.Errorf("%w; remove it: it is made again from the topic", &sink.Broken{Name: name, Why: why.Error()})
}

// intact refuses an object of the part's interval that is of another size or sum than was made. There are stores that give another
// sum than that of all bytes, so that these decide.
func (f *flush) intact(ctx context.Context, name string, is sink.Mark, size int64, sum string) error {
	why := differs(is, size, sum)
	if store, reads := f.engine.store.(Reader); why != nil && size == is.Bytes && reads {
		in, err := store.Read(ctx, name, size)
		if err != nil {
			return err
		}
		defer in.Close()
		hash := crc32.New(castagnoli)
		if _, err := io.Copy(hash, in); err != nil {
			return err
		}
		why = differs(is, size, fmt.Sprintf("%08x", hash.Sum32()))
	}
	if why != nil {
		return broken(name, why)
	}
	return nil
}

// differs says why an object of this size and sum, where that is known, is not what was made.
func differs(is sink.Mark, size int64, sum string) error {
	was := fmt.Sprintf("%08x", is.CRC32C)
	switch {
	case is.Bytes == 0: // it does not say
		return nil
	case size != is.Bytes:
		return fmt.Errorf("it has %d bytes of %d", size, is.Bytes)
	case sum != "" && sum != was:
		return fmt.Errorf("its bytes are not those that were written: their CRC32C is %s, not %s", sum, was)
	}
	return nil
}
