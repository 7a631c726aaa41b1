package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// What a file may hold at most. The walker relies on it: it has no limits of its own.
const (
	maxBytes = 1 << 20
	maxNodes = 100_000 // with every alias written out
	maxDepth = 100
)

// flaw is something wrong before there are options to name.
type flaw struct {
	line int
	err  error
}

// parse gives the one mapping that a file is.
func parse(content []byte) (*yaml.Node, *flaw) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if len(content) > maxBytes {
		return nil, &flaw{0, fmt.Errorf("is larger than %d bytes", maxBytes)}
	}
	if i := invalidUTF8(content); i >= 0 {
		return nil, &flaw{1 + bytes.Count(content[:i], []byte("\n")), errors.New("is not UTF-8 text; save it as UTF-8")}
	}
	docs, err := documents(content)
	if err != nil {
		return nil, syntaxFlaw(content, err)
	}
	if len(docs) == 0 || len(docs) == 1 && isNull(docs[0].Content[0]) {
		return nil, &flaw{0, errors.New("holds no options; an empty mapping is written {}")}
	}
	if len(docs) > 1 {
		return nil, &flaw{docs[1].Line, errors.New("a second document begins here; keep one, or give each a file of its own")}
	}
	root := docs[0].Content[0]
	if f := (&inspector{seen: map[*yaml.Node]extent{}}).inspect(root); f != nil {
		return nil, f
	}
	if root.Kind != yaml.MappingNode {
		return nil, &flaw{root.Line, fmt.Errorf("expects a mapping of options, not %s", stands(root))}
	}
	return root, nil
}

// documents reads up to two documents of a stream.
func documents(content []byte) (docs []*yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(content))
	err = guard("the YAML parser", func() error {
		for len(docs) < 2 {
			var n yaml.Node
			if err := dec.Decode(&n); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			docs = append(docs, &n)
		}
		return nil
	})
	return docs, err
}

func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// resolve follows aliases.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// stands says what a node is, with its article, in messages.
func stands(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) == 0:
		return "an empty mapping"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return shown(n.Value)
}

// shown quotes a value as the file has it, shortened.
func shown(value string) string {
	if r := []rune(value); len(r) > 60 {
		value = string(r[:57]) + "..."
	}
	return strconv.Quote(value)
}
