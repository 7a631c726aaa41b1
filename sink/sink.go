// Package sink says what a sink is: something that takes in a partition's rows and makes them visible an interval at a time.
package sink

import (
	"context"
	"fmt"

	"github.com/penstock/penstock/record"
)

// Claim says whose rows a Writer is opened for.
type Claim struct {
	Connector string
	Topic     string
	TopicID   string // tells a topic from another that had its name before
	Partition int32
	From      int64  // where the next interval begins
	Until     int64  // where it must end, when it was planned before and may be visible in part; 0 otherwise
	Layout    string // a hash of everything that decides names, rows and verdicts
}

// Sink opens a Writer a partition. It is safe for concurrent use; its writers are not.
type Sink interface {
	Open(ctx context.Context, c Claim) (Writer, error)
}

// Writer takes in the rows of one partition, interval after interval. One goroutine calls it.
//
//  1. Write takes rows in; nothing is visible yet, and nothing of the batch is kept after it returns.
//     A *record.Bad says: the rows before Index are taken, that one is not; dispose of it and call again with the rest.
//  2. Cut closes the interval at offset next. Rows that come later belong to the following one.
//  3. A Writer that is an io.Closer is closed when it is no longer needed; what was not cut is forgotten.
type Writer interface {
	Write(ctx context.Context, b *record.Batch) error
	Cut(next int64) (Flush, error)
}

// Flush is one closed interval.
//
// Commit makes it visible, while the Writer goes on taking rows in. After an error, or in another process, it may run again:
// the same rows give the same names, and what stands already is left as it is. *Conflict and *Foreign say that it cannot.
type Flush interface {
	Commit(ctx context.Context) ([]File, error)
}

// File is one object that a flush made visible.
type File struct {
	Name      string // within the store
	Path      string // the part of Name that the path template gave
	Topic     string
	Partition int32
	First     int64 // offset of its first row
	Next      int64 // where its interval ends
	Rows      int64
	Bytes     int64
}

// Conflict says that this interval stands already, cut elsewhere: an earlier run of ours got that far.
// The remedy is to adopt its end.
type Conflict struct {
	Name   string
	End    int64
	Layout string
	Schema int
}

func (e *Conflict) Error() string {
	return fmt.Sprintf("%s stands already, for an interval that ends at offset %d", e.Name, e.End)
}

// Foreign says that an object which is not ours, or not of this interval, stands where one of ours should.
// It is never overwritten.
type Foreign struct{ Name, Why string }

func (e *Foreign) Error() string {
	return fmt.Sprintf("%s stands already and is not this connector's (%s); move it away, or give the connector a path or prefix of its own", e.Name, e.Why)
}

// What a Sink or Writer may offer beyond its contract, found by assertion.
type (
	// Columned is a Sink that needs typed cells: the columns named, or all of them.
	Columned interface {
		Columns() (names []string, all bool)
	}
	// Sized is a Writer that holds rows in memory until they are committed, and says how many bytes.
	Sized interface{ Size() int64 }
)

// Func is a whole Sink that buffers nothing: rows are visible when it returns, at least once.
type Func func(ctx context.Context, b *record.Batch) error

// Open makes a Writer whose every Write is a call.
func (f Func) Open(context.Context, Claim) (Writer, error) { return funcWriter{f}, nil }

type funcWriter struct{ f Func }

func (w funcWriter) Write(ctx context.Context, b *record.Batch) error { return w.f(ctx, b) }
func (w funcWriter) Cut(int64) (Flush, error)                         { return w, nil }
func (w funcWriter) Commit(context.Context) ([]File, error)           { return nil, nil }
