package plugin

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// extent is how much there is in a node, with its aliases written out.
type extent struct{ nodes, depth int }

// inspector sees each node once, however often aliases name it.
type inspector struct{ seen map[*yaml.Node]extent }

// inspect refuses what the walker is not to meet.
func (in *inspector) inspect(n *yaml.Node) *flaw {
	all := extent{nodes: 1}
	in.seen[n] = extent{depth: -1} // not yet known: an alias to it, met inside, is a circle
	below := n.Content
	if n.Kind == yaml.AliasNode {
		below = []*yaml.Node{n.Alias}
	}
	for _, c := range below {
		if in.seen[c].depth < 0 {
			return &flaw{n.Line, fmt.Errorf("the alias *%s stands inside what it names; write that out", n.Value)}
		}
		if _, done := in.seen[c]; !done {
			if f := in.inspect(c); f != nil {
				return f
			}
		}
		all.nodes += in.seen[c].nodes
		all.depth = max(all.depth, in.seen[c].depth+1)
	}
	in.seen[n] = all
	switch {
	case all.nodes > maxNodes:
		return &flaw{n.Line, fmt.Errorf("holds more than %d values, aliases written out; use fewer", maxNodes)}
	case all.depth > maxDepth:
		return &flaw{n.Line, fmt.Errorf("is nested more than %d deep", maxDepth)}
	case n.Style&yaml.TaggedStyle != 0 && !coreTag(n.Tag):
		return &flaw{n.Line, fmt.Errorf("the tag %s is not known; leave it out, or quote the text that begins with %q", n.Tag, "!")}
	}
	return nil
}

func coreTag(tag string) bool {
	return strings.Contains(" !!str !!int !!float !!bool !!null !!map !!seq ", " "+tag+" ")
}
