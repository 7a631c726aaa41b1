// Package source says what a source is: something that can be read in splits, side by side, and again from where it was left.
package source

import (
	"context"
	"iter"

	"github.com/penstock/penstock/record"
)

// Offset says how far a split has been read. Only the source that made it reads it; nil is the beginning.
type Offset []byte

// Page is rows together with the offset that follows them: both are stored, or neither.
//
// Rows come typed (Schema and Row) for the codec to encode, or as finished Values. Key and Time are the source's to set.
// A source with a rate puts at most 100 ms of rows in a page. A page may be empty: only its Next is stored then.
type Page struct {
	record.Batch
	Next   Offset
	Before []Offset // where reading goes on before each of Bad; nil if the source cannot say, and then only whole pages can be stored
	AtEnd  bool     // there is nothing after the page, for now: a split that waits for more says so before it first waits
}

// Source is read split by split; several splits are read at once.
type Source interface {
	// Splits lists what can be read side by side, by names that stay the same from run to run: files, tables, shards.
	Splits(ctx context.Context) ([]string, error)
	// Read gives the pages of a split that follow after, in order, always the same ones. It ends when the split does, after
	// an error, or soon after ctx is done. What a page holds is valid until the next one is asked for.
	// A row that cannot be read is in Page.Bad and does not end the split. An error is the split's alone: it is held, for somebody to
	// see, and read again after a while from the last offset that is stored; the others go on.
	Read(ctx context.Context, split string, after Offset) iter.Seq2[Page, error]
}

// Endless is a Source whose splits may not end by themselves.
type Endless interface {
	// Endless names the option that keeps them from ending, as in "order: sample"; "" if they all end. Waits says that they
	// come to the end of what is there, say so in Page.AtEnd, and wait for more.
	Endless() (option string, waits bool)
}

// Measured is a Source that can say how far an offset is on the way through its split, for whoever waits.
type Measured interface {
	// Measure gives what lies before at and what there is in all, in a unit of the source's own: bytes, mostly. Total is 0 where
	// it is not known, or has no end.
	Measure(split string, at Offset) (done, total int64)
}
