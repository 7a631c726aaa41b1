package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// writer shares rows out to a buffer a path. One goroutine uses it; its flushes share only what is safe.
type writer struct {
	engine  *engine
	claim   sink.Claim // as it was opened: sweeps of other partitions read it at any time
	paths   *renderer
	plan    *plan
	schema  *record.Schema // of the last batch, and of the plan
	buffers map[string]*buffer
	order   []*buffer // by first row
	last    *buffer
	from    int64         // where the interval begins
	before  int64         // where the last one ended that made anything visible
	taken   int64         // offset of the last row
	account *atomic.Int64 // bytes held, by open buffers and by flushes that are not committed yet
	scratch *overflow     // of the rows of the interval that went out of memory
	headers []byte        // of the record in hand, as text
	closed  bool
}

func newWriter(e *engine, c sink.Claim) *writer {
	return &writer{
		engine: e, claim: c, from: c.From, before: c.Before, taken: c.From - 1,
		paths:   newRenderer(e.Path, e.TimeZone, c.Topic, c.Partition),
		buffers: map[string]*buffer{},
		account: new(atomic.Int64),
		scratch: new(overflow),
	}
}

var (
	errTwoSchemas = errors.New("rows of two schemas in one interval; cut between them")
	errNoCells    = errors.New("has not the cells of its schema")
)

// Write copies rows into the buffers of their paths.
func (w *writer) Write(_ context.Context, b *record.Batch) error {
	if err := w.adopt(b.Schema); err != nil {
		return fmt.Errorf("%s/%d: %w", w.claim.Topic, w.claim.Partition, err)
	}
	for i := range b.Records {
		rec := &b.Records[i]
		if len(rec.Row) < w.plan.need {
			return &record.Bad{Index: i, Err: errNoCells}
		}
		err := w.sound(rec)
		if err != nil {
			return &record.Bad{Index: i, Err: err}
		}
		buf, err := w.buffer(rec)
		if err == nil {
			err = buf.add(rec, w.plan, w.headers)
		}
		if err != nil {
			w.forget(buf)
			return &record.Bad{Index: i, Err: err}
		}
		w.taken = rec.Offset
	}
	return nil
}

// adopt makes a batch's schema the interval's.
func (w *writer) adopt(s *record.Schema) error {
	if w.plan != nil && (s == w.schema || same(s, w.schema)) {
		return nil
	}
	if len(w.order) > 0 {
		return errTwoSchemas
	}
	p, err := w.engine.plan(s)
	if err != nil {
		return err
	}
	if err := w.paths.bind(s); err != nil {
		return err
	}
	w.plan, w.schema = p, s
	return nil
}

// buffer is the one of a row's path.
func (w *writer) buffer(rec *record.Record) (*buffer, error) {
	path, err := w.paths.render(rec)
	if err != nil {
		return nil, err
	}
	if w.last != nil && string(path) == w.last.path {
		return w.last, nil
	}
	buf := w.buffers[string(path)]
	if buf == nil {
		if err := w.check(path); err != nil {
			return nil, err
		}
		buf = newBuffer(string(path), &w.engine.pool, w.account)
		w.buffers[buf.path] = buf
		w.order = append(w.order, buf)
	}
	w.last = buf
	return buf, nil
}

// forget drops a buffer, if there is one, that no row came into.
func (w *writer) forget(b *buffer) {
	if b != nil && b.rows == 0 {
		delete(w.buffers, b.path)
		w.order, w.last = w.order[:len(w.order)-1], nil
		b.free()
	}
}

// check holds a new path's files against what the store takes.
func (w *writer) check(path []byte) error {
	o := w.engine.Options
	name := w.engine.name(&w.claim, string(path), 0)
	if o.MaxName > 0 && len(name) > o.MaxName {
		return fmt.Errorf("path: its file's name would be %d bytes long, above %d; use shorter values", len(name), o.MaxName)
	}
	if o.MaxSegment == 0 {
		return nil
	}
	for part := range bytes.SplitSeq([]byte(name), []byte("/")) {
		if len(part) > o.MaxSegment {
			return fmt.Errorf("path: a folder's or file's name would be %d bytes long, above %d; use shorter values", len(part), o.MaxSegment)
		}
	}
	return nil
}

// Cut hands the buffers over to a flush.
func (w *writer) Cut(next int64) (sink.Flush, error) {
	if next <= w.taken || next < w.from {
		return nil, fmt.Errorf("%s/%d: cut at offset %d, and rows up to %d were taken", w.claim.Topic, w.claim.Partition, next, w.taken)
	}
	c := w.claim
	c.Before = w.before
	f := &flush{engine: w.engine, claim: c, plan: w.plan, from: w.from, until: next, redo: c.Until != 0 && w.from == c.From}
	again := c.From // where a walk through what stands may begin, or go on
	if c.Until != 0 {
		again = c.Until
	}
	f.doubted = w.from == again && len(w.order) > 0 && w.order[0].first > w.from
	f.account, f.scratch, w.scratch = w.account, w.scratch, new(overflow)
	f.parts = make([]pending, len(w.order))
	for i, b := range w.order {
		f.parts[i] = pending{buffer: b, name: w.engine.name(&c, b.path, b.first)}
		f.rows += b.rows
		w.before = next
	}
	w.buffers, w.order, w.last = map[string]*buffer{}, nil, nil
	w.from, w.taken = next, next-1
	return f, nil
}

// Size is what open buffers and flushes that are not committed hold in memory.
func (w *writer) Size() int64 { return w.account.Load() }

// What must be held for Spill to be worth its while: so much for each path, since each has a piece of the scratch file to itself, but
// no less and no more than these. What is too little is cut, and makes small files.
const (
	leastSpill = 32 << 10
	mostSpill  = 1 << 20
	pathSpill  = 1 << 10
)

// Spill moves the rows that are not cut to a scratch file, as sink.Spiller says. What it leaves in memory, to find them again, stays
// in proportion to what it takes out.
func (w *writer) Spill() (int64, error) {
	var gives, stays int64
	for _, b := range w.order {
		n := b.memory()
		gives, stays = gives+n, stays+b.held-n
	}
	if gives < max(int64(min(mostSpill, max(leastSpill, pathSpill*len(w.order)))), stays/4) {
		return 0, nil
	}
	freed, err := w.scratch.spill(w.order)
	if err != nil {
		return 0, fmt.Errorf("%s/%d: %w", w.claim.Topic, w.claim.Partition, err)
	}
	return freed, nil
}

// Close forgets the rows that were not cut.
func (w *writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	defer w.engine.closed(w)
	for _, b := range w.order {
		b.free()
	}
	w.buffers, w.order, w.last = map[string]*buffer{}, nil, nil
	return w.scratch.Close()
}
