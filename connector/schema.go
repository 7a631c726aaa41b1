package connector

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// schema is the columns that the sink asks for, typed as declared; nil when it asks for none.
func (c *Config) schema() (*record.Schema, error) {
	declared := map[string]record.Column{}
	files := map[string]string{}
	for _, col := range c.Schema.Columns {
		if _, twice := declared[col.Name]; twice {
			return nil, fmt.Errorf("column %q is declared twice", col.Name)
		}
		col.As = c.fileName(col.Name)
		if other, clash := files[strings.ToLower(col.As)]; clash {
			return nil, fmt.Errorf("columns %q and %q would have the same name in files, letter case ignored: %s", other, col.Name, col.As)
		}
		declared[col.Name], files[strings.ToLower(col.As)] = col, col.Name
	}
	asks, ok := c.Sink.(sink.Columned)
	if !ok {
		return nil, nil
	}
	names, all := asks.Columns()
	if all && len(c.Schema.Columns) == 0 {
		return nil, errors.New("the format writes typed columns; declare them, as in columns: {Date: date, Volume: double}")
	}
	s := &record.Schema{}
	if all {
		for _, col := range c.Schema.Columns {
			s.Columns = append(s.Columns, declared[col.Name])
		}
	}
	for _, name := range names {
		if s.Index(name) < 0 {
			col, ok := declared[name]
			if !ok {
				col = record.Column{Name: name, As: c.fileName(name), Type: record.Type{Kind: record.Any}}
			}
			s.Columns = append(s.Columns, col)
		}
	}
	if len(s.Columns) == 0 {
		return nil, nil
	}
	return s, nil
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
