package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/dev"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/source/csv"
)

// folder makes files and gives their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// loader reads a file of one connector, of a csv source with these options.
func loader(brokers, options, policy string) Load {
	r := plugin.New()
	plugin.Add(r, "csv", csv.Defaults(), csv.New)
	plugin.Add(r, "json", json.CodecDefaults(), json.NewCodec)
	text := fmt.Sprintf(`kafka: {brokers: [%q]}
connectors:
  in:
    source: {csv: {%s}}
    topic: t
    errors: {on_bad_record: %s}
`, brokers, options, policy)
	return func(opts ...plugin.DecodeOption) (*File, error) { return Read(r, "f.yaml", []byte(text), opts...) }
}

// drain runs a source to its end, and says how many rows were stored and left out.
func drain(t *testing.T, load Load) (stored, skipped int64, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := Start(load, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = w.Drain(ctx)
	return w.Status("in").Stored.Load(), w.Status("in").Skipped(), err
}

func broker(t *testing.T) string {
	t.Helper()
	parts, err := dev.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parts.Close() })
	return parts.Brokers
}

// A bad row stops its file, with all rows before it stored, and not the others; once it is mended, reading goes on with it.
func TestBadRowHoldsItsSplit(t *testing.T) {
	dir := folder(t, map[string]string{"bad.csv": "a,b\n1,x\n2,y\n3\n4,z\n", "good.csv": "a,b\n1,x\n2,y\n"})
	load := loader(broker(t), "path: "+dir+"/*.csv", "stop")
	stored, skipped, err := drain(t, load)
	want := "in: split bad.csv is held: bad.csv: " + dir + "/bad.csv:4: the row's cells are 1, the columns 2; mend it and start again, or set errors: {on_bad_record: skip} or dead_letter"
	if err == nil || err.Error() != want || stored < 2 || stored > 4 || skipped != 0 {
		t.Fatalf("%d stored, %d skipped, %v", stored, skipped, err)
	}
	if err := os.WriteFile(dir+"/bad.csv", []byte("a,b\n1,x\n2,y\n3,w\n4,z\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if again, _, err := drain(t, load); err != nil || stored+again != 6 {
		t.Errorf("%d stored, then %d, %v", stored, again, err)
	}
}

func TestSourceDrains(t *testing.T) {
	files := map[string]string{"f.csv": "a,b\n1,x\n2,y\n3\n4,z\n5,open"}
	for i := range 90 { // more to a partition than are read at once
		files[fmt.Sprintf("many%d.csv", i)] = "a\n1\n2\n"
	}
	dir := folder(t, files)
	brokers := broker(t)
	for i, tt := range []struct {
		options         string
		stored, skipped int64
	}{
		{"path: DIR/f.csv", 4, 1},
		{"path: DIR/f.csv, repeat: 3", 12, 3},
		{"path: DIR/f.csv, follow: true", 3, 1}, // the last line has no end yet
		{"path: DIR/many*.csv, follow: true", 180, 0},
	} {
		load := loader(brokers, strings.ReplaceAll(tt.options, "DIR", dir), "skip")
		named := func(opts ...plugin.DecodeOption) (*File, error) { // each its own offsets
			f, err := load(opts...)
			if err == nil {
				f.Kafka.OffsetsTopic = fmt.Sprintf("offsets-%d", i)
			}
			return f, err
		}
		if stored, skipped, err := drain(t, named); stored != tt.stored || skipped != tt.skipped || err != nil {
			t.Errorf("%s: %d stored, %d skipped, %v", tt.options, stored, skipped, err)
		}
	}
}

// A source without end is refused before anything is touched: there is no broker here.
func TestDrainOfAnEndlessSource(t *testing.T) {
	for options, want := range map[string]string{
		"path: a.csv, order: sample":   "order: sample",
		"path: a.csv, repeat: forever": "repeat: forever",
	} {
		_, _, err := drain(t, loader("localhost:1", options, "stop"))
		want = "f.yaml:3: connectors.in.source: " + want + " has no end to wait for; take it out, or run without --drain, or dev with --keep"
		if !errors.As(err, &plugin.Problems{}) || err.Error() != want {
			t.Errorf("%s: %v", options, err)
		}
	}
}

// A file that was replaced is held, and is seen to be; the connector runs on, and the file goes on once the old one is back.
func TestAReplacedFileIsHeld(t *testing.T) {
	const old = "a\n1\n2\n3\n"
	dir := folder(t, map[string]string{"a.csv": old, "b.csv": old})
	load := loader(broker(t), "path: "+dir+"/*.csv, follow: true", "stop")
	if stored, _, err := drain(t, load); stored != 6 || err != nil {
		t.Fatalf("%d stored, %v", stored, err)
	}
	set := func(name, text string) {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set("a.csv", "a\n9\n")
	w, err := Start(load, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	running(t, w)
	const held = "a.csv: csv: a.csv: the file was replaced: 8 bytes had been read, now it has 4; give the new file another name, or the connector one, to read it from the start"
	eventually(t, "it is held", func() bool { return fmt.Sprint(w.Status("in").Held()["split a.csv"]) == held })
	if h := w.health(time.Now()); h.Ready || len(h.Why) != 1 || h.Why[0] != "in: split a.csv is held: "+held || h.Connectors[0].State != connector.Running || h.Connectors[0].Failures > 0 {
		t.Errorf("health is %+v", h)
	}
	set("b.csv", old+"4\n")
	eventually(t, "the other goes on", func() bool { return w.Status("in").Stored.Load() == 1 })
	set("a.csv", old+"4\n5\n")
	eventually(t, "it goes on", func() bool { return w.Status("in").Stored.Load() == 3 && w.health(time.Now()).Ready })
}

// A drain of a source that has no file ends at once, before anything is touched: there is no broker here.
func TestDrainOfNothing(t *testing.T) {
	dir := t.TempDir()
	_, _, err := drain(t, loader("localhost:1", "path: "+dir+"/*.csv", "stop"))
	want := `f.yaml:3: connectors.in.source: csv: no file matches "` + dir + `/*.csv"; check the path, and that this process may read its folders`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
