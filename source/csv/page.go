package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

const (
	pageRows  = 10_000
	pageCells = 128 << 10
	pageBytes = 4 << 20
)

// page gives the rows after the mark and moves it on. How many depends on nothing but the file, the mark and the rate; of a file
// that is followed, on what is there too.
func (t *table) page(ctx context.Context) (source.Page, error) {
	if t.rows.at != t.at.Byte { // the file is read once more
		if err := t.seek(ctx); err != nil {
			return source.Page{}, err
		}
	}
	t.blank()
	n, dry := 0, false
	for n < t.limit && !dry && t.rows.at-t.at.Byte < pageBytes {
		bad, err := t.rows.next()
		switch {
		case err == io.EOF:
			dry = true
		case err != nil:
			return source.Page{}, err
		default:
			if err := t.put(n, bad); err != nil {
				return source.Page{}, err
			}
			n++
		}
	}
	began := t.at.Byte
	t.at = t.at.moved(t.rows.here())
	if err := t.rows.peek(); err != nil {
		return source.Page{}, err
	}
	if dry = dry || t.rows.end; dry && !t.Follow {
		if err := t.passed(n == 0 && began == t.start.at); err != nil {
			return source.Page{}, err
		}
	}
	return t.finish(n, dry && t.Follow)
}

// passed moves the mark on from the end of the file: to its beginning, if it is read again.
func (t *table) passed(empty bool) error {
	t.at.Pass++
	switch {
	case empty && t.Repeat == forever:
		return errors.New("there are no rows to repeat")
	case empty:
		t.at.Pass, t.at.Done = int(t.Repeat), true
	case t.Repeat == forever || t.at.Pass < int(t.Repeat):
		t.at = t.at.moved(t.start)
	default:
		t.at.Done = true
	}
	return nil
}

// blank makes room for a page.
func (t *table) blank() {
	t.rows.recycle()
	b := &t.batch
	b.Schema, b.Bad, t.before = t.schema, b.Bad[:0], t.before[:0]
	if b.Records == nil {
		b.Records, t.cells = make([]record.Record, t.limit), make([]record.Value, t.limit*len(t.shapes))
	}
	b.Records = b.Records[:0]
	b.Rows(0) // for the memory of decimals
	b.Records = b.Records[:t.limit]
}

// row is where the cells of the page's n-th record are, those of an earlier one in them.
func (t *table) row(n int) []record.Value {
	columns := len(t.shapes)
	return t.cells[n*columns : (n+1)*columns : (n+1)*columns]
}

// put makes the row at hand the page's n-th record.
func (t *table) put(n int, bad error) error {
	rec := &t.batch.Records[n]
	if bad == nil {
		bad = t.fill(rec, t.row(n))
	}
	if bad == nil {
		return nil
	}
	at := t.at
	if t.sample == nil {
		at = at.moved(t.rows.back())
	}
	at.Row += int64(n)
	before, err := at.offset()
	t.before = append(t.before, before)
	*rec = record.Record{Time: record.NoTime, Value: bytes.Clone(trimEnd(t.rows.row))}
	_, line := t.rows.begins()
	t.batch.Bad = append(t.batch.Bad, record.Bad{Index: n, Err: fmt.Errorf("%s:%d: %w", t.path, line+1, bad)})
	return err
}

// fill makes a record of the row at hand, its cells in row.
func (t *table) fill(r *record.Record, row []record.Value) error {
	if err := t.sound(len(row)); err != nil {
		return err
	}
	*r = record.Record{Time: record.NoTime, Row: row}
	for i := range row {
		text := t.rows.text(t.rows.cells[i])
		if !t.shapes[i].set(&row[i], &t.batch, text) {
			return t.misfit(text, t.schema.Columns[i])
		}
		if i == t.key && len(text) > 0 {
			r.Key = text
		}
		if i == t.time {
			var ok bool
			if r.Time, ok = recordTime(text); !ok {
				return fmt.Errorf("column %q: %.60q is no time that a record can have; write a date, a timestamp or an epoch, after 1970-01-01T00:00:00Z", t.Time, text)
			}
		}
	}
	return nil
}

// sound refuses a row that no types can make good.
func (t *table) sound(columns int) error {
	if n := len(t.rows.cells); n != columns {
		return fmt.Errorf("the row's cells are %d, the columns %d", n, columns)
	}
	if !utf8.Valid(t.rows.row) {
		return errors.New("the line is not UTF-8; convert the file, as with iconv")
	}
	return nil
}

// misfit says that a cell is not of its column's type.
func (t *table) misfit(text []byte, c record.Column) error {
	for _, d := range t.Columns {
		if d.Name == c.Name && d.Type.Kind != record.Null {
			return fmt.Errorf("column %q: %.60q is no %s, as columns: declares it", c.Name, text, c.Type)
		}
	}
	return fmt.Errorf("column %q: %.60q is no %s, which the column's cells were when the file was first read; declare another type in columns", c.Name, text, c.Type)
}

// finish closes a page of n rows, before the mark.
func (t *table) finish(n int, end bool) (p source.Page, err error) {
	t.batch.Records = t.batch.Records[:n]
	t.at.Row += int64(n)
	p = source.Page{Batch: t.batch, Before: t.before, AtEnd: end}
	p.Next, err = t.at.offset()
	return p, err
}
