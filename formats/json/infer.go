package json

import (
	"fmt"
	"strings"

	"github.com/penstock/penstock/record"
)

// extra is a member of an object that is no column of an open schema.
type extra struct {
	name, folded string      // folded is without letter case
	kind         record.Kind // Null, String, Float, Bool or JSON
}

// note adds a member. Records mostly lack the same columns as the one before, so that the names are there already.
func (r *reader) note(name []byte, kind record.Kind) {
	n := len(r.extra)
	if n < cap(r.extra) {
		if r.extra = r.extra[:n+1]; r.extra[n].name == string(name) {
			r.extra[n].kind = kind
			return
		}
		r.extra = r.extra[:n]
	}
	own := string(name)
	r.extra = append(r.extra, extra{own, strings.ToLower(own), kind})
}

// kindAt is of the value of the member whose name ends at in[i]; Null also where there is no value.
func kindAt(in []byte, i int) record.Kind {
	if i = space(in, i); i < len(in) && in[i] == ':' {
		i = space(in, i+1)
	}
	if i >= len(in) {
		return record.Null
	}
	switch in[i] {
	case 'n':
		return record.Null
	case '"':
		return record.String
	case 't', 'f':
		return record.Bool
	case '{', '[':
		return record.JSON
	}
	return record.Float
}

// distinct refuses names that are one to readers that ignore letter case; those in known are by what they are without it.
func distinct(extras []extra, known map[string]string) error {
	var seen map[string]string
	if len(extras) > fewExtras {
		seen = make(map[string]string, len(extras))
	}
	for i, e := range extras {
		other, there := known[e.folded]
		switch {
		case there:
		case seen != nil:
			other, there = seen[e.folded]
			seen[e.folded] = e.name
		default:
			for _, before := range extras[:i] {
				if before.folded == e.folded {
					other, there = before.name, true
				}
			}
		}
		switch {
		case there && other == e.name:
			return bad{fmt.Errorf("column %q stands twice in one object", e.name)}
		case there:
			return bad{fmt.Errorf("column %q differs from %q in letter case alone, which readers of files ignore; rename one", e.name, other)}
		}
	}
	return nil
}

// fewExtras are compared one by one.
const fewExtras = 16

// wider says whether a member is there, not null, that is no column.
func wider(extras []extra) bool {
	for _, e := range extras {
		if e.kind != record.Null {
			return true
		}
	}
	return false
}

// Infer is of formats.Inferrer.
func (c *codec) Infer(b *record.Batch, known *record.Schema) ([]record.Column, error) {
	r := c.readers.Get().(*reader)
	defer c.readers.Put(r)
	defer r.release()
	r.use(namesOf(known))
	var found record.Union
	bads := b.Bad
	for i := range b.Records {
		if len(bads) > 0 && bads[0].Index == i {
			bads = bads[1:]
			continue
		}
		if r.read(b.Records[i].Value, nil, true) != nil {
			continue
		}
		if room := record.MaxColumns - len(known.Columns) - len(found.Columns); fresh(r.extra, &found) > room {
			return found.Columns, &record.Bad{Index: i, Err: errColumns}
		}
		for _, e := range r.extra {
			if e.kind != record.Null {
				found.Add(record.Column{Name: e.name, Type: record.Type{Kind: e.kind}, Inferred: true})
			}
		}
	}
	return found.Columns, nil
}

var errColumns = fmt.Errorf("its columns would bring the schema to more than %d; declare those that are wanted, and ignore the others", record.MaxColumns)

// fresh is how many columns of a record have not been found before.
func fresh(extras []extra, found *record.Union) (n int) {
	for _, e := range extras {
		if e.kind != record.Null && !found.Has(e.name) {
			n++
		}
	}
	return n
}

// namesOf is a schema to which all columns of s are known, and none are read.
func namesOf(s *record.Schema) *record.Schema {
	names := &record.Schema{Open: true, Cut: s.Cut[:len(s.Cut):len(s.Cut)]}
	for _, c := range s.Columns {
		if !c.Nested {
			names.Cut = append(names.Cut, c.Name)
		}
	}
	return names
}
