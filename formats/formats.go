// Package formats says what a codec and a format are: a record's bytes to typed cells and back, and rows to files.
package formats

import (
	"errors"
	"io"
	"iter"

	"github.com/penstock/penstock/record"
)

// Codec reads and writes the Value of records. It is safe for concurrent use.
//
// Decode checks every Value and fills every Row with exactly the columns of Batch.Schema, in its order and its types; with a nil
// Schema it only checks. A record it cannot read is added to Batch.Bad and leaves its Row empty; the error is for what is wrong
// with more than one record. Where Schema is Open, the records that have further columns are named in Batch.Unknown. Cells may
// alias the Value, and memory that the batch uses again.
//
// Encode makes every Value from Row and Schema. A *record.Bad names the first row that it cannot: no Value is set then. Values are
// in memory of their own, or, where the batch has Room, in that, as long as its owner leaves it to them.
type Codec interface {
	Decode(b *record.Batch) error
	Encode(b *record.Batch) error
}

// ErrSkip is the reason of a Bad that is to be left out and counted, whatever is done with bad records.
var ErrSkip = errors.New("left out, as it was asked for")

// Format makes files. It is safe for concurrent use.
type Format interface {
	// Ext is how its files' names end, with the dot.
	Ext() string
	// NewEncoder begins a file of rows of s on w.
	NewEncoder(w io.Writer, s *record.Schema) (Encoder, error)
}

// Encoder writes one file. The same records give the same bytes, however they are shared out over calls.
//
//  1. Encode writes rows; it keeps nothing of them after it returns.
//  2. Close writes what ends the file. It does not close the io.Writer.
type Encoder interface {
	Encode(rows []record.Record) error
	Close() error
}

// What a Codec, Format or Encoder may offer beyond its contract, found by assertion.
type (
	// Inferrer is a Codec whose records say themselves what columns they have. Infer gives those that the batch's records, but the
	// ones in Bad, have and known lacks, in the order in which they are seen first, each of the type that holds all of its values.
	// One that is always null waits: it is not among them. A *record.Bad names the record whose columns would bring known beyond
	// record.MaxColumns; the columns given are then those of the records before it. Those of several batches go into a record.Union.
	Inferrer interface {
		Infer(b *record.Batch, known *record.Schema) ([]record.Column, error)
	}
	// Raw is a Format that writes Values as they stand on the topic. If its schema has columns, they are what it adds to them,
	// from Row.
	Raw interface{ Raw() bool }
	// Lined is a Format whose files may be what their rows append, one behind the other, and nothing else. Appender gives what appends one:
	// the bytes that an Encoder of s makes of it, at most one more than its Value has, and none beside an error. It is safe for concurrent
	// use; nil where files of s are more than that.
	Lined interface {
		Appender(s *record.Schema) func(dst []byte, r *record.Record) ([]byte, error)
	}
	// Reader is a Format that reads its files back, all of them, to see that they are whole. Read gives the rows in their order: of
	// each the cells of the columns of s, which are of kind Int, Null where it has none. What it gives is valid until the next row.
	Reader interface {
		Read(file io.ReaderAt, size int64, s *record.Schema) iter.Seq2[[]record.Value, error]
	}
	// Resetter is an Encoder that, once closed, can begin another file of the same schema on w.
	Resetter interface{ Reset(w io.Writer) }
)
