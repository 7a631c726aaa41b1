// Package record says what data is: the batch that flows through everything, its records, cells and schema.
package record

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// Record is one row: as the bytes that stand on the topic, and, once decoded, as typed cells.
type Record struct {
	Offset  int64
	Time    int64  // milliseconds since 1970-01-01 UTC; NoTime where the topic has none
	Key     []byte // nil is null
	Value   []byte // nil is null, a tombstone
	Row     []Value
	Headers []Header
}

// Clone is the record in memory of its own.
func (r Record) Clone() Record {
	r.Key, r.Value, r.Row, r.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Row), slices.Clone(r.Headers)
	for i := range r.Row {
		r.Row[i].Str = strings.Clone(r.Row[i].Str)
	}
	for i, h := range r.Headers {
		r.Headers[i] = Header{strings.Clone(h.Key), bytes.Clone(h.Value)}
	}
	return r
}

// NoTime is the Time of a record without a timestamp.
const NoTime = -1

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Batch is a run of records of one partition, of one schema, in offset order.
//
// Whoever is handed a batch may read it until the call returns; to keep bytes or cells longer, copy them:
// the one who made the batch uses its memory again.
type Batch struct {
	Topic     string
	Partition int32
	Schema    *Schema // of every Row; nil until somebody asks for columns
	Records   []Record
	Bad       []Bad // what a codec could not read, by ascending Index
	Unknown   []int // where Schema is Open: indexes of sound Records that have columns, not null, which are neither in Schema.Columns nor Cut
	Next      int64 // the position after the batch: beyond the last record, and beyond control records and gaps that follow it

	// Room is memory to encode Values into, behind what is in it, for whoever wants to have it back once they are done with; nil is
	// none. Afterwards it holds them too, and may be larger.
	Room []byte

	cells []Value
	text  []byte
}

// Keep copies text into memory that the batch uses again from its next Rows on.
func (b *Batch) Keep(text []byte) string {
	start := len(b.text)
	b.text = append(b.text, text...)
	return alias(b.text[start:])
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Rows gives every record an empty Row of n cells, from memory that the batch keeps for its next use.
func (b *Batch) Rows(n int) {
	b.text = b.text[:0]
	if need := n * len(b.Records); cap(b.cells) < need {
		b.cells = make([]Value, need)
	} else {
		b.cells = b.cells[:need]
		clear(b.cells)
	}
	for i := range b.Records {
		b.Records[i].Row = b.cells[i*n : (i+1)*n : (i+1)*n]
	}
}

// Bad is an error that names the one record at fault; the others of the batch are sound.
type Bad struct {
	Index int // in Batch.Records
	Err   error
}

func (b *Bad) Error() string { return fmt.Sprintf("record %d of the batch: %v", b.Index, b.Err) }

// Unwrap gives the reason alone.
func (b *Bad) Unwrap() error { return b.Err }
