package files

import "slices"

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

// Columns are the columns that a path is made from, each once, in order of appearance.
func (t Template) Columns() []string {
	var names []string
	for _, p := range t.parts {
		if p.kind == column && !slices.Contains(names, p.text) {
			names = append(names, p.text)
		}
	}
	return names
}
