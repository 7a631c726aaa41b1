package local

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// scratchDir is hidden from readers, and gone when nothing is being written.
const scratchDir = ".penstock-tmp"

// scratchFile is whole and durable, and has yet to get its name. It is locked for as long as its process lives: that tells it
// from one that a dead process left.
type scratchFile struct {
	*os.File
	name string
}

func writeScratch(root *os.Root, meta map[string]string, body files.Body) (*scratchFile, error) {
	f, err := newScratch(root)
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

// newScratch makes a file in a folder that others may remove whenever it is empty, and that nobody else can look into.
func newScratch(root *os.Root) (*scratchFile, error) {
	for tries := 0; ; tries++ {
		err := root.Mkdir(scratchDir, 0o700)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		name := scratchDir + "/" + strconv.FormatUint(rand.Uint64(), 36)
		f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
		if err == nil && hold(f) {
			return &scratchFile{f, name}, nil
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
			return &fs.PathError{Op: "setxattr " + k, Path: f.name, Err: err}
		}
	}
	return f.Sync()
}

// remove is tidiness: what it cannot do, a later sweep does.
func (f *scratchFile) remove(root *os.Root) {
	_ = root.Remove(f.name)
	_ = root.Remove(scratchDir)
	_ = f.Close()
}

// sweep removes the scratch files that no living process holds.
func sweep(root *os.Root) {
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
