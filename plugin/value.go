package plugin

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// value decodes whatever the file gives.
func (d *decoder) value(at place, s *shape, enum []string, v reflect.Value) string {
	if isNull(at.node) && s.kind != object {
		return d.null(at, s, v)
	}
	switch s.kind {
	case object:
		return d.object(at, s, v)
	case pointer:
		return d.pointer(at, s, enum, v)
	case list:
		return d.list(at, s, enum, v)
	case pairs:
		return d.ordered(at, s, v)
	case dict:
		return d.dict(at, s, enum, v)
	case contract:
		return d.contract(at, s, v)
	}
	return d.scalar(at, s, enum, v)
}

// null is nothing at all where that can be, and a value forgotten elsewhere.
func (d *decoder) null(at place, s *shape, v reflect.Value) string {
	switch s.kind {
	case pointer, contract:
		v.SetZero()
	case text:
		d.refuse(at, `has no value; give one, leave the option out, or write "" for empty text`)
	default:
		d.refuse(at, "has no value; give one, or leave the option out")
	}
	return "null"
}

func (d *decoder) scalar(at place, s *shape, enum []string, v reflect.Value) string {
	n := at.node
	if n.Kind != yaml.ScalarNode {
		d.refuse(at, "expects %s, %s", s.calls(), unquotedText(s, n))
		return ""
	}
	value, err := d.expand(n.Value)
	if err != nil {
		d.add(at, err)
		return ""
	}
	d.hide(at, value, n.Value)
	return d.set(at, s, enum, v, value, n.Value)
}

// set reads text, which the file wrote as raw.
func (d *decoder) set(at place, s *shape, enum []string, v reflect.Value, value, raw string) string {
	if len(enum) > 0 && !slices.Contains(enum, value) {
		hint := ""
		if near := nearest(raw, enum); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		d.refuse(at, "%s is not one of %s%s", shown(raw), strings.Join(enum, ", "), hint)
		return ""
	}
	if err := s.setScalar(v, value, raw); err != nil {
		if s.kind == textual {
			d.blame(at, s, err)
		} else {
			d.add(at, err)
		}
		return ""
	}
	return canonical(s, v)
}

// unquotedText says what stands in place of a scalar: often text that YAML read as a mapping or list, for want of quotes.
func unquotedText(s *shape, n *yaml.Node) string {
	switch {
	case s.kind != text && s.kind != textual || n.Style&yaml.FlowStyle == 0:
		return "not " + stands(n)
	case n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Kind == yaml.ScalarNode && isNull(n.Content[1]):
		return fmt.Sprintf(`but {%[1]s} without quotes is a mapping; write "{%[1]s}"`, n.Content[0].Value)
	case n.Kind == yaml.MappingNode:
		return "not a mapping; quote text that begins with {"
	}
	return "not a list; quote text that begins with ["
}

func (d *decoder) pointer(at place, s *shape, enum []string, v reflect.Value) string {
	to := reflect.New(s.elem.typ)
	if v.IsNil() {
		d.fresh(at, to)
	} else {
		to.Elem().Set(v.Elem())
	}
	canon := d.value(at, s.elem, enum, to.Elem())
	v.Set(to)
	return canon
}

// fresh lets a struct that has no defaults above it set its own.
func (d *decoder) fresh(at place, to reflect.Value) {
	if s, ok := to.Interface().(interface{ Default() }); ok {
		if err := guard(to.Type().String()+".Default", func() error { s.Default(); return nil }); err != nil {
			d.blame(at, nil, err)
		}
	}
}

func (d *decoder) list(at place, s *shape, enum []string, v reflect.Value) string {
	n := at.node
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.Kind == yaml.ScalarNode {
			hint = fmt.Sprintf("; write [%s]", shown(n.Value))
		}
		d.refuse(at, "expects a list, not %s%s", stands(n), hint)
		return ""
	}
	all := reflect.MakeSlice(s.typ, len(n.Content), len(n.Content))
	texts := make([]string, len(n.Content))
	for i, c := range n.Content {
		p := place{resolve(c), c.Line, fmt.Sprintf("%s[%d]", at.path, i)}
		if isNull(p.node) {
			d.refuse(p, "has no value; give one, or leave the item out")
			continue
		}
		d.fresh(p, all.Index(i).Addr())
		texts[i] = d.value(p, s.elem, enum, all.Index(i))
	}
	if v.SetZero(); len(texts) > 0 {
		v.Set(all)
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// ordered decodes a mapping into a slice, each key into its element's key.
func (d *decoder) ordered(at place, s *shape, v reflect.Value) string {
	given, ok := d.mapping(at)
	if !ok {
		return ""
	}
	all := reflect.MakeSlice(s.typ, len(given), len(given))
	texts := make([]string, len(given))
	for i, p := range given {
		texts[i] = quote(p.key) + ":" + d.keyed(p, s.elem, all.Index(i))
	}
	if v.SetZero(); len(given) > 0 {
		v.Set(all)
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// keyed decodes one key with its value, which is one field's or holds the other fields.
func (d *decoder) keyed(p pair, s *shape, v reflect.Value) string {
	before := d.troubles
	d.fresh(p.place, v.Addr())
	d.set(p.place, s.key.shape, s.key.enum, v.FieldByIndex(s.key.index), p.key, p.key)
	if s.value == nil {
		return d.object(p.place, s, v)
	}
	canon := d.value(p.place, s.value.shape, s.value.enum, v.FieldByIndex(s.value.index))
	if s.line != nil {
		v.FieldByIndex(s.line).SetInt(int64(p.line))
	}
	d.finish(p.place, s, v, canon, d.troubles == before)
	return canon
}

func (d *decoder) dict(at place, s *shape, enum []string, v reflect.Value) string {
	given, ok := d.mapping(at)
	if !ok {
		return ""
	}
	all := reflect.MakeMapWithSize(s.typ, len(given))
	parts := map[string]string{}
	for _, p := range given {
		elem := reflect.New(s.elem.typ)
		d.fresh(p.place, elem)
		end := d.about(p.place, secretive(p.key), false)
		parts[p.key] = d.value(p.place, s.elem, enum, elem.Elem())
		end()
		all.SetMapIndex(reflect.ValueOf(p.key).Convert(s.typ.Key()), elem.Elem())
	}
	if v.SetZero(); len(given) > 0 {
		v.Set(all)
	}
	return objectText(parts)
}
