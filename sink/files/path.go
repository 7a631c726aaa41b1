package files

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penstock/penstock/record"
)

// renderer makes the path of each row of one partition. It allocates nothing once it has seen a few. One goroutine uses it.
type renderer struct {
	parts  []part  // of the template, with topic and partition filled in
	clocks []clock // a part
	cells  []int   // where the column of a part stands in a Row
	zone   zone
	path   []byte

	lead   int    // how many parts come before the first that another row may have otherwise at the same time
	led    []byte // what they made, which holds for record times from lo to before hi
	start  int    // of the segment that they end in
	lo, hi int64
}

func newRenderer(t Template, tz TimeZone, topicName string, partitionID int32) *renderer {
	r := &renderer{
		parts:  make([]part, len(t.parts)),
		clocks: make([]clock, len(t.parts)),
		cells:  make([]int, len(t.parts)),
		zone:   zone{in: tz.in},
	}
	for i, p := range t.parts {
		switch p.kind {
		case topic:
			p = part{kind: literal, text: string(appendEscaped(nil, topicName))}
		case partition:
			p = part{kind: literal, text: strconv.Itoa(int(partitionID))}
		}
		r.parts[i], r.clocks[i].stamp = p, p.stamp
	}
	r.lead = slices.IndexFunc(r.parts, func(p part) bool { return p.kind != literal && p.kind != slash && p.kind != recordTime })
	if r.lead < 0 {
		r.lead = len(r.parts)
	}
	return r
}

// bind finds the template's columns in a schema.
func (r *renderer) bind(s *record.Schema) error {
	for i, p := range r.parts {
		if p.kind != column {
			continue
		}
		if s == nil {
			return fmt.Errorf("path: needs column %q, and the rows have not been decoded", p.text)
		}
		if r.cells[i] = find(s, p.text, p.deep); r.cells[i] < 0 {
			return fmt.Errorf("path: there is no column %q; there are %s", p.text, names(s))
		}
	}
	return nil
}

func names(s *record.Schema) string {
	all := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		all[i] = strconv.Quote(c.Name)
	}
	return strings.Join(all, ", ")
}

// render gives a row's path, valid until the next call. An error is the row's own.
func (r *renderer) render(rec *record.Record) (path []byte, err error) {
	if rec.Time < r.lo || rec.Time >= r.hi {
		if err := r.begin(rec); err != nil {
			return nil, err
		}
	}
	dst, start, err := r.run(append(r.path[:0], r.led...), r.start, r.lead, len(r.parts), rec)
	if err != nil {
		return nil, err
	}
	r.path = undotted(dst, start)
	return r.path, nil
}

// begin makes what the path of a row begins with, and of all that follow as long as their time says the same.
func (r *renderer) begin(rec *record.Record) (err error) {
	r.lo, r.hi = 0, 0
	if r.led, r.start, err = r.run(r.led[:0], 0, 0, r.lead, rec); err != nil {
		return err
	}
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	for i, p := range r.parts[:r.lead] {
		if p.kind != recordTime {
			continue
		}
		lo, hi = max(lo, r.clocks[i].from), min(hi, r.clocks[i].until)
		if rec.Time == record.NoTime || lo <= record.NoTime && record.NoTime < hi { // which is no time between others
			return nil
		}
	}
	r.lo, r.hi = lo, hi
	return nil
}

// run appends the parts from one to before another; start is where the segment begins that dst ends in.
func (r *renderer) run(dst []byte, start, from, to int, rec *record.Record) ([]byte, int, error) {
	var err error
	for i := from; i < to; i++ {
		p := &r.parts[i]
		switch p.kind {
		case literal:
			dst = append(dst, p.text...)
		case slash:
			dst = append(undotted(dst, start), '/')
			start = len(dst)
		case offset:
			dst = strconv.AppendInt(dst, rec.Offset, 10)
		case recordTime:
			dst, err = r.recordTime(dst, i, rec.Time)
		default:
			dst, err = r.value(dst, i, rec)
		}
		if err != nil {
			return dst, start, err
		}
	}
	return dst, start, nil
}

