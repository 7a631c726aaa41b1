package parquet

import (
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/record"
)

const (
	pageSize       = 64 << 10 // of a column's data page, before compression
	dictionarySize = 1 << 20  // what does not fit is written plain

	// Rows are handed on in pieces of so many rows, or so much text: always the same ones, since pages end between them.
	pieceRows = 128
	pieceText = 1 << 20
)

// encoder writes one Parquet file.
type encoder struct {
	file     *parquet.GenericWriter[any]
	options  []parquet.WriterOption
	columns  []column   // the leaves
	trees    []topLevel // the columns that are more than one leaf
	texts    []int      // which cells of a row hold text
	rowGroup int64

	rows    int   // gathered, not yet handed on
	text    int   // their bytes
	written int64 // file.Size when the row group began
	closed  bool
	err     error // what made the file useless
}

func newEncoder(columns []record.Column) *encoder {
	e := new(encoder)
	for i, c := range columns {
		if nested(c.Type) {
			e.trees = append(e.trees, topLevel{newTree(c, 0, &e.columns), c.Name, i})
		} else {
			e.columns = append(e.columns, newColumn(i, len(e.columns), c))
		}
		switch c.Type.Kind {
		case record.String, record.Bytes, record.JSON, record.Decimal, record.List, record.Struct:
			e.texts = append(e.texts, i)
		}
	}
	return e
}

// topLevel is a column that is a list or a struct.
type topLevel struct {
	tree
	name  string
	index int // of the row's cell
}

// begin is the state of an encoder at the beginning of a file.
func (e *encoder) begin() {
	e.rows, e.text, e.closed, e.err = 0, 0, false, nil
	e.written = e.file.Size()
	for i := range e.columns {
		e.columns[i].forget()
	}
}

// Encode is of formats.Encoder. After an error the file cannot be completed.
func (e *encoder) Encode(rows []record.Record) error {
	for len(rows) > 0 && e.err == nil {
		n := e.fit(rows)
		e.err = e.gather(rows[:n])
		rows = rows[n:]
	}
	return e.err
}

// fit is how many of rows go into the piece in hand: one at least.
func (e *encoder) fit(rows []record.Record) (n int) {
	for n < len(rows) && e.rows+n < pieceRows && e.text < pieceText {
		row := rows[n].Row
		for _, i := range e.texts {
			if i < len(row) {
				e.text += len(row[i].Str)
			}
		}
		n++
	}
	return n
}

func (e *encoder) gather(rows []record.Record) error {
	for i := range e.columns {
		if e.columns[i].index < 0 {
			continue
		}
		if err := e.columns[i].gather(rows); err != nil {
			return err
		}
	}
	for i := range e.trees {
		if err := e.takeApart(&e.trees[i], rows); err != nil {
			return err
		}
	}
	e.rows += len(rows)
	if e.rows < pieceRows && e.text < pieceText {
		return nil
	}
	if err := e.spill(); err != nil {
		return err
	}
	if e.file.Size()-e.written < e.rowGroup {
		return nil
	}
	err := e.file.Flush()
	e.written = e.file.Size()
	return err
}

// takeApart takes a column's cells of rows.
func (e *encoder) takeApart(t *topLevel, rows []record.Record) error {
	for i := range rows {
		err := errShort(len(rows[i].Row))
		if t.index < len(rows[i].Row) {
			err = e.add(&t.tree, &rows[i].Row[t.index], 0, 0)
		}
		if err != nil {
			return at(&rows[i], t.name, err)
		}
	}
	return nil
}

// spill hands on what was gathered.
func (e *encoder) spill() error {
	writers := e.file.ColumnWriters()
	for i := range e.columns {
		if err := e.columns[i].spill(writers[i]); err != nil {
			return err
		}
	}
	e.rows, e.text = 0, 0
	return nil
}

// Close is of formats.Encoder.
func (e *encoder) Close() error {
	if e.err == nil && e.rows > 0 {
		e.err = e.spill()
	}
	if e.err == nil {
		e.err = e.file.Close()
		e.closed = e.err == nil
	}
	return e.err
}

// Reset is of formats.Resetter. It may also follow an error, or come before Close.
func (e *encoder) Reset(w io.Writer) {
	if e.closed {
		e.detach()
		e.file.Reset(w)
	} else {
		e.file = parquet.NewGenericWriter[any](w, e.options...)
	}
	e.begin()
}

// detach takes away from the file's metadata what it shares with the columns: parquet-go v0.32 clears it there in Reset, and with
// it the names of the columns of every later file (https://github.com/parquet-go/parquet-go/issues/602).
func (e *encoder) detach() {
	for _, group := range e.file.File().Metadata().RowGroups {
		clear(group.Columns)
	}
}
