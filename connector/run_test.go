package connector

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/sink"
)

func TestRowsCutExactly(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 1000, 1)...)
	run := r.run(r.local("flush: {rows: 100}"))
	eventually(t, "all rows are visible", func() bool { return count(t, r.dir) == 1000 })
	run.stopped()
	all := files(t, r.dir)
	for i, f := range all {
		if len(f.rows) != 100 || firstOf(t, f.name) != 100*i {
			t.Errorf("%s holds %d rows", f.name, len(f.rows))
		}
	}
	if len(all) != 10 {
		t.Errorf("%d files", len(all))
	}
	exactly(t, r.dir, 1000)
	if m := r.committed()[0]; m.Offset < 1000 {
		t.Errorf("committed: %+v", m)
	}
}

// TestWhatMakesAFlushDue, in a running connector; tables of the details are elsewhere.
func TestWhatMakesAFlushDue(t *testing.T) {
	const rows = 3000
	for name, c := range map[string]struct {
		flush   string
		visible int                // rows, before somebody does something
		after   time.Duration      // not sooner
		do      func(run *running) // once all is taken in
		then    int
	}{
		"bytes": {"{bytes: 20KiB, every: 1h}", 1000, 0, nil, 0},
		"every": {"{every: 700ms}", rows, 700 * time.Millisecond, nil, 0},
		"idle":  {"{idle: 700ms, every: 1h}", rows, 700 * time.Millisecond, nil, 0},
		"drain": {"{every: 1h}", 0, 0, func(run *running) { run.Status.Drain() }, rows},
		"end":   {"{every: 1h}", 0, 0, func(run *running) { run.stopped() }, rows},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 2)
			r.produce(numbers(0, rows, 1)...)
			began := time.Now()
			run := r.run(r.local("flush: " + c.flush))
			eventually(t, "rows are visible", func() bool { return count(t, r.dir) >= c.visible })
			if took := time.Since(began); took < c.after {
				t.Errorf("after %v", took)
			}
			if c.do != nil {
				eventually(t, "the rows are taken in", func() bool { return run.taken() == rows })
				if n := count(t, r.dir); n > 0 {
					t.Errorf("%d rows are visible, and nothing was due", n)
				}
				c.do(run)
				eventually(t, "all rows are visible", func() bool { return count(t, r.dir) == c.then })
			}
			run.stopped()
			drained := r.run(r.local(""))
			drained.Status.Drain()
			eventually(t, "the rest is visible", func() bool { return count(t, r.dir) == rows })
			drained.stopped()
			exactly(t, r.dir, rows)
		})
	}
}

// taken is how many rows are taken in.
func (r *running) taken() (n int64) {
	r.Status.mu.Lock()
	defer r.Status.mu.Unlock()
	for p := range r.Status.parts {
		n += p.rows.Load()
	}
	return n
}

// TestEmptyIntervals: control records alone move the offset too.
func TestEmptyIntervals(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 10, 1)...)
	run := r.run(r.local("flush: {every: 50ms}"))
	eventually(t, "the offset is beyond the transaction's marker", func() bool { return r.committed()[0].Offset == 11 })
	run.stopped()
	if n := len(files(t, r.dir)); n != 1 {
		t.Errorf("%d files", n)
	}
}

// TestIntakeGoesOnBesideAFlush of a slow store: the next interval is full when the first one has landed.
func TestIntakeGoesOnBesideAFlush(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 2000, 1)...)
	puts, release := make(chan string, 100), make(chan bool)
	store := storeBehind(t, func(w http.ResponseWriter, q *http.Request, next http.Handler) {
		if q.Method == http.MethodPut {
			puts <- q.URL.Path
			select {
			case <-release:
			case <-q.Context().Done():
			}
		}
		next.ServeHTTP(w, q)
	})
	run := r.run(r.s3(store, "flush: {rows: 500}"))
	<-puts
	eventually(t, "the second interval is taken in", func() bool { return run.taken() == 1000 })
	time.Sleep(100 * time.Millisecond)
	if n := run.taken(); n != 1000 || len(puts) > 0 {
		t.Errorf("%d rows are taken in, %d more files begun, beside one flush", n, len(puts))
	}
	close(release)
	eventually(t, "all is committed", func() bool { return r.committed()[0].Offset >= 2000 })
	run.stopped()
}

