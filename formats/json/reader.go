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
	errNull  = errors.New("the value is null (a tombstone), which JSON has no place for")
	errUTF8  = errors.New("the value is not valid UTF-8, which JSON must be")
	errDepth = fmt.Errorf("the value nests more than %d levels deep", maxDepth)
	errRest  = errors.New("something follows it")
	errToken = errors.New("it is malformed") // jx says what is wrong
)

// bad is why a record is bad whose JSON may well be sound.
type bad struct{ error }

func (b bad) Unwrap() error { return b.error }

// reader reads one value at a time. It keeps what helps with the next one, and nothing of the values.
type reader struct {
	dec    jx.Decoder
	plan   *plan
	none   plan          // of no columns
	null   error         // what is said of a null value
	memory *record.Batch // the batch in hand, which keeps what cells cannot alias

	in     []byte  // the value in hand
	num    number  // the one read last
	text   []byte  // a string that had escapes, without them
	packed []byte  // the cells of a struct
	extra  []extra // of an open schema: the members that are no columns
}

// use prepares for rows of s, which must not change from now on.
func (r *reader) use(s *record.Schema) {
	if r.plan == nil || r.plan.schema != s {
		r.plan = newPlan(s)
	}
}

// batch decodes a batch.
func (r *reader) batch(b *record.Batch) {
	defer r.release()
	b.Bad, b.Unknown, r.memory = b.Bad[:0], b.Unknown[:0], b
	if b.Schema != nil {
		r.use(b.Schema)
		b.Rows(len(b.Schema.Columns))
	}
	for i := range b.Records {
		rec := &b.Records[i]
		if err := r.read(rec.Value, rec.Row, b.Schema != nil); err != nil {
			rec.Row = nil
			b.Bad = append(b.Bad, record.Bad{Index: i, Err: err})
		} else if len(r.extra) > 0 && wider(r.extra) {
			b.Unknown = append(b.Unknown, i)
		}
	}
}

// release lets go of the batch's memory.
func (r *reader) release() {
	r.dec.ResetBytes(nil)
	r.memory, r.in = nil, nil
	if r.plan != nil {
		r.plan.release()
	}
}

// read checks v and, where columns are wanted, fills row with the plan's.
func (r *reader) read(v []byte, row []record.Value, columns bool) error {
	switch {
	case v == nil:
		return r.null
	case !ascii(v) && !utf8.Valid(v):
		return errUTF8
	case tooDeep(v):
		return errDepth
	}
	r.in, r.extra = v, r.extra[:0]
	start := space(v, 0)
	object := start < len(v) && v[start] == '{'
	if !object {
		if err := r.sound(); err != nil || !columns {
			return err
		}
		return fmt.Errorf("%s is not a JSON object, so it has no columns", short(v))
	}
	p := r.plan
	if !columns {
		p = &r.none
	}
	end, err := r.object(start, p, row)
	switch {
	case err == nil && space(v, end) == len(v):
		return r.complete(p, row)
	case isBad(err):
		return err
	}
	if err = r.sound(); err == nil {
		err = fmt.Errorf("%q is not one JSON value: %w", short(v), errToken)
	}
	return err
}

// complete holds an object to what its columns ask for.
func (r *reader) complete(p *plan, row []record.Value) error {
	for _, i := range p.required {
		if row[i].IsNull() {
			return fmt.Errorf("column %q: there is none, and it is required", p.columns[i].Name)
		}
	}
	if len(r.extra) > 0 {
		if err := distinct(r.extra, p.folded); err != nil {
			return err
		}
	}
	return r.readNested(p, row)
}

func isBad(err error) bool {
	_, is := err.(bad)
	return is
}

// sound says what is wrong with the value in hand as JSON.
func (r *reader) sound() error {
	r.dec.ResetBytes(r.in)
	err := r.dec.Skip()
	if err == nil && (r.dec.Next() != jx.Invalid || r.dec.Skip() != io.EOF) {
		err = errRest
	}
	if err != nil {
		return fmt.Errorf("%q is not one JSON value: %w", short(r.in), err)
	}
	return nil
}

