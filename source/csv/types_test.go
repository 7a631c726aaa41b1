package csv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock/penstock/record"
)

func TestNumbersAreExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		f := math.Float64frombits(random.Uint64())
		if random.IntN(2) == 0 {
			f = float64(random.IntN(1e9)) / math.Pow10(random.IntN(9))
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		text := strconv.AppendFloat(nil, f, "fge"[random.IntN(3)], -1, 64)
		var n number
		n.parse(text)
		if got, ok := n.float64(text); (!ok && text[0] != '0') || ok && math.Float64bits(got) != math.Float64bits(f) {
			t.Fatalf("%s is read as %v, %v", text, got, ok)
		}
	}
}

func TestValues(t *testing.T) {
	for _, tt := range []struct{ typ, text, want string }{
		{"string", "NaN", `"NaN"`}, {"string", " ", `" "`}, {"string", "", "null"}, {"int64", "NaN", "null"},
		{"int32", "2147483647", "2147483647"}, {"int32", "2147483648", "-"}, {"int32", "-2147483648", "-2147483648"},
		{"int64", "9223372036854775808", "-"}, {"int64", "12.0", "12"}, {"int64", "1.5", "-"}, {"int64", "1e3", "1000"}, {"int64", "1e300", "-"}, {"int64", "012", "-"},
		{"float", "3.5e38", "-"}, {"float", "1.5", "1.5(1.5)"}, {"double", "3.5e38", "3.5e+38(3.5e38)"}, {"double", "1e999", "-"}, {"double", "x", "-"}, {"double", "7", "7(7)"},
		{"bool", "TRUE", "true"}, {"bool", "False", "false"}, {"bool", "1", "-"},
		{"date", "1986-12-31", "6208d"}, {"date", "1969-12-31", "-1d"}, {"date", "0000-01-01", "-719528d"}, {"date", "2021-02-29", "-"}, {"date", "2021-2-1", "-"}, {"date", "2021-02-01T00:00:00", "-"},
		{"json", `{"a": [1]}`, `{"a": [1]}`}, {"json", "{", "-"},
		{"timestamp(us)", "2020-01-02", "1577923200000000us"}, {"timestamp(us)", "2020-01-02T03:04:05.678901Z", "1577934245678901us"},
		{"timestamp(ms)", "2020-01-02 03:04:05.6789", "1577934245678000us"}, {"timestamp(ms)", "1969-12-31T23:59:59.9999Z", "-1000us"},
		{"timestamp(us)", "2020-01-02T03:04", "1577934240000000us"}, {"timestamp(us)", "2020-01-02 03:04:05+0800", "1577905445000000us"},
		{"timestamp(us)", "2020-01-02T03:04:05-02", "1577941445000000us"}, {"timestamp(us)", "2020-01-02T03:04:05+05:30", "1577914445000000us"},
		{"timestamp(us)", "1577934245", "1577934245000000us"}, {"timestamp(us)", "1577934245678", "1577934245678000us"}, {"timestamp(us)", "1577934245.5", "1577934245500000us"}, {"timestamp(us)", "-1", "-1000000us"},
		{"timestamp(us)", "2020-01-02x03:04", "-"}, {"timestamp(us)", "2020-01-02T", "-"}, {"timestamp(us)", "2020-01-02T3:04:05", "-"}, {"timestamp(us)", "2020-01-02T25:00:00", "-"},
		{"timestamp(us)", "2020-01-02T03:04:05+", "-"}, {"timestamp(us)", "2020-01-02T03:04:05+1:00", "-"}, {"timestamp(us)", "9999-12-31T23:59:59-01", "-"}, {"timestamp(us)", "1e16", "-"}, {"timestamp(us)", "soon", "-"}, {"timestamp(us)", "01/02/2020", "-"},
		{"decimal(10,2)", "12.5", "12.50"}, {"decimal(10,2)", "-0.01", "-0.01"}, {"decimal(10,2)", "1e3", "1000.00"}, {"decimal(10,2)", "1.234", "-"}, {"decimal(10,2)", "x", "-"}, {"decimal(10,2)", "NaN", "null"}, {"decimal(10,2)", "", "null"},
		{"decimal(38,0)", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678"}, {"decimal(38,0)", "123456789012345678901234567890123456789", "-"},
		{"bytes", "AAH/", `"\x00\x01\xff"`}, {"bytes", "AAH", "-"}, {"bytes", "", "null"},
		{"list<int64>", "[1, null,3]", "[1 null 3]"}, {"list<int64>", "[]", "[]"}, {"list<int64>", `["1"]`, "-"}, {"list<int64>", "[1.5]", "-"}, {"list<int64>", "[1", "-"}, {"list<int64>", "[1] 2", "-"}, {"list<int64>", "1", "-"}, {"list<int64>", "", "null"},
		{"list<string>", `["", "NaN"]`, `["" "NaN"]`}, {"list<double>", `["NaN"]`, "-"}, {"list<bool>", `[true, "true"]`, "-"}, {"list<bool>", "[true,false]", "[true false]"},
		{"list<date>", `["1986-12-31"]`, "[6208d]"}, {"list<date>", `[1]`, "-"}, {"list<decimal(4,1)>", `[1.5,"2.5"]`, "[1.5 2.5]"}, {"list<list<json>>", `[[{"a":1}],null]`, `[[{"a":1}] null]`},
		{"struct<a:int64,b:timestamp(us)>", `{"b": 1577934245}`, "{null 1577934245000000us}"}, {"struct<a:int64>", `{"a":1,"a":2}`, "-"}, {"struct<a:int64>", `{"b":1}`, "-"}, {"struct<a:int64>", `{"a":"1"}`, "-"}, {"struct<a:int64>", `[1]`, "-"}, {"struct<a:int64>", "null", "null"},
	} {
		typ, err := record.ParseType(tt.typ)
		if err != nil {
			t.Fatal(tt.typ, err)
		}
		s := shapeOf(typ)
		v, ok := s.value(new(record.Batch), []byte(tt.text))
		if got := show(v); ok != (tt.want != "-") || ok && got != tt.want {
			t.Errorf("%s %q is %s %v, not %s", tt.typ, tt.text, got, ok, tt.want)
		}
	}
}

func TestRecordTime(t *testing.T) {
	for _, tt := range []struct {
		cell string
		want int64 // 0: the row is bad
	}{
		{"2010-01-08", 1262908800000}, {"2010-01-08T09:30:00+08:00", 1262914200000}, {"1262908800", 1262908800000}, {"1262908800123", 1262908800123},
		{"1262908800.25", 1262908800250}, {"1970-01-01T00:00:00.001Z", 1}, {"1970-01-01", 0}, {"1965-12-31", 0}, {"", 0}, {"NaN", 0}, {"soon", 0}, {"-5", 0},
	} {
		dir := write(t, map[string]string{"f.csv": "n,Date\n1," + tt.cell + "\n"})
		r := read(t.Context(), open(t, dir+"/*.csv", func(c *Config) { c.Time = "Date" }), "f.csv", nil)
		switch {
		case r.err != nil:
			t.Error(r.err)
		case tt.want == 0 && (len(r.bad) != 1 || !strings.Contains(r.bad[0], `f.csv:2: column "Date": "`+tt.cell+`" is no time that a record can have`)):
			t.Errorf("%q: %q, %v", tt.cell, r.bad, r.times)
		case tt.want > 0 && (len(r.times) != 1 || r.times[0] != tt.want):
			t.Errorf("%q: %v, not %d; %q", tt.cell, r.times, tt.want, r.bad)
		}
	}
}

// Every type that can be declared, in a row whose cells are all sound, and in rows with one bad cell each: the row names the cell, and
// the others of the file do not notice.
func TestEveryDeclaredType(t *testing.T) {
	cells := []struct{ typ, good, show, bad string }{
		{"string", "a", `"a"`, ""}, {"bool", "true", "true", "1"}, {"int32", "-7", "-7", "2147483648"}, {"int64", "7", "7", "x"}, {"float", "1.5", "1.5(1.5)", "1e39"},
		{"double", "0.1", "0.1(0.1)", "1e999"}, {"decimal(5,2)", "123.45", "123.45", "1234.5"}, {"date", "1986-12-31", "6208d", "31.12.1986"},
		{"timestamp(ms)", "1970-01-01T00:00:01Z", "1000000us", "soon"}, {"timestamp(us)", "1970-01-01 00:00:00.000001", "1us", "24:00"}, {"bytes", "AAE=", `"\x00\x01"`, "?"},
		{"json", "{}", "{}", "{"}, {"list<int64>", "[1,2]", "[1 2]", "[1 2]"}, {"struct<a:list<bool>>", `{"a":[true]}`, "{[true]}", `{"a":true}`},
	}
	var names, good, shown, words []string
	for i, c := range cells {
		name := "c" + strconv.Itoa(i)
		names, good, shown, words = append(names, name), append(good, c.good), append(shown, c.show), append(words, name, c.typ)
	}
	lines := []string{strings.Join(names, ";"), strings.Join(good, ";")}
	var want []string
	for i, c := range cells[1:] {
		row := slices.Clone(good)
		row[i+1] = c.bad
		want = append(want, fmt.Sprintf(":%d: column %q: %q is no %s, as columns: declares it", len(lines)+1, names[i+1], c.bad, c.typ))
		lines = append(lines, strings.Join(row, ";"))
	}
	lines = append(lines, strings.Join(good, ";"), "")
	dir := write(t, map[string]string{"f.csv": strings.Join(lines, "\n")})
	r := read(t.Context(), open(t, dir+"/*.csv", func(c *Config) { c.Delimiter, c.Quote, c.Columns = ";", "none", columns(t, words...) }), "f.csv", nil)
	if row := strings.Join(shown, "|"); r.err != nil || len(r.rows) != 2 || r.rows[0] != row || r.rows[1] != row {
		t.Errorf("%q, %v; want twice %s", r.rows, r.err, row)
	}
	if len(r.bad) != len(want) {
		t.Fatalf("%d bad rows, want %d: %q", len(r.bad), len(want), r.bad)
	}
	for i := range want {
		if !strings.HasSuffix(r.bad[i], want[i]) {
			t.Errorf("%s, want %s", r.bad[i], want[i])
		}
	}
}
