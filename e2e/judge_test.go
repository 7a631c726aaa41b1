package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A claim is what a sink is said to have done with a topic: each of its rows stands in one file, in the right folder, in the
// order of the offsets, and each file says truly what it holds.
type claim struct {
	connector string
	topic     topic
	ext       string
	folder    func(m message) []string // the row's folder, segment for segment, before it is encoded
}

// problems are what is wrong, each with its place.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// report fails the test and shows the first few.
func (p problems) report(t testing.TB, what string) {
	t.Helper()
	if len(p) > 0 {
		t.Errorf("%s: %d problems, such as\n  %s", what, len(p), strings.Join(p[:min(len(p), 6)], "\n  "))
	}
}

// A file is one object of a claim, by its name and metadata.
type file struct {
	key                string
	folder             string // decoded, a segment a line
	partition          int
	from, until, first int64
	rows               int
}

// A piece is where a row belongs: all rows of a piece stand in one file.
type piece struct {
	partition int
	from      int64
	folder    string
}

// judge compares a store with what it is claimed to be, file by file and cell by cell.
func (c claim) judge(s store) (p problems) {
	files := c.files(s, &p)
	want := c.pieces(files, &p)
	for _, f := range files {
		at := piece{f.partition, f.from, f.folder}
		rows, ok := want[at]
		if !ok {
			p.add("%s: no row of the topic belongs there, or another file holds them", f.key)
			continue
		}
		delete(want, at)
		if f.first != rows[0].offset || f.rows != len(rows) {
			p.add("%s: says %d rows from offset %d on, want %d from %d on", f.key, f.rows, f.first, len(rows), rows[0].offset)
		}
		for name, read := range readers[c.ext] {
			got, err := read(s[f.key].body)
			if err != nil {
				p.add("%s: %s: %v", f.key, name, err)
				continue
			}
			compare(f.key+": "+name, got, rows, &p)
		}
	}
	for at, rows := range want {
		p.add("%d rows of partition %d from offset %d on are in no file of %q", len(rows), at.partition, rows[0].offset, at.folder)
	}
	return p
}

// compare wants the rows of a file, whose index comes from the path, to be those of the topic.
func compare(where string, got []stock, want []message, p *problems) {
	if len(got) != len(want) {
		p.add("%s: %d rows, want %d", where, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		got[i].index = want[i].index // the folder is right
		if got[i] != want[i].stock {
			p.add("%s: row %d (offset %d): %s", where, i, want[i].offset, got[i].differ(want[i].stock))
			return
		}
	}
}

var fileName = regexp.MustCompile(`^(.+)\+(\d+)\+(\d{20})(\.[a-z.]+)$`)

// files reads names and metadata, in the order of partitions, intervals and folders.
func (c claim) files(s store, p *problems) (files []file) {
	layouts := map[string]bool{}
	for key, o := range s {
		f, err := c.file(key, o.meta)
		if err != nil {
			p.add("%s: %v", key, err)
			continue
		}
		layouts[o.meta["layout"]] = true
		files = append(files, f)
	}
	if len(layouts) > 1 || layouts[""] {
		p.add("the files are of the layouts %q, want one", slices.Collect(maps.Keys(layouts)))
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.key, b.key) })
	return files
}

func (c claim) file(key string, meta map[string]string) (f file, err error) {
	dir, base := path.Split(key)
	name := fileName.FindStringSubmatch(base)
	if name == nil || name[1] != c.topic.name || name[4] != c.ext {
		return f, fmt.Errorf("its name is not %s+PARTITION+OFFSET%s", c.topic.name, c.ext)
	}
	f.key = key
	for segment := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return f, err
		}
		f.folder += plain + "\n"
	}
	number := func(key string) int64 {
		n, nerr := strconv.ParseInt(meta[key], 10, 64)
		if nerr != nil {
			err = fmt.Errorf("metadata %q: %w", key, nerr)
		}
		return n
	}
	f.partition, f.first, f.rows = int(number("partition")), number("first"), int(number("rows"))
	f.from, f.until = number("from"), number("until")
	if err != nil {
		return f, err
	}
	id := strings.NewReplacer("+", "-", "/", "_", "%2F", "_").Replace(meta["topic-id"]) // librdkafka spells base64 the other way
	is := []string{meta["connector"], meta["topic"], id, name[2], strings.TrimLeft(name[3][:19], "0") + name[3][19:]}
	if want := []string{c.connector, c.topic.name, c.topic.id, meta["partition"], meta["first"]}; !slices.Equal(is, want) {
		return f, fmt.Errorf("its metadata and name say %q, want %q", is, want)
	}
	if f.partition >= len(c.topic.partitions) || f.from > f.first || f.first >= f.until {
		return f, fmt.Errorf("partition %d, offset %d in [%d, %d) cannot be", f.partition, f.first, f.from, f.until)
	}
	return f, nil
}

// pieces parts the topic's rows by the intervals of the files, which may not overlap, and by their folders.
func (c claim) pieces(files []file, p *problems) map[piece][]message {
	pieces := map[piece][]message{}
	for n, rows := range c.topic.partitions {
		intervals := c.intervals(n, files, p)
		for _, m := range rows {
			for len(intervals) > 0 && m.offset >= intervals[0][1] {
				intervals = intervals[1:]
			}
			if len(intervals) == 0 || m.offset < intervals[0][0] {
				p.add("partition %d, offset %d (%s of %q) is in no file's interval", n, m.offset, m.date, m.index)
				continue
			}
			at := piece{n, intervals[0][0], strings.Join(c.folder(m), "\n") + "\n"}
			pieces[at] = append(pieces[at], m)
		}
	}
	return pieces
}

// intervals are those of one partition's files, from and until, each once and in order.
func (c claim) intervals(partition int, files []file, p *problems) (all [][2]int64) {
	for _, f := range files {
		if is := [2]int64{f.from, f.until}; f.partition == partition && !slices.Contains(all, is) {
			all = append(all, is)
		}
	}
	slices.SortFunc(all, func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) })
	for i := range all[min(1, len(all)):] {
		if all[i][1] > all[i+1][0] {
			p.add("partition %d: the intervals %v and %v overlap", partition, all[i], all[i+1])
		}
	}
	return all
}

// holds says what is wrong with the topic, which should hold each row of the file once, in order, each index in one partition.
func (tp topic) holds(want []stock) (p problems) {
	line := map[day]int{}
	for i, row := range want {
		line[row.day()] = i
	}
	home, seen := map[string]int{}, map[day]bool{}
	for n, rows := range tp.partitions {
		last := -1
		for _, m := range rows {
			at := fmt.Sprintf("topic %s, partition %d, offset %d", tp.name, n, m.offset)
			i, ok := line[m.day()]
			switch first, known := home[m.index]; {
			case !ok:
				p.add("%s: %s of %q is not in the file", at, m.date, m.index)
				continue
			case seen[m.day()]:
				p.add("%s: %s of %q stands there again", at, m.date, m.index)
			case m.stock != want[i]:
				p.add("%s: %s", at, m.differ(want[i]))
			case i < last:
				p.add("%s: line %d comes after line %d", at, i+2, last+2)
			case known && first != n:
				p.add("%s: %q is in partition %d too", at, m.index, first)
			}
			home[m.index], seen[m.day()], last = n, true, i
		}
	}
	if len(seen) != len(want) {
		p.add("topic %s holds %d of %d rows", tp.name, len(seen), len(want))
	}
	return p
}
