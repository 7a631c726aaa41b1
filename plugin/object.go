package plugin

import (
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"
)

// object decodes a struct.
func (d *decoder) object(at place, s *shape, v reflect.Value) string {
	before := d.troubles
	defer func(was guarding) { d.guarding = was }(d.guarding)
	d.names = d.names || s.layout != nil
	at = d.relaid(at, s)
	d.inherit(s, v)
	if s.line != nil {
		v.FieldByIndex(s.line).SetInt(int64(at.line))
	}
	given, ok := d.options(at, s)
	if !ok {
		return ""
	}
	parts := map[string]string{}
	for _, f := range s.fields {
		parts[f.name] = d.option(at, given, f, v.FieldByIndex(f.index))
	}
	d.fix(s, v, parts)
	for _, f := range s.fields {
		if f.unlaid {
			delete(parts, f.name)
		}
	}
	canon := objectText(parts)
	d.finish(at, s, v, canon, d.troubles == before)
	return canon
}

// inherit starts a struct from the blocks that it inlines. A block with problems has been reported: the struct is not sound,
// without a word more.
func (d *decoder) inherit(s *shape, v reflect.Value) {
	for _, in := range s.inlined {
		if b := d.blocks[in.typ]; b != nil {
			v.FieldByIndex(in.index).Set(b.Value)
			if b.bad {
				d.troubles++
			}
		}
	}
}

// fix puts fixed values back over what the file said.
func (d *decoder) fix(s *shape, v reflect.Value, parts map[string]string) {
	for _, in := range s.inlined {
		fixed, ok := d.fixed[in.typ]
		if !ok {
			continue
		}
		v.FieldByIndex(in.index).Set(fixed)
		for _, f := range s.fields {
			if slices.Contains(f.from, in.typ) {
				parts[f.name] = canonical(f.shape, v.FieldByIndex(f.index))
			}
		}
	}
}

// options finds what the file says about each option of a struct. False: it says something else altogether.
func (d *decoder) options(at place, s *shape) (map[string]place, bool) {
	given := map[string]place{}
	switch n := at.node; {
	case n == nil:
		return given, true
	case n.Kind == yaml.MappingNode:
	case s.short != nil && !isNull(n) && (s.short.shape.kind == list || n.Kind != yaml.SequenceNode):
		given[s.short.name] = at
		return given, true
	case isNull(n):
		d.refuse(at, "has no options; indent them below it, write {} for none, or leave it out")
		return nil, false
	default:
		d.refuse(at, "expects %s, not %s; write %s", s.calls(), stands(n), s.example())
		return nil, false
	}
	known := d.known(at, s)
	for _, p := range d.pairs(at) {
		if !slices.Contains(known, p.key) {
			d.refuse(place{line: p.line, path: at.path}, "unknown option %q%s", p.key, suggest(p.key, known))
			if near := nearest(p.key, known); near != "" && given[near].node == nil { // its value is looked at, and it is not said to be missing
				given[near] = p.place
			}
			continue
		}
		given[p.key] = p.place
	}
	return given, true
}

// known lists the options of a struct; at the top of the file the blocks are among them.
func (d *decoder) known(at place, s *shape) (names []string) {
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	if at.path == "" {
		for name := range d.r.blocks {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// option decodes one option of the struct that stands at a place.
func (d *decoder) option(at place, given map[string]place, f *field, v reflect.Value) string {
	if b := d.r.blocks[f.name]; b != nil && at.path == "" {
		if b.config.typ != v.Type() {
			d.refuse(at.under(f.name), "is a block of %v, and cannot be a %v here", b.config.typ, v.Type())
			return ""
		}
		v.Set(d.blocks[v.Type()].Value)
		return canonical(f.shape, v)
	}
	p, ok := given[f.name]
	if !ok {
		return d.absent(at, f, v)
	}
	defer d.about(p, f.secret, f.unlaid)()
	before := d.troubles
	canon := d.value(p, f.shape, f.enum, v)
	if f.required && d.troubles == before && isEmpty(v) {
		d.refuse(p, "is required, and may not be empty")
	}
	return canon
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Interface, reflect.Pointer:
		return v.IsNil()
	}
	return false
}

// absent completes an option that the file does not give.
func (d *decoder) absent(at place, f *field, v reflect.Value) string {
	p := at.under(f.name)
	switch {
	case f.byDefault != "" && v.IsNil():
		p.node = &yaml.Node{Kind: yaml.ScalarNode, Value: f.byDefault}
		return d.contract(p, f.shape, v)
	case f.required && v.IsZero() && !d.inBlock:
		d.refuse(at, "missing option %q", f.name)
	case f.shape.kind == object:
		return d.object(p, f.shape, v)
	}
	return canonical(f.shape, v)
}

// finish ends a struct: one that is sound receives its canonical text, and the rules of each are asked.
func (d *decoder) finish(at place, s *shape, v reflect.Value, canon string, sound bool) {
	if s.layout != nil && sound {
		v.FieldByIndex(s.layout).SetString(canon)
	}
	d.check(at, s, v, sound, d.inBlock)
	for _, in := range s.inlined {
		b := d.blocks[in.typ]
		d.check(at, s, v.FieldByIndex(in.index), sound, d.inBlock || b != nil && b.bad)
	}
}

// check asks a struct's rules. Of one that is not sound they may say what does not follow: only what they say of an option that
// has no problem of its own is passed on; and of a block, which need not be whole, or what inlines one that is not sound, only what
// they say of an option that stands there.
func (d *decoder) check(at place, s *shape, v reflect.Value, sound, given bool) {
	if !v.Addr().CanInterface() {
		return
	}
	c, ok := v.Addr().Interface().(interface{ Check() error })
	if !ok {
		return
	}
	err := guard(v.Type().String()+".Check", c.Check)
	if err == nil {
		return
	}
	if sound && !given {
		d.blame(at, s, err)
		return
	}
	known := d.problems
	for _, f := range faults(err) {
		if p := d.locate(at, s, f.option); f.option != "" && !known.about(at.path, p.path) && (!given || at.gives(f.option)) {
			d.add(p, d.secrets.mask(f.err))
		}
	}
}
