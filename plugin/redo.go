package plugin

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Laid makes Decode take the struct that stands at a dotted path, connectors.stock-lake, as it was when text was its canonical
// text: every option that is part of that text from there, the others (endpoints, say) from the file as it is now.
func Laid(path, text string) DecodeOption {
	return func(d *decoder) { d.laidPath, d.laidText = path, text }
}

// relaid gives the node that a struct is decoded from: its own, or the one that Laid asks for.
func (d *decoder) relaid(at place, s *shape) place {
	if d.laidText == "" || at.path != d.laidPath {
		return at
	}
	was, flaw := parse([]byte(d.laidText))
	if flaw != nil {
		d.add(at, fmt.Errorf("its earlier text cannot be read: %w", flaw.err))
		return at
	}
	at.node = d.merge(s, at.node, was)
	return at
}

// merge takes from now what is not part of canonical texts, and everything else from was.
func (d *decoder) merge(s *shape, now, was *yaml.Node) *yaml.Node {
	switch {
	case s.kind == object && was.Kind == yaml.MappingNode:
		return d.mergeObject(s, now, was)
	case s.kind == contract && was.Kind == yaml.MappingNode && len(was.Content) == 2:
		return d.mergePlugin(s, now, was)
	}
	return was
}

func (d *decoder) mergeObject(s *shape, now, was *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Line: was.Line}
	if now != nil && now.Kind != yaml.MappingNode && s.short != nil {
		now = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalarNode(s.short.name), now}}
	}
	for _, f := range s.fields {
		from := child(was, f.name)
		if f.unlaid {
			from = child(now, f.name)
		} else if from != nil {
			from = d.merge(f.shape, child(now, f.name), from)
		}
		if from != nil {
			out.Content = append(out.Content, scalarNode(f.name), from)
		}
	}
	return out
}

// mergePlugin keeps options of now only where they are of the same plugin.
func (d *decoder) mergePlugin(s *shape, now, was *yaml.Node) *yaml.Node {
	name := was.Content[0].Value
	e := d.r.plugins[s.typ][name]
	if e == nil {
		return was
	}
	return &yaml.Node{Kind: yaml.MappingNode, Line: was.Line, Content: []*yaml.Node{
		was.Content[0], d.merge(e.config, child(now, name), was.Content[1]),
	}}
}

func scalarNode(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// child is the value of a key, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return resolve(n.Content[i+1])
		}
	}
	return nil
}
