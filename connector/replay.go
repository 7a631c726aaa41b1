package connector

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// doubt is a range of offsets of which metadata does not say all: what the topic still holds of it is made into objects again, but for
// the objects, and compared.
type doubt struct {
	from, to int64
	of       *interval // nil where no object says that there is an interval
	next     *interval // under whose rules the rows are read
	opening  bool      // it lies before everything
	proven   bool      // metadata says that all is well
	closed   bool      // it cannot be settled, and that has been said
}

// replay settles the doubts.
func (l *ledger) replay(ctx context.Context) error {
	slices.SortStableFunc(l.doubts, func(a, b doubt) int { return cmp.Compare(a.from, b.from) })
	for len(l.doubts) > 0 {
		n := 1
		for n < len(l.doubts) && l.doubts[n].from < l.doubts[n-1].to+replayGap && l.doubts[n].from >= l.doubts[n-1].to {
			n++
		}
		r := replaying{ledger: l, left: l.doubts[:n]}
		l.doubts = l.doubts[n:]
		if err := r.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

const (
	replayGap   = 10_000   // offsets that are rather read than left out
	replayBytes = 64 << 20 // of rows in memory
)

// replaying goes through doubts, one after the other.
type replaying struct {
	*ledger
	left   []doubt // the first is in hand
	in     *rules
	writer sink.Writer // of the doubt in hand; nil before its first row
}

func (r *replaying) run(ctx context.Context) error {
	defer r.drop()
	from, to := max(r.left[0].from, r.low), r.left[len(r.left)-1].to
	err := r.read(ctx, from, to)
	for lost := (*kafka.Lost)(nil); errors.As(err, &lost); err = r.read(ctx, r.low, to) {
		if err := r.shrunk(ctx, lost); err != nil {
			return err
		}
	}
	for err == nil && len(r.left) > 0 {
		err = r.settle()
	}
	return err
}

// shrunk asks again where the topic begins, since rows have expired meanwhile that were about to be read.
func (l *ledger) shrunk(ctx context.Context, lost *kafka.Lost) error {
	a, err := l.Client.Admin()
	if err != nil {
		return err
	}
	defer a.Close()
	low, err := a.Starts(ctx, l.topic, kafka.From{})
	if err != nil {
		return err
	}
	if l.line.Partition >= len(low) || low[l.line.Partition] <= lost.Offset {
		return lost
	}
	l.low = low[l.line.Partition]
	return nil
}

// read gives the doubts what the topic holds of two offsets, and settles those that it comes past.
func (r *replaying) read(ctx context.Context, from, to int64) error {
	for b, err := range r.Client.Span(ctx, r.topic, int32(r.line.Partition), from, to) {
		if err != nil {
			return err
		}
		for rest := b.Records; len(rest) > 0 && len(r.left) > 0; {
			n := 0
			for n < len(rest) && rest[n].Offset < r.left[0].to {
				n++
			}
			if err := r.take(ctx, rest[:n]); err != nil {
				return err
			}
			if rest = rest[n:]; len(rest) > 0 {
				if err := r.settle(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// take gives rows to the doubt in hand, but those before it.
func (r *replaying) take(ctx context.Context, rows []record.Record) error {
	for len(rows) > 0 && rows[0].Offset < r.left[0].from {
		rows = rows[1:]
	}
	if len(rows) == 0 {
		return nil
	}
	if err := r.begin(ctx); err != nil || r.writer == nil {
		return err
	}
	b := record.Batch{Topic: r.topic, Partition: int32(r.line.Partition), Records: rows}
	if _, _, err := r.in.decode(&b); err != nil {
		return err
	}
	at := 0
	for _, bad := range append(b.Bad, record.Bad{Index: len(rows)}) {
		if err := r.write(ctx, &b, at, bad.Index); err != nil {
			return err
		}
		at = bad.Index + 1
	}
	if s, ok := r.writer.(sink.Sized); ok && s.Size() > replayBytes {
		if s, ok := r.writer.(sink.Spiller); ok {
			_, err := s.Spill()
			return err
		}
	}
	return nil
}

// write hands sound rows to the writer; what it refuses is in no object.
func (r *replaying) write(ctx context.Context, b *record.Batch, at, end int) error {
	for at < end {
		view := record.Batch{Topic: b.Topic, Partition: b.Partition, Schema: b.Schema, Records: b.Records[at:end]}
		err := r.writer.Write(ctx, &view)
		var bad *record.Bad
		if !errors.As(err, &bad) {
			return err
		}
		at += bad.Index + 1
	}
	return nil
}

// begin makes a writer for the doubt in hand, by the rules that its rows were written by.
func (r *replaying) begin(ctx context.Context) error {
	if r.writer != nil || r.left[0].closed {
		return nil
	}
	by := r.left[0].next
	var err error
	if by.layout == "" {
		r.in, err = r.book.latest(r.topic)
	} else {
		r.in, err = r.book.earlier(ctx, by.layout, r.topic, by.schema)
	}
	if lost := (whole{}); errors.As(err, &lost) {
		return lost.error
	}
	if err == nil {
		if p, ok := r.in.config.Sink.(sink.Previewer); ok {
			r.writer = p.Preview(sink.Claim{Connector: r.Name, Topic: r.topic, TopicID: r.id, Partition: int32(r.line.Partition), From: r.left[0].from})
			return nil
		}
		err = errors.New("its sink cannot say what it would make of them")
	}
	d := r.left[0]
	r.finding("unproven", d.from, d.to, by.name, "the rows that the topic holds cannot be compared: %v", err)
	r.left[0].closed = true
	return nil
}

func (r *replaying) drop() {
	if c, ok := r.writer.(io.Closer); ok {
		_ = c.Close() // it only forgets
	}
	r.writer = nil
}

// settle compares what the doubt in hand would have made with what stands, and goes on to the next.
func (r *replaying) settle() error {
	d := r.left[0]
	var files []sink.File
	if r.writer != nil {
		f, err := r.writer.Cut(d.to)
		if err != nil {
			return err
		}
		if l, ok := f.(sink.Listed); ok {
			files = l.Files()
		}
		if c, ok := f.(io.Closer); ok {
			_ = c.Close() // it only forgets
		}
		r.drop()
	}
	r.left = r.left[1:]
	expired := d.from < r.low
	switch {
	case d.closed:
		return nil
	case d.of != nil:
		r.compare(d.of, files, !expired && !r.compacts)
	case len(files) > 0:
		var rows int64
		for _, f := range files {
			rows += f.Rows
		}
		r.finding("gap", d.from, d.to, "", "%d rows that the topic holds, the first at offset %d, are in no object", rows, files[0].First)
	}
	unknown := d.of == nil || d.of.all == 0
	if expired && unknown && !d.opening && !d.proven && len(files) == 0 {
		r.finding("unproven", d.from, d.to, d.next.name, "nothing says what was there, and the topic begins at offset %d", r.low)
	}
	return nil
}

// compare holds the objects of an interval against those that the topic's rows would make. Exactly is whether the topic still has all.
func (r *replaying) compare(iv *interval, files []sink.File, exactly bool) {
	seen := map[uint64]bool{}
	for _, f := range files {
		at := folder(f.Name)
		seen[at] = true
		is, stands := iv.held[at]
		switch {
		case !stands:
			r.finding("gap", iv.from, iv.until, f.Name, "%d rows that the topic holds, the first at offset %d, are in no object: this one is missing", f.Rows, f.First)
		case is.rows < f.Rows:
			r.finding("gap", iv.from, iv.until, f.Name, "it holds %d rows of %d that are on the topic", is.rows, f.Rows)
		case exactly && is.rows > f.Rows:
			r.finding("doubled", iv.from, iv.until, f.Name, "it holds %d rows where the topic has %d", is.rows, f.Rows)
		case exactly && is.offset != f.First:
			r.finding("damaged", iv.from, iv.until, f.Name, "by its metadata its first row is at offset %d, and by the topic at %d", is.offset, f.First)
		}
	}
	for at := range iv.held {
		if exactly && !seen[at] {
			r.finding("doubled", iv.from, iv.until, iv.name, "the interval has an object from offset %d on in a folder where the topic has no rows for it", iv.held[at].offset)
		}
	}
}
