package connector

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"path"
	"slices"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/sink"
)

// ledger is what stands of one partition.
type ledger struct {
	*verifier
	topic         string
	from, to      int64 // what is asked about
	low           int64 // where the topic begins
	began         int64 // where the group began, if it was told to
	before, after kafka.Mark
	intervals     map[span]*interval
	strays        map[string]*stray // by the id of another topic of the name
	line          Verified

	below  bool // an object of ours from before what is asked about was found
	passed bool // and one of another's was
	sound  bool // the group's metadata is ours
	doubts []doubt
}

// span is an interval's identity: two that differ are two intervals.
type span struct {
	from, until int64
	layout      string
	schema      int
}

// interval is what stands of one.
type interval struct {
	span
	name        string           // of one of its objects
	held        map[uint64]first // by folder
	files, rows int64
	all, total  int64 // how many there should be, 0 where they do not say
	linked      int64 // where the interval before it ended, as it says
}

// first is an object's, in a folder.
type first struct{ offset, rows int64 }

// stray is what stands of a topic that was there before.
type stray struct {
	name        string
	files       int64
	from, until int64
}

var seed = maphash.MakeSeed()

// folder is short for the folder that an object stands in.
func folder(name string) uint64 { return maphash.String(seed, path.Dir(name)) }

func (l *ledger) finding(kind string, from, to int64, object, format string, args ...any) {
	l.find(Finding{Kind: kind, Topic: l.topic, Partition: l.line.Partition, From: from, To: to, Object: object, Text: fmt.Sprintf(format, args...)})
}

// enter takes an object in, which says that it is of the connector, the topic's name and the partition. It says whether it counts.
func (l *ledger) enter(o sink.Object) bool {
	is := o.Is
	if l.id != "" && is.TopicID != "" && is.TopicID != l.id {
		s := l.strays[is.TopicID]
		if s == nil {
			s = &stray{name: o.Name, from: is.From, until: is.Until}
			l.strays[is.TopicID] = s
		}
		s.files, s.from, s.until = s.files+1, min(s.from, is.From), max(s.until, is.Until)
		return false
	}
	if o.Partition != is.Partition || o.First != is.First {
		l.finding("doubled", is.From, is.Until, o.Name, "by its metadata it should be called …+%d+%020d…: it is a copy of that object, or was renamed", is.Partition, is.First)
		return false
	}
	if is.Bytes > 0 && o.Bytes != is.Bytes {
		l.finding("damaged", is.From, is.Until, o.Name, "it has %d bytes, and was written with %d", o.Bytes, is.Bytes)
	}
	if is.First < is.From || is.First >= is.Until || is.Rows < 1 || is.Rows > is.Until-is.First {
		l.finding("damaged", is.From, is.Until, o.Name, "its metadata contradicts itself: %d rows from offset %d on, in the interval from %d to %d", is.Rows, is.First, is.From, is.Until)
		return false
	}
	l.below = l.below || is.First < l.from
	at := span{is.From, is.Until, is.Layout, is.Schema}
	iv := l.intervals[at]
	if iv == nil {
		iv = &interval{span: at, name: o.Name, held: map[uint64]first{}}
		l.intervals[at] = iv
	}
	if other, twice := iv.held[folder(o.Name)]; twice {
		l.finding("doubled", is.From, is.Until, o.Name, "the interval has another object in this folder, from offset %d on", other.offset)
		return true
	}
	iv.held[folder(o.Name)] = first{is.First, is.Rows}
	iv.files, iv.rows = iv.files+1, iv.rows+is.Rows
	iv.all, iv.total, iv.linked = max(iv.all, is.Files), max(iv.total, is.Total), max(iv.linked, is.Before)
	return true
}

// judge goes through the intervals from the first to the last, and keeps what only the topic can tell.
func (l *ledger) judge() {
	for id, s := range l.strays {
		l.finding("orphaned", s.from, s.until, s.name, "%d objects, of which this is one, are of another topic of this name, with the id %s", s.files, id)
	}
	before, err := readMemo(l.before)
	after, err2 := readMemo(l.after)
	if err = cmp.Or(err, err2); err != nil {
		l.finding("unproven", l.from, l.from, "", "%v", err)
		return
	}
	if before.Topic != "" && l.id != "" && before.Topic != l.id {
		l.finding("orphaned", 0, l.before.Offset, "", "the group's offset %d is of another topic of this name, with the id %s", l.before.Offset, before.Topic)
		return
	}
	l.sound = true
	end := min(l.before.Offset, l.to)
	l.line.To = max(end, 0)
	visible, sure := l.visible(end, after)
	at := int64(-1)
	var last *interval
	for _, iv := range visible {
		if at < 0 {
			l.opening(iv.from, iv.linked, iv)
		} else {
			l.join(last, iv, at)
		}
		if at < iv.until {
			at, last = iv.until, iv
		}
		l.complete(iv)
	}
	link := before.Before
	if l.before.Offset > l.to { // what the group says is of later
		link = l.next()
	}
	if sure < end {
		return
	}
	head := &interval{span: span{from: end, until: end, layout: before.Layout, schema: before.Schema}, linked: link}
	switch {
	case end <= l.from:
	case at < 0:
		l.opening(end, link, head)
	case at < end:
		l.join(last, head, at)
	}
}

