package json

import (
	"math"
	"strconv"
)

const (
	second = 1_000_000 // in microseconds, as all times here
	day    = 24 * 60 * 60 * second

	firstTime = -719528 * day       // 0000-01-01T00:00:00Z
	lastTime  = (2932896+1)*day - 1 // 9999-12-31T23:59:59.999999Z
)

func mod(a, b int64) int64 { return (a%b + b) % b }

// parseDate reads YYYY-MM-DD, and nothing else, as days since 1970-01-01.
func parseDate(s string) (int64, bool) {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	year, ok1 := digits(s[:4])
	month, ok2 := digits(s[5:7])
	dom, ok3 := digits(s[8:])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || dom < 1 || dom > daysIn(year, month) {
		return 0, false
	}
	return daysSince1970(year, month, dom), true
}

// parseTime reads ISO 8601: a date alone, or with a time of day to the minute or finer, and without or with its zone.
// Without one it is UTC. What is finer than a microsecond is dropped.
func parseTime(s string) (int64, bool) {
	const date = len("2006-01-02")
	if len(s) < date {
		return 0, false
	}
	days, ok := parseDate(s[:date])
	us := days * day
	if !ok || len(s) == date {
		return us, ok
	}
	if s[date] != 'T' && s[date] != ' ' {
		return 0, false
	}
	clock, rest, ok := parseClock(s[date+1:])
	if !ok {
		return 0, false
	}
	zone, ok := parseZone(rest)
	return us + clock - zone, ok
}

// parseClock reads hh:mm[:ss[.fraction]] from the beginning of s.
func parseClock(s string) (us int64, rest string, ok bool) {
	if len(s) < len("15:04") || s[2] != ':' {
		return 0, "", false
	}
	hour, ok1 := digits(s[:2])
	minute, ok2 := digits(s[3:5])
	us = (hour*60 + minute) * 60 * second
	ok = ok1 && ok2 && hour < 24 && minute < 60
	if s = s[5:]; len(s) < 3 || s[0] != ':' {
		return us, s, ok
	}
	sec, ok3 := digits(s[1:3])
	us, s = us+sec*second, s[3:]
	ok = ok && ok3 && sec < 60
	if len(s) < 2 || s[0] != '.' && s[0] != ',' {
		return us, s, ok
	}
	end := 1
	for scale := int64(second / 10); end < len(s) && s[end] >= '0' && s[end] <= '9'; end++ {
		us += int64(s[end]-'0') * scale
		scale /= 10
	}
	return us, s[end:], ok && end > 1
}

// parseZone reads nothing, Z, +hh, +hhmm or +hh:mm as what to subtract.
func parseZone(s string) (int64, bool) {
	if s == "" || s == "Z" {
		return 0, true
	}
	if len(s) == len("+07:00") && s[3] == ':' {
		s = s[:3] + s[4:]
	}
	if len(s) == len("+07") {
		s += "00"
	}
	if len(s) != len("+0700") || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok1 := digits(s[1:3])
	minutes, ok2 := digits(s[3:])
	us := (hours*60 + minutes) * 60 * second
	if s[0] == '-' {
		us = -us
	}
	return us, ok1 && ok2 && hours < 24 && minutes < 60
}

// parseEpoch reads a number: below 1e11 it is seconds, else milliseconds.
func parseEpoch(s string) (int64, bool) {
	const most = 1e15 // milliseconds; far beyond lastTime
	unit := int64(1000)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n > -1e11 && n < 1e11 {
			unit = second
		}
		return n * unit, n > -most && n < most
	}
	f, err := strconv.ParseFloat(s, 64)
	if math.Abs(f) < 1e11 {
		unit = second
	}
	return int64(math.Round(f * float64(unit))), err == nil && math.Abs(f) < most
}

func digits(s string) (n int64, ok bool) {
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts in years that begin in March and eras of 400 years, so that a leap day comes last.
func daysSince1970(year, month, dom int64) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	era := (year - mod(year, 400)) / 400
	year -= era * 400
	return era*146097 + year*365 + year/4 - year/100 + (153*(month-3)+2)/5 + dom - 1 - 719468
}

// dateOf is the reverse of daysSince1970.
func dateOf(days int64) (year, month, dom int64) {
	days += 719468
	era := (days - mod(days, 146097)) / 146097
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month, dom = yoe+era*400, mp+3, doy-(153*mp+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, dom
}
