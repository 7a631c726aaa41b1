package record

import (
	"slices"
	"strings"
)

// MaxColumns is how many columns a schema may have, and how many fields a struct.
const MaxColumns = 1000

// Schema says which cells a Row has, in order. Its JSON is stable, and is what a pinned version is kept as.
type Schema struct {
	Version int      `json:"version"` // numbered by the runtime; 0 where every column is declared
	Columns []Column `json:"columns"`
	Cut     []string `json:"-"` // columns that an object's path already says: not in Columns, and cut out of values that pass through
	Open    bool     `json:"-"` // all that records have is wanted: the codec notes in Batch.Unknown which have other columns than these
}

// Column is one named, typed cell of every Row.
type Column struct {
	Name     string `yaml:",key" json:"name"` // as the topic says it
	As       string `yaml:"-" json:"-"`       // as files say it
	Type     Type   `yaml:",value" json:"type"`
	Required bool   `yaml:"-" json:"required,omitempty"`
	Inferred bool   `yaml:"-" json:"inferred,omitempty"` // its type was seen, not declared: a number it would round is bad
	Nested   bool   `yaml:"-" json:"nested,omitempty"`   // Name is a path, whose dots descend: a.b is the member b of the column a
}

// Index is where the column called name stands, or -1.
func (s *Schema) Index(name string) int {
	return slices.IndexFunc(s.Columns, func(c Column) bool { return c.Name == name })
}

// Join is the type that holds what columns seen to be of type a and of type b hold: the type itself, or JSON text.
func Join(a, b Type) Type {
	if a == b {
		return a
	}
	return Type{Kind: JSON}
}

// Union gathers columns as they are seen: in that order, of one name where names differ in letter case alone, and of joined types.
// The zero Union is empty.
type Union struct {
	Columns []Column
	at      map[string]int // by names in lower case
}

// Has says whether a column has that name, letter case ignored.
func (u *Union) Has(name string) bool {
	_, has := u.at[strings.ToLower(name)]
	return has
}

// Add takes c in; false if there are MaxColumns already. Of two names that differ in letter case the second is passed over.
func (u *Union) Add(c Column) bool {
	folded := strings.ToLower(c.Name)
	i, has := u.at[folded]
	switch {
	case !has && len(u.Columns) == MaxColumns:
		return false
	case !has:
		if u.at == nil {
			u.at = make(map[string]int)
		}
		u.at[folded] = len(u.Columns)
		u.Columns = append(u.Columns, c)
	case u.Columns[i].Name == c.Name:
		u.Columns[i].Type = Join(u.Columns[i].Type, c.Type)
	}
	return true
}
