package files

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// stamp is a strftime format, compiled: directives and the text between them.
type stamp []directive

type directive struct {
	verb byte // 0 for text
	text string
}

// verbs are the directives there are, from the coarsest to the finest.
const (
	verbs     = "YymdjGVHMS"
	verbsList = "%Y %y %m %d %j %G %V %H %M %S %%"
)

// parseStamp reads one folder's worth of a format.
func parseStamp(format string) (stamp, error) {
	if !strings.Contains(format, "%") {
		return nil, fmt.Errorf("format %q holds no directive; there are %s", format, verbsList)
	}
	var s stamp
	for format != "" {
		text, rest, found := strings.Cut(format, "%")
		if text != "" {
			s = append(s, directive{text: text})
		}
		if !found {
			break
		}
		switch {
		case rest == "":
			return nil, fmt.Errorf("the format ends with %%; there are %s", verbsList)
		case rest[0] == '%':
			s = append(s, directive{text: "%"})
		case strings.IndexByte(verbs, rest[0]) < 0:
			return nil, fmt.Errorf("unknown directive %%%c; there are %s", []rune(rest)[0], verbsList)
		default:
			s = append(s, directive{verb: rest[0]})
		}
		format = rest[1:]
	}
	for _, d := range s {
		if strings.Contains(d.text, "{") || strings.ContainsFunc(d.text, unspeakable) {
			return nil, errors.New("a format holds no braces and no control characters")
		}
	}
	return s, nil
}

// A civil time is seconds from 1970-01-01 00:00:00 on the clock of some place, and says nothing of which.
const (
	firstCivil = -62167219200 // 0000-01-01
	afterCivil = 253402300800 // 10000-01-01
)

// errYears is for times that four digits cannot say.
var errYears = errors.New("lies outside the years 0000 to 9999")

// clock writes civil times by one stamp, and remembers the last text for as long as it holds.
type clock struct {
	stamp  stamp
	lo, hi int64 // text is right from lo to before hi
	text   []byte

	from, until int64 // the same in record times, where they are what is written
}

func (c *clock) append(dst []byte, civil int64) ([]byte, error) {
	if civil < c.lo || civil >= c.hi {
		if civil < firstCivil || civil >= afterCivil {
			return dst, errYears
		}
		c.render(civil)
	}
	return append(dst, c.text...), nil
}

func (c *clock) render(civil int64) {
	t := time.Unix(civil, 0).UTC()
	c.text = c.text[:0]
	finest := 0
	for _, d := range c.stamp {
		if d.verb == 0 {
			c.text = append(c.text, d.text...)
			continue
		}
		c.text = appendVerb(c.text, d.verb, t)
		finest = max(finest, strings.IndexByte(verbs, d.verb))
	}
	c.lo, c.hi = span(verbs[finest], t)
}

// span is the time around t in which a directive, and all coarser ones, say the same.
func span(verb byte, t time.Time) (lo, hi int64) {
	y, m, d := t.Date()
	switch verb {
	case 'Y', 'y':
		return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(y+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	case 'm':
		return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Unix()
	case 'H':
		lo = t.Truncate(time.Hour).Unix()
		return lo, lo + 3600
	case 'M':
		lo = t.Truncate(time.Minute).Unix()
		return lo, lo + 60
	case 'S':
		return t.Unix(), t.Unix() + 1
	}
	lo = time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	return lo, lo + 86400
}

func appendVerb(dst []byte, verb byte, t time.Time) []byte {
	switch verb {
	case 'Y':
		return appendInt(dst, t.Year(), 4)
	case 'y':
		return appendInt(dst, t.Year()%100, 2)
	case 'm':
		return appendInt(dst, int(t.Month()), 2)
	case 'd':
		return appendInt(dst, t.Day(), 2)
	case 'j':
		return appendInt(dst, t.YearDay(), 3)
	case 'H':
		return appendInt(dst, t.Hour(), 2)
	case 'M':
		return appendInt(dst, t.Minute(), 2)
	case 'S':
		return appendInt(dst, t.Second(), 2)
	}
	year, week := t.ISOWeek()
	if verb == 'G' {
		return appendInt(dst, year, 4)
	}
	return appendInt(dst, week, 2)
}

// appendInt writes n with leading zeros.
func appendInt(dst []byte, n, width int) []byte {
	if n < 0 { // %G alone: the week of 0000-01-01 belongs to the year before
		dst, n = append(dst, '-'), -n
	}
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], int64(n), 10)
	for range width - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
