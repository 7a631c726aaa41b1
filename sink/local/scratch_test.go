package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// Named makes a sink as on a file system that has no files without names.
func Named(c Config) (sink.Sink, error) { return newSink(c, true) }

// text is a body.
type text struct {
	files.Body
	*strings.Reader
}

func (t text) Size() int64                            { return t.Reader.Size() }
func (t text) ReadAt(b []byte, at int64) (int, error) { return t.Reader.ReadAt(b, at) }

// bothWays runs a test where scratch files have names, and where they have none.
func bothWays(t *testing.T, test func(t *testing.T, s *store, root *os.Root)) {
	for _, named := range []bool{false, true} {
		t.Run(map[bool]string{false: "nameless", true: "named"}[named], func(t *testing.T) {
			s := &store{dir: t.TempDir(), named: named}
			root, err := os.OpenRoot(s.dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			test(t, s, root)
		})
	}
}

// TestNobodyElseSeesScratch: what is not whole yet has no name, or stands where only its maker can look and is its maker's alone,
// whatever its own rights will be; even where somebody has opened the folder.
func TestNobodyElseSeesScratch(t *testing.T) {
	bothWays(t, func(t *testing.T, s *store, root *os.Root) {
		for _, before := range []os.FileMode{0, 0o777} {
			if before != 0 {
				if err := errors.Join(os.Mkdir(filepath.Join(s.dir, scratchDir), before), os.Chmod(filepath.Join(s.dir, scratchDir), before)); err != nil {
					t.Fatal(err)
				}
			}
			f, err := s.newScratch(root, ".")
			if err != nil {
				t.Fatal(err)
			}
			info, err := root.Stat(scratchDir)
			if s.named && (err != nil || info.Mode().Perm() != 0o700) {
				t.Errorf("the scratch folder is %v, %v", info.Mode(), err)
			}
			is, err := f.Stat()
			if s.named && (err != nil || is.Mode().Perm() != 0o600) {
				t.Errorf("a scratch file is %v, %v", is.Mode(), err)
			}
			var about unix.Stat_t
			if err := unix.Fstat(int(f.Fd()), &about); err != nil || (about.Nlink > 0) != s.named {
				t.Errorf("it has %d names, %v", about.Nlink, err)
			}
			f.remove(root)
			_ = root.Remove(scratchDir)
			if there, err := os.ReadDir(s.dir); err != nil || len(there) > 0 {
				t.Errorf("left: %v, %v", there, err)
			}
		}
	})
}

// TestFilesHaveTheUsualRights: those that the umask leaves them, however they were made.
func TestFilesHaveTheUsualRights(t *testing.T) {
	bothWays(t, func(t *testing.T, s *store, root *os.Root) {
		if err := os.WriteFile(filepath.Join(s.dir, "usual"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := s.Create(t.Context(), "a/b", map[string]string{"penstock-x": "y"}, text{Reader: strings.NewReader("text")}); err != nil {
			t.Fatal(err)
		}
		want, err := root.Stat("usual")
		if err != nil {
			t.Fatal(err)
		}
		got, err := root.Stat("a/b")
		if err != nil || got.Mode() != want.Mode() || got.Size() != 4 {
			t.Errorf("it is %v of %d bytes, %v; want %v", got.Mode(), got.Size(), err, want.Mode())
		}
		if err := s.Create(t.Context(), "a/b", nil, text{Reader: strings.NewReader("other")}); !errors.Is(err, files.ErrExists) {
			t.Errorf("once more: %v", err)
		}
	})
}

// TestAScratchFolderThatIsNone is refused where one is needed.
func TestAScratchFolderThatIsNone(t *testing.T) {
	bothWays(t, func(t *testing.T, s *store, root *os.Root) {
		if err := os.Symlink(t.TempDir(), filepath.Join(s.dir, scratchDir)); err != nil {
			t.Fatal(err)
		}
		err := s.Create(t.Context(), "b", nil, text{Reader: strings.NewReader("text")})
		if s.named == (err == nil) || s.named && !errors.Is(err, unix.ENOTDIR) {
			t.Errorf("error %v", err)
		}
	})
}
