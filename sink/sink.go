// Package sink says what a sink is: something that takes in a partition's rows and makes them visible an interval at a time.
package sink

import (
	"context"
	"fmt"
	"iter"

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
	Before    int64  // where the last interval before From that made anything visible ends; 0 where that is not known
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
// the same rows give the same names, and what stands already is left as it is. *Conflict, *Foreign and *Broken say that it cannot.
// A Flush that is an io.Closer is closed when nobody will commit it again, whether it was or not.
type Flush interface {
	Commit(ctx context.Context) ([]File, error)
}

// File is one object that a flush made visible.
type File struct {
	Name      string `json:"name"` // within the store
	Path      string `json:"path"` // the part of Name that the path template gave
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	First     int64  `json:"first"` // offset of its first row
	Next      int64  `json:"next"`  // where its interval ends
	Rows      int64  `json:"rows"`
	Bytes     int64  `json:"bytes,omitempty"` // not known before it is written
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
type Foreign struct {
	Name, Why string
	Anchor    bool // ours would hold the interval's very first offset: so nothing of the interval is visible
}

func (e *Foreign) Error() string {
	remedy := "move it away, or give the connector a path or prefix of its own"
	if !e.Anchor {
		remedy = "move it away: other objects of the interval may be visible"
	}
	return fmt.Sprintf("%s stands already and is not this connector's (%s); %s", e.Name, e.Why, remedy)
}

// Unfit says that rows which were taken in cannot be made into what they should be, however often that is tried.
type Unfit struct {
	Name string
	Err  error
}

func (e *Unfit) Error() string {
	return fmt.Sprintf("%s cannot be made: %v; it is not tried again, since the rows will be the same", e.Name, e.Err)
}

// Unwrap gives the reason alone.
func (e *Unfit) Unwrap() error { return e.Err }

// What a Sink or Writer may offer beyond its contract, found by assertion.
type (
	// Columned is a Sink that needs typed cells: the columns asked for, or those and all others. One that is declared comes as
	// declared, also where it was asked for by a path: a name that holds dots may be a column's own.
	Columned interface {
		Columns() (asked []record.Column, all bool)
	}
	// Prober is a Flush that can tell, without writing, whether its interval stands already: nil when it does not, else *Conflict
	// or *Foreign.
	Prober interface {
		Probe(ctx context.Context) error
	}
	// Previewer is a Sink that can make a Writer which touches nothing outside; its flushes are Listed, and not to be committed.
	Previewer interface{ Preview(c Claim) Writer }
	// Listed is a Flush that says, without writing, which files it would make; their sizes are not known.
	Listed interface{ Files() []File }
	// Fitted is a Sink that says whether it could take rows of a schema. It asks nobody, and is called before Open. Where an option
	// of its own is at fault, the error says so by plugin.Option.
	Fitted interface{ Fits(s *record.Schema) error }
	// Advised is a Sink that says which names in its files, or folders, somebody who reads them stumbles over: it stops nothing.
	// Without hooks nobody makes tables of the files but by hand.
	Advised interface {
		Advice(s *record.Schema, hooks bool) []error
	}
	// Sized is a Writer that holds rows in memory until they are committed, and says how many bytes.
	Sized interface{ Size() int64 }
	// Spiller is a Writer that can move the rows it holds out of memory, until they are cut and committed as ever. It says how
	// many bytes that gave back: 0 where too little is held to be worth it. After an error it holds what it held.
	Spiller interface {
		Spill() (freed int64, err error)
	}
	// Checked is a Sink, Source or Hook that finds out, outside the process, whether it could do its work now: that what it
	// needs is there, that it has the rights, that the service keeps its promises. The error says what to do. Nothing of the
	// user's is changed. It may be called before anything else, and beside everything else.
	Checked interface {
		Check(ctx context.Context) error
	}
	// Keeper is a Sink that says what stands where it puts the objects of a topic. It changes nothing.
	//
	//  1. Place is which store that is, as text that names may be put after, and what the names of all of them begin with. Two Keepers
	//     whose objects stand in the same place say so, whichever way they were told of it; the store of one may lie in the other's.
	//  2. Objects gives what stands there in any order, but what is by its name of another topic; of each partition only what is by
	//     its name of offsets that within gives, the last before them and the first after.
	//  3. Inspect reads an object, and says whether it is what it says of itself: *Broken where it is not. Any other error says that
	//     it could not be read.
	Keeper interface {
		Place(topic string) (store, prefix string)
		Objects(ctx context.Context, topic string, within func(partition int32) (from, to int64)) iter.Seq2[Object, error]
		Inspect(ctx context.Context, o Object) error
	}
	// Naming is a Sink that says, as text, what the names of a topic's objects are made from, with the service and the store that they
	// stand in: two that say the same would meet each other's objects. "" is that it cannot tell. It changes nothing, and asks no service.
	Naming interface{ Names(topic string) string }
	// Warner is a Sink that says what it met, since it was last asked, that stops nothing but that somebody should know.
	Warner interface{ Warnings() []error }
)

// Func is a whole Sink that buffers nothing: rows are visible when it returns, at least once.
type Func func(ctx context.Context, b *record.Batch) error

// Open makes a Writer whose every Write is a call.
func (f Func) Open(context.Context, Claim) (Writer, error) { return funcWriter{f}, nil }

type funcWriter struct{ f Func }

func (w funcWriter) Write(ctx context.Context, b *record.Batch) error { return w.f(ctx, b) }
func (w funcWriter) Cut(int64) (Flush, error)                         { return w, nil }
func (w funcWriter) Commit(context.Context) ([]File, error)           { return nil, nil }
