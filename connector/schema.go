package connector

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

const sameName = "columns %q and %q would have the same name in files, letter case ignored: %s"

// schema is the columns that the sink asks for, typed as declared; nil when it asks for none.
func (c *Config) schema() (*record.Schema, error) {
	declared, err := c.declared()
	asks, ok := c.Sink.(sink.Columned)
	if err != nil || !ok {
		return nil, err
	}
	names, all := asks.Columns()
	s := &record.Schema{}
	if all {
		if len(declared) == 0 {
			return nil, errors.New("the format writes typed columns; declare them, as in columns: {Date: date, Volume: double}")
		}
		s.Columns = slices.Clone(declared)
	}
	for _, name := range names {
		if s.Index(name) < 0 {
			col := c.column(declared, name)
			if i := slices.IndexFunc(s.Columns, func(o record.Column) bool { return all && strings.EqualFold(o.As, col.As) }); i >= 0 {
				return nil, fmt.Errorf(sameName, s.Columns[i].Name, name, col.As)
			}
			s.Columns = append(s.Columns, col)
		}
	}
	if len(s.Columns) == 0 {
		return nil, nil
	}
	return s, nil
}

// declared is the columns that the file declares, with their names in files.
func (c *Config) declared() ([]record.Column, error) {
	var cols []record.Column
	topic, files := map[string]bool{}, map[string]string{}
	for _, col := range c.Schema.Columns {
		col.As = c.fileName(col.Name)
		if col.As == "" {
			return nil, fmt.Errorf("column %q has no letter or digit, and would have no name in files; names: as_is keeps it as it is", col.Name)
		}
		lower := strings.ToLower(col.As)
		if other, clash := files[lower]; topic[col.Name] {
			return nil, fmt.Errorf("column %q is declared twice", col.Name)
		} else if clash {
			return nil, fmt.Errorf(sameName, other, col.Name, col.As)
		}
		topic[col.Name], files[lower] = true, col.Name
		cols = append(cols, col)
	}
	return cols, nil
}

// column is a column as declared, or one of whatever type it turns out to have.
func (c *Config) column(declared []record.Column, name string) record.Column {
	for _, col := range declared {
		if col.Name == name {
			return col
		}
	}
	return record.Column{Name: name, As: c.fileName(name), Type: record.Type{Kind: record.Any}}
}

// fileName is how files spell a column's name.
func (c *Config) fileName(name string) string {
	if c.Schema.Names != "snake_case" {
		return name
	}
	return snake(name)
}

// snake spells a name in lower case with underscores: Adj Close is adj_close, CloseUSD is close_usd.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = '_'
		case unicode.IsUpper(r) && i > 0:
			after := unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1])
			ends := unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if after || ends {
				b.WriteByte('_')
			}
		}
		if r == '_' && strings.HasSuffix(b.String(), "_") {
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Trim(b.String(), "_")
}
