package plugin

import (
	"fmt"
	"os"
	"reflect"

	"gopkg.in/yaml.v3"
)

// Decode reads the YAML text of the file called name into the struct that into points to, and builds every plugin it names.
// What the struct holds already are the defaults; a list or a mapping of free keys that the file gives replaces its default.
// It finds every problem, not the first: the error is nil or Problems, and with one the struct is filled in part.
//
// The top-level keys are the struct's options and the registry's blocks. A field that has the name and type of a block receives
// the block's value. What a block requires is asked of the configurations that inline it, since each may add to it.
func Decode(r *Registry, name string, content []byte, into any, opts ...DecodeOption) error {
	d := &decoder{r: r, name: name, blocks: map[reflect.Type]*blockValue{}, fixed: map[reflect.Type]reflect.Value{}}
	d.secrets, d.literals = secrets{}, secrets{}
	d.outside = outside{env: os.LookupEnv, file: os.ReadFile, note: d.note}
	for _, o := range opts {
		o(d)
	}
	if d.read(content, into); len(d.problems) > 0 {
		return d.problems.tidy()
	}
	return nil
}

// decoder is one run of Decode. Its methods write to a value what stands at a place, and return the value's canonical text.
type decoder struct {
	r *Registry
	outside
	guarding
	secrets, literals  secrets // of this file: from outside, and what stands in it where a secret is to stand
	name               string  // of the file
	problems           Problems
	troubles           int // grows with every problem, so that a caller sees whether there was one in what it called
	blocks             map[reflect.Type]*blockValue
	fixed              map[reflect.Type]reflect.Value
	laidPath, laidText string // of Laid
	inBlock            bool
	sheet              *Sheet // to be filled; may be nil
}

type blockValue struct {
	reflect.Value
	bad bool
}

// place is where in the file something stands.
type place struct {
	node *yaml.Node // without aliases; nil where the file says nothing
	line int        // of the key or list item that introduces it
	path string
}

// under is the place of a named part, which the file does not give.
func (p place) under(name string) place {
	if p.path != "" && name != "" && name[0] != '[' {
		name = "." + name
	}
	return place{line: p.line, path: p.path + name}
}

func (d *decoder) refuse(at place, format string, args ...any) {
	d.add(at, fmt.Errorf(format, args...))
}

func (d *decoder) add(at place, err error) {
	d.troubles++
	d.problems = append(d.problems, Problem{d.name, at.line, at.path, d.literals.mask(err)})
}

// blame reports what a constructor, a Check or a type's own reading said about what stands at a place and has a shape.
func (d *decoder) blame(at place, s *shape, err error) {
	for _, f := range faults(err) {
		d.add(d.locate(at, s, f.option), d.secrets.mask(f.err))
	}
}

func (d *decoder) read(content []byte, into any) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		d.refuse(place{}, "cannot be decoded into a %T; a pointer to a struct is needed", into)
		return
	}
	s, err := describe(v.Elem().Type(), nil)
	if err != nil {
		d.add(place{}, err)
		return
	}
	node, flaw := parse(content)
	if flaw != nil {
		d.add(place{line: flaw.line}, flaw.err)
		return
	}
	at := place{node: node, line: node.Line}
	d.readBlocks(at)
	d.object(at, s, v.Elem())
	if d.sheet != nil {
		d.sheet.d, d.sheet.top, d.sheet.shape = d, at, s
	}
}

// readBlocks decodes the blocks that others start from.
func (d *decoder) readBlocks(at place) {
	given := map[string]place{}
	for _, p := range d.pairs(at) {
		given[p.key] = p.place
	}
	d.inBlock = true
	for _, name := range d.r.blockNames() {
		b := d.r.blocks[name]
		v := reflect.New(b.config.typ).Elem()
		v.Set(b.defaults)
		before := d.troubles
		p, ok := given[name]
		if !ok {
			p = at.under(name)
		}
		d.object(p, b.config, v)
		if fixed, ok := d.fixed[v.Type()]; ok {
			v.Set(fixed)
		}
		d.blocks[b.config.typ] = &blockValue{v, d.troubles > before}
	}
	d.inBlock = false
}
