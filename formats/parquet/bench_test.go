package parquet

import (
	"errors"
	"io"
	"testing"

	"github.com/xitongsys/parquet-go/writer"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/formattest"
	"github.com/penstock/penstock/record"
)

const benchRows = 50_000

// BenchmarkEncode writes the same rows, a file an operation, snappy, on one core, by us and by xitongsys/parquet-go's two writers.
func BenchmarkEncode(b *testing.B) {
	s, records, err := formattest.Stock("../../testdata/stock/hsi.csv", benchRows)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		file func(io.Writer) error
	}{
		{"ours", ours(b, s, records)},
		{"xitongsys", structWriter(records)},
		{"xitongsys-csv", csvWriter(records)},
	} {
		b.Run(c.name, func(b *testing.B) {
			size := new(counter)
			formattest.PerRow(b, benchRows, func() error { return c.file(size) })
			b.ReportMetric(float64(size.n)/float64(b.N), "B/file")
		})
	}
}

type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) { c.n += len(b); return len(b), nil }

func ours(b *testing.B, s *record.Schema, records []record.Record) func(io.Writer) error {
	e, err := newFormat(b, "snappy", 128<<20).NewEncoder(io.Discard, s)
	if err != nil {
		b.Fatal(err)
	}
	return func(w io.Writer) error {
		e.(formats.Resetter).Reset(w)
		return errors.Join(e.Encode(records), e.Close())
	}
}

type stock struct {
	Index    *string  `parquet:"name=Index, type=BYTE_ARRAY, convertedtype=UTF8, encoding=PLAIN_DICTIONARY"`
	Date     *int32   `parquet:"name=Date, type=INT32, convertedtype=DATE"`
	Open     *float64 `parquet:"name=Open, type=DOUBLE"`
	High     *float64 `parquet:"name=High, type=DOUBLE"`
	Low      *float64 `parquet:"name=Low, type=DOUBLE"`
	Close    *float64 `parquet:"name=Close, type=DOUBLE"`
	AdjClose *float64 `parquet:"name=Adj Close, type=DOUBLE"`
	Volume   *float64 `parquet:"name=Volume, type=DOUBLE"`
	CloseUSD *float64 `parquet:"name=CloseUSD, type=DOUBLE"`
}

func structWriter(records []record.Record) func(io.Writer) error {
	rows := make([]stock, len(records))
	for i, r := range records {
		date := int32(r.Row[1].Int())
		rows[i] = stock{Index: &r.Row[0].Str, Date: &date}
		for j, to := range []**float64{&rows[i].Open, &rows[i].High, &rows[i].Low, &rows[i].Close, &rows[i].AdjClose, &rows[i].Volume, &rows[i].CloseUSD} {
			f := r.Row[2+j].Float()
			*to = &f
		}
	}
	return func(out io.Writer) error {
		w, err := writer.NewParquetWriterFromWriter(out, new(stock), 1)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := w.Write(&rows[i]); err != nil {
				return err
			}
		}
		return w.WriteStop()
	}
}

func csvWriter(records []record.Record) func(io.Writer) error {
	columns := []string{
		"name=Index, type=BYTE_ARRAY, convertedtype=UTF8, encoding=PLAIN_DICTIONARY", "name=Date, type=INT32, convertedtype=DATE",
		"name=Open, type=DOUBLE", "name=High, type=DOUBLE", "name=Low, type=DOUBLE", "name=Close, type=DOUBLE",
		"name=Adj Close, type=DOUBLE", "name=Volume, type=DOUBLE", "name=CloseUSD, type=DOUBLE",
	}
	rows := make([][]any, len(records))
	for i, r := range records {
		rows[i] = []any{r.Row[0].Str, int32(r.Row[1].Int())}
		for _, v := range r.Row[2:] {
			rows[i] = append(rows[i], v.Float())
		}
	}
	return func(out io.Writer) error {
		w, err := writer.NewCSVWriterFromWriter(columns, out, 1)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := w.Write(row); err != nil {
				return err
			}
		}
		return w.WriteStop()
	}
}
