package files

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
)

// extra is a column of what a record is beside its value.
type extra uint8

const (
	withTopic extra = iota
	withPartition
	withOffset
	withTime
	withKey
	withHeaders
)

// extras are the columns that with may name, in the order of the constants.
var extras = []record.Column{
	{Name: "topic", As: "topic", Type: record.Type{Kind: record.String}},
	{Name: "partition", As: "partition", Type: record.Type{Kind: record.Int, Short: true}},
	{Name: "offset", As: "offset", Type: record.Type{Kind: record.Int}},
	{Name: "time", As: "time", Type: record.Type{Kind: record.Timestamp, Short: true}},
	{Name: "key", As: "key", Type: record.Type{Kind: record.String}},
	{Name: "headers", As: "headers", Type: record.Type{Kind: record.JSON}},
}

// parseWith reads the names that an option with holds. A folder of that name would be a second column of it to Hive and Athena.
func parseWith(names []string, t Template) (found []extra, err error) {
	for _, name := range names {
		i := slices.IndexFunc(extras, func(c record.Column) bool { return c.Name == name })
		switch {
		case i < 0:
			return nil, plugin.Option("with", fmt.Errorf("%q is not one of topic, partition, offset, time, key, headers", name))
		case slices.Contains(found, extra(i)):
			return nil, plugin.Option("with", fmt.Errorf("%s stands twice; leave one out", name))
		case slices.ContainsFunc(t.folders(), func(f folder) bool { return strings.EqualFold(f.key, name) }):
			return nil, plugin.Option("with", fmt.Errorf("the path says %s= already, and no reader takes a folder and a column of one name; leave one of them out", name))
		}
		found = append(found, extra(i))
	}
	return found, nil
}

// probes are columns that are asked for to see whether a value that passes through has a member where an extra is to be added.
func probes(with []extra) (asked []record.Column) {
	for _, x := range with {
		asked = append(asked, record.Column{Name: extras[x].Name, Type: record.Type{Kind: record.Any}})
	}
	return asked
}

var (
	errKey        = errors.New("with: the key is not UTF-8, which a column of text has to be; leave key out of with")
	errHeaderName = errors.New("with: a header's name is not UTF-8, which JSON has to be; leave headers out of with")
)

// sound says whether a record's extras can be written. The text of its headers is left in w.headers.
func (w *writer) sound(rec *record.Record) error {
	p := w.plan
	for _, i := range p.probes {
		if !rec.Row[i].IsNull() {
			name := p.from.Columns[i].Name
			return fmt.Errorf("with: the value has a member %q of its own; leave %s out of with", name, name)
		}
	}
	for _, x := range p.extras {
		switch {
		case x == withKey && !utf8.Valid(rec.Key):
			return errKey
		case x == withTime && rec.Time != record.NoTime && (rec.Time < firstCivil*1000 || rec.Time >= afterCivil*1000):
			return fmt.Errorf("with: the record's timestamp %d %w", rec.Time, errYears)
		case x == withHeaders:
			w.headers = appendHeaders(w.headers[:0], rec.Headers)
			if !utf8.Valid(w.headers) {
				return errHeaderName
			}
		}
	}
	return nil
}

// extra is a record's cell of one.
func (r *reader) extra(x extra) record.Value {
	switch x {
	case withTopic:
		return record.StringOf(r.claim.Topic)
	case withPartition:
		return record.IntOf(int64(r.claim.Partition))
	case withOffset:
		return record.IntOf(r.offset)
	case withTime:
		if r.time == record.NoTime {
			return record.Value{}
		}
		return record.TimestampOf(r.time * 1000)
	case withKey:
		if key := r.value(); key != nil {
			return record.StringOf(text(key))
		}
		return record.Value{}
	}
	if headers := r.value(); len(headers) > 0 {
		return record.JSONOf(text(headers))
	}
	return record.Value{}
}

// appendHeaders writes a JSON object: a member for each name, in the order in which they first appear, whose value is that of the
// header, or all of them in a list where the name stands several times. Values that are not UTF-8 are {"base64":"..."}.
// Without headers it writes nothing.
func appendHeaders(dst []byte, all []record.Header) []byte {
	comma := byte('{')
	for i, h := range all {
		same := func(o record.Header) bool { return o.Key == h.Key }
		if slices.ContainsFunc(all[:i], same) {
			continue
		}
		dst = append(appendText(append(dst, comma), h.Key), ':')
		comma = ','
		if !slices.ContainsFunc(all[i+1:], same) {
			dst = appendHeader(dst, h.Value)
			continue
		}
		dst = append(dst, '[')
		for _, o := range all[i:] {
			if same(o) {
				dst = append(appendHeader(dst, o.Value), ',')
			}
		}
		dst[len(dst)-1] = ']'
	}
	if len(all) > 0 {
		dst = append(dst, '}')
	}
	return dst
}

func appendHeader(dst, v []byte) []byte {
	switch {
	case v == nil:
		return append(dst, "null"...)
	case utf8.Valid(v):
		return appendText(dst, text(v))
	}
	dst = append(dst, `{"base64":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, v), `"}`...)
}

// appendText writes a string of JSON.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, strconv.FormatUint(uint64(c)|0x100, 16)[1:]...)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
