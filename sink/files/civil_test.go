package files

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/record"
)

func TestCivil(t *testing.T) {
	for _, c := range []struct {
		v    record.Value
		want string // in Berlin
	}{
		{record.DateOf(0), "1970-01-01 00:00:00"},
		{record.DateOf(-1), "1969-12-31 00:00:00"},
		{record.TimestampOf(-1), "1970-01-01 00:59:59"},
		{record.IntOf(1_700_000_000), "2023-11-14 23:13:20"},
		{record.IntOf(1_700_000_000_999), "2023-11-14 23:13:20"},
		{record.IntOf(99_999_999_999), "5138-11-16 10:46:39"},
		{record.IntOf(100_000_000_000), "1973-03-03 10:46:40"},
		{record.FloatOf(1.7e9 + 0.5), "2023-11-14 23:13:20"},
		{record.FloatOf(-0.5), "1970-01-01 00:59:59"},
		{record.StringOf("2024-02-29"), "2024-02-29 00:00:00"},
		{record.StringOf("2024-07-01T12:34"), "2024-07-01 12:34:00"},
		{record.StringOf("2024-07-01 12:34:56.789"), "2024-07-01 12:34:56"},
		{record.StringOf("2024-07-01T12:34:56,7Z"), "2024-07-01 14:34:56"},
		{record.StringOf("2024-03-31T02:30:00"), "2024-03-31 02:30:00"}, // an hour that Berlin skips: as it stands
		{record.StringOf("2024-03-31T00:59:59Z"), "2024-03-31 01:59:59"},
		{record.StringOf("2024-03-31T01:00:00Z"), "2024-03-31 03:00:00"},
		{record.JSONOf(`"2024-07-01T12:34\u003a56Z"`), "2024-07-01 14:34:56"},
		{record.JSONOf("1700000000"), "2023-11-14 23:13:20"},
		{record.StringOf("2024-01-01T00:30:00+0130"), "2024-01-01 00:00:00"},
		{record.StringOf("2024-01-01T00:00:00-05"), "2024-01-01 06:00:00"},
	} {
		z := &zone{in: inZone(t, "Europe/Berlin").in}
		got, err := z.civil(c.v)
		if text := time.Unix(got, 0).UTC().Format(time.DateTime); err != nil || text != c.want {
			t.Errorf("%+v: %s, %v; want %s", c.v, text, err, c.want)
		}
	}
}

func TestNoCivil(t *testing.T) {
	for _, v := range []record.Value{
		record.StringOf("2024"), record.StringOf("20240101"), record.StringOf("2024-13-01"), record.StringOf("2023-02-29"),
		record.StringOf("2024-00-10"), record.StringOf("2024-01-00"), record.StringOf("2024-01-01T"), record.StringOf("2024-01-01T24:00"),
		record.StringOf("2024-01-01T10:60"), record.StringOf("2024-01-01T10:00:61"), record.StringOf("2024-01-01T10:00:00."),
		record.StringOf("2024-01-01T10:00:00+1"), record.StringOf("2024-01-01x10:00"), record.StringOf("2024-01-01T10:00:0"),
		record.StringOf("+024-01-01"), record.StringOf("2024-01-01T10:00+25:00"), record.StringOf(" 2024-01-01"),
		record.FloatOf(math.NaN()), record.FloatOf(math.Inf(1)), record.FloatOf(1e300),
		record.IntOf(math.MaxInt64), record.IntOf(math.MinInt64), record.DateOf(math.MaxInt64),
		record.BoolOf(true), record.JSONOf("[]"), record.JSONOf("true"), record.JSONOf(`"x"`),
	} {
		rec := record.Record{Row: []record.Value{3: v, 5: {}}}
		if got, err := pathOf(t, "{at:%Y}", "UTC", rec); err == nil || !strings.HasPrefix(err.Error(), `path: column "at" `) {
			t.Errorf("%+v gives %q, %v", v, got, err)
		}
	}
}

// TestClock holds the remembered texts against the time package, at every border and around.
func TestClock(t *testing.T) {
	for _, c := range []struct{ format, layout string }{
		{"%Y", "2006"}, {"%y%m", "0601"}, {"%Y-%m-%d", "2006-01-02"}, {"%j", "002"}, {"%H", "15"}, {"%d %H:%M", "02 15:04"}, {"%S", "05"},
	} {
		s, err := parseStamp(c.format)
		if err != nil {
			t.Fatal(err)
		}
		k := clock{stamp: s}
		for _, at := range []string{"0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2024-02-29T12:00:00Z", "2024-12-31T23:59:59Z", "9999-12-31T23:59:58Z"} {
			base, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []int64{0, 1, -1, 60, -60, 3600, 86400, -86400, 0} {
				civil := min(max(base.Unix()+step, firstCivil), afterCivil-1)
				got, err := k.append(nil, civil)
				if want := time.Unix(civil, 0).UTC().Format(c.layout); err != nil || string(got) != want {
					t.Fatalf("%s at %d: %q, %v; want %q", c.format, civil, got, err, want)
				}
			}
		}
	}
}

// TestZone holds the remembered offset against the time package, through changes of it.
func TestZone(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Monrovia"} {
		tz := inZone(t, name)
		z := &zone{in: tz.in}
		in := tz.in
		if in == nil {
			in = time.UTC
		}
		for unix := int64(-4e9); unix < 4e9; unix += 7_654_321 {
			got, err := z.at(unix)
			_, off := time.Unix(unix, 0).In(in).Zone()
			if err != nil || got != unix+int64(off) {
				t.Fatalf("%s at %d: %d, %v; want %d", name, unix, got, err, unix+int64(off))
			}
		}
	}
}

func FuzzCivilText(f *testing.F) {
	f.Add("2024-01-01T00:30:00.1+01:30")
	f.Fuzz(func(t *testing.T, s string) {
		civil, err := (&zone{}).text(s)
		if err == nil && len(s) == 20 && s[19] == 'Z' && s[10] == 'T' {
			if want, err := time.Parse(time.RFC3339, s); err != nil || want.Unix() != civil {
				t.Fatalf("%q is %d, want %v %v", s, civil, want.Unix(), err)
			}
		}
	})
}