func (r *renderer) recordTime(dst []byte, i int, ms int64) ([]byte, error) {
	c := &r.clocks[i]
	switch {
	case ms == record.NoTime:
		return append(dst, nullValue...), nil
	case ms >= c.from && ms < c.until:
		return append(dst, c.text...), nil
	}
	civil, err := r.zone.at(floorDiv(ms, 1000))
	if err == nil {
		dst, err = c.append(dst, civil)
	}
	if err != nil {
		return dst, fmt.Errorf("path: the record's timestamp %d %w", ms, err)
	}
	lo, hi := r.zone.instants(c.lo, c.hi)
	c.from, c.until = 1000*lo, 1000*hi
	return dst, nil
}

// value writes a column, header or key.
func (r *renderer) value(dst []byte, i int, rec *record.Record) ([]byte, error) {
	p := &r.parts[i]
	if p.kind != column && len(p.stamp) == 0 {
		return appendEscaped(dst, bytesOf(p, rec)), nil
	}
	var cell record.Value
	if p.kind == column {
		cell = rec.Row[r.cells[i]]
	} else if b := bytesOf(p, rec); len(b) > 0 {
		cell = record.StringOf(string(b))
	}
	if cell.IsNull() || len(p.stamp) > 0 && cell.Kind == record.String && cell.Str == "" {
		return append(dst, nullValue...), nil
	}
	if len(p.stamp) == 0 {
		return appendCell(dst, cell)
	}
	civil, err := r.zone.civil(cell)
	if err == nil {
		dst, err = r.clocks[i].append(dst, civil)
	}
	if err != nil {
		return dst, fmt.Errorf("path: %s %w", p.label(), err)
	}
	return dst, nil
}

func (p *part) label() string {
	switch p.kind {
	case key:
		return "the key"
	case header:
		return fmt.Sprintf("header %q", p.text)
	}
	return fmt.Sprintf("column %q", p.text)
}

// bytesOf is a header's last value, or the key.
func bytesOf(p *part, rec *record.Record) []byte {
	if p.kind == key {
		return rec.Key
	}
	for i := len(rec.Headers) - 1; i >= 0; i-- {
		if rec.Headers[i].Key == p.text {
			return rec.Headers[i].Value
		}
	}
	return nil
}

// appendCell writes a cell that is not null as it stands.
func appendCell(dst []byte, v record.Value) ([]byte, error) {
	switch v.Kind {
	case record.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case record.Int:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case record.Float:
		if v.Str != "" { // the text says more where a number is too long for a float
			return appendEscaped(dst, v.Str), nil
		}
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64), nil
	case record.Date:
		days := v.Int()
		if days < firstCivil/86400 || days >= afterCivil/86400 {
			return dst, fmt.Errorf("path: a date %w", errYears)
		}
		return time.Unix(days*86400, 0).UTC().AppendFormat(dst, "2006-01-02"), nil
	case record.Timestamp:
		us := v.Int()
		if us < firstCivil*1e6 || us >= afterCivil*1e6 {
			return dst, fmt.Errorf("path: a timestamp %w", errYears)
		}
		var text [32]byte
		return appendEscaped(dst, time.UnixMicro(us).UTC().AppendFormat(text[:0], "2006-01-02 15:04:05.999999")), nil
	case record.Decimal:
		return v.AppendDecimal(dst), nil
	case record.List, record.Struct:
		return dst, fmt.Errorf("path: a %v has no place in a path; name one of its members in a column of its own, or declare it as json", v.Kind)
	}
	return appendEscaped(dst, v.Str), nil
}

// undotted changes a folder's name that would be the folder itself, or the one above it.
func undotted(path []byte, start int) []byte {
	n := len(path) - start
	if n > 2 || n == 0 || path[start] != '.' || path[len(path)-1] != '.' {
		return path
	}
	path = path[:start]
	for range n {
		path = appendHex(path, '.')
	}
	return path
}
