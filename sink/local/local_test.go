package local_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
	"github.com/penstock/penstock/sink/local"
	"github.com/penstock/penstock/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSink(t *testing.T, dir string) sink.Sink {
	t.Helper()
	return made(t, dir, local.New)
}

func made(t *testing.T, dir string, by func(local.Config) (sink.Sink, error)) sink.Sink {
	t.Helper()
	path, err := files.ParseTemplate(sinktest.Path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := by(local.Config{Dir: dir, Files: files.Config{Path: path, Format: sinktest.Lines{}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// there is every file below dir, hidden ones too.
func there(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			all[name], err = os.ReadFile(path)
		}
		return err
	})
	must(t, err)
	return all
}

func place(by func(local.Config) (sink.Sink, error)) func(t *testing.T) sinktest.Place {
	return func(t *testing.T) sinktest.Place { return placed(t, by) }
}

func placed(t *testing.T, by func(local.Config) (sink.Sink, error)) sinktest.Place {
	dir := filepath.Join(t.TempDir(), "a", "lake")
	must(t, os.MkdirAll(dir, 0o777))
	return sinktest.Place{
		Sink:  func() sink.Sink { return made(t, dir, by) },
		Files: func() map[string][]byte { return there(t, dir) },
		Plant: func(name, content string) {
			must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777))
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666))
		},
		Remove: func(name string) { must(t, os.Remove(filepath.Join(dir, name))) },
	}
}

func TestPromises(t *testing.T) { sinktest.Files(t, place(local.New)) }

// TestPromisesWithNames is where the file system has no files without names.
func TestPromisesWithNames(t *testing.T) { sinktest.Files(t, place(local.Named)) }

func TestDirIsNeeded(t *testing.T) {
	if _, err := local.New(local.Config{}); err == nil || !strings.Contains(err.Error(), "dir") {
		t.Errorf("error %v", err)
	}
}

// written makes the files of three rows, each in a folder of its own.
func written(t *testing.T, dir string, value string) ([]sink.File, error) {
	t.Helper()
	w, err := newSink(t, dir).Open(t.Context(), sinktest.Claim(0, 0))
	must(t, err)
	b := record.Batch{Topic: "stock"}
	for i, k := range []string{"a", "b", "c"} {
		b.Records = append(b.Records, record.Record{Offset: int64(i), Key: []byte(k), Value: []byte(value + k)})
	}
	must(t, w.Write(t.Context(), &b))
	f, err := w.Cut(3)
	must(t, err)
	return f.Commit(t.Context())
}

func TestWithoutAttributesContentDecides(t *testing.T) {
	dir := t.TempDir()
	made, err := written(t, dir, "x")
	must(t, err)
	for _, f := range made {
		strip(t, filepath.Join(dir, f.Name))
	}
	twice, err := written(t, dir, "x")
	if err != nil || !reflect.DeepEqual(made, twice) {
		t.Errorf("a replay gives %v, %v", twice, err)
	}
	before := there(t, dir)
	_, err = written(t, dir, "y")
	var foreign *sink.Foreign
	if !errors.As(err, &foreign) || foreign.Name != made[0].Name {
		t.Errorf("other rows give %v", err)
	}
	if !reflect.DeepEqual(before, there(t, dir)) {
		t.Error("a file was changed")
	}
}

// strip takes away what a file system without attributes would not keep.
func strip(t *testing.T, name string) {
	t.Helper()
	list := make([]byte, 4096)
	n, err := unix.Listxattr(name, list)
	must(t, err)
	if n == 0 {
		t.Fatal("the file has no attributes")
	}
	for key := range strings.SplitSeq(strings.TrimSuffix(string(list[:n]), "\x00"), "\x00") {
		must(t, unix.Removexattr(name, key))
	}
}

func TestScratchOfTheDeadIsSwept(t *testing.T) {
	dir := t.TempDir()
	scratch := filepath.Join(dir, ".penstock-tmp")
	must(t, os.Mkdir(scratch, 0o777))
	must(t, os.WriteFile(filepath.Join(scratch, "dead"), nil, 0o666))
	alive, err := os.Create(filepath.Join(scratch, "alive"))
	must(t, err)
	must(t, unix.Flock(int(alive.Fd()), unix.LOCK_EX))
	_, err = written(t, dir, "x")
	must(t, err)
	if all := there(t, dir); len(all) != 4 || all[".penstock-tmp/alive"] == nil {
		t.Errorf("there are %d files, and of scratch only the live one should be left", len(all))
	}
	must(t, alive.Close())
	_, err = written(t, dir, "x")
	must(t, err)
	if _, err := os.Stat(scratch); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the scratch folder is still there: %v", err)
	}
}

// TestSweepsSpareTheLiving opens sinks while others write: every sweep sees scratch files that have just been made.
func TestSweepsSpareTheLiving(t *testing.T) {
	for _, by := range []func(local.Config) (sink.Sink, error){local.New, local.Named} {
		sweepsSpareTheLiving(t, by)
	}
}

func sweepsSpareTheLiving(t *testing.T, by func(local.Config) (sink.Sink, error)) {
	t.Helper()
	dir := t.TempDir()
	var sweeps sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		s := made(t, dir, by)
		sweeps.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_, _ = s.Open(context.Background(), sinktest.Claim(9, 0))
				}
			}
		})
	}
	w, err := made(t, dir, by).Open(t.Context(), sinktest.Claim(0, 0))
	must(t, err)
	for i := range int64(60) {
		must(t, w.Write(t.Context(), &record.Batch{Records: []record.Record{{Offset: i, Key: []byte("a")}}}))
		f, err := w.Cut(i + 1)
		must(t, err)
		if _, err := f.Commit(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(done)
	sweeps.Wait()
	if n := len(there(t, dir)); n != 60 {
		t.Errorf("%d files", n)
	}
}

func TestLinksOutOfDirAreNotFollowed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(dir, "stock")))
	if _, err := written(t, dir, "x"); err == nil || !strings.Contains(err.Error(), "local: ") {
		t.Errorf("error %v", err)
	}
	if n := len(there(t, outside)); n > 0 {
		t.Errorf("%d files outside", n)
	}
}

func TestDirIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	if _, err := written(t, dir, "x"); err != nil {
		t.Fatal(err)
	}
	if n := len(there(t, dir)); n != 3 {
		t.Errorf("%d files", n)
	}
}

func TestCheckLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lake")
	must(t, newSink(t, dir).(sink.Checked).Check(t.Context()))
	if all := there(t, dir); len(all) > 0 {
		t.Errorf("there are %v", all)
	}
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	if err := newSink(t, file).(sink.Checked).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "local: ") {
		t.Errorf("error %v", err)
	}
}
