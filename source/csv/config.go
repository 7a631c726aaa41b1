package csv

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
)

// Config is a csv source as connectors.yaml writes it.
type Config struct {
	Path      string      `yaml:"path,short" required:"true" doc:"The files, as a glob such as data/*.csv; every worker must see the same ones. Those called .gz and .zst are decompressed. One that appears later is read from the next start on."`
	Header    bool        `yaml:"header" doc:"Whether the first line of each file names the columns; if not, columns does."`
	Columns   []Column    `yaml:"columns" doc:"Columns and their types, as in {Date: date, Volume: double, Note: infer}: without a header all of them, in their order; with one, those whose type is not to be inferred. Types are string, bool, int32, int64, float, double, date, timestamp(ms), timestamp(us), decimal(p,s), bytes (base64 in its cell), json, list<type> and struct<name:type,...> (JSON in their cells), and infer."`
	Delimiter string      `yaml:"delimiter" doc:"The character between two cells."`
	Quote     string      `yaml:"quote" doc:"The character around cells that hold delimiters or line ends, doubled inside them; none where quotes are text like any other."`
	Order     string      `yaml:"order" enum:"file|sample" doc:"The order of the rows: file, as they stand there; sample, drawn at random for ever, each time from all of the file, which takes twelve bytes of memory a row."`
	Seed      int64       `yaml:"seed" doc:"Which rows order: sample draws: the same ones for the same seed."`
	Rate      plugin.Rate `yaml:"rate" doc:"Rows a second over all files that a worker reads, such as 1000/s; as fast as it goes unless set."`
	Repeat    Repeat      `yaml:"repeat" doc:"How many times each file is read, or forever."`
	Follow    bool        `yaml:"follow" doc:"Whether to wait, at the end of a file, for newline-ended rows to be appended. Types are inferred from the rows that are there first."`
	Key       string      `yaml:"key" doc:"The column whose text becomes the record's key; without it records have no key."`
	Time      string      `yaml:"time" doc:"The column whose date, timestamp (UTC unless it names its zone) or epoch in seconds or milliseconds becomes the record's time, instead of the time it is stored. Retention counts from it: a topic of old records needs retention.ms=-1."`
}

// Column is a column that the config names, and its type.
type Column struct {
	Name string `yaml:",key"`
	Type Type   `yaml:",value"`
}

// Type is a column's type; the zero one, written infer, is found out.
type Type struct{ record.Type }

// UnmarshalText reads infer, or a type.
func (t *Type) UnmarshalText(text []byte) (err error) {
	if t.Type = (record.Type{}); string(text) == "infer" {
		return nil
	}
	if t.Type, err = record.ParseType(string(text)); err != nil {
		if strings.HasSuffix(err.Error(), record.TypeNames) {
			err = fmt.Errorf("%w, infer", err)
		}
		return err
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (t Type) MarshalText() ([]byte, error) {
	if t.Kind == record.Null {
		return []byte("infer"), nil
	}
	return t.Type.MarshalText()
}

// Pattern is what the text of a type fits.
func (t Type) Pattern() string { return "^infer$|" + t.Type.Pattern() }

// Repeat is how many times a file is read; 0, written forever, is without end.
type Repeat int

const forever Repeat = 0

// UnmarshalText reads a count from 1 on, or forever.
func (r *Repeat) UnmarshalText(text []byte) error {
	if string(text) == "forever" {
		*r = forever
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not how often a file can be read; write a whole number from 1 on, or forever", text)
	}
	*r = Repeat(n)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (r Repeat) MarshalText() ([]byte, error) {
	if r == forever {
		return []byte("forever"), nil
	}
	return strconv.AppendInt(nil, int64(r), 10), nil
}

// Pattern is what the text of a count fits.
func (Repeat) Pattern() string { return `^(forever|[1-9][0-9]*)$` }

// Defaults is what a Config holds before YAML is read into it.
func Defaults() Config {
	return Config{Header: true, Delimiter: ",", Quote: `"`, Order: inFile, Repeat: 1}
}

const (
	inFile  = "file"
	sampled = "sample"
)

// Check lists the mistakes that can be seen without a file.
func (c *Config) Check() error {
	_, globErr := filepath.Match(c.Path, "")
	var errs []error
	says := func(broken bool, option, format string, args ...any) {
		if broken {
			errs = append(errs, plugin.Option(option, fmt.Errorf(format, args...)))
		}
	}
	says(globErr != nil, "path", "%q is not a glob; write it as in data/*.csv", c.Path)
	says(!mark1(c.Delimiter), "delimiter", `%q cannot part cells; write one ASCII character such as "," ";" or "\t"`, c.Delimiter)
	says(c.Quote != "none" && (!mark1(c.Quote) || c.Quote == c.Delimiter), "quote",
		`%q cannot stand around cells; write one ASCII character other than the delimiter, or none`, c.Quote)
	says(c.Order != inFile && c.Order != sampled, "order", "unknown order %q; write file or sample", c.Order)
	says(c.Seed != 0 && c.Order != sampled, "seed", "only order: sample draws rows; leave seed out")
	says(c.Repeat < 0, "repeat", "%d is not how often a file can be read; write a whole number from 1 on, or forever", c.Repeat)
	says(c.Repeat != 1 && c.Order == sampled, "repeat", "order: sample has no end already; leave repeat out")
	says(c.Repeat != 1 && c.Follow, "repeat", "a file that is followed never comes to its end; leave repeat or follow out")
	says(c.Follow && c.Order == sampled, "follow", "rows cannot be drawn from a file that grows; leave follow or order: sample out")
	says(c.Follow && packed(c.Path) != "", "follow", "a compressed file cannot be followed; follow the file before it is compressed")
	return errors.Join(append(errs, c.checkTime(), c.checkColumns())...)
}

// checkTime refuses a column of times whose declared type no time has.
func (c *Config) checkTime() error {
	for _, col := range c.Columns {
		switch col.Type.Kind {
		case record.Bool, record.Bytes, record.JSON, record.List, record.Struct:
			if col.Name == c.Time {
				return plugin.Option("time", fmt.Errorf("column %q is declared %s, and no time is; declare it date, timestamp(ms), timestamp(us), int64, double or string, or name another", c.Time, col.Type))
			}
		}
	}
	return nil
}

// checkColumns checks what needs to be named where no header does.
func (c *Config) checkColumns() error {
	if c.Header {
		return nil
	}
	if len(c.Columns) == 0 {
		return plugin.Option("columns", errors.New("without a header the columns must be named here, in their order; write columns: {NAME: TYPE, NAME: infer}"))
	}
	names := c.names()
	if err := distinct(names); err != nil {
		return plugin.Option("columns", err)
	}
	return errors.Join(plugin.Option("key", oneOf(names, c.Key)), plugin.Option("time", oneOf(names, c.Time)))
}

// lacking gives the options that name a column which is not there.
func (c *Config) lacking(names []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		named := append([]Column{{Name: c.Key}, {Name: c.Time}}, c.Columns...)
		for i, col := range named {
			err := oneOf(names, col.Name)
			if err != nil && !yield([]string{"key", "time", "columns"}[min(i, 2)], err) {
				return
			}
		}
	}
}

func (c *Config) names() (names []string) {
	for _, col := range c.Columns {
		names = append(names, col.Name)
	}
	return names
}

// mark1 tells whether text is one character that can have a meaning between cells.
func mark1(text string) bool {
	return len(text) == 1 && text[0] <= '~' && !strings.ContainsAny(text, "\r\n\x00")
}
