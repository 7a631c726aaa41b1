package files_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/formats/parquet"
	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// full is a TMPDIR of 8 MiB of which next to nothing is left; what it returns makes room.
func full(t *testing.T) (room func()) {
	t.Helper()
	dir := parts.SmallFolder(t, 8<<20)
	t.Setenv("TMPDIR", dir)
	ballast := filepath.Join(dir, "ballast")
	must(t, os.WriteFile(ballast, make([]byte, 7<<20), 0o600))
	return func() { must(t, os.Remove(ballast)) }
}

func spaceless(t *testing.T, err error) {
	t.Helper()
	var unfit *sink.Unfit
	if !errors.Is(err, syscall.ENOSPC) || errors.As(err, &unfit) || !strings.Contains(err.Error(), "TMPDIR") ||
		!strings.Contains(err.Error(), "no space left on device; free some, or set TMPDIR to a folder on a larger disk") {
		t.Errorf("with a full disk: %v", err)
	}
}

// TestFullDiskUnderRows: what does not go out of memory stays in it, the disk is as it was, and once there is room it goes.
func TestFullDiskUnderRows(t *testing.T) {
	dir, room := t.TempDir(), full(t)
	w := open(t, dir, "", sinktest.Lines{}, sinktest.Claim(0, 0))
	var want bytes.Buffer
	for i := range int64(4) {
		value := bytes.Repeat([]byte{'a' + byte(i)}, 1<<20)
		must(t, w.Write(t.Context(), &record.Batch{Records: []record.Record{{Offset: i, Value: value}}}))
		want.Write(append(value, '\n'))
	}
	before := w.(sink.Sized).Size()
	for range 3 {
		freed, err := w.(sink.Spiller).Spill()
		if spaceless(t, err); freed != 0 || w.(sink.Sized).Size() != before {
			t.Errorf("%d freed, %d held, and %d before", freed, w.(sink.Sized).Size(), before)
		}
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(os.TempDir(), &fs); err != nil || int64(fs.Bfree)*fs.Bsize < 900<<10 {
		t.Errorf("%d bytes are free, %v", int64(fs.Bfree)*fs.Bsize, err)
	}
	room()
	if freed, err := w.(sink.Spiller).Spill(); err != nil || freed < 3<<20 {
		t.Errorf("%d freed, %v", freed, err)
	}
	made := commit(t, w, 4)
	if got, err := os.ReadFile(filepath.Join(dir, made[0].Name)); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes, want %d; %v", len(got), want.Len(), err)
	}
}

// TestFullDiskUnderFiles: an attempt fails, whatever the format, and the next one makes the same file as where there was room at once.
func TestFullDiskUnderFiles(t *testing.T) {
	lines, err := json.New(json.Defaults())
	must(t, err)
	columns, err := parquet.New(parquet.Defaults())
	must(t, err)
	for name, f := range map[string]formats.Format{"json": encoded{lines}, "parquet": columns} {
		t.Run(name, func(t *testing.T) {
			var files [2][]byte
			room := full(t)
			for i := range files {
				dir := t.TempDir()
				w := open(t, dir, "", f, sinktest.Claim(0, 0))
				s := &record.Schema{Version: 1, Columns: []record.Column{{Name: "v", As: "v", Type: record.Type{Kind: record.String}}}}
				random := rand.New(rand.NewPCG(1, 2))
				for at := range int64(200) {
					text := make([]byte, 100_000)
					for i := range text {
						text[i] = 'a' + byte(random.UintN(26))
					}
					rec := record.Record{Offset: at, Value: append(append([]byte(`{"v":"`), text...), `"}`...), Row: []record.Value{record.StringOf(string(text))}}
					must(t, w.Write(t.Context(), &record.Batch{Schema: s, Records: []record.Record{rec}}))
				}
				flush, err := w.Cut(200)
				must(t, err)
				for range 2 - 2*i {
					_, err := flush.Commit(t.Context())
					spaceless(t, err)
				}
				if i == 0 {
					room()
					t.Setenv("TMPDIR", t.TempDir()) // 20 MB
				}
				made, err := flush.Commit(t.Context())
				must(t, err)
				files[i], err = os.ReadFile(filepath.Join(dir, made[0].Name))
				must(t, err)
			}
			if len(files[0]) < 16<<20 || !bytes.Equal(files[0], files[1]) {
				t.Errorf("%d and %d bytes", len(files[0]), len(files[1]))
			}
		})
	}
}
