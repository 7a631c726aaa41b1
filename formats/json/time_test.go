package json

import (
	"regexp"
	"testing"
	"time"
)

var layouts = []string{
	"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05",
	"2006-01-02T15:04Z07", "2006-01-02T15:04Z0700", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05Z07", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07:00",
}

// beyond is a zone of 24 hours or 60 minutes, which time.Parse takes.
var beyond = regexp.MustCompile(`:.*[-+](24.*|..:?60)$`)

// standard is parseTime by way of time.Parse, which takes a fraction after any seconds, and hours of one digit.
func standard(s string) (int64, bool) {
	if len(s) > 13 && s[13] != ':' || beyond.MatchString(s) {
		return 0, false
	}
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.Unix()*second + int64(t.Nanosecond()/1000), true
		}
	}
	return 0, false
}

var times = []string{
	"2010-01-08", "2000-02-29", "1900-02-29", "2100-02-28", "0000-01-01", "9999-12-31", "0004-02-29",
	"2010-01-08T12:34", "2010-01-08T12:34:56", "2010-01-08 12:34:56.7", "2010-01-08T12:34:56,789",
	"2010-01-08T12:34:56.123456789Z", "2010-01-08T12:34:56.1234567891234Z", "1969-12-31T23:59:59.999999Z",
	"2010-01-08T12:34:56+08:00", "2010-01-08T12:34:56-0830", "2010-01-08T12:34:56.5+08", "2010-01-08T12:34Z",
	"2010-01-08T", "2010-01-08T1:02:03", "2010-01-08T24:00:00", "2010-01-08T23:60:00", "2010-01-08T23:59:60",
	"2010-01-08T12:34:56.", "2010-01-08T12:34:56.Z", "2010-01-08T12:34:56z", "2010-01-08t12:34:56Z", "2010-01-08T12:34:56+8",
	"2010-01-08T12:34:56+08:", "2010-01-08T12:34:56+08:0", "2010-01-08T12:34:56+080", "2010-01-08Z", "2010-1-8", " 2010-01-08", "2010-01-08 ",
	"2010-00-08", "2010-13-08", "2010-04-31", "2010-01-00", "-010-01-08", "2010/01/08", "+2010-01-08", "2010-01-08T12:34:5", "2010-01-08T12:34:5Z", "",
}

func checkTime(t *testing.T, s string) {
	got, ok := parseTime(s)
	want, wantOK := standard(s)
	if ok != wantOK || ok && got != want {
		t.Errorf("%q is %d, %v; time.Parse says %d, %v", s, got, ok, want, wantOK)
	}
}

func TestParseTime(t *testing.T) {
	for _, s := range times {
		checkTime(t, s)
	}
}

func TestDates(t *testing.T) {
	for days := firstTime / int64(day); days <= lastTime/day; days++ {
		text := string(appendDate(nil, days))
		if days%97 == 0 {
			if want := time.Unix(days*24*60*60, 0).UTC().Format("2006-01-02"); text != want {
				t.Fatalf("%d is %s, want %s", days, text, want)
			}
		}
		if got, ok := parseDate(text); !ok || got != days {
			t.Fatalf("%s is %d, %v; want %d", text, got, ok, days)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range times {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 40 {
			return // beyond nine decimals time.Parse rounds, then refuses
		}
		checkTime(t, s)
	})
}
