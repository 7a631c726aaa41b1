package files

import (
	"fmt"
	"net/url"
	"strconv"
)

// MetaPrefix begins the names of the metadata that the engine puts on its objects.
const MetaPrefix = "penstock-"

// meta says of a file whose it is and of which interval. Values are ASCII.
func (f *flush) meta(p *pending) map[string]string {
	return map[string]string{
		"penstock-connector": url.PathEscape(f.claim.Connector),
		"penstock-layout":    url.PathEscape(f.claim.Layout),
		"penstock-topic":     url.PathEscape(f.claim.Topic),
		"penstock-topic-id":  url.PathEscape(f.claim.TopicID),
		"penstock-partition": strconv.Itoa(int(f.claim.Partition)),
		"penstock-from":      strconv.FormatInt(f.from, 10),
		"penstock-until":     strconv.FormatInt(f.until, 10),
		"penstock-first":     strconv.FormatInt(p.first, 10),
		"penstock-rows":      strconv.FormatInt(p.rows, 10),
		"penstock-schema":    strconv.Itoa(f.plan.file.Version),
	}
}

// identity is what the metadata of one of our objects says beside whose it is.
type identity struct {
	from, until, first, rows int64
	layout                   string
	schema                   int
}

// read gives an object's identity, or why it is not this connector's object of this partition.
func (f *flush) read(meta map[string]string) (is identity, why string) {
	if len(meta) == 0 {
		return is, "it carries no metadata of penstock"
	}
	for _, w := range []struct{ key, want, what string }{
		{"connector", f.claim.Connector, "connector"},
		{"topic", f.claim.Topic, "topic"},
		{"topic-id", f.claim.TopicID, "the topic with the id"},
		{"partition", strconv.Itoa(int(f.claim.Partition)), "partition"},
	} {
		got, err := url.PathUnescape(meta[MetaPrefix+w.key])
		if err != nil || got != w.want {
			return is, fmt.Sprintf("it is of %s %q, not %q", w.what, meta[MetaPrefix+w.key], w.want)
		}
	}
	var bad error
	number := func(key string) int64 {
		n, err := strconv.ParseInt(meta[MetaPrefix+key], 10, 64)
		if err != nil {
			bad = err
		}
		return n
	}
	is = identity{from: number("from"), until: number("until"), first: number("first"), rows: number("rows"), schema: int(number("schema"))}
	layout, err := url.PathUnescape(meta[MetaPrefix+"layout"])
	if err != nil || bad != nil {
		return is, "its metadata is damaged"
	}
	is.layout = layout
	return is, ""
}

// elsewhere is why an object of another interval stands in the way of one that begins at from.
func (f *flush) elsewhere(is identity) string {
	return fmt.Sprintf("it is of an interval that begins at offset %d, not %d", is.from, f.from)
}
