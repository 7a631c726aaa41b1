package files

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"math"
	"time"
)

// zoneData comes with the binary: what a time zone was must not depend on the machine.
//
//go:generate sh -c "cp $(go env GOROOT)/lib/time/zoneinfo.zip ."
//go:embed zoneinfo.zip
var zoneData []byte

// TimeZone is a zone of the tz database, by name; its zero value is UTC.
type TimeZone struct{ in *time.Location }

// UnmarshalText reads a name such as Europe/Berlin.
func (z *TimeZone) UnmarshalText(text []byte) error {
	name := string(text)
	if name == "UTC" {
		z.in = nil
		return nil
	}
	in, err := loadZone(name)
	if err != nil {
		return fmt.Errorf("%q is not a time zone; write UTC or a name of the tz database, as Europe/Berlin", name)
	}
	z.in = in
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (z TimeZone) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

func (z TimeZone) String() string {
	if z.in == nil {
		return "UTC"
	}
	return z.in.String()
}

func loadZone(name string) (*time.Location, error) {
	all, err := zip.NewReader(bytes.NewReader(zoneData), int64(len(zoneData)))
	if err != nil {
		return nil, err
	}
	f, err := all.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}

// zone turns instants into civil times, and remembers the last offset for as long as it holds. One goroutine uses it.
type zone struct {
	in          *time.Location // nil is UTC
	lo, hi, off int64
}

// at is the civil time of an instant, in seconds since 1970-01-01 UTC.
func (z *zone) at(unix int64) (int64, error) {
	if unix < firstCivil-86400 || unix > afterCivil+86400 {
		return 0, errYears
	}
	if z.in != nil && (unix < z.lo || unix >= z.hi) {
		t := time.Unix(unix, 0).In(z.in)
		_, off := t.Zone()
		start, end := t.ZoneBounds()
		z.lo, z.hi, z.off = math.MinInt64, math.MaxInt64, int64(off)
		if !start.IsZero() {
			z.lo = start.Unix()
		}
		if !end.IsZero() {
			z.hi = end.Unix()
		}
	}
	return unix + z.off, nil
}

// instants are when the civil times from lo to before hi are, as far as the offset holds that was given last.
func (z *zone) instants(lo, hi int64) (from, until int64) {
	if z.in == nil {
		return lo, hi
	}
	return max(lo-z.off, z.lo), min(hi-z.off, z.hi)
}
