package cmd

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/worker"
)

// summary is what the connectors of one run have done, for a person to read.
type summary struct {
	w     *worker.Worker
	store string // the folder in which each bucket is a folder

	mu    sync.Mutex
	files map[string][]sink.File
}

// newSummary listens from now on.
func newSummary(w *worker.Worker, store string) *summary {
	s := &summary{w: w, store: store, files: map[string][]sink.File{}}
	for _, name := range w.Names() {
		w.Status(name).Flushed = func(f sink.File) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.files[name] = append(s.files[name], f)
		}
	}
	return s
}

func (s *summary) print(out io.Writer, took time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []tally
	for _, name := range s.w.Names() {
		st := s.w.Status(name)
		all = append(all, tally{name: name, read: st.Stored.Load(), skipped: st.Skipped(), hooks: st.Hooks.Load(), files: s.files[name]})
	}
	_, err := io.WriteString(out, report(all, s.store, took))
	return err
}

// tally is what one connector has done.
type tally struct {
	name    string
	read    int64 // rows, into a topic
	files   []sink.File
	hooks   int64 // how often they ran
	skipped int64 // bad records
}

// report is the table, and where to look at what each sink wrote.
func report(all []tally, store string, took time.Duration) string {
	all = slices.DeleteFunc(all, func(t tally) bool { return t.read == 0 && len(t.files) == 0 && t.hooks == 0 && t.skipped == 0 })
	if len(all) == 0 {
		return fmt.Sprintf("nothing new: everything was written by an earlier run (--fresh starts over); took %.1f s\n", took.Seconds())
	}
	hooked := slices.ContainsFunc(all, func(t tally) bool { return t.hooks > 0 })
	rows := [][]string{{"connector", "rows", "files", "paths", "size", "hooks"}}
	for _, t := range all {
		rows = append(rows, t.cells())
	}
	if !hooked {
		for i := range rows {
			rows[i] = rows[i][:5]
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\ntook %.1f s\n", table(rows), took.Seconds())
	for _, t := range all {
		if t.skipped > 0 {
			fmt.Fprintf(&b, "%s: %s skipped\n", t.name, count(t.skipped, "bad record"))
		}
	}
	for _, t := range all {
		b.WriteString(t.example(store))
	}
	return b.String()
}

func (t tally) cells() []string {
	cells := []string{t.name, humanize.Comma(t.read), "-", "-", "-", "-"}
	if len(t.files) > 0 {
		var rows, bytes int64
		paths := map[string]bool{}
		for _, f := range t.files {
			rows, bytes = rows+f.Rows, bytes+f.Bytes
			paths[f.Path] = true
		}
		cells = []string{t.name, humanize.Comma(rows), humanize.Comma(int64(len(t.files))), humanize.Comma(int64(len(paths))),
			humanize.IBytes(uint64(bytes)), "-"}
	}
	if t.hooks > 0 {
		cells[5] = strconv.FormatInt(t.hooks, 10)
	}
	return cells
}

// example is one file of a sink, and a query that reads all of them as they lie; nothing where they are not in the embedded store.
func (t tally) example(store string) string {
	var names []string
	for _, f := range t.files {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	bucket, ok := bucketOf(store, names[0])
	if !ok {
		return ""
	}
	return fmt.Sprintf("\n%s wrote %s\n  duckdb -c %s\n", t.name, bucket+"/"+names[0], quoted(query(bucket, names)))
}
