package sink

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/penstock/penstock/record"
)

// Put is a whole Sink that makes one object of each interval, exactly once.
//
//  1. It makes the object called m.Name(), which holds the rows of b and bears m: whole, or not at all. It never replaces one that
//     stands: it returns what m.Judge says of that. It gives the object's size.
//  2. It may run again with the same rows, after an error and in another process, and beside other intervals.
//  3. It keeps nothing of b, and changes nothing in it.
//
// Its rows are held in memory until they are visible. Where a topic is compacted, an interval that is written again may have lost
// its first row, and with it its name; sink/files looks for such ones.
type Put func(ctx context.Context, m Mark, b *record.Batch) (bytes int64, err error)

// Open makes a Writer that holds rows.
func (p Put) Open(_ context.Context, c Claim) (Writer, error) {
	return &holder{put: p, mark: Mark{Claim: c}, size: new(atomic.Int64)}, nil
}

// holder is an interval: the open one, which is the Writer, and each that was cut off it.
type holder struct {
	put   Put
	mark  Mark
	batch record.Batch
	file  []File        // once it stands
	held  int64         // bytes
	size  *atomic.Int64 // of all that are not visible yet
}

var errTwoSchemas = errors.New("rows of two schemas in one interval; cut between them")

func (h *holder) Write(_ context.Context, b *record.Batch) error {
	if len(b.Records) == 0 {
		return nil
	}
	if h.mark.Rows == 0 {
		h.batch = record.Batch{Topic: b.Topic, Partition: b.Partition, Schema: b.Schema}
		h.mark.First, h.mark.Schema = b.Records[0].Offset, version(b.Schema)
	}
	if version(b.Schema) != h.mark.Schema {
		return fmt.Errorf("%s/%d: %w", b.Topic, b.Partition, errTwoSchemas)
	}
	held := h.held
	for _, r := range b.Records {
		h.batch.Records = append(h.batch.Records, r.Clone())
		h.held += weight(r)
	}
	h.mark.Rows += int64(len(b.Records))
	h.size.Add(h.held - held)
	return nil
}

func version(s *record.Schema) int {
	if s == nil {
		return 0
	}
	return s.Version
}

// weight is about what a record takes up.
func weight(r record.Record) int64 {
	n := 128 + len(r.Key) + len(r.Value) + 32*len(r.Row)
	for _, v := range r.Row {
		n += len(v.Str)
	}
	for _, h := range r.Headers {
		n += 40 + len(h.Key) + len(h.Value)
	}
	return int64(n)
}

func (h *holder) Cut(next int64) (Flush, error) {
	cut := *h
	cut.mark.Until = next
	h.mark = Mark{Claim: h.mark.Claim}
	if cut.mark.Rows > 0 {
		cut.mark.Files, cut.mark.Total = 1, cut.mark.Rows
		h.mark.Before = next
	}
	h.mark.From, h.held, h.batch = next, 0, record.Batch{}
	return &cut, nil
}

func (h *holder) Commit(ctx context.Context) ([]File, error) {
	if h.mark.Rows == 0 || h.file != nil {
		return h.file, nil
	}
	bytes, err := h.put(ctx, h.mark, &h.batch)
	if err != nil {
		return nil, err
	}
	h.file = []File{h.mark.File(h.mark.Name(), bytes)}
	h.size.Add(-h.held)
	h.batch = record.Batch{}
	return h.file, nil
}

// Size is of Sized.
func (h *holder) Size() int64 { return h.size.Load() }
