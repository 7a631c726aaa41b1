package csv

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/bits"

	"github.com/penstock/penstock/source"
)

// sample is the rows of a file to draw from. It holds twelve bytes for each, and reads a row where it stands.
type sample struct {
	text io.ReaderAt
	size int64
	at   []int64 // where each row begins
	line []int32 // how many lines stand before it
	key  uint64
	free []byte
}

// gamma is the golden ratio of 2^64, by which splitmix64 counts.
const gamma = 0x9e3779b97f4a7c15

// sampleKey is another one for every seed and split.
func sampleKey(seed int64, split string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, split)
	return mix(uint64(seed)*gamma ^ h.Sum64())
}

// mix is the finish of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (s *sample) add(at int64, line int) {
	s.at, s.line = append(s.at, at), append(s.line, int32(line))
}

// pick is the row that is drawn after so many others.
func (s *sample) pick(drawn int64) int {
	i, _ := bits.Mul64(mix(s.key+uint64(drawn)*gamma), uint64(len(s.at)))
	return int(i)
}

// row reads a row, and what stands behind it up to the next one. It is good until recycle.
func (s *sample) row(i int) ([]byte, error) {
	end := s.size
	if i+1 < len(s.at) {
		end = s.at[i+1]
	}
	n := int(end - s.at[i])
	if cap(s.free)-len(s.free) < n {
		s.free = make([]byte, 0, max(chunkBytes, min(2*cap(s.free), pageBytes), n))
	}
	b := s.free[len(s.free) : len(s.free)+n]
	s.free = s.free[:len(s.free)+n]
	if got, err := s.text.ReadAt(b, s.at[i]); err == io.EOF && got < n {
		return nil, shrunk(s.size, s.at[i]+int64(got))
	} else if err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// recycle takes the memory of all rows so far back, but what is already full.
func (s *sample) recycle() { s.free = s.free[:0] }

// sampleSize pins the text that is drawn from, or refuses another one.
func (t *table) sampleSize() error {
	now := t.rows.here()
	t.sample.size = now.at
	switch {
	case len(t.sample.at) == 0:
		return errors.New("there are no rows to draw from")
	case t.at.Row > 0 && now.at != t.at.Byte:
		return replaced("rows were drawn from %d bytes, now it has %d", t.at.Byte, now.at)
	case t.at.Row > 0 && now.tail != t.at.Tail:
		return replaced("its last lines are others now")
	}
	t.at = t.at.moved(now)
	return nil
}

// draw gives a page of rows drawn at random, which are the same for the same mark.
func (t *table) draw(ctx context.Context) (source.Page, error) {
	t.blank()
	t.sample.recycle()
	n, size := 0, 0
	for ; n < t.limit && size < pageBytes; n++ {
		i := t.sample.pick(t.at.Row + int64(n))
		data, err := t.sample.row(i)
		if err != nil {
			return source.Page{}, fmt.Errorf("line %d: %w", t.sample.line[i]+1, err)
		}
		size += len(data)
		if err := t.put(n, t.rows.only(data, int(t.sample.line[i]))); err != nil {
			return source.Page{}, err
		}
	}
	return t.finish(n, false)
}
