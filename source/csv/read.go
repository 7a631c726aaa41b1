package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

const (
	pageRows  = 10_000
	pageCells = 128 << 10
	pageBytes = 4 << 20
)

// table is one file while it is read.
type table struct {
	f      *os.File
	rows   rows
	schema *record.Schema
	key    int // the column that is the record's key, or -1
	limit  int // of rows in a page
	batch  record.Batch
	at     mark
}

// open reads the header, infers the types or checks the mark, and stands before the first row to give.
func (s *files) open(ctx context.Context, f *os.File, at mark) (*table, error) {
	t := &table{f: f, at: at, rows: rows{r: f, comma: s.Delimiter[0]}}
	names, err := t.header()
	if err != nil {
		return nil, err
	}
	if at.V == 0 {
		t.at = mark{Byte: t.rows.at, Line: t.rows.line, Names: names}
		t.at.Types, err = t.infer(ctx, len(names))
	} else {
		err = t.at.check(f, names)
	}
	if err != nil {
		return nil, err
	}
	t.schema = &record.Schema{}
	for i, name := range names {
		t.schema.Columns = append(t.schema.Columns, record.Column{Name: name, As: name, Type: t.at.Types[i]})
	}
	if t.key = t.schema.Index(s.Key); t.key < 0 && s.Key != "" {
		return nil, fmt.Errorf("no column %q to take the key from; the columns are %q", s.Key, names)
	}
	t.limit = max(1, min(pageRows, pageCells/len(names), s.pace.pageRows()))
	return t, t.seek()
}

// header reads the first row: the names of the columns.
func (t *table) header() ([]string, error) {
	if err := t.rows.skipBOM(); err != nil {
		return nil, err
	}
	bad, err := t.rows.next()
	if err == io.EOF {
		return nil, errors.New("the file is empty; its first line must name the columns")
	}
	if err = errors.Join(bad, err); err != nil {
		return nil, fmt.Errorf("the header line: %w", err)
	}
	var names []string
	seen := map[string]string{}
	for i, c := range t.rows.cells {
		name := string(c.text(t.rows.row))
		fold := strings.ToLower(name)
		switch twin, twice := seen[fold]; {
		case strings.TrimSpace(name) == "":
			return nil, fmt.Errorf("the header line: column %d has no name; give it one", i+1)
		case !utf8.ValidString(name):
			return nil, fmt.Errorf("the header line: column %d is not UTF-8; convert the file, as with iconv", i+1)
		case twice:
			return nil, fmt.Errorf("the header line: columns %q and %q are one name to most readers; rename one", twin, name)
		}
		seen[fold] = name
		names = append(names, name)
	}
	return names, nil
}

// infer reads the rows that follow, to the end of the file, and gives the columns' types.
func (t *table) infer(ctx context.Context, columns int) ([]record.Type, error) {
	guesses := make([]guess, columns)
	for n := 0; ; n++ {
		if n%pageRows == 0 {
			t.rows.recycle()
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		bad, err := t.rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if bad != nil || t.sound(columns) != nil {
			continue
		}
		for i, c := range t.rows.cells {
			guesses[i].see(c.text(t.rows.row))
		}
	}
	types := make([]record.Type, columns)
	for i := range guesses {
		types[i] = guesses[i].columnType()
	}
	return types, nil
}

// seek goes to the mark.
func (t *table) seek() error {
	if _, err := t.f.Seek(t.at.Byte, io.SeekStart); err != nil {
		return err
	}
	t.rows = rows{r: t.f, comma: t.rows.comma, free: t.rows.free, at: t.at.Byte, line: t.at.Line}
	return nil
}

// page gives the rows after the mark and moves it on. How many depends on nothing but the file, the mark and the rate.
func (t *table) page() (source.Page, error) {
	t.rows.recycle()
	b := &t.batch
	b.Schema, b.Bad = t.schema, b.Bad[:0]
	if b.Records == nil {
		b.Records = make([]record.Record, t.limit)
	}
	b.Records = b.Records[:t.limit]
	b.Rows(len(t.schema.Columns))
	n := 0
	for n < t.limit && !t.rows.end && t.rows.at-t.at.Byte < pageBytes {
		bad, err := t.rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return source.Page{}, err
		}
		if bad == nil {
			bad = t.fill(&b.Records[n])
		}
		if bad != nil {
			raw := bytes.Clone(trimEnd(t.rows.row))
			b.Records[n] = record.Record{Time: record.NoTime, Value: raw}
			b.Bad = append(b.Bad, record.Bad{Index: n, Err: fmt.Errorf("%s:%d: %w", t.f.Name(), t.rows.line-t.rows.lines+1, bad)})
		}
		n++
	}
	b.Records = b.Records[:n]
	return t.mark(n)
}

// fill makes a record of the row at hand.
func (t *table) fill(r *record.Record) error {
	columns := t.schema.Columns
	if err := t.sound(len(columns)); err != nil {
		return err
	}
	*r = record.Record{Time: record.NoTime, Row: r.Row}
	for i, c := range t.rows.cells {
		text, ok := c.text(t.rows.row), false
		if r.Row[i], ok = value(text, columns[i].Type); !ok {
			return misfit(text, columns[i])
		}
		if i == t.key && len(text) > 0 {
			r.Key = text
		}
	}
	return nil
}

// sound refuses a row that no types can make good.
func (t *table) sound(columns int) error {
	if n := len(t.rows.cells); n != columns {
		return fmt.Errorf("%d cells where the header names %d columns", n, columns)
	}
	if !utf8.Valid(t.rows.row) {
		return errors.New("the line is not UTF-8; convert the file, as with iconv")
	}
	return nil
}

// mark closes a page of n rows.
func (t *table) mark(n int) (p source.Page, err error) {
	t.at.Byte, t.at.Line, t.at.Row, t.at.Done = t.rows.at, t.rows.line, t.at.Row+int64(n), t.rows.end
	if err := t.at.seal(t.f); err != nil {
		return p, err
	}
	p.Batch = t.batch
	p.Next, err = t.at.offset()
	return p, err
}
