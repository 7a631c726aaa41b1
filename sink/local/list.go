package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
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

// Where is of files.Reader: the same for every way to name the folder.
func (s *store) Where() string {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		dir = filepath.Clean(s.dir)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return strings.TrimSuffix(dir, "/") + "/"
}

// Walk goes through the folders below the one that prefix lies in, but scratch folders. A folder that is not there holds nothing.
func (s *store) Walk(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		root, err := s.root()
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield("", err)
			return
		}
		defer root.Close()
		dir, _ := path.Split(prefix)
		err = fs.WalkDir(root.FS(), path.Clean(dir), func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil && errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return s.failed("list", name, err)
			case e.IsDir() && e.Name() == scratchDir:
				return fs.SkipDir
			case e.Type().IsRegular() && strings.HasPrefix(name, prefix) && !yield(name, nil):
				return fs.SkipAll
			}
			return ctx.Err()
		})
		if err != nil {
			yield("", err)
		}
	}
}

// Read opens a file.
func (s *store) Read(_ context.Context, name string, _ int64) (io.ReadCloser, error) {
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, s.failed("open", name, err)
	}
	return f, nil
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
