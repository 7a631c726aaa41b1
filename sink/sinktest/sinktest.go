// Package sinktest holds a sink that makes objects to the promises of sink.Writer and sink.Flush: Run any such sink, Files one that
// shares rows out to several by a path template, as those of sink/files do.
package sinktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// Path is the template that the sinks of a Place for Files have.
const Path = "{topic}/key={key}"

// Place is somewhere that a sink makes its objects, here called files: empty at first, and used by one test.
type Place struct {
	Sink   func() sink.Sink           // a new one on the same place, as another process would make it; it writes each Value as a line
	Files  func() map[string][]byte   // every file there is, whole, by the name that sink.File gives it
	Plant  func(name, content string) // makes a file that is nobody's
	Remove func(name string)
}

type promise struct {
	name string
	test func(*testing.T, Place)
}

var promises = []promise{
	{"nothing is visible before Commit", invisible},
	{"every row is in one file, once", once},
	{"intake goes on while a flush commits", beside},
	{"Commit again is harmless", again},
	{"an interval without rows makes no file", empty},
	{"a replay in a new process is harmless", replay},
	{"a replay makes what is missing", mended},
	{"an interval that was cut elsewhere is a Conflict", conflict},
	{"an interval of another layout is a Conflict", relaid},
	{"an interval behind offsets without rows is a Conflict", behind},
	{"a file of nobody's is Foreign and stays", foreign},
	{"a file of another connector is Foreign and stays", others},
	{"partitions are independent", partitions},
	{"Size goes up with rows and back with commits", sized},
}

var promisesOfFiles = []promise{
	{"rows are shared out by their path", paths},
	{"a replay of a compacted topic finds its files", compacted},
	{"a walk over a compacted topic meets what stands", walked},
	{"a planted file beside the anchor is Foreign", besideAnchor},
	{"rows before a bad one are taken", bad},
}

// Run holds the sinks of places to what every exactly-once sink of objects promises, each promise on a place of its own:
//
//   - Rows become visible when their interval is committed, and not before, each in one file. Write keeps nothing of the batch, and
//     takes in the next interval while one commits.
//   - Committing again, by the same Flush or by another process that was given the same rows, changes nothing and reports the same
//     files. What is missing is made. An interval without rows makes nothing.
//   - An interval that stands already and is cut otherwise, or of another layout, is a *sink.Conflict that says where it ends; and
//     one that begins behind a stretch without rows, where that ends. So the name of a file follows from the first row in it, and
//     what stands beside it, as a sink.Mark, says the rest.
//   - What is not this connector's is *sink.Foreign, and never changed.
//   - Writers of one Sink work side by side. One that is sink.Sized counts what it holds, until it is visible.
func Run(t *testing.T, open func(t *testing.T) Place) { hold(t, open, promises) }

// Files holds the sinks of places, which have Path and Lines, to what Run demands, and to this: a file for each path; one whose
// first row was compacted away is found when it is written again, also by who knows of no interval there; no file of an interval replaces one that is not ours; a record
// that no store has a name for is a *record.Bad, and those before it are taken.
func Files(t *testing.T, open func(t *testing.T) Place) {
	hold(t, open, slices.Concat(promises, promisesOfFiles))
}

func hold(t *testing.T, open func(t *testing.T) Place, to []promise) {
	for _, p := range to {
		t.Run(p.name, func(t *testing.T) { p.test(t, open(t)) })
	}
}

// Claim is the one that the tests write under.
func Claim(partition int32, from int64) sink.Claim {
	return sink.Claim{Connector: "stock lake", Topic: "stock", TopicID: "id-1", Partition: partition, From: from, Layout: "layout-1"}
}

// row is what the record at an offset holds: the value names it.
func row(c sink.Claim, offset int64) record.Record {
	return record.Record{
		Offset: offset, Time: 1_700_000_000_000 + offset,
		Key:   []byte{"abc"[offset%3]},
		Value: fmt.Appendf(nil, "%s/%d/%d", c.Topic, c.Partition, offset),
	}
}

func rows(c sink.Claim, from, to int64) []record.Record {
	var all []record.Record
	for o := from; o < to; o++ {
		all = append(all, row(c, o))
	}
	return all
}

func open(t *testing.T, s sink.Sink, c sink.Claim) sink.Writer {
	t.Helper()
	w, err := s.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, w) })
	return w
}

func shut(t *testing.T, w sink.Writer) {
	if c, ok := w.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// write hands rows over in small batches, and spoils their memory after each.
func write(w sink.Writer, c sink.Claim, all []record.Record) error {
	for batch := range slices.Chunk(all, 3) {
		err := w.Write(context.Background(), &record.Batch{Topic: c.Topic, Partition: c.Partition, Records: batch})
		if err != nil {
			return err
		}
		for _, r := range batch {
			clear(r.Key)
			clear(r.Value)
		}
	}
	return nil
}

// flushed writes rows and cuts at next.
func flushed(t *testing.T, w sink.Writer, c sink.Claim, all []record.Record, next int64) sink.Flush {
	t.Helper()
	if err := write(w, c, all); err != nil {
		t.Fatal(err)
	}
	f, err := w.Cut(next)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func commit(t *testing.T, f sink.Flush) []sink.File {
	t.Helper()
	made, err := f.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// done is a whole interval, written by a new process.
func done(t *testing.T, p Place, c sink.Claim, to int64) []sink.File {
	t.Helper()
	return commit(t, flushed(t, open(t, p.Sink(), c), c, rows(c, c.From, to), to))
}

// exactly fails unless the place holds these rows, each once.
func exactly(t *testing.T, p Place, want []record.Record) {
	t.Helper()
	seen := map[string]int{}
	for name, content := range p.Files() {
		for line := range strings.Lines(string(content)) {
			value := strings.TrimSuffix(line, "\n")
			if seen[value]++; seen[value] > 1 {
				t.Errorf("%s holds %s, which another file or line holds too", name, value)
			}
		}
	}
	for _, r := range want {
		if seen[string(r.Value)] == 0 {
			t.Errorf("row %s is in no file", r.Value)
		}
	}
	if len(seen) > len(want) {
		t.Errorf("%d rows are visible, want %d", len(seen), len(want))
	}
}

// parallel runs f for each of n, and waits for all.
func parallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}
