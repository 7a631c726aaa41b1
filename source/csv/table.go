package csv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

// table is one file while it is read.
type table struct {
	*files
	path, split string
	in          *input
	rows        rows
	sample      *sample // of rows to draw; nil where they come in the file's order
	start       place   // of the first row
	schema      *record.Schema
	shapes      []shape // of its columns
	key, time   int     // columns, or -1
	limit       int     // of rows in a page
	batch       record.Batch
	cells       []record.Value // of its records
	before      []source.Offset
	at          mark // after the last page
	told        bool // that a file which is followed has come to its end
}

func (t *table) close() {
	if t.in != nil {
		t.in.close()
		t.in = nil
	}
}

// open reads the header, finds the types or checks the mark, and stands before the first row to give.
func (t *table) open(ctx context.Context) (err error) {
	t.close()
	if t.Follow && packed(t.path) != "" {
		return errors.New("a compressed file cannot be followed; leave follow out, or let path match plain files alone")
	}
	if t.in, err = openInput(t.path); err != nil {
		return err
	}
	if t.Order == sampled {
		if err := t.in.spool(ctx); err != nil {
			return err
		}
		t.sample = &sample{text: t.in.f, key: sampleKey(t.Seed, t.split)}
	}
	names, err := t.header()
	if err != nil {
		return err
	}
	t.start = t.rows.here()
	if err := t.use(names); err != nil {
		return err
	}
	if err := t.goOn(names); err != nil {
		return err
	}
	if err := t.types(ctx, names); err != nil {
		return err
	}
	if t.sample != nil {
		return t.sampleSize()
	}
	return t.seek(ctx)
}

// header reads the names of the columns, or takes them from the config.
func (t *table) header() ([]string, error) {
	t.rows = rows{r: t.in, comma: t.Delimiter[0], grows: t.Follow}
	if t.Quote != "none" {
		t.rows.quote = t.Quote[0]
	}
	if err := t.rows.skipBOM(); err != nil || !t.Header {
		return t.names(), err
	}
	bad, err := t.rows.next()
	switch {
	case err == io.EOF && t.Follow:
		return nil, errNothing
	case err == io.EOF:
		return nil, errors.New("the file is empty; its first line must name the columns, or else header: false")
	}
	var names []string
	if err = errors.Join(bad, err); err == nil {
		for _, c := range t.rows.cells {
			names = append(names, string(t.rows.text(c)))
		}
		err = distinct(names)
	}
	if err != nil {
		return nil, fmt.Errorf("the header line: %w", err)
	}
	return names, nil
}

// distinct refuses names that no record could have.
func distinct(names []string) error {
	seen := map[string]string{}
	for i, name := range names {
		fold := strings.ToLower(name)
		switch twin, twice := seen[fold]; {
		case strings.TrimSpace(name) == "":
			return fmt.Errorf("column %d has no name; give it one", i+1)
		case !utf8.ValidString(name):
			return fmt.Errorf("column %d is not UTF-8; convert the file, as with iconv", i+1)
		case twice:
			return fmt.Errorf("columns %q and %q are one name to most readers; rename one", twin, name)
		}
		seen[fold] = name
	}
	return nil
}

// oneOf refuses the name of a column that is not there; "" is none.
func oneOf(names []string, name string) error {
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return fmt.Errorf("there is no column %q; the columns are %q", name, names)
}

// use finds the columns that the config names.
func (t *table) use(names []string) error {
	for option, err := range t.lacking(names) {
		return fmt.Errorf("%s: %w", option, err)
	}
	t.key, t.time = slices.Index(names, t.Key), slices.Index(names, t.Time)
	t.limit = max(1, min(pageRows, pageCells/len(names), t.pace.pageRows()))
	return nil
}

// goOn makes a mark to begin with, or refuses one that was made under other columns or in another order.
func (t *table) goOn(names []string) error {
	order := t.Order
	if order == inFile {
		order = ""
	}
	switch {
	case t.at.V == 0:
		t.at = mark{Names: names, Order: order}.moved(t.start)
	case t.at.Order != order:
		return fmt.Errorf("the file was begun in another order than %s; put that back, or give the connector another name to begin anew", t.Order)
	case slices.Equal(names, t.at.Names):
	case t.Header:
		return replaced("its columns were %q, now they are %q", t.at.Names, names)
	default:
		return fmt.Errorf("columns: they were %q when the file was begun, now they are %q; put them back, or give the connector another name to begin anew", t.at.Names, names)
	}
	if t.at.Byte < t.start.at {
		return replaced("its rows begin at byte %d, and what was read of it ended at byte %d", t.start.at, t.at.Byte)
	}
	if t.at.Done && !t.Follow { // there is another pass, or we would not be here
		t.at = t.at.moved(t.start)
	}
	t.at.Done = false
	return nil
}

// seek goes to the mark, and refuses a file in which other bytes stand before it.
func (t *table) seek(ctx context.Context) error {
	from := max(0, t.at.Byte-tailBytes)
	tail := int(t.at.Byte - from)
	err, n := t.in.seek(ctx, from), 0
	if err == nil {
		t.rows.restart(from, t.at.Line)
		n, err = t.rows.pass(tail)
	}
	if err == nil && n < tail {
		err = short{from + int64(n)}
	}
	if end := (short{}); errors.As(err, &end) {
		return shrunk(t.at.Byte, end.size)
	}
	if err == nil && t.rows.here().tail != t.at.Tail {
		return replaced("line %d, the last one read, is another now", t.at.Line)
	}
	return err
}
