package local

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
)

// List reads the folder that prefix lies in.
func (s *store) List(_ context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		dir, _ := path.Split(prefix)
		names, err := s.names(path.Clean(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield("", s.failed("list", dir, err))
			return
		}
		slices.Sort(names)
		for _, base := range names {
			if name := dir + base; strings.HasPrefix(name, prefix) && name > after && !yield(name, nil) {
				return
			}
		}
	}
}

// names are those of the files in a folder.
func (s *store) names(dir string) ([]string, error) {
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	d, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}
