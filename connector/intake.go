package connector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
)

// take takes a batch in, and closes as many intervals as it completes.
func (t *task) take(ctx context.Context, b *record.Batch) error {
	if err := t.landed(ctx); err != nil {
		return err
	}
	for more := true; more; {
		end, err := t.decode(b)
		if err != nil {
			return err
		}
		if err := t.fillTo(ctx, b, end); err != nil {
			return err
		}
		if more = end < len(b.Records); more {
			if len(t.wanted) > 0 {
				err = t.widen(ctx, b, end)
			}
			if err != nil {
				return err
			}
			b.Records = b.Records[end:]
		}
	}
	t.p.WakeAt(t.deadline())
	return t.breathe(ctx)
}

// decode reads the batch under the interval's rules, and says up to which record they hold: what follows the end of a plan, or needs
// more columns, is read again under others.
func (t *task) decode(b *record.Batch) (end int, err error) {
	end, t.wanted = len(b.Records), nil
	for t.until > 0 && end > 0 && b.Records[end-1].Offset >= t.until {
		end--
	}
	first, columns, err := t.in.decode(b)
	if err != nil {
		return 0, whole{err}
	}
	if len(columns) > 0 && t.until == 0 && !t.probing {
		end, t.wanted = first, columns
	}
	return end, nil
}

// decode reads a batch, and sorts its bad records out. Where columns are found that the schema lacks, they are those of the record at
// first, and of others after it.
func (r *rules) decode(b *record.Batch) (first int, columns []record.Column, err error) {
	b.Schema, b.Unknown = r.schema, b.Unknown[:0]
	if err := r.config.Codec.Decode(b); err != nil {
		return 0, nil, err
	}
	switch {
	case len(b.Unknown) == 0:
	case r.infers():
		return r.lacking(b)
	case r.config.Schema.New == "error":
		for _, i := range b.Unknown {
			b.Bad = append(b.Bad, record.Bad{Index: i, Err: errors.New("it has columns that are not in the schema")})
		}
		ordered(b)
	}
	return 0, nil, nil
}

// widen closes the interval before the record at index at, and goes on under a version of the schema that has the columns it needs.
func (t *task) widen(ctx context.Context, b *record.Batch, at int) error {
	t.next = b.Records[at].Offset
	if t.rows+len(t.dead) > 0 {
		if err := t.flush(ctx); err != nil {
			return err
		}
	}
	wider, err := t.book.extend(ctx, t.p.Topic, t.in, t.wanted)
	if err != nil {
		return fmt.Errorf("offset %d has new columns: %w", t.next, err)
	}
	t.in = wider
	return nil
}

// fillTo takes in the batch's records before index end, and closes the intervals that they complete.
func (t *task) fillTo(ctx context.Context, b *record.Batch, end int) error {
	for at := 0; ; {
		n := t.room(b, at, end)
		if err := t.fill(ctx, b, at, at+n); err != nil {
			return err
		}
		if at += n; at < len(b.Records) {
			t.next = b.Records[at].Offset
		} else {
			t.next = b.Next
		}
		t.state.moved(t.next, t.p.AtEnd())
		t.relieve(ctx)
		if t.due(time.Now()) {
			if err := t.flush(ctx); err != nil {
				return err
			}
		} else if at == end {
			return nil
		}
	}
}

// room is how many of the batch's records from at up to end may still join the interval.
func (t *task) room(b *record.Batch, at, end int) int {
	rest := b.Records[at:end]
	n := len(rest)
	if t.probing {
		return min(n, 1)
	}
	if t.until > 0 {
		for n > 0 && rest[n-1].Offset >= t.until {
			n--
		}
		return n
	}
	if t.Config.Flush.Rows > 0 {
		n = min(n, t.Config.Flush.Rows-t.rows)
	}
	return n
}

// fill writes the records from at up to end, leaving out the bad ones as the policy says.
func (t *task) fill(ctx context.Context, b *record.Batch, at, end int) error {
	for _, bad := range b.Bad {
		if bad.Index < at || bad.Index >= end {
			continue
		}
		if err := t.write(ctx, b, at, bad.Index); err != nil {
			return err
		}
		if err := t.bad(ctx, b, bad, t.in.config.Codec); err != nil {
			return err
		}
		at = bad.Index + 1
	}
	return t.write(ctx, b, at, end)
}

// write hands sound records to the writer, which may still refuse one by one.
func (t *task) write(ctx context.Context, b *record.Batch, at, end int) error {
	for at < end {
		t.view.Topic, t.view.Partition, t.view.Schema = b.Topic, b.Partition, b.Schema
		t.view.Records = b.Records[at:end]
		err := t.writer.Write(ctx, &t.view)
		var bad *record.Bad
		switch {
		case errors.As(err, &bad):
			if bad.Index > 0 {
				t.count(t.view.Records[:bad.Index])
			}
			at += bad.Index
			if err := t.bad(ctx, b, record.Bad{Index: at, Err: bad.Err}, t.in.config.Sink); err != nil {
				return err
			}
			at++
		case err != nil:
			return err
		default:
			t.count(t.view.Records)
			at = end
		}
	}
	return nil
}

// count keeps what the interval holds.
func (t *task) count(recs []record.Record) {
	t.last = time.Now()
	if t.rows+len(t.dead) == 0 {
		t.first = t.last
	}
	t.rows += len(recs)
	for i := range recs {
		t.bytes += int64(len(recs[i].Value))
	}
	t.state.rows.Add(int64(len(recs)))
	t.weigh()
}

// bad disposes of one record, which the codec or the sink refused. To stop, what came before it is made visible first.
func (t *task) bad(ctx context.Context, b *record.Batch, bad record.Bad, by any) error {
	rec := &b.Records[bad.Index]
	policy := t.in.config.Errors.OnBadRecord
	if errors.Is(bad.Err, formats.ErrSkip) {
		policy = "skip"
	}
	switch policy {
	case "skip":
		if rec.Offset >= t.counted {
			t.counted = rec.Offset + 1
			t.state.skipped.Add(1)
			t.Status.observe(func(o Observer) { o.Bad("skip", 1) })
		}
		return nil
	case "dead_letter":
		t.bury(b, rec, bad.Err, by)
		return nil
	}
	if t.probing { // under those rules nobody ever came past it
		return t.turn(ctx, t.from)
	}
	t.next = rec.Offset
	if t.until == 0 && t.next > t.from {
		if err := t.flush(ctx); err != nil {
			return err
		}
	}
	if err := t.await(ctx); err != nil {
		return err
	}
	return fmt.Errorf("offset %d cannot be written: %w; mend what produces it, or set errors: {on_bad_record: skip} or dead_letter", rec.Offset, bad.Err)
}
