package files

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// Inspect is of sink.Keeper. A file is read once, into memory or a scratch file, and its rows from there.
func (e *engine) Inspect(ctx context.Context, o sink.Object) error {
	store, reads := e.store.(Reader)
	format, ok := e.Format.(formats.Reader)
	if !reads || !ok {
		return fmt.Errorf("%s: %w", o.Name, errUnread)
	}
	in, err := store.Read(ctx, o.Name, o.Bytes)
	if err != nil {
		return err
	}
	defer in.Close()
	body := &spool{pool: &e.pool, limit: spoolMemory, account: new(atomic.Int64), all: &e.spooled}
	defer body.Close()
	if _, err := io.Copy(body, in); err != nil {
		return err
	}
	if why := e.whole(format, body, o.Is); why != nil {
		return &sink.Broken{Name: o.Name, Why: why.Error()}
	}
	return ctx.Err()
}

// whole says what is wrong with a file.
func (e *engine) whole(format formats.Reader, body *spool, is sink.Mark) error {
	if err := differs(is, body.Size(), fmt.Sprintf("%08x", CRC32C(body.Sums(), body.Size()))); err != nil {
		return err
	}
	c := rowCheck{is: is, partition: -1, offset: -1, last: is.From - 1}
	s := c.columns(e.with)
	var rows int64
	for row, err := range format.Read(body, body.Size(), s) {
		if err == nil {
			err = c.check(row, rows == 0)
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", rows+1, err)
		}
		rows++
	}
	if rows != is.Rows {
		return fmt.Errorf("it holds %d rows of %d", rows, is.Rows)
	}
	return nil
}

// rowCheck holds the rows of a file against the file's mark, where they say where they come from.
type rowCheck struct {
	is                sink.Mark
	partition, offset int // which columns those are; -1 for none
	last              int64
}

// columns are those to read.
func (c *rowCheck) columns(with []extra) *record.Schema {
	s := &record.Schema{}
	for x, at := range map[extra]*int{withPartition: &c.partition, withOffset: &c.offset} {
		if slices.Contains(with, x) {
			*at = len(s.Columns)
			s.Columns = append(s.Columns, extras[x])
		}
	}
	return s
}

func (c *rowCheck) check(row []record.Value, first bool) error {
	if c.partition >= 0 && (row[c.partition].IsNull() || row[c.partition].Int() != int64(c.is.Partition)) {
		return fmt.Errorf("it is not of partition %d", c.is.Partition)
	}
	if c.offset < 0 {
		return nil
	}
	at := row[c.offset].Int()
	switch {
	case row[c.offset].IsNull():
		return fmt.Errorf("it has no offset")
	case at < c.is.From || at >= c.is.Until:
		return fmt.Errorf("its offset %d is not in the file's interval, from %d to %d", at, c.is.From, c.is.Until)
	case at <= c.last:
		return fmt.Errorf("its offset %d comes after %d", at, c.last)
	case first && at != c.is.First:
		return fmt.Errorf("its offset is %d, and the file's first should be %d", at, c.is.First)
	}
	c.last = at
	return nil
}
