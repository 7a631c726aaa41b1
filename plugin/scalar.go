package plugin

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	wholeNumber = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	anyNumber   = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	yesNo       = map[string]string{
		"yes": "true", "on": "true", "y": "true", "1": "true", "true": "true",
		"no": "false", "off": "false", "n": "false", "0": "false", "false": "false",
	}
)

// setScalar reads a value's text, after interpolation, into v. Its errors show raw, the text before it.
func (s *shape) setScalar(v reflect.Value, value, raw string) error {
	switch s.kind {
	case text:
		v.SetString(value)
	case boolean:
		if value != "true" && value != "false" {
			if meant := yesNo[strings.ToLower(value)]; meant != "" {
				return fmt.Errorf("%s is not true or false; write %s", shown(raw), meant)
			}
			return fmt.Errorf("%s is not true or false", shown(raw))
		}
		v.SetBool(value == "true")
	case integer:
		return setInteger(v, value, raw)
	case number:
		f, err := strconv.ParseFloat(value, v.Type().Bits())
		if err != nil || !anyNumber.MatchString(value) {
			return fmt.Errorf("%s is not a number; write one as in 10, 0.5 or 1e6", shown(raw))
		}
		v.SetFloat(f)
	case duration:
		d, err := parseDuration(value)
		if err != nil {
			return fmt.Errorf("%s is not a duration; write numbers with units as in 10s, 5m, 1h30m or 7d", shown(raw))
		}
		v.SetInt(int64(d))
	case textual:
		return guard(s.typ.String(), func() error {
			return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(value))
		})
	}
	return nil
}

func setInteger(v reflect.Value, value, raw string) error {
	if !wholeNumber.MatchString(value) {
		return fmt.Errorf("%s is not a whole number; write plain digits as in 50000", shown(raw))
	}
	bits := v.Type().Bits()
	if v.CanUint() {
		n, err := strconv.ParseUint(strings.TrimPrefix(value, "+"), 10, bits)
		if err != nil {
			return fmt.Errorf("%s is out of range; it goes from 0 to %d", shown(raw), uint64(math.MaxUint64)>>(64-bits))
		}
		v.SetUint(n)
		return nil
	}
	n, err := strconv.ParseInt(value, 10, bits)
	if err != nil {
		most := int64(math.MaxInt64) >> (64 - bits)
		return fmt.Errorf("%s is out of range; it goes from %d to %d", shown(raw), -most-1, most)
	}
	v.SetInt(n)
	return nil
}

// parseDuration is time.ParseDuration with days before the rest: 7d, 1d12h.
func parseDuration(value string) (time.Duration, error) {
	count, rest, hasDays := strings.Cut(value, "d")
	if !hasDays {
		return time.ParseDuration(value)
	}
	days, err := strconv.ParseFloat(count, 64)
	if err != nil || !anyNumber.MatchString(count) || math.Abs(days) > 100_000 || rest != "" && strings.ContainsAny(rest[:1], "+-") {
		return 0, errors.New("not a number of days")
	}
	whole := time.Duration(math.Round(days * 24 * float64(time.Hour)))
	if rest == "" {
		return whole, nil
	}
	more, err := time.ParseDuration(rest)
	if strings.HasPrefix(count, "-") {
		more = -more
	}
	if sum := whole + more; err == nil && (sum < whole) == (more < 0) {
		return sum, nil
	}
	return 0, errors.New("out of range")
}
