package connector

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"Adj Close": "adj_close", "CloseUSD": "close_usd", "USDClose": "usd_close", "Date": "date", "id": "id", "a.b": "a_b",
		"adj__close": "adj_close", " x ": "x", "A": "a", "Open2High": "open2_high", "Größe": "größe", "Close%": "close", "ABC": "abc",
		"%": "", "": "", "already_snake": "already_snake", "A B": "a_b", "PriceÄnderung": "price_änderung",
	} {
		if got := snake(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// asking is a sink that needs cells.
type asking struct {
	names []string
	all   bool
}

func (a asking) Columns() (asked []record.Column, all bool) {
	for _, name := range a.names {
		asked = append(asked, record.Column{Name: name})
	}
	return asked, a.all
}
func (asking) Open(context.Context, sink.Claim) (sink.Writer, error) {
	return nil, nil
}

func kindOf(kind record.Kind) record.Type { return record.Type{Kind: kind} }

func TestSchema(t *testing.T) {
	date := record.Column{Name: "Date", Type: kindOf(record.Date)}
	volume := record.Column{Name: "Vol Ume", Type: kindOf(record.Float)}
	as := func(c record.Column, name string) record.Column { c.As = name; return c }
	for name, c := range map[string]struct {
		declared []record.Column
		names    string
		sink     sink.Sink
		want     []record.Column // nil: no schema
	}{
		"asks for none":             {[]record.Column{date}, "as_is", asking{}, nil},
		"cannot ask":                {[]record.Column{date}, "as_is", sink.Func(nil), nil},
		"all":                       {[]record.Column{volume, date}, "as_is", asking{all: true}, []record.Column{as(volume, "Vol Ume"), as(date, "Date")}},
		"all in snake case":         {[]record.Column{volume}, "snake_case", asking{all: true}, []record.Column{as(volume, "vol_ume")}},
		"those of the path":         {[]record.Column{volume, date}, "as_is", asking{names: []string{"Date"}}, []record.Column{as(date, "Date")}},
		"all, and one of the path":  {[]record.Column{date}, "as_is", asking{[]string{"Index", "Date"}, true}, []record.Column{as(date, "Date"), {Name: "Index", As: "Index", Type: kindOf(record.Any)}}},
		"undeclared in the path":    {nil, "snake_case", asking{names: []string{"AnIndex"}}, []record.Column{{Name: "AnIndex", As: "an_index", Type: kindOf(record.Any)}}},
		"twice in the path is once": {nil, "as_is", asking{names: []string{"a", "a"}}, []record.Column{{Name: "a", As: "a", Type: kindOf(record.Any)}}},
	} {
		cfg := Config{Sink: c.sink, Schema: Schema{Columns: c.declared, Names: c.names}}
		got, err := cfg.schema(nil, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if (got == nil) != (c.want == nil) || got != nil && !reflect.DeepEqual(got.Columns, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestSchemasThatCannotBe(t *testing.T) {
	column := func(names ...string) (out []record.Column) {
		for _, n := range names {
			out = append(out, record.Column{Name: n, Type: kindOf(record.String)})
		}
		return out
	}
	for want, c := range map[string]Config{
		`column "a" is declared twice`: {Schema: Schema{Columns: column("a", "b", "a")}, Sink: asking{}},
		`columns "Close" and "close" would have the same name in files, letter case ignored: close`:            {Schema: Schema{Columns: column("Close", "close")}, Sink: asking{}},
		`columns "Adj Close" and "AdjClose" would have the same name in files, letter case ignored: adj_close`: {Schema: Schema{Columns: column("Adj Close", "AdjClose"), Names: "snake_case"}, Sink: asking{}},
		"the format writes typed columns; declare them, as in columns: {Date: date, Volume: double}":           {Sink: asking{all: true}},
		`columns "Date" and "date" would have the same name in files, letter case ignored: date`:               {Schema: Schema{Columns: column("Date")}, Sink: asking{[]string{"date"}, true}},
		`column "%" has no letter or digit, and would have no name in files; names: as_is keeps it as it is`:   {Schema: Schema{Columns: column("%"), Names: "snake_case"}, Sink: asking{}},
	} {
		if s, err := c.schema(nil, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v; want %s", s, err, want)
		}
	}
}
