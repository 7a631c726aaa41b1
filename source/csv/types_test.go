package csv

import (
	"math"
	"math/rand/v2"
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
		if got, ok := parseNumber(text).float64(text); (!ok && text[0] != '0') || ok && math.Float64bits(got) != math.Float64bits(f) {
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
	} {
		typ, err := record.ParseType(tt.typ)
		if err != nil || !readable(typ) {
			t.Fatal(tt.typ, err)
		}
		v, ok := value([]byte(tt.text), typ)
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
