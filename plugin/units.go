package plugin

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes, written 64MiB, 10MB or 4096.
type Size int64

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > 1<<62 || !sizePattern.Match(text) {
		return fmt.Errorf("%q is not a size; write bytes as in 64MiB, 10MB or 4096", text)
	}
	*s = Size(n)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var sizePattern = regexp.MustCompile(`^[0-9][0-9,]*(\.[0-9]+)?\s*([kmgtpeKMGTPE]?[iI]?[bB]?)$`)

// Pattern is what the text of a size fits.
func (Size) Pattern() string { return sizePattern.String() }

func (s Size) String() string {
	for _, u := range []struct {
		n    Size
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if s >= u.n && s%u.n == 0 {
			return strconv.FormatInt(int64(s/u.n), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Rate is rows a second, written 1000/s, 0.5/s or 30/m; 0 is no limit, written none.
type Rate float64

// UnmarshalText reads a rate.
func (r *Rate) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*r = 0
		return nil
	}
	num, unit, _ := strings.Cut(string(text), "/")
	num, unit = strings.Trim(num, blanks), strings.Trim(unit, blanks)
	n, err := strconv.ParseFloat(num, 64)
	per, known := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || !anyNumber.MatchString(num) || !known || !(n/per > 0) || math.IsInf(n, 1) {
		return fmt.Errorf("%q is not a rate; write rows in a time as in 1000/s, 30/m or 0.5/s, or none for no limit", text)
	}
	*r = Rate(n / per)
	return nil
}

// blanks may stand around a number and its unit: what a Pattern calls \s.
const blanks = " \t\n\f\r"

// MarshalText writes what UnmarshalText reads.
func (r Rate) MarshalText() ([]byte, error) {
	if r == 0 {
		return []byte("none"), nil
	}
	return []byte(strconv.FormatFloat(float64(r), 'g', -1, 64) + "/s"), nil
}

// Pattern is what the text of a rate fits.
func (Rate) Pattern() string { return `^(none|\s*[-+0-9.eE]+\s*/\s*[smh]\s*)$` }
