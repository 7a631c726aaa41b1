// Package sinktest holds a sink that makes files to the promises of sink.Writer and sink.Flush.
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

// Path is the template that the sinks of a Place have.
const Path = "{topic}/key={key}"

// Place is somewhere that a sink makes its files: empty at first, and used by one test.
type Place struct {
	Sink   func() sink.Sink           // a new one on the same place, as another process would make it; with Path and Lines
	Files  func() map[string][]byte   // every file there is, whole, by the name that sink.File gives it
	Plant  func(name, content string) // makes a file that is nobody's
	Remove func(name string)
}

// Run holds the sinks of places to their promises, each on a place of its own.
func Run(t *testing.T, open func(t *testing.T) Place) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Place)
	}{
		{"nothing is visible before Commit", invisible},
		{"every row is in one file, once", once},
		{"intake goes on while a flush commits", beside},
		{"Commit again is harmless", again},
		{"an interval without rows makes no file", empty},
		{"a replay in a new process is harmless", replay},
		{"a replay makes what is missing", mended},
		{"a replay of a compacted topic finds its files", compacted},
		{"an interval that was cut elsewhere is a Conflict", conflict},
		{"an interval of another layout is a Conflict", relaid},
		{"a file of nobody's is Foreign and stays", foreign},
		{"a file of another connector is Foreign and stays", others},
		{"a planted file beside the anchor is Foreign", besideAnchor},
		{"rows before a bad one are taken", bad},
		{"partitions are independent", partitions},
		{"Size goes up with rows and back with commits", sized},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
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
