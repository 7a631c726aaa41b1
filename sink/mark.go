package sink

import (
	"fmt"
	"net/url"
	"strconv"
)

// MarkPrefix begins the names of a mark's texts.
const MarkPrefix = "penstock-"

// Mark says whose an object is and which interval it holds. A Sink that keeps it beside each of its objects can tell by it, in
// any process and at any later time, what stands already.
//
// What follows Rows is for whoever verifies later that all is there: it does not decide whose an object is, and is 0 where it is not
// known. An interval of a compacted topic that is written again may have lost rows, and what its objects say of it may differ.
type Mark struct {
	Claim        // of the Writer, but From and Until are where the interval begins and ends
	Schema int   // the version that its rows have
	First  int64 // offset of the object's first row
	Rows   int64

	Bytes  int64  // of the object
	CRC32C uint32 // of its bytes
	Files  int64  // how many objects the interval makes
	Total  int64  // how many rows they hold together
}

// Texts is the mark as short ASCII texts by name: an object's metadata, or headers of a request.
func (m Mark) Texts() map[string]string {
	texts := map[string]string{
		MarkPrefix + "connector": url.PathEscape(m.Connector),
		MarkPrefix + "layout":    url.PathEscape(m.Layout),
		MarkPrefix + "topic":     url.PathEscape(m.Topic),
		MarkPrefix + "topic-id":  url.PathEscape(m.TopicID),
		MarkPrefix + "partition": strconv.Itoa(int(m.Partition)),
		MarkPrefix + "from":      strconv.FormatInt(m.From, 10),
		MarkPrefix + "until":     strconv.FormatInt(m.Until, 10),
		MarkPrefix + "first":     strconv.FormatInt(m.First, 10),
		MarkPrefix + "rows":      strconv.FormatInt(m.Rows, 10),
		MarkPrefix + "schema":    strconv.Itoa(m.Schema),
	}
	for key, n := range m.known() {
		if *n != 0 {
			texts[MarkPrefix+key] = strconv.FormatInt(*n, 10)
		}
	}
	if m.Bytes != 0 {
		texts[MarkPrefix+"crc32c"] = strconv.FormatUint(uint64(m.CRC32C), 16)
	}
	return texts
}

// known is what may not be known, by the names of its texts.
func (m *Mark) known() map[string]*int64 {
	return map[string]*int64{"before": &m.Before, "bytes": &m.Bytes, "interval-files": &m.Files, "interval-rows": &m.Total}
}

// ReadMark gives the mark of an object, whosever it is, by a function that gives each of its texts, or why it has none.
func ReadMark(text func(name string) string) (is Mark, why string) {
	var c Claim
	for key, to := range map[string]*string{"connector": &c.Connector, "topic": &c.Topic, "topic-id": &c.TopicID} {
		*to, _ = url.PathUnescape(text(MarkPrefix + key)) // what cannot be read is nobody's
	}
	partition, _ := strconv.ParseInt(text(MarkPrefix+"partition"), 10, 32)
	c.Partition = int32(partition)
	return c.Read(text)
}

// Read gives the mark of an object, by a function that gives each of its texts, or why it is not an object of c's connector,
// topic and partition.
func (c Claim) Read(text func(name string) string) (is Mark, why string) {
	if text(MarkPrefix+"connector") == "" {
		return is, "it carries no metadata of penstock"
	}
	for _, w := range []struct{ key, want, what string }{
		{"connector", c.Connector, "connector"},
		{"topic", c.Topic, "topic"},
		{"topic-id", c.TopicID, "the topic with the id"},
		{"partition", strconv.Itoa(int(c.Partition)), "partition"},
	} {
		got, err := url.PathUnescape(text(MarkPrefix + w.key))
		if err != nil || got != w.want {
			return is, fmt.Sprintf("it is of %s %q, not %q", w.what, text(MarkPrefix+w.key), w.want)
		}
	}
	var bad error
	number := func(key string) int64 {
		n, err := strconv.ParseInt(text(MarkPrefix+key), 10, 64)
		if err != nil {
			bad = err
		}
		return n
	}
	c.From, c.Until = number("from"), number("until")
	is = Mark{Claim: c, First: number("first"), Rows: number("rows"), Schema: int(number("schema"))}
	layout, err := url.PathUnescape(text(MarkPrefix + "layout"))
	if is.Layout = layout; err != nil || bad != nil || !is.possible() {
		return Mark{}, "its metadata is damaged"
	}
	for key, n := range is.known() {
		*n, _ = strconv.ParseInt(text(MarkPrefix+key), 10, 64) // 0 where it says nothing
	}
	sum, _ := strconv.ParseUint(text(MarkPrefix+"crc32c"), 16, 32)
	is.CRC32C = uint32(sum)
	return is, ""
}

// possible says whether there can be such an interval: another that adopts its end waits for the rows up to there.
func (m Mark) possible() bool {
	return m.From >= 0 && m.From <= m.First && m.First < m.Until && m.Rows > 0 && m.Schema >= 0
}

// Name is one for an object of the interval's first row on: it does not depend on where the interval ends, so that of two runs
// which cut the same rows differently one makes the object, and the other meets it.
func (m Mark) Name() string { return fmt.Sprintf("%s+%d+%020d", m.Topic, m.Partition, m.First) }

// Judge says what an object is that stands under the name of m's: nil where it holds m's very interval, and so is what an earlier
// run of it made; *Conflict where it is of this partition and cut elsewhere, or by other rules; *Foreign where it is anything else.
func (m Mark) Judge(name string, text func(name string) string) (is Mark, err error) {
	is, why := m.Read(text)
	switch {
	case why != "":
		return is, &Foreign{Name: name, Why: why, Anchor: m.First == m.From}
	case is.From > m.From && is.From <= m.First:
		// It begins between the last row before m's interval and its first: there was one without rows, which ends there.
		return is, &Conflict{Name: name, End: is.From, Layout: m.Layout, Schema: m.Schema}
	case is.From != m.From:
		return is, &Foreign{Name: name, Why: fmt.Sprintf("it is of an interval that begins at offset %d, not %d", is.From, m.From), Anchor: m.First == m.From}
	case is.Until != m.Until || is.Layout != m.Layout || is.Schema != m.Schema:
		return is, &Conflict{Name: name, End: is.Until, Layout: is.Layout, Schema: is.Schema}
	}
	return is, nil
}

// File is what to report of the object that bears the mark.
func (m Mark) File(name string, bytes int64) File {
	return File{Name: name, Topic: m.Topic, Partition: m.Partition, First: m.First, Next: m.Until, Rows: m.Rows, Bytes: bytes}
}
