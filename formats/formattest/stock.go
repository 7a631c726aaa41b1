package formattest

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/penstock/penstock/record"
)

// Stock gives n records of daily stock prices, for benchmarks: those of a CSV file, over and over, each with its Row and, as a
// JSON object, its Value. The first two columns are a name and a date, the others are numbers.
func Stock(path string, n int) (*record.Schema, []record.Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, nil, err
	}
	s := new(record.Schema)
	for i, name := range lines[0] {
		kind := []record.Kind{record.String, record.Date, record.Float}[min(i, 2)]
		s.Columns = append(s.Columns, record.Column{Name: name, Type: record.Type{Kind: kind}})
	}
	lines = lines[1:]
	records := make([]record.Record, n)
	for i := range records {
		r := &records[i]
		if r.Offset = int64(i); i >= len(lines) {
			r.Row, r.Value = records[i-len(lines)].Row, records[i-len(lines)].Value
		} else if r.Row, r.Value, err = price(s, lines[i]); err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", path, i+2, err)
		}
	}
	return s, records, nil
}

func price(s *record.Schema, line []string) (row []record.Value, value []byte, err error) {
	date, err := time.Parse(time.DateOnly, line[1])
	if err != nil {
		return nil, nil, err
	}
	row = []record.Value{record.StringOf(line[0]), record.DateOf(date.Unix() / (24 * 60 * 60))}
	value = fmt.Appendf(nil, `{"%s":"%s","%s":"%s"`, s.Columns[0].Name, line[0], s.Columns[1].Name, line[1])
	for i, text := range line[2:] {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, nil, err
		}
		row = append(row, record.FloatOf(f))
		value = fmt.Appendf(value, `,"%s":%s`, s.Columns[i+2].Name, text)
	}
	return row, append(value, '}'), nil
}
