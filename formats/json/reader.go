package json

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/penstock/penstock/record"
)

// maxDepth is how deep objects and arrays may nest: less than what the readers of our files allow (Jackson: 1,000).
const maxDepth = 500

var (
	errNull    = errors.New("the value is null (a tombstone), which JSON has no place for")
	errUTF8    = errors.New("the value is not valid UTF-8, which JSON must be")
	errDepth   = fmt.Errorf("the value nests more than %d levels deep", maxDepth)
	errRest    = errors.New("something follows it")
	errStopped = errors.New("stopped")
)

// reader reads one value at a time. It keeps what helps with the next one, and nothing of the values.
type reader struct {
	dec    jx.Decoder
	member func(*jx.Decoder, []byte) error
	plan   *plan

	row    []record.Value // of the record in hand
	err    error          // why it is bad, if a column is at fault
	seen   []int          // the number of the record that last had each column
	number int            // of the record in hand
	place  int            // of the member in hand
	guess  []int          // which column stood at each place in the record before; -1 none
}

func newReader() *reader {
	r := new(reader)
	r.member = r.readMember
	return r
}

// use prepares for rows of s, which must not change from now on.
func (r *reader) use(s *record.Schema) {
	if r.plan != nil && r.plan.schema == s {
		return
	}
	r.plan = newPlan(s)
	r.seen = make([]int, len(s.Columns))
	r.number = 0
	r.guess = r.guess[:0]
}

// release lets go of the batch's memory.
func (r *reader) release() {
	r.dec.ResetBytes(nil)
	r.row = nil
}

// read checks rec.Value and, where columns are wanted, fills rec.Row.
func (r *reader) read(rec *record.Record, columns bool) error {
	v := rec.Value
	switch {
	case v == nil:
		return errNull
	case !utf8.Valid(v):
		return errUTF8
	case tooDeep(v):
		return errDepth
	}
	r.dec.ResetBytes(v)
	object := columns && r.dec.Next() == jx.Object
	var err error
	if object {
		err = r.readObject(rec)
	} else {
		err = r.dec.Skip()
	}
	if err == nil {
		err = r.end()
	}
	switch {
	case r.err != nil:
		err, r.err = r.err, nil
		return err
	case err != nil:
		return fmt.Errorf("%q is not one JSON value: %w", short(v), err)
	case columns && !object:
		return fmt.Errorf("%s is not a JSON object, so it has no columns", short(v))
	}
	return nil
}

func (r *reader) readObject(rec *record.Record) error {
	r.row, r.place = rec.Row, 0
	r.number++
	if err := r.dec.ObjBytes(r.member); err != nil {
		return err
	}
	for _, i := range r.plan.required {
		if r.row[i].IsNull() {
			r.err = fmt.Errorf("column %q: there is none, and it is required", r.plan.columns[i].Name)
			return nil
		}
	}
	return nil
}

// readMember is called for each member of the object, its value being next.
func (r *reader) readMember(d *jx.Decoder, key []byte) error {
	i := r.column(key)
	if i < 0 {
		return d.Skip()
	}
	if r.seen[i] == r.number {
		r.err = fmt.Errorf("column %q stands twice in one object", key)
		return errStopped
	}
	r.seen[i] = r.number
	cell, err := decode(d, r.plan.columns[i].Type)
	if wrong, ok := err.(misfit); ok {
		r.err = fmt.Errorf("column %q: %w", key, wrong)
	}
	r.row[i] = cell
	return err
}

// column says which column key is, or -1. Objects of a topic mostly have their members in the same order.
func (r *reader) column(key []byte) int {
	place := r.place
	r.place++
	if place < len(r.guess) {
		if i := r.guess[place]; i >= 0 && r.plan.columns[i].Name == string(key) {
			return i
		}
	}
	i := r.plan.column(key)
	if place < len(r.guess) {
		r.guess[place] = i
	} else if place < 4096 {
		r.guess = append(r.guess, i)
	}
	return i
}

// end checks that nothing follows the value.
func (r *reader) end() error {
	if r.dec.Next() != jx.Invalid || r.dec.Skip() != io.EOF {
		return errRest
	}
	return nil
}

// plan is how to find a schema's columns.
type plan struct {
	schema   *record.Schema
	columns  []record.Column
	required []int
	byName   map[string]int
	lengths  uint64 // of the names: bit n for length n, modulo 64
}

func newPlan(s *record.Schema) *plan {
	p := &plan{schema: s, columns: s.Columns, byName: make(map[string]int, len(s.Columns))}
	for i, c := range s.Columns {
		p.byName[c.Name] = i
		p.lengths |= 1 << (len(c.Name) % 64)
		if c.Required {
			p.required = append(p.required, i)
		}
	}
	return p
}

func (p *plan) column(name []byte) int {
	if p.lengths&(1<<(len(name)%64)) == 0 {
		return -1
	}
	if i, ok := p.byName[string(name)]; ok {
		return i
	}
	return -1
}

// tooDeep counts nesting only where there are brackets enough.
func tooDeep(v []byte) bool {
	if len(v) <= maxDepth || bytes.Count(v, []byte{'['})+bytes.Count(v, []byte{'{'}) <= maxDepth {
		return false
	}
	depth, text := 0, false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			text = !text
		case text && c == '\\':
			i++
		case !text && (c == '[' || c == '{'):
			if depth++; depth > maxDepth {
				return true
			}
		case !text && (c == ']' || c == '}'):
			depth--
		}
	}
	return false
}

// short is at most 64 characters of v, on one line.
func short[T ~string | ~[]byte](v T) string {
	const most = 64
	text, dots := string(v[:min(len(v), 4*most)]), ""
	if n := utf8.RuneCountInString(text); n > most {
		text, dots = string([]rune(text)[:most]), "..."
	}
	oneLine := []byte(text)
	for i, c := range oneLine {
		if c < ' ' {
			oneLine[i] = ' '
		}
	}
	return string(oneLine) + dots
}
