package plugin

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// pair is one key of a mapping, and where its value stands.
type pair struct {
	key string
	place
}

// mapping gives the pairs of what must be a mapping.
func (d *decoder) mapping(at place) ([]pair, bool) {
	if at.node.Kind != yaml.MappingNode {
		d.refuse(at, "expects a mapping, not %s", stands(at.node))
		return nil, false
	}
	return d.pairs(at), true
}

// pairs gives the keys of a mapping in order, and reports those that are not a key, or stand twice.
func (d *decoder) pairs(at place) (all []pair) {
	lines := map[string]int{}
	for i := 0; i+1 < len(at.node.Content); i += 2 {
		k, line := resolve(at.node.Content[i]), at.node.Content[i].Line
		p := pair{k.Value, at.under(k.Value)}
		p.node, p.line = resolve(at.node.Content[i+1]), line
		here := place{line: line, path: at.path}
		switch {
		case k.Kind != yaml.ScalarNode:
			d.refuse(here, "expects text as a key, not %s; quote it", stands(k))
		case k.Tag == "!!merge":
			d.refuse(here, "the merge key << is not read; write its options out")
		case k.Value == "":
			d.refuse(here, "a key is missing before the colon")
		case lines[k.Value] > 0:
			d.refuse(here, "option %q is given twice; it stands on line %d already", k.Value, lines[k.Value])
		default:
			lines[k.Value] = line
			all = append(all, p)
		}
	}
	return all
}

// locate finds an option that is named from where what has a shape stands; what the file does not give has the line of what it
// would stand in. The name of a plugin may be left out: sink.path is sink.s3.path.
func (d *decoder) locate(at place, s *shape, option string) place {
	if option == "" || at.node == nil {
		return at.under(option)
	}
	if name := nameOf(at.node, s); name != "" && option != name && !strings.HasPrefix(option, name+".") {
		option = name + "." + option
	}
	to, line, rest := step(at.node, option)
	if to == nil {
		return at.under(option)
	}
	key := strings.TrimSuffix(strings.TrimSuffix(option, rest), ".")
	next := at.under(key)
	next.node, next.line = to, line
	return d.locate(next, d.below(s, key), rest)
}

// nameOf is the name of the plugin that stands, with its options, where one may; "" for anything else.
func nameOf(n *yaml.Node, s *shape) string {
	if s == nil || s.kind != contract || n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return ""
	}
	return resolve(n.Content[0]).Value
}

// below is the shape of a part of what has a shape; nil where that is not known.
func (d *decoder) below(s *shape, key string) *shape {
	switch {
	case s == nil:
	case s.kind == contract:
		if e := d.r.plugins[s.typ][key]; e != nil {
			return e.config
		}
	case s.kind == object:
		for _, f := range s.fields {
			if f.name == key {
				return f.shape.held()
			}
		}
	case s.elem != nil:
		return s.elem.held()
	}
	return nil
}

// held is the shape without the pointer to it, or the key before it.
func (s *shape) held() *shape {
	switch {
	case s.kind == pointer:
		return s.elem.held()
	case s.value != nil:
		return s.value.shape.held()
	}
	return s
}

// gives tells whether an option that is named from where a struct stands is in the file.
func (p place) gives(option string) bool {
	n := p.node
	for n != nil && option != "" {
		n, _, option = step(n, option)
	}
	return n != nil
}

// step goes into a node by the first part of a path: a key, which may hold dots itself, or an index as in [2].
func step(n *yaml.Node, path string) (to *yaml.Node, line int, rest string) {
	for i, c := range n.Content {
		name := fmt.Sprintf("[%d]", i)
		to = c
		if n.Kind == yaml.MappingNode {
			if i%2 == 1 {
				continue
			}
			name, to = resolve(c).Value, n.Content[i+1]
		}
		rest, ok := strings.CutPrefix(path, name)
		if ok && name != "" && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return resolve(to), c.Line, strings.TrimPrefix(rest, ".")
		}
	}
	return nil, 0, ""
}
