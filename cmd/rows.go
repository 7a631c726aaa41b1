package cmd

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// column is a column of what is printed, with its SQL type.
type column struct{ name, kind string }

// numeric tells whether cells of the column are numbers.
func (c column) numeric() bool {
	kind, _, _ := strings.Cut(c.kind, "(")
	switch kind {
	case "tinyint", "smallint", "integer", "int", "bigint", "float", "real", "double", "decimal":
		return true
	}
	return false
}

// rowWriter prints rows of cells, nil for NULL, as they come: it keeps no more than a page of them.
type rowWriter interface {
	begin(columns []column) error
	row(cells []*string) error
	end() error
}

func newRowWriter(format string, out io.Writer) rowWriter {
	w := bufio.NewWriter(out)
	switch format {
	case "csv":
		return &csvWriter{out: csv.NewWriter(w), buf: w}
	case "json":
		return &jsonWriter{out: w}
	}
	return &tableWriter{out: w}
}

// tableWriter lines columns up, as wide as the first page of rows needs.
type tableWriter struct {
	out     *bufio.Writer
	columns []column
	widths  []int
	held    [][]string // nil once the widths are known
	drawn   bool
}

const tablePage = 1000

func (t *tableWriter) begin(columns []column) error {
	t.columns = columns
	for _, c := range columns {
		t.widths = append(t.widths, utf8.RuneCountInString(plain(c.name)))
	}
	return nil
}

func (t *tableWriter) row(cells []*string) error {
	line := make([]string, len(t.columns))
	for i := range line {
		if i < len(cells) && cells[i] != nil {
			line[i] = plain(*cells[i])
		} else {
			line[i] = "NULL"
		}
		if !t.drawn {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(line[i]))
		}
	}
	if t.drawn {
		return t.print(line)
	}
	if t.held = append(t.held, line); len(t.held) == tablePage {
		return t.draw()
	}
	return nil
}

// draw prints the heading and the rows that were held for their widths.
func (t *tableWriter) draw() error {
	t.drawn = true
	var names, rule []string
	for i, c := range t.columns {
		names, rule = append(names, plain(c.name)), append(rule, strings.Repeat("-", t.widths[i]))
	}
	for _, line := range append([][]string{names, rule}, t.held...) {
		if err := t.print(line); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

func (t *tableWriter) print(line []string) error {
	var b strings.Builder
	for i, cell := range line {
		pad := strings.Repeat(" ", max(0, t.widths[i]-utf8.RuneCountInString(cell)))
		if t.columns[i].numeric() {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
		b.WriteString("  ")
	}
	_, err := t.out.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	return err
}

func (t *tableWriter) end() error {
	if !t.drawn && len(t.columns) > 0 {
		if err := t.draw(); err != nil {
			return err
		}
	}
	return t.out.Flush()
}

// plain keeps a cell on its line, and from speaking to the terminal.
func plain(cell string) string {
	if strings.IndexFunc(cell, unicode.IsControl) < 0 && utf8.ValidString(cell) {
		return cell
	}
	var b strings.Builder
	for _, r := range cell {
		if unicode.IsControl(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// csvWriter prints a heading and rows; NULL is an empty cell.
type csvWriter struct {
	out *csv.Writer
	buf *bufio.Writer
}

func (c *csvWriter) begin(columns []column) error {
	if len(columns) == 0 {
		return nil
	}
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
	}
	return c.out.Write(names)
}

func (c *csvWriter) row(cells []*string) error {
	line := make([]string, len(cells))
	for i, cell := range cells {
		if cell != nil {
			line[i] = *cell
		}
	}
	return c.out.Write(line)
}

func (c *csvWriter) end() error {
	if c.out.Flush(); c.out.Error() != nil {
		return c.out.Error()
	}
	return c.buf.Flush()
}

// jsonWriter prints an array, an object a line: numbers and booleans as such, what else there is as text.
type jsonWriter struct {
	out     *bufio.Writer
	columns []column
	keys    [][]byte
	began   bool
}

func (j *jsonWriter) begin(columns []column) error {
	j.columns = columns
	seen := map[string]int{}
	for _, c := range columns {
		name := c.name
		if seen[c.name]++; seen[c.name] > 1 { // a later x is x_2: objects have a key once
			name = fmt.Sprintf("%s_%d", c.name, seen[c.name])
		}
		j.keys = append(j.keys, jsonText(name))
	}
	_, err := j.out.WriteString("[")
	return err
}

func (j *jsonWriter) row(cells []*string) error {
	open := ",\n{"
	if !j.began {
		j.began, open = true, "\n{"
	}
	j.out.WriteString(open)
	for i, c := range j.columns {
		if i > 0 {
			j.out.WriteByte(',')
		}
		j.out.Write(j.keys[i])
		j.out.WriteByte(':')
		if i < len(cells) {
			j.out.Write(c.json(cells[i]))
		} else {
			j.out.WriteString("null")
		}
	}
	return j.out.WriteByte('}')
}

func (j *jsonWriter) end() error {
	if j.began {
		j.out.WriteByte('\n')
	}
	j.out.WriteString("]\n")
	return j.out.Flush()
}

// json writes a cell. Infinity and NaN, which JSON has no numbers for, are text.
func (c column) json(cell *string) []byte {
	switch {
	case cell == nil:
		return []byte("null")
	case c.kind == "boolean" && (*cell == "true" || *cell == "false"), c.numeric() && json.Valid([]byte(*cell)):
		return []byte(*cell)
	}
	return jsonText(*cell)
}

func jsonText(text string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err) // it is text
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
