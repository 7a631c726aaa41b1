package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/penstock/penstock/record"
)

// epochSeconds is where numbers stop being seconds and begin to be milliseconds.
const epochSeconds = 1e11

// civil reads a cell as a date or time of the zone. What has no zone of its own is taken as it stands.
func (z *zone) civil(v record.Value) (int64, error) {
	switch v.Kind {
	case record.Date:
		if days := v.Int(); days > -1e7 && days < 1e7 {
			return days * 86400, nil
		}
		return 0, errYears
	case record.Timestamp:
		return z.at(floorDiv(v.Int(), 1e6))
	case record.Int:
		n := v.Int()
		if n > -epochSeconds && n < epochSeconds {
			return z.at(n)
		}
		return z.at(floorDiv(n, 1000))
	case record.Float:
		return z.float(v.Float())
	case record.String, record.Bytes:
		return z.text(v.Str)
	case record.JSON: // a column of texts and numbers
		var any any
		if json.Unmarshal([]byte(v.Str), &any) == nil {
			switch any := any.(type) {
			case string:
				return z.text(any)
			case float64:
				return z.float(any)
			}
		}
	}
	return 0, errors.New("is no date or time")
}

func (z *zone) float(f float64) (int64, error) {
	if math.Abs(f) >= epochSeconds {
		f /= 1000
	}
	if !(math.Abs(f) < 1e12) { // also what is not a number
		return 0, errYears
	}
	return z.at(int64(math.Floor(f)))
}

// text reads ISO 8601: a date, with or without a time of day, with or without an offset.
func (z *zone) text(s string) (int64, error) {
	bad := fmt.Errorf
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, bad("%s is not a date or time in ISO 8601, as 2026-01-31 or 2026-01-31T09:30:00Z", quoteShort(s))
	}
	y, ok1 := digits(s[:4])
	m, ok2 := digits(s[5:7])
	d, ok3 := digits(s[8:10])
	day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if !ok1 || !ok2 || !ok3 || day.Day() != d || int(day.Month()) != m {
		return 0, bad("%s is no day of the calendar", quoteShort(s))
	}
	if len(s) == 10 {
		return day.Unix(), nil
	}
	seconds, offset, zoned, ok := timeOfDay(s[10:])
	if !ok {
		return 0, bad("%s does not end in a time of day in ISO 8601, as T09:30:00 or T09:30:00.123+01:00", quoteShort(s))
	}
	if zoned {
		return z.at(day.Unix() + seconds - offset)
	}
	return day.Unix() + seconds, nil
}

// timeOfDay reads what follows a date, with the T or space before it.
func timeOfDay(s string) (seconds, offset int64, zoned, ok bool) {
	if len(s) < 6 || s[0] != 'T' && s[0] != 't' && s[0] != ' ' || s[3] != ':' {
		return 0, 0, false, false
	}
	h, ok1 := digits(s[1:3])
	m, ok2 := digits(s[4:6])
	sec := 0
	s = s[6:]
	if len(s) >= 3 && s[0] == ':' {
		var ok3 bool
		if sec, ok3 = digits(s[1:3]); !ok3 {
			return 0, 0, false, false
		}
		s = fraction(s[3:])
	}
	if !ok1 || !ok2 || h > 23 || m > 59 || sec > 59 {
		return 0, 0, false, false
	}
	offset, zoned, ok = utcOffset(s)
	return int64(h*3600 + m*60 + sec), offset, zoned, ok
}

// fraction leaves out the digits of a second's fraction.
func fraction(s string) string {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' || s[1] < '0' || s[1] > '9' {
		return s
	}
	n := 1
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[n:]
}

// utcOffset reads Z, +01, +0130 or +01:30, or nothing.
func utcOffset(s string) (offset int64, zoned, ok bool) {
	if s == "" {
		return 0, false, true
	}
	if s == "Z" || s == "z" {
		return 0, true, true
	}
	if len(s) == 6 && s[3] == ':' {
		s = s[:3] + s[4:]
	}
	if len(s) == 3 {
		s += "00"
	}
	if len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return 0, false, false
	}
	h, ok1 := digits(s[1:3])
	m, ok2 := digits(s[3:5])
	offset = int64(h*3600 + m*60)
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true, ok1 && ok2 && h < 24 && m < 60
}

func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func floorDiv(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}

// quoteShort keeps a message short, whatever the value.
func quoteShort(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return strconv.Quote(s)
}
