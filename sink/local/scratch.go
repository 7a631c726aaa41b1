package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// scratchDir is hidden from readers, and gone when nothing is being written. It is made where a file system has no files without names.
const scratchDir = ".penstock-tmp"

// scratchFile is whole and durable, and has yet to get its name: until then nobody but this process can open it. One that has to have
// some name meanwhile is locked for as long as its process lives: that tells it from one that a dead process left.
type scratchFile struct {
	*os.File
	name string      // empty where it has none
	mode os.FileMode // that it will have
}

// writeScratch makes a file that can be linked into a folder.
func (s *store) writeScratch(root *os.Root, dir string, meta map[string]string, body files.Body) (*scratchFile, error) {
	f, err := s.newScratch(root, dir)
	if err != nil {
		return nil, err
	}
	if err := f.fill(meta, body); err != nil {
		f.remove(root)
		return nil, err
	}
	return f, nil
}

var errBusy = errors.New("cannot make a scratch file in " + scratchDir)

// newScratch makes a file without a name where that can be done, and one with a name elsewhere.
func (s *store) newScratch(root *os.Root, dir string) (*scratchFile, error) {
	if !s.named {
		if f, err := nameless(root, dir); f != nil || err != nil {
			return f, err
		}
	}
	return named(root)
}

// nameless makes a file in a folder where it has no name. It is nil where the file system, or a process without /proc, can do no such thing.
func nameless(root *os.Root, dir string) (*scratchFile, error) {
	d, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	fd, err := unix.Openat(int(d.Fd()), ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o666)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return nil, nil
	case err != nil:
		return nil, &fs.PathError{Op: "make a scratch file in", Path: dir, Err: err}
	}
	f := &scratchFile{File: os.NewFile(uintptr(fd), dir+"/(scratch)")}
	if _, err := os.Lstat(f.self()); err != nil {
		return nil, f.Close()
	}
	return f, nil
}

// self is how a process calls a file that it has open.
func (f *scratchFile) self() string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// named makes a file in a folder that others may remove whenever it is empty, and that nobody else can look into. Until it is
// whole its rights are its owner's alone; then they are those of any file that is made here.
func named(root *os.Root) (*scratchFile, error) {
	for tries := 0; ; tries++ {
		if err := hide(root); err != nil {
			return nil, err
		}
		name := scratchDir + "/" + strconv.FormatUint(rand.Uint64(), 36)
		mode, err := usual(root, name+"-empty")
		var f *os.File
		if err == nil {
			f, err = root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		}
		if err == nil && hold(f) {
			return &scratchFile{f, name, mode}, nil
		}
		if err == nil {
			err = f.Close()
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil || tries == 100 {
			return nil, errors.Join(err, errBusy)
		}
	}
}

// hide makes the scratch folder, and closes it to others where somebody has made it or opened it.
func hide(root *os.Root) error {
	err := root.Mkdir(scratchDir, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := root.Lstat(scratchDir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // another has removed it, and newScratch finds out
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return &fs.PathError{Op: "hide scratch files in", Path: scratchDir, Err: unix.ENOTDIR}
	case info.Mode().Perm() == 0o700:
		return nil
	}
	if err := root.Chmod(scratchDir, 0o700); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("others can look into the folder of scratch files; remove it: %w", err)
	}
	return nil
}

// usual is the rights that a new file gets here.
func usual(root *os.Root, name string) (os.FileMode, error) {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // a sweep was quicker
		return 0, err
	}
	return info.Mode().Perm(), nil
}

// hold locks a new file, unless a sweep was quicker: it removes what it can lock, so a file that still has its name is kept.
func hold(f *os.File) bool {
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK {
		return false
	}
	var s unix.Stat_t
	return unix.Fstat(int(f.Fd()), &s) == nil && s.Nlink > 0
}

func (f *scratchFile) fill(meta map[string]string, body files.Body) error {
	if _, err := io.Copy(f, io.NewSectionReader(body, 0, body.Size())); err != nil {
		return err
	}
	for k, v := range meta {
		err := unix.Fsetxattr(int(f.Fd()), xattr+k, []byte(v), 0)
		if errors.Is(err, unix.ENOTSUP) {
			break
		}
		if err != nil {
			return &fs.PathError{Op: "setxattr " + k, Path: f.Name(), Err: err}
		}
	}
	if f.name != "" {
		if err := f.Chmod(f.mode); err != nil {
			return err
		}
	}
	return f.Sync()
}

// link gives the file its name, where none stands.
func (f *scratchFile) link(root *os.Root, name string) error {
	if f.name != "" {
		return root.Link(f.name, name)
	}
	d, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.Linkat(unix.AT_FDCWD, f.self(), int(d.Fd()), path.Base(name), unix.AT_SYMLINK_FOLLOW); err != nil {
		return &fs.PathError{Op: "link", Path: name, Err: err}
	}
	return nil
}

// remove is tidiness: what it cannot do, a later sweep does.
func (f *scratchFile) remove(root *os.Root) {
	if f.name != "" {
		_ = root.Remove(f.name)
		_ = root.Remove(scratchDir)
	}
	_ = f.Close()
}

// sweep removes the scratch files that no living process holds.
func sweep(root *os.Root) {
	if info, err := root.Lstat(scratchDir); err != nil || !info.IsDir() {
		return
	}
	d, err := root.Open(scratchDir)
	if err != nil {
		return
	}
	defer d.Close()
	entries, _ := d.ReadDir(-1)
	for _, e := range entries {
		name := scratchDir + "/" + e.Name()
		f, err := root.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = root.Remove(name)
		}
		_ = f.Close()
	}
	_ = root.Remove(scratchDir)
}

// xattr begins the names of attributes that belong to users.
const xattr = "user."

// readMeta gives the attributes that the engine put on a file; none where the file system keeps none.
func readMeta(f *os.File) (map[string]string, error) {
	list := make([]byte, 64<<10)
	n, err := unix.Flistxattr(int(f.Fd()), list)
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	meta := map[string]string{}
	value := make([]byte, 4<<10)
	for name := range strings.SplitSeq(string(list[:n]), "\x00") {
		key, ours := strings.CutPrefix(name, xattr+sink.MarkPrefix)
		if !ours {
			continue
		}
		n, err := unix.Fgetxattr(int(f.Fd()), name, value)
		if err != nil {
			return nil, err
		}
		meta[sink.MarkPrefix+key] = string(value[:n])
	}
	return meta, nil
}
