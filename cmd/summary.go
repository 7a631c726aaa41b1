package cmd

import (
	"fmt"
	"io"
	"math"
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

func (s *summary) print(out io.Writer, output string, took time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []tally
	for _, name := range s.w.Names() {
		st := s.w.Status(name)
		all = append(all, tally{name: name, read: st.Stored.Load(), skipped: st.Skipped(), hooks: st.Hooks.Load(), files: s.files[name]})
	}
	if output == "json" {
		return printJSON(out, account(all, s.store, took))
	}
	_, err := io.WriteString(out, report(all, s.store, took))
	return err
}

// work is what a run has done, as JSON.
type work struct {
	Connectors []connectorWork `json:"connectors"` // all of the file, in its order
	Seconds    float64         `json:"seconds"`
}

type connectorWork struct {
	Name    string `json:"name"`
	Rows    int64  `json:"rows"` // read into the topic, or made visible
	Files   int    `json:"files"`
	Paths   int    `json:"paths"`
	Bytes   int64  `json:"bytes"`
	Hooks   int64  `json:"hooks"`
	Skipped int64  `json:"skipped"`
	Example string `json:"example,omitempty"` // one of the files
	Query   string `json:"query,omitempty"`   // SQL by which DuckDB reads all of them
}

// account is the report as JSON.
func account(all []tally, store string, took time.Duration) work {
	w := work{Connectors: []connectorWork{}, Seconds: math.Round(took.Seconds()*1000) / 1000}
	for _, t := range all {
		rows, bytes, paths := t.sums()
		c := connectorWork{Name: t.name, Rows: t.read + rows, Files: len(t.files), Paths: paths, Bytes: bytes, Hooks: t.hooks, Skipped: t.skipped}
		if names, bucket, ok := t.lies(store); ok {
			c.Example, c.Query = bucket+"/"+names[0], query(bucket, names)
		}
		w.Connectors = append(w.Connectors, c)
	}
	return w
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
		rows, bytes, paths := t.sums()
		cells = []string{t.name, humanize.Comma(rows), humanize.Comma(int64(len(t.files))), humanize.Comma(int64(paths)),
			humanize.IBytes(uint64(bytes)), "-"}
	}
	if t.hooks > 0 {
		cells[5] = strconv.FormatInt(t.hooks, 10)
	}
	return cells
}

func (t tally) sums() (rows, bytes int64, paths int) {
	seen := map[string]bool{}
	for _, f := range t.files {
		rows, bytes = rows+f.Rows, bytes+f.Bytes
		seen[f.Path] = true
	}
	return rows, bytes, len(seen)
}

// lies is the sorted names of a sink's files, and their bucket's folder; false where they are not in the embedded store.
func (t tally) lies(store string) (names []string, bucket string, ok bool) {
	for _, f := range t.files {
		names = append(names, f.Name)
	}
	if len(names) == 0 {
		return nil, "", false
	}
	slices.Sort(names)
	bucket, ok = bucketOf(store, names[0])
	return names, bucket, ok
}

// example is one file of a sink, and a query that reads all of them as they lie; nothing where they are not in the embedded store.
func (t tally) example(store string) string {
	names, bucket, ok := t.lies(store)
	if !ok {
		return ""
	}
	return fmt.Sprintf("\n%s wrote %s\n  duckdb -c %s\n", t.name, bucket+"/"+names[0], quoted(query(bucket, names)))
}
