package files

import (
	"bytes"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
)

func TestSpool(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, maxChunk, maxChunk + 1, 4 * maxChunk, 4*maxChunk + 1, 20*maxChunk + 77} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(random.Uint32())
		}
		var account, all atomic.Int64
		s := &spool{pool: &pool{}, limit: 4 * maxChunk, account: &account, all: &all}
		for left := want; len(left) > 0; {
			n := min(len(left), 1+random.IntN(2*maxChunk))
			if m, err := s.Write(left[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			left = left[n:]
		}
		if (s.file != nil) != (size > 4*maxChunk) {
			t.Errorf("%d bytes: scratch file %v", size, s.file)
		}
		for range 2 { // a body may be read again
			got, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size()))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes: %d come back, %v", size, len(got), err)
			}
		}
		if sum := CRC32C(s.Sums(), s.Size()); sum != crc32.Checksum(want, castagnoli) {
			t.Errorf("%d bytes: checksum %x", size, sum)
		}
		if held := int64(len(s.blocks)) * maxChunk; account.Load() != held || all.Load() != held || held > 4*maxChunk {
			t.Errorf("%d bytes: %d are held, %d are said to be", size, held, account.Load())
		}
		if n, err := s.ReadAt(make([]byte, 10), int64(size)); n != 0 || err != io.EOF {
			t.Errorf("beyond the end: %d, %v", n, err)
		}
		if err := s.Close(); err != nil || account.Load() != 0 || all.Load() != 0 {
			t.Error(err, account.Load(), all.Load())
		}
	}
}

// TestSpoolsTogether: many small files do not add up.
func TestSpoolsTogether(t *testing.T) {
	var account, all atomic.Int64
	var spools []*spool
	p, data := &pool{}, make([]byte, 2<<20)
	for range 40 {
		s := &spool{pool: p, limit: spoolMemory, account: &account, all: &all}
		if _, err := s.Write(data); err != nil {
			t.Fatal(err)
		}
		spools = append(spools, s)
	}
	if held := account.Load(); held < spoolsMemory || held > spoolsMemory+int64(len(spools))*maxChunk {
		t.Errorf("%d bytes are held", held)
	}
	for _, s := range spools {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if all.Load() != 0 {
		t.Errorf("%d bytes are held in the end", all.Load())
	}
}

func TestSumsOfPieces(t *testing.T) {
	data := make([]byte, 2*Piece+12345)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	for _, size := range []int{0, 1, Piece - 1, Piece, Piece + 1, 2 * Piece, len(data)} {
		var account, all atomic.Int64
		s := &spool{pool: &pool{}, limit: maxChunk, account: &account, all: &all}
		for left := data[:size]; len(left) > 0; {
			n := min(len(left), 1_000_003)
			if _, err := s.Write(left[:n]); err != nil {
				t.Fatal(err)
			}
			left = left[n:]
		}
		if got, want := CRC32C(s.Sums(), s.Size()), crc32.Checksum(data[:size], castagnoli); got != want {
			t.Errorf("%d bytes in %d pieces: %x, want %x", size, len(s.Sums()), got, want)
		}
		_ = s.Close()
	}
}

func TestScratchThatCannotBeMade(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/gone")
	var account, all atomic.Int64
	s := &spool{pool: &pool{}, limit: maxChunk, account: &account, all: &all}
	if _, err := s.Write(make([]byte, 3*maxChunk)); err == nil || !strings.Contains(err.Error(), "point TMPDIR") {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err != nil || account.Load() != 0 {
		t.Error(err, account.Load())
	}
}
