package csv

import (
	"encoding/json"
	"math"
	"strings"
	"time"
	"unsafe"

	"github.com/penstock/penstock/record"
)

// value is the cell of a flat type t that text says, or ok = false. Its Str lies in text's memory.
func value(text []byte, t record.Type) (v record.Value, ok bool) {
	if len(text) == 0 || isNaN(text) && t.Kind != record.String {
		return record.Value{}, true
	}
	switch t.Kind {
	case record.Int:
		var n number
		n.parse(text)
		i, ok := n.integer(text)
		return record.IntOf(i), ok && (!t.Short || i == int64(int32(i)))
	case record.Float:
		ok = setFloat(&v, text, t.Short)
		return v, ok
	case record.Bool:
		b, ok := parseBool(text)
		return record.BoolOf(b), ok
	case record.Date, record.Timestamp:
		return moment(text, t)
	case record.JSON:
		return record.JSONOf(alias(text)), json.Valid(text)
	}
	return record.StringOf(alias(text)), true
}

// setFloat makes a Float of v; false if text says none.
func setFloat(v *record.Value, text []byte, short bool) bool {
	var n number
	n.parse(text)
	f, ok := n.float64(text)
	v.Kind, v.Scale, v.Num, v.Str = record.Float, 0, math.Float64bits(f), ""
	if n.json {
		v.Str = alias(text)
	}
	return ok && (!short || !math.IsInf(float64(float32(f)), 0))
}

// integer is int64, of numbers such as 12.0 and 1.2e3 too.
func (n *number) integer(text []byte) (int64, bool) {
	if v, ok := n.int64(text); ok || n.whole {
		return v, ok
	}
	f, ok := n.float64(text)
	return int64(f), ok && f == math.Trunc(f) && math.Abs(f) < 1<<53
}

func isNaN(b []byte) bool { return len(b) == 3 && (string(b) == "NaN" || string(b) == "nan") }

func parseBool(b []byte) (value, ok bool) {
	switch string(b) {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

var (
	midnight  = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) // of a clock that time.Parse has read
	firstTime = midnight.UnixMicro()
	lastTime  = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
)

// moment reads a Date, or a Timestamp in ISO 8601 or as an epoch.
func moment(text []byte, t record.Type) (v record.Value, ok bool) {
	if t.Kind == record.Date {
		day, err := time.Parse(time.DateOnly, alias(text))
		return record.DateOf(day.Unix() / (24 * 60 * 60)), err == nil
	}
	us, ok := parseTime(text)
	if t.Short {
		us -= (us%1000 + 1000) % 1000
	}
	return record.TimestampOf(us), ok
}

// recordTime is the Time of a record, in milliseconds. Kafka has none before 1970, and takes 0 for none.
func recordTime(text []byte) (ms int64, ok bool) {
	us, ok := parseTime(text)
	return us / 1000, ok && us >= 1000
}

// parseTime reads, as microseconds since 1970 UTC, a date, an ISO 8601 timestamp, or an epoch: in seconds below 1e11, else in
// milliseconds. What names no zone is UTC.
func parseTime(text []byte) (us int64, ok bool) {
	var n number
	if n.parse(text); n.ok {
		return epoch(text, &n)
	}
	s := alias(text)
	if len(s) < len(time.DateOnly) {
		return 0, false
	}
	day, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
	us = day.UnixMicro()
	if s = s[len(time.DateOnly):]; s == "" || err != nil {
		return us, err == nil
	}
	if s[0] != 'T' && s[0] != ' ' {
		return 0, false
	}
	clock, zone := s[1:], ""
	if i := strings.IndexAny(clock, "Z+-"); i >= 0 {
		clock, zone = clock[:i], clock[i:]
	}
	since, ok1 := parseClock(clock)
	east, ok2 := parseZone(zone)
	us += since - east
	return us, ok1 && ok2 && us >= firstTime && us <= lastTime
}

func epoch(text []byte, n *number) (int64, bool) {
	unit := 1000.0
	f, ok := n.float64(text)
	if math.Abs(f) < 1e11 {
		unit = 1e6
	}
	if f = math.Round(f * unit); f < float64(firstTime) || f > float64(lastTime) {
		return 0, false
	}
	if whole, exact := n.int64(text); exact {
		return whole * int64(unit), ok
	}
	return int64(f), ok
}

// parseClock reads hh:mm[:ss[.fraction]] as microseconds.
func parseClock(s string) (int64, bool) {
	layout := time.TimeOnly
	if len(s) == len("15:04") {
		layout = "15:04"
	}
	at, err := time.Parse(layout, s)
	return at.Sub(midnight).Microseconds(), err == nil && s[2] == ':'
}

// parseZone reads nothing, Z, +hh, +hhmm or +hh:mm as microseconds east.
func parseZone(s string) (int64, bool) {
	if s == "" || s == "Z" {
		return 0, true
	}
	layout, ok := map[int]string{3: "-07", 5: "-0700", 6: "-07:00"}[len(s)]
	at, err := time.Parse(layout, s)
	_, east := at.Zone()
	return int64(east) * 1_000_000, ok && err == nil
}
