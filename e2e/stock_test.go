package e2e

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// header is the columns of stock files, in their order; lake is what files of the lake call them.
var (
	header = []string{"Index", "Date", "Open", "High", "Low", "Close", "Adj Close", "Volume", "CloseUSD"}
	lake   = []string{"index", "date", "open", "high", "low", "close", "adj_close", "volume", "close_usd"}
)

// A stock is one row, comparable as a whole: equal rows are equal in every bit.
type stock struct {
	index  string
	date   string // 2006-01-02
	prices [7]price
}

// A price is the bits of a double, or null.
type price struct {
	null bool
	bits uint64
}

func priceOf(f float64) price { return price{bits: math.Float64bits(f)} }

func (p price) String() string {
	if p.null {
		return "null"
	}
	f := math.Float64frombits(p.bits)
	return fmt.Sprintf("%v (%016x)", f, p.bits)
}

// day is a row's name: there is one row for each index and date.
type day struct{ index, date string }

func (s stock) day() day { return day{s.index, s.date} }

// differ says in which cell two rows differ first.
func (s stock) differ(want stock) string {
	if s.day() != want.day() {
		return fmt.Sprintf("is %s of %q, want %s of %q", s.date, s.index, want.date, want.index)
	}
	for i, p := range s.prices {
		if p != want.prices[i] {
			return fmt.Sprintf("%s of %q: %s is %v, want %v", s.date, s.index, header[2+i], p, want.prices[i])
		}
	}
	return "is as it should be"
}

// readCSV reads a file of stocks; line n of the file, the header being line 1, is row n-2.
func readCSV(t testing.TB, path string) []stock {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) == 0 || !slices.Equal(lines[0], header) {
		t.Fatalf("%s: error %v, or not the header %q", path, err, header)
	}
	rows := make([]stock, len(lines)-1)
	for i, line := range lines[1:] {
		rows[i].index, rows[i].date = line[0], line[1]
		for j, text := range line[2:] {
			if rows[i].prices[j].null = text == ""; text == "" {
				continue
			}
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatalf("%s:%d: %v", path, i+2, err)
			}
			rows[i].prices[j] = priceOf(f)
		}
	}
	return rows
}

// indexes are fourteen, one of which no path can hold as it stands.
var indexes = []string{"NYA", "IXIC", "HSI", "000001.SS", "GSPTSE", "399001.SZ", "NSEI", "GDAXI", "KS11", "SSMI", "TWII", "J203.JO", "N225 %/ü", "N100"}

// extremes take the place of some prices.
var extremes = []string{"-0.0", "5e-324", "1.7976931348623157e308", "-2.2250738585072014e-308", "9007199254740993", "0.1", "1e21", "-1e-7"}

// writeCSV derives total rows of the indexes from the HSI rows, day after day, and gives the path of the file. The indexes have
// different numbers of rows; the first days lie before 1970; some cells are empty.
func writeCSV(t testing.TB, names []string, total int) string {
	t.Helper()
	base := readCSV(t, hsi)
	left := shares(len(names), total)
	path := filepath.Join(t.TempDir(), "market.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	w.Write(header)
	for k, date := 0, time.Date(1965, 1, 4, 0, 0, 0, 0, time.UTC); slices.Max(left) > 0; k, date = k+1, nextWeekday(date) {
		for i, name := range names {
			if left[i] == 0 {
				continue
			}
			left[i]--
			w.Write(append([]string{name, date.Format(time.DateOnly)}, derived(base[k%len(base)], i, k)...))
		}
	}
	if w.Flush(); w.Error() != nil || f.Close() != nil {
		t.Fatal(w.Error())
	}
	return path
}

// shares parts total into n numbers that all differ.
func shares(n, total int) []int {
	parts, rest := make([]int, n), total
	for i := range parts {
		parts[i] = total * (5 + i) / (5*n + n*(n-1)/2)
		rest -= parts[i]
	}
	parts[0] += rest
	return parts
}

func nextWeekday(d time.Time) time.Time {
	for d = d.AddDate(0, 0, 1); d.Weekday() == time.Saturday || d.Weekday() == time.Sunday; {
		d = d.AddDate(0, 0, 1)
	}
	return d
}

// derived is the cells of row k of index i: scaled so that most need all digits of a double, in changing notation.
func derived(base stock, i, k int) []string {
	cells := make([]string, len(base.prices))
	for j, p := range base.prices {
		v := math.Float64frombits(p.bits) * (1 + float64(i)/7 + float64(k)*1e-7)
		cells[j] = strconv.FormatFloat(v, "fg"[k%2], -1, 64)
		switch {
		case (k+i)%97 == 0:
			cells[j] = ""
		case (k+i)%101 == 0:
			cells[j] = extremes[(k+j)%len(extremes)]
		}
	}
	return cells
}
