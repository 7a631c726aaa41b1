package cmd

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
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
	var b strings.Builder
	for _, name := range s.w.Names() {
		st := s.w.Status(name)
		if n := st.Stored.Load(); n > 0 {
			fmt.Fprintf(&b, "%s: %s read into the topic\n", name, count(n, "row"))
		}
		s.sink(&b, name)
		if n := st.Hooks.Load(); n > 0 {
			fmt.Fprintf(&b, "%s: hooks ran %s\n", name, count(n, "time"))
		}
	}
	if b.Len() == 0 {
		b.WriteString("nothing new: everything was written by an earlier run (--fresh starts over)\n")
	}
	fmt.Fprintf(&b, "%.1f s\n", took.Seconds())
	for _, name := range s.w.Names() {
		s.query(&b, name)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// count says how many there are of something.
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(n) + " " + noun + "s"
}

// sink prints what one sink wrote.
func (s *summary) sink(b *strings.Builder, name string) {
	var rows, bytes int64
	paths := map[string]bool{}
	for _, f := range s.files[name] {
		rows, bytes = rows+f.Rows, bytes+f.Bytes
		paths[f.Path] = true
	}
	if len(paths) == 0 {
		return
	}
	fmt.Fprintf(b, "%s: %s in %s under %s, %s\n", name, count(rows, "row"), count(int64(len(s.files[name])), "file"),
		count(int64(len(paths)), "path"), humanize.IBytes(uint64(bytes)))
	first := slices.MinFunc(s.files[name], func(a, b sink.File) int { return strings.Compare(a.Name, b.Name) })
	fmt.Fprintf(b, "  such as %s\n", s.where(first.Name))
}

// where is the plain file of an object, if it is in the embedded store.
func (s *summary) where(name string) string {
	found, err := filepath.Glob(filepath.Join(s.store, "*", name))
	if err != nil || len(found) == 0 {
		return name
	}
	return found[0]
}

// query prints how to look at what a sink wrote, all of it: DuckDB reads it as it lies.
func (s *summary) query(b *strings.Builder, name string) {
	if len(s.files[name]) == 0 {
		return
	}
	f := s.files[name][0]
	root, _, _ := strings.Cut(s.where(f.Name), "=")
	if i := strings.LastIndexByte(root, '/'); i >= 0 {
		root = root[:i]
	}
	_, file := filepath.Split(f.Name)
	_, ext, _ := strings.Cut(strings.TrimPrefix(file, f.Topic), ".")
	read := "read_json"
	if strings.HasSuffix(ext, "parquet") {
		read = "read_parquet"
	}
	fmt.Fprintf(b, "\nduckdb -c \"SELECT * FROM %s('%s/**/*.%s', hive_partitioning = true) LIMIT 5\"\n", read, root, ext)
}
