package files_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// TestSpilledRowsMakeTheSameFiles, however often rows go out of memory, and whatever else stays in it.
func TestSpilledRowsMakeTheSameFiles(t *testing.T) {
	var want map[string][]byte
	for _, every := range []int64{0, 1, 700, 4000} {
		for _, f := range []formats.Format{sinktest.Lines{}, encoded{sinktest.Lines{}}} {
			got := spilledFiles(t, f, every)
			if want == nil {
				want = got
			}
			if len(got) != 7 || !reflect.DeepEqual(got, want) {
				t.Errorf("%T, spilled every %d rows: other files", f, every)
			}
		}
	}
}

// encoded hides that a format's files are lines and nothing else.
type encoded struct{ formats.Format }

func (encoded) Raw() bool { return true }

func spilledFiles(t *testing.T, f formats.Format, every int64) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	w := open(t, dir, sinktest.Path, f, sinktest.Claim(0, 0))
	for i := range int64(5000) {
		rec := record.Record{Offset: i, Key: []byte{byte('a' + i%7)}, Value: bytes.Repeat([]byte{byte('a' + i%26)}, int(i))}
		must(t, w.Write(t.Context(), &record.Batch{Records: []record.Record{rec}}))
		if every > 0 && i%every == 0 {
			spill(t, w)
		}
	}
	commit(t, w, 5000)
	got := map[string][]byte{}
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			got[strings.TrimPrefix(path, dir)], err = os.ReadFile(path)
		}
		return err
	}))
	if held := w.(sink.Sized).Size(); held != 0 {
		t.Errorf("%d bytes are held in the end", held)
	}
	return got
}

// spill says by how much Size goes down.
func spill(t *testing.T, w sink.Writer) {
	t.Helper()
	before := w.(sink.Sized).Size()
	freed, err := w.(sink.Spiller).Spill()
	must(t, err)
	if after := w.(sink.Sized).Size(); after != before-freed || freed > 0 && after > 300_000 {
		t.Errorf("%d bytes freed of %d, %d left", freed, before, after)
	}
}

func TestASpillThatFailsLosesNothing(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, "", sinktest.Lines{}, sinktest.Claim(0, 0))
	rec := record.Record{Value: bytes.Repeat([]byte("x"), 2<<20)}
	must(t, w.Write(t.Context(), &record.Batch{Records: []record.Record{rec}}))
	t.Setenv("TMPDIR", filepath.Join(dir, "gone"))
	before := w.(sink.Sized).Size()
	if freed, err := w.(sink.Spiller).Spill(); freed != 0 || err == nil || !strings.Contains(err.Error(), "stock/0: scratch file") {
		t.Errorf("%d freed, %v", freed, err)
	}
	if after := w.(sink.Sized).Size(); after != before {
		t.Errorf("%d bytes held before, %d after", before, after)
	}
	if made := commit(t, w, 1); made[0].Bytes != 2<<20+1 {
		t.Errorf("made %+v", made)
	}
}