// object reads the object that begins at i into row, and is where it ends.
func (r *reader) object(i int, p *plan, row []record.Value) (end int, err error) {
	in := r.in
	p.number++
	if i = space(in, i+1); i < len(in) && in[i] == '}' {
		return i + 1, nil
	}
	for place := 0; ; place++ {
		column, end := p.at(place, in, i)
		if end < 0 {
			if column, end, err = r.name(i, place, p); err != nil {
				return 0, err
			}
		}
		if i = end; i == len(in) || in[i] <= ' ' {
			if i = space(in, i); i == len(in) {
				return 0, errToken
			}
		}
		if column < 0 {
			end, err = r.skip(i)
		} else {
			end, err = r.member(i, p, column, &row[column])
		}
		if err != nil {
			return 0, err
		}
		if i = end; i+1 < len(in) && in[i] == ',' && in[i+1] == '"' {
			i++
			continue
		}
		if i = space(in, i); i == len(in) {
			return 0, errToken
		}
		switch in[i] {
		case '}':
			return i + 1, nil
		case ',':
			i = space(in, i+1)
		default:
			return 0, errToken
		}
	}
}

// member reads the value that begins at i as a column's cell.
func (r *reader) member(i int, p *plan, column int, v *record.Value) (end int, err error) {
	c := &p.columns[column]
	if p.seen[column] == p.number {
		return 0, bad{fmt.Errorf("%s %q stands twice in one object", p.noun(), c.Name)}
	}
	p.seen[column] = p.number
	if end, err = r.cell(i, c, v); isBad(err) {
		err = bad{fmt.Errorf("%s %q: %w", p.noun(), c.Name, err)}
	}
	return end, err
}

// name reads the name that begins at i: which column's it is, and where the colon behind it ends.
func (r *reader) name(i, place int, p *plan) (column, end int, err error) {
	if i >= len(r.in) || r.in[i] != '"' {
		return 0, 0, errToken
	}
	text, end, err := r.string(i)
	if err != nil {
		return 0, 0, err
	}
	column = p.column(text)
	if column == unknown && p.folded != nil {
		r.note(text, kindAt(r.in, end))
	}
	if end = space(r.in, end); end == len(r.in) || r.in[end] != ':' {
		return 0, 0, errToken
	}
	p.remember(place, column, r.in[i:end+1])
	return column, end + 1, nil
}

// string reads the string that begins at i. Its text is the value's own, or good until the next call.
func (r *reader) string(i int) (text []byte, end int, err error) {
	if end = plain(r.in, i); end > 0 {
		return r.in[i+1 : end-1], end, nil
	}
	if end, err = r.nested(i); err != nil {
		return nil, 0, err
	}
	r.text = unescape(r.text[:0], r.in[i+1:end-1])
	return r.text, end, nil
}

// nested is where the value ends that begins at i, whatever it is.
func (r *reader) nested(i int) (end int, err error) {
	r.dec.ResetBytes(r.in[i:])
	raw, err := r.dec.Raw()
	return i + len(raw), err
}

// skip is where the value ends that begins at i.
func (r *reader) skip(i int) (end int, err error) {
	switch c := r.in[i]; {
	case c == '"':
		end = plain(r.in, i)
	case c == '-' || c-'0' <= 9:
		return sure(numberEnd(r.in, i))
	case c == 't':
		return sure(word(r.in, i, "true"))
	case c == 'f':
		return sure(word(r.in, i, "false"))
	case c == 'n':
		return sure(word(r.in, i, "null"))
	default:
		end = -1
	}
	if end < 0 {
		return r.nested(i)
	}
	return end, nil
}

func sure(end int) (int, error) {
	if end < 0 {
		return 0, errToken
	}
	return end, nil
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
