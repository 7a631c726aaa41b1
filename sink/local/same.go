package local

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/penstock/penstock/sink/files"
)

// Same compares a file with a body: where a file system keeps no attributes, that is all there is to go by.
func (s *store) Same(_ context.Context, name string, body files.Body) (bool, error) {
	root, err := s.root()
	if err != nil {
		return false, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return false, s.failed("open", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() != body.Size() {
		return false, err
	}
	equal, err := equal(f, io.NewSectionReader(body, 0, body.Size()))
	if err != nil {
		return false, s.failed("compare", name, err)
	}
	return equal, nil
}

func equal(a, b io.Reader) (bool, error) {
	var pa, pb [32 << 10]byte
	for {
		n, errA := io.ReadFull(a, pa[:])
		m, errB := io.ReadFull(b, pb[:])
		if !bytes.Equal(pa[:n], pb[:m]) {
			return false, nil
		}
		ended := errors.Is(errA, io.EOF) || errors.Is(errA, io.ErrUnexpectedEOF)
		if ended && errA == errB {
			return true, nil
		}
		if errA != nil || errB != nil {
			return false, errors.Join(errA, errB)
		}
	}
}