func TestAStoreThatFailsForAWhile(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 300, 1)...)
	var failing atomic.Bool
	var refused atomic.Int64
	failing.Store(true)
	store := storeBehind(t, func(w http.ResponseWriter, q *http.Request, next http.Handler) {
		if failing.Load() {
			refused.Add(1)
			w.WriteHeader([]int{500, 503, 429}[refused.Load()%3])
			return
		}
		next.ServeHTTP(w, q)
	})
	var told []sink.File
	var mu sync.Mutex
	run := r.run(r.s3(store, "flush: {rows: 100}"), func(r *Run) {
		r.Status.Flushed = func(f sink.File) { mu.Lock(); defer mu.Unlock(); told = append(told, f) }
	})
	eventually(t, "the flush is tried again", func() bool { return strings.Contains(run.log.String(), "flush is tried again") && refused.Load() > 5 })
	if len(run.Status.Held()) > 0 || r.committed()[0].Offset > 0 {
		t.Errorf("held: %v; committed: %+v", run.Status.Held(), r.committed())
	}
	failing.Store(false)
	eventually(t, "all is committed", func() bool { return r.committed()[0].Offset >= 300 })
	run.stopped()
	var rows int64
	for _, f := range told {
		rows += f.Rows
	}
	if rows != 300 || len(told) != 3 {
		t.Errorf("%d files of %d rows", len(told), rows)
	}
}

func TestAThousandPaths(t *testing.T) {
	r := newRig(t, 2)
	r.produce(numbers(0, 5000, 1000)...)
	run := r.run(strings.Replace(r.local("flush: {every: 1h}"), "path: all", `path: "{path}"`, 1))
	eventually(t, "the rows are taken in", func() bool { return run.taken() == 5000 })
	run.stopped()
	exactly(t, r.dir, 5000)
	dirs, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(dirs, func(d os.DirEntry) bool { return !strings.HasPrefix(d.Name(), "p") })); n != 1000 {
		t.Errorf("%d paths", n)
	}
}

// TestThroughTheTopic is both journeys: files to a topic, and the topic to files.
func TestThroughTheTopic(t *testing.T) {
	r := newRig(t, 3)
	in := t.TempDir()
	const perFile, nFiles = 500, 4
	for i := range nFiles {
		var text strings.Builder
		text.WriteString("n,path\n")
		for k := range perFile {
			fmt.Fprintf(&text, "%d,p%d\n", i*perFile+k, k%5)
		}
		if err := os.WriteFile(filepath.Join(in, fmt.Sprintf("%d.csv", i)), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("source: {csv: {path: %q, key: n}}\ntopic: {name: %s, partitions: 3}", in+"/*.csv", r.topic)
	out := r.run(strings.Replace(r.local("flush: {rows: 90}"), "path: all", `path: "{path}"`, 1))
	for range 2 { // the second time nothing is stored
		source := r.run(text, func(r *Run) { r.Name += "-in" })
		eventually(t, "the files are read", source.Status.Finished.Load)
		source.stopped()
	}
	eventually(t, "all rows are visible", func() bool { out.Status.Drain(); return count(t, r.dir) == perFile*nFiles })
	out.stopped()
	exactly(t, r.dir, perFile*nFiles)
}

// TestWorkersComeAndGo: partitions move between three of them, several times, while rows come in and are flushed.
func TestWorkersComeAndGo(t *testing.T) {
	const rounds, rows = 6, 1500
	r := newRig(t, 6)
	text := strings.Replace(r.local("flush: {rows: 40, every: 20ms}"), "path: all", `path: "{path}"`, 1)
	h := &hears{}
	worker := func() *running {
		return r.run(text, func(r *Run) { r.Budget, r.Config.AfterFlush = &Budget{Limit: 64 << 10}, []hook.Hook{h} })
	}
	workers := []*running{worker()}
	for i := range rounds {
		r.produce(numbers(i*rows, rows, 3)...)
		workers = append(workers, worker())
		eventually(t, "most rows are visible", func() bool { return count(t, r.dir) > i*rows })
		if len(workers) == 3 {
			workers[0].stopped()
			workers = workers[1:]
		}
	}
	for _, w := range workers {
		w.Status.Drain()
	}
	eventually(t, "all is committed", func() bool {
		for p, end := range r.ends() {
			if r.committed()[p].Offset < end {
				return false
			}
		}
		return true
	})
	for _, w := range workers {
		w.stopped()
		if held := w.Status.Held(); len(held) > 0 {
			t.Errorf("held: %v", held)
		}
	}
	exactly(t, r.dir, rounds*rows)
}
