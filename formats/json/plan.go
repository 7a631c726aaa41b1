package json

import (
	"encoding/binary"
	"strings"

	"github.com/penstock/penstock/record"
)

// plan is how to read objects as cells: those of a schema, or those of a struct. It also keeps what helps with the next object.
type plan struct {
	schema   *record.Schema // nil of a struct
	columns  []planned
	required []int
	nested   []deep // of a schema
	byName   map[string]int
	lengths  uint64            // of the names: bit n for length n, modulo 64
	folded   map[string]string // of an open schema: its names, by what they are without letter case

	seen   []int   // the number of the object that last had each column
	number int     // of the object in hand
	guess  []place // what stood at each place in the object before
	row    []record.Value
}

// place is a member's name as it stood in an object, with its quotes and the colon, and which column it is.
type place struct {
	text   string
	head   [2]word64 // of text
	column int
}

// word64 is up to eight bytes of a text, and which they are: to compare them so takes no call.
type word64 struct{ bytes, mask uint64 }

// is says whether in, of at least eight bytes, begins with the word.
func (w word64) is(in []byte) bool { return (binary.LittleEndian.Uint64(in)^w.bytes)&w.mask == 0 }

func newPlace(text string, column int) place {
	p := place{text: text, column: column}
	for i := range min(16, len(text)) {
		w, shift := &p.head[i/8], i%8*8
		w.bytes |= uint64(text[i]) << shift
		w.mask |= 0xff << shift
	}
	return p
}

// planned is a column, or the element of a list.
type planned struct {
	record.Column
	fields *plan    // of a Struct
	elem   *planned // of a List
	packed []byte   // of a List: its cells so far
	cell   record.Value
}

// What a name is that is no column's.
const (
	unknown = -1
	cutOut  = -2 // by the path
)

// Of how many places, and how long, names are remembered.
const (
	maxGuess   = 4096
	maxGuessed = 64
)

func newPlan(s *record.Schema) *plan {
	p := planOf(s.Columns)
	p.schema, p.nested = s, nestedColumns(s)
	for i, c := range s.Columns {
		if c.Required && !c.Nested {
			p.required = append(p.required, i)
		}
	}
	if !s.Open {
		return p
	}
	p.folded = make(map[string]string, len(s.Columns))
	for _, name := range s.Cut {
		p.byName[name] = cutOut
		p.lengths |= 1 << (len(name) % 64)
	}
	for name := range p.byName {
		p.folded[strings.ToLower(name)] = name
	}
	return p
}

func planOf(columns []record.Column) *plan {
	p := &plan{
		columns: make([]planned, len(columns)), byName: make(map[string]int, len(columns)),
		seen: make([]int, len(columns)),
	}
	for i, c := range columns {
		p.columns[i] = planType(c)
		if c.Nested {
			continue
		}
		p.byName[c.Name] = i
		p.lengths |= 1 << (len(c.Name) % 64)
	}
	return p
}

func planType(c record.Column) planned {
	p := planned{Column: c}
	switch c.Type.Kind {
	case record.Struct:
		fields := c.Type.Fields()
		p.fields = planOf(fields)
		p.fields.row = make([]record.Value, len(fields))
	case record.List:
		elem := planType(record.Column{Name: "an element", Type: c.Type.Elem(), Inferred: c.Inferred})
		p.elem = &elem
	}
	return p
}

// at is the column that stood at a place, if its name begins in[i:], and where the colon behind it ends.
func (p *plan) at(n int, in []byte, i int) (column, end int) {
	if n >= len(p.guess) {
		return unknown, -1
	}
	g := &p.guess[n]
	end = i + len(g.text)
	if i+16 <= len(in) && len(g.text) <= 16 {
		if g.head[0].is(in[i:]) && g.head[1].is(in[i+8:]) {
			return g.column, end
		}
		return unknown, -1
	}
	if end <= len(in) && string(in[i:end]) == g.text {
		return g.column, end
	}
	return unknown, -1
}

// column says which column name is.
func (p *plan) column(name []byte) int {
	if p.lengths&(1<<(len(name)%64)) != 0 {
		if i, ok := p.byName[string(name)]; ok {
			return i
		}
	}
	return unknown
}

// remember keeps which column stood at a place, under a name that the object writes like text, which ends in the colon. What an open schema
// does not have is not kept: it has to be noted each time.
func (p *plan) remember(n, column int, text []byte) {
	if n >= maxGuess || len(text) > maxGuessed || text[len(text)-1] != ':' || column == unknown && p.folded != nil {
		return
	}
	for len(p.guess) <= n { // by what no value holds, being UTF-8
		p.guess = append(p.guess, newPlace("\xff", unknown))
	}
	if p.guess[n].text != string(text) {
		p.guess[n] = newPlace(string(text), column)
	}
}

// noun is what a column is called here.
func (p *plan) noun() string {
	if p.schema == nil {
		return "field"
	}
	return "column"
}

// release lets go of values' memory.
func (p *plan) release() {
	clear(p.row)
	for i := range p.columns {
		for c := &p.columns[i]; c != nil; c = c.elem {
			c.cell = record.Value{}
			if c.fields != nil {
				c.fields.release()
			}
		}
	}
}
