package connector

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// schema is the columns that the sink asks for: those declared, then those inferred, but such as files could not tell from others;
// nil when it asks for none.
func (c *Config) schema(inferred []record.Column, version int) (*record.Schema, error) {
	cols, err := c.declared()
	asks, ok := c.Sink.(sink.Columned)
	if err != nil || !ok {
		return nil, err
	}
	asked, all := asks.Columns()
	known := &record.Schema{Columns: cols}
	for _, col := range inferred {
		if col.As = c.fileName(col.Name); known.Index(col.Name) < 0 && apart(known.Columns, col) == nil {
			known.Columns = append(known.Columns, col)
		}
	}
	if _, infers := c.Codec.(formats.Inferrer); all && len(cols) == 0 && !infers {
		return nil, errors.New("the format writes typed columns; declare them, as in columns: {Date: date, Volume: double}")
	}
	s := &record.Schema{Version: version}
	if all {
		s.Columns = slices.Clone(known.Columns)
		s.Open = c.Schema.New != "ignore" || len(cols) == 0 && version == 0
	}
	for _, col := range asked {
		if col = c.column(known, col); !slices.Contains(s.Columns, col) {
			if err := apart(s.Columns, col); all && err != nil {
				return nil, err
			}
			s.Columns = append(s.Columns, col)
		}
		if all && col.Nested && c.Schema.New == "error" && len(cols)+version > 0 {
			s.Cut = append(s.Cut, col.Name) // the file names it, if not as a column
		}
	}
	if len(s.Columns) == 0 && !s.Open {
		return nil, nil
	}
	return s, nil
}

// declared is the columns that the file declares, with their names in files.
func (c *Config) declared() ([]record.Column, error) {
	cols := slices.Clone(c.Schema.Columns)
	topic := map[string]bool{}
	for i := range cols {
		if topic[cols[i].Name] {
			return nil, fmt.Errorf("column %q is declared twice", cols[i].Name)
		}
		topic[cols[i].Name] = true
		if cols[i].As = c.fileName(cols[i].Name); cols[i].As == "" {
			return nil, fmt.Errorf("column %q has no letter or digit, and would have no name in files; names: as_is keeps it as it is", cols[i].Name)
		}
		if err := apart(cols[:i], cols[i]); err != nil {
			return nil, err
		}
	}
	return cols, nil
}

// apart refuses a column that readers of files could not tell from one of cols.
func apart(cols []record.Column, c record.Column) error {
	for _, other := range cols {
		if !other.Nested && strings.EqualFold(other.As, c.As) {
			return fmt.Errorf("columns %q and %q would have the same name in files, letter case ignored: %s", other.Name, c.Name, c.As)
		}
	}
	return nil
}

// column is the one asked for as it is known, or of whatever type it turns out to have.
func (c *Config) column(known *record.Schema, asked record.Column) record.Column {
	if i := known.Index(asked.Name); i >= 0 {
		return known.Columns[i]
	}
	return record.Column{Name: asked.Name, As: c.fileName(asked.Name), Type: record.Type{Kind: record.Any}, Nested: asked.Nested}
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
