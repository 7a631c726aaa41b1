package plugin

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// contract builds the plugin that stands at a place.
func (d *decoder) contract(at place, s *shape, v reflect.Value) string {
	name, options, ok := d.named(at, s)
	if !ok {
		return ""
	}
	e := d.r.plugins[s.typ][name]
	if e == nil {
		d.unknown(at, s, name)
		return ""
	}
	config := reflect.New(e.config.typ).Elem()
	config.Set(e.defaults)
	before, inBlock := d.troubles, d.inBlock
	d.inBlock = false
	canon := d.object(options, e.config, config)
	d.inBlock = inBlock
	if d.troubles == before {
		d.build(options, s, e, config, v)
	}
	return "{" + quote(name) + ":" + canon + "}"
}

// unknown says which name is not known, as the file wrote it, and which are.
func (d *decoder) unknown(at place, s *shape, name string) {
	written, there, hint := name, "none", ""
	if at.node.Kind == yaml.ScalarNode {
		written = at.node.Value
	}
	known := d.r.Names(s.typ)
	if len(known) > 0 {
		there = strings.Join(known, ", ")
	}
	if near := nearest(name, known); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	d.refuse(at, "unknown %s %s; there are %s%s", noun(s.typ), shown(written), there, hint)
}

// named finds which plugin a place names, and where its options stand.
func (d *decoder) named(at place, s *shape) (name string, options place, ok bool) {
	n := at.node
	switch n.Kind {
	case yaml.ScalarNode:
		name, err := d.expand(n.Value)
		if err != nil {
			d.add(at, err)
			return "", at, false
		}
		return name, at.under(name), true
	case yaml.MappingNode:
		given := d.pairs(at)
		if len(given) == 1 && len(n.Content) == 2 {
			p := given[0].place
			if isNull(p.node) {
				p.node = nil
			}
			return given[0].key, p, true
		}
		if len(given) > 1 {
			names := make([]string, len(given))
			for i := range given {
				names[i] = given[i].key
			}
			d.refuse(at, "expects one %s, not %s; its options are indented below its name", noun(s.typ), strings.Join(names, " and "))
			return "", at, false
		}
	}
	d.refuse(at, "expects %s, not %s", s.calls(), stands(n))
	return "", at, false
}

// build calls the constructor of a sound configuration.
func (d *decoder) build(at place, s *shape, e *entry, config, v reflect.Value) {
	err := guard("the constructor", func() error {
		made, err := e.build(config)
		if err == nil && made.IsNil() {
			err = fmt.Errorf("the constructor made no %s and gave no error; this is a mistake in its code, please report it", noun(s.typ))
		}
		if err == nil {
			v.Set(made)
		}
		return err
	})
	if err != nil {
		d.blame(at, e.config, err)
	} else if d.sheet != nil {
		d.sheet.Plugins = append(d.sheet.Plugins, Built{at.path, v.Interface()})
	}
}
