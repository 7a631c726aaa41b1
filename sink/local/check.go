package local

import (
	"context"
	"math/rand/v2"
	"strconv"

	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// Check finds out whether files can be made and linked below the folder, which Open has made. It leaves none.
func (s *store) Check(context.Context, string) error {
	root, err := s.root()
	if err != nil {
		return err
	}
	defer root.Close()
	if err := hide(root); err != nil {
		return s.failed("make", scratchDir, err)
	}
	defer func() { _ = root.Remove(scratchDir) }() // unless somebody else uses it
	f, err := s.writeScratch(root, scratchDir, map[string]string{sink.MarkPrefix + "check": "1"}, nothing{})
	if err != nil {
		return s.failed("write a file in", scratchDir, err)
	}
	defer f.remove(root)
	linked := scratchDir + "/" + strconv.FormatUint(rand.Uint64(), 36) + "-check"
	if err := f.link(root, linked); err != nil {
		return s.failed("link a file in", scratchDir, err)
	}
	return root.Remove(linked)
}

// nothing is an empty body.
type nothing struct{ files.Body }

func (nothing) Size() int64 { return 0 }
