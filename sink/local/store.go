package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/penstock/penstock/sink/files"
)

// store keeps files below a folder. Names cannot lead out of it: os.Root sees to that.
type store struct {
	dir     string
	named   bool // scratch files have names, as where the file system knows no others
	mu      sync.Mutex
	durable map[string]bool // folders that are known to be on disk, with those above them
}

// Open makes the folder, and clears what dead processes left in the scratch folder.
func (s *store) Open(context.Context) error {
	if err := makeDir(filepath.Clean(s.dir)); err != nil {
		return fmt.Errorf("local: dir: %w", err)
	}
	root, err := s.root()
	if err != nil {
		return err
	}
	defer root.Close()
	sweep(root)
	return nil
}

// makeDir makes a folder, with those above it, so that they last.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := makeDir(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(above)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (s *store) root() (*os.Root, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	return root, nil
}

// Create writes a scratch file and links it to its name, which fails where the name stands already.
func (s *store) Create(_ context.Context, name string, meta map[string]string, body files.Body) error {
	root, err := s.root()
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return s.failed("make the folder of", name, err)
	}
	scratch, err := s.writeScratch(root, path.Dir(name), meta, body)
	if err != nil {
		return s.failed("write", name, err)
	}
	defer scratch.remove(root)
	if err := scratch.link(root, name); errors.Is(err, fs.ErrExist) {
		return s.failed("link", name, files.ErrExists)
	} else if err != nil {
		return s.failed("link", name, err)
	}
	if err := s.sync(root, path.Dir(name)); err != nil {
		return s.failed("sync the folder of", name, err)
	}
	return nil
}

func (s *store) failed(what, name string, err error) error {
	return fmt.Errorf("local: %s %s: %w", what, path.Join(s.dir, name), err)
}

// sync makes a folder's entries durable, and the folder itself, with those above it, the first time.
func (s *store) sync(root *os.Root, dir string) error {
	if err := syncDir(root, dir); err != nil {
		return err
	}
	for ; dir != "." && !s.known(dir); dir = path.Dir(dir) {
		if err := syncDir(root, path.Dir(dir)); err != nil {
			return err
		}
		s.know(dir)
	}
	return nil
}

func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (s *store) known(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.durable[dir]
}

// know remembers a few thousand folders.
func (s *store) know(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.durable == nil || len(s.durable) > 4096 {
		s.durable = map[string]bool{}
	}
	s.durable[dir] = true
}

// Stat reads a file's extended attributes. A file is on disk before it is said to stand: its maker may have died in between.
func (s *store) Stat(_ context.Context, name string) (map[string]string, int64, error) {
	root, err := s.root()
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, 0, s.failed("open", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, s.failed("stat", name, err)
	}
	meta, err := readMeta(f)
	if err != nil {
		return nil, 0, s.failed("read the attributes of", name, err)
	}
	if err := s.sync(root, path.Dir(name)); err != nil {
		return nil, 0, s.failed("sync the folder of", name, err)
	}
	return meta, info.Size(), nil
}
