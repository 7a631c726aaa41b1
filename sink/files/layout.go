package files

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock/penstock/record"
)

// DefaultPath is one folder a topic and day.
const DefaultPath = "{topic}/day={time:%Y-%m-%d}"

// Template says in which folder a record's row goes, from the record alone. Its zero value is the folder of the prefix itself.
type Template struct {
	text  string
	parts []part
	exact []exact
}

// part is a run of a rendered path.
type part struct {
	kind  partKind
	text  string // of a literal; the name of a column or header
	deep  bool   // the dots in a column's name descend
	stamp stamp  // how a date or time is written; empty where the value is written as it is
}

type partKind uint8

const (
	literal partKind = iota
	slash            // ends a segment
	topic
	partition
	offset
	key
	header
	column
	recordTime
)

// exact is a segment key={column} without a format: what the column holds can be had back from the path.
type exact struct{ key, column string }

// ParseTemplate reads a path as connectors.yaml writes it.
func ParseTemplate(text string) (Template, error) {
	p := parser{text: text}
	if err := p.parse(); err != nil {
		return Template{}, err
	}
	return Template{text: text, parts: p.parts, exact: p.exact}, nil
}

// UnmarshalText is ParseTemplate.
func (t *Template) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTemplate(string(text))
	return err
}

// MarshalText gives the text that was parsed.
func (t Template) MarshalText() ([]byte, error) { return []byte(t.text), nil }

func (t Template) String() string { return t.text }

// Columns are the columns that a path is made from, each once, in order of appearance. Their types are theirs to have.
func (t Template) Columns() []record.Column {
	var all []record.Column
	for _, p := range t.parts {
		c := record.Column{Name: p.text, Type: record.Type{Kind: record.Any}, Nested: p.deep}
		if p.kind == column && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// twins refuses columns that readers of the files could not tell apart.
func (t Template) twins() error {
	all := t.Columns()
	for i, c := range all {
		for _, other := range all[:i] {
			if !c.Nested && !other.Nested && strings.EqualFold(c.Name, other.Name) {
				return fmt.Errorf("columns %q and %q would have the same name in files, letter case ignored; name one of them", other.Name, c.Name)
			}
		}
	}
	return nil
}

// beside asks for the columns that a path does not give back by way of a path of their own name: files hold them too, with a type
// that is found as every other column's is.
func (t Template) beside(asked []record.Column) {
	for i, c := range asked {
		exactly := slices.ContainsFunc(t.exact, func(e exact) bool { return e.column == c.Name && strings.EqualFold(e.key, c.Name) })
		asked[i].Nested = c.Nested || !exactly && !strings.Contains(c.Name, ".")
	}
}

// of is the template for one topic, however it was written.
func (t Template) of(topicName string) string {
	var text strings.Builder
	for _, p := range t.parts {
		switch p.kind {
		case literal:
			text.WriteString(p.text)
		case slash:
			text.WriteByte('/')
		case topic:
			text.Write(appendEscaped(nil, topicName))
		default:
			fmt.Fprintf(&text, "{%v}", p)
		}
	}
	return text.String()
}

// stem is what all paths begin with, those of a topic if one is named; whole says that there is no more to them.
func (t Template) stem(topicName string) (text string, whole bool) {
	for _, p := range t.parts {
		switch {
		case p.kind == literal:
			text += p.text
		case p.kind == slash:
			text += "/"
		case p.kind == topic && topicName != "":
			text += string(appendEscaped(nil, topicName))
		default:
			return text, false
		}
	}
	return text, true
}