// next is what the first interval behind those that are asked about says of the one before it; 0 if none does.
func (l *ledger) next() (linked int64) {
	at := int64(endless)
	for s, iv := range l.intervals {
		if s.from >= l.to && s.from < at {
			at, linked = s.from, iv.linked
		}
	}
	return linked
}

// visible is the intervals that begin before an offset and are committed, in order. It tells of those that no offset or plan covers;
// the first of them ends what can be judged.
func (l *ledger) visible(end int64, after memo) (all []*interval, sure int64) {
	var lost []*interval
	for _, iv := range l.intervals {
		planned := after.End > 0 && iv.from == l.after.Offset && iv.until == after.End
		switch {
		case iv.until <= l.from || iv.from >= l.to:
		case iv.until > max(l.after.Offset, l.before.Offset) && !planned:
			lost = append(lost, iv)
		case iv.from < end && iv.until <= l.before.Offset:
			all = append(all, iv)
		}
	}
	byOffset := func(a, b *interval) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.until, b.until), cmp.Compare(a.layout, b.layout), cmp.Compare(a.schema, b.schema))
	}
	slices.SortFunc(all, byOffset)
	slices.SortFunc(lost, byOffset)
	var files int64
	for _, iv := range lost {
		files += iv.files
	}
	if len(lost) > 0 {
		end = min(end, lost[0].from)
		l.finding("orphaned", lost[0].from, lost[len(lost)-1].until, lost[0].name, "%d objects of %d intervals, of which this is one, lie beyond offset %d, up to which the group has committed, and no plan covers them",
			files, len(lost), max(l.after.Offset, 0))
	}
	return all, end
}

// opening is what lies before the first interval. Where the group began is not known for sure; what the topic holds has to be
// somewhere, and so has what an interval says that came before it.
func (l *ledger) opening(at, linked int64, next *interval) {
	begin := max(l.from, l.began)
	if l.line.From = min(begin, at); next.from < next.until {
		l.line.From = max(l.from, at)
	}
	switch {
	case linked > begin:
		l.finding("gap", begin, min(linked, at), "", "objects of at least the interval that ended at offset %d are gone", linked)
	case linked == 0 && begin < at:
		l.doubts = append(l.doubts, doubt{from: begin, to: at, next: next, opening: true})
	}
}

// join looks at what lies between two intervals, of which the first ends at an offset. An interval without rows leaves no object.
func (l *ledger) join(last, next *interval, at int64) {
	switch {
	case next.from < at:
		l.finding("overlap", next.from, min(at, next.until), next.name, "its interval, from %d to %d, overlaps that of %s, from %d to %d", next.from, next.until, last.name, last.from, last.until)
	case next.from > at && next.linked == 0:
		l.doubts = append(l.doubts, doubt{from: at, to: next.from, next: next})
	case next.from > at && next.linked > at:
		l.finding("gap", at, min(next.linked, next.from), "", "objects of at least the interval that ended at offset %d are gone", next.linked)
	case next.from > at && l.scope.Rows:
		l.doubts = append(l.doubts, doubt{from: at, to: next.from, next: next, proven: true})
	}
}

// complete looks whether all of an interval's objects stand.
func (l *ledger) complete(iv *interval) {
	l.line.Intervals++
	l.line.Files += iv.files
	l.line.Rows += iv.rows
	if iv.from < l.from || iv.until > l.to {
		return // at the edge of what is asked about: not all of its objects were looked for
	}
	short := iv.files < iv.all || iv.rows < iv.total
	switch {
	case iv.all == 0 || short && l.compacts:
		l.doubts = append(l.doubts, doubt{from: iv.from, to: iv.until, of: iv, next: iv})
		return
	case short:
		l.finding("gap", iv.from, iv.until, iv.name, "of its interval, %d of %d objects stand, with %d of %d rows", iv.files, iv.all, iv.rows, iv.total)
	case iv.files > iv.all || iv.rows > iv.total:
		l.finding("doubled", iv.from, iv.until, iv.name, "of its interval, %d objects stand with %d rows, and should be %d with %d", iv.files, iv.rows, iv.all, iv.total)
	}
	if l.scope.Rows {
		l.doubts = append(l.doubts, doubt{from: iv.from, to: iv.until, of: iv, next: iv, proven: true})
	}
}
