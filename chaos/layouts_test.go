package chaos

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// change is a change of a connector's layout, while it is down: the options before it, after it, and what files look like then.
type change struct {
	name, before, after string
	old, today          func(object) string // why it is no file of before, or of after
}

// columned is what is said of Parquet files of certain columns.
func columned(columns ...string) func(object) string {
	return func(o object) string {
		if !slices.Equal(o.columns, columns) {
			return fmt.Sprintf("its columns are %q, not %q", o.columns, columns)
		}
		return ""
	}
}

func named(prefix, ext string) func(object) string {
	return func(o object) string {
		if !strings.HasPrefix(o.key, prefix) || filepath.Ext(o.key) != ext || len(strings.Split(o.key, "/")) != 1+strings.Count(prefix, "/") {
			return fmt.Sprintf("it should begin with %q and end in %s", prefix, ext)
		}
		return ""
	}
}

var changes = []change{
	{
		"path",
		`sink: {s3: {bucket: $bucket, path: "{p}", format: json}}`,
		`sink: {s3: {bucket: $bucket, path: "by/{p}/new", format: json}}`,
		func(o object) string { return named(o.key[:1]+"/", ".json")(o) },
		func(o object) string { return named("by/"+o.key[3:4]+"/new/", ".json")(o) },
	},
	{
		"columns",
		`{schema: {columns: {id: int64, p: string}, new: ignore}, sink: {s3: {bucket: $bucket, path: "{p}", format: parquet}}}`,
		`{schema: {columns: {p: string, id: double}, new: ignore}, sink: {s3: {bucket: $bucket, path: "{p}", format: parquet}}}`,
		columned("id int64", "p string"), columned("p string", "id double"),
	},
	{
		"format",
		`sink: {s3: {bucket: $bucket, path: "{p}", format: json}}`,
		`sink: {s3: {bucket: $bucket, path: "{p}", format: {parquet: {compression: zstd}}}}`,
		func(o object) string { return named(o.key[:1]+"/", ".json")(o) },
		func(o object) string {
			if o.compression != "ZSTD" {
				return "it is compressed as " + o.compression
			}
			return columned("id double", "p string")(o)
		},
	},
}

// laid writes a connector of these options. Intervals are of so many rows.
func (b *bed) laid(name, options string, rows int) {
	b.t.Helper()
	if in, ok := strings.CutPrefix(options, "{"); ok {
		options = strings.TrimSuffix(in, "}")
		schema, sink, _ := strings.Cut(options, ", sink: ")
		options = schema + "\n    sink: " + sink
	}
	b.file(name, fmt.Sprintf("\n  $topic:\n    topics: [$topic]\n    %s\n    flush: {rows: %d, every: 1s}\n", options, rows))
}

// layouts is the texts of layouts that the state topic keeps.
func (b *bed) layouts() map[string]string {
	b.t.Helper()
	texts := map[string]string{}
	b.read("penstock-state", func(r *kgo.Record) {
		if hash, ok := strings.CutPrefix(string(r.Key), "layout/"); ok {
			texts[hash] = string(r.Value)
		}
	})
	return texts
}

// wantLaid wants every interval before an offset to be of the old layout, and all others of today's: each file by what it says of
// itself and by what it is.
func (b *bed) wantLaid(c change, until int64) {
	b.t.Helper()
	objects := b.tables()
	b.wantRows(objects)
	texts, layouts := b.layouts(), map[bool]string{}
	for _, o := range objects {
		before, looks := o.until <= until, c.today
		if before {
			looks = c.old
		}
		if why := looks(o); why != "" {
			b.t.Errorf("%v: %s", o, why)
		}
		layout := o.meta["penstock-layout"]
		if texts[layout] == "" {
			b.t.Errorf("%v is of layout %s, which the state topic does not know", o, layout)
		}
		if known := layouts[before]; known != "" && known != layout {
			b.t.Errorf("%v is of layout %s, others of %s", o, layout, known)
		}
		layouts[before] = layout
	}
	if m := b.remembered(); layouts[true] == layouts[false] || m.Layout != layouts[false] {
		b.t.Errorf("files are of layouts %s and then %s; the group remembers %s", layouts[true], layouts[false], m.Layout)
	}
}

// TestLayoutChanges has the configuration changed between a worker's death and the next one's start: the interval that was planned
// is finished as it was begun, and what follows is of the new layout.
func TestLayoutChanges(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		for step, die := range map[string]func(*bed) *worker{
			"planned":           func(b *bed) *worker { return b.standing("planned@2") },
			"the anchor stands": func(b *bed) *worker { return b.stuck(hold, 11) },
			"visible":           func(b *bed) *worker { return b.standing("visible@2") },
		} {
			t.Run(c.name+", "+step, func(t *testing.T) {
				t.Parallel()
				b := newBed(t)
				b.make(b.name, 1)
				b.add(25, "")
				b.laid("connectors.yaml", c.before, 10)
				b.laid("heir.yaml", c.after, 7)
				w := die(b)
				w.must("kill", w.Kill())
				await(t, "the proxy to notice", b.proxy.idle)
				b.proxy.release()
				b.wantMark(10, 20, -1)
				b.drain("heir.yaml")
				b.wantMark(25, 0, -1)
				b.wantLaid(c, 20)
				b.wantChain()
				b.add(10, "")
				b.drain("heir.yaml")
				b.wantLaid(c, 20)
				b.wantWhole(b.name, "--file", "heir.yaml")
			})
		}
	}
}

// TestLayoutChangesTwice kills the heir too, in the middle of what it inherited, and the third has yet another layout.
func TestLayoutChangesTwice(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.add(25, "")
	b.laid("connectors.yaml", changes[0].before, 10)
	b.laid("second.yaml", changes[2].after, 7)
	b.laid("third.yaml", changes[0].after, 7)
	for _, run := range [][]string{{"planned@2"}, {"visible", "second.yaml"}} {
		w := b.standing(run[0], run[1:]...)
		w.must("kill", w.Kill())
		b.wantMark(10, 20, -1)
	}
	b.drain("third.yaml")
	b.wantMark(25, 0, -1)
	b.wantLaid(changes[0], 20)
	b.wantChain()
	b.wantWhole(b.name, "--file", "third.yaml")
}

// TestLayoutChangesAndOffsetsGoBack sets the group back by some commits as well: what stands is of the old layout, and is met under it.
func TestLayoutChangesAndOffsetsGoBack(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 1)
			b.add(25, "")
			b.laid("connectors.yaml", c.before, 10)
			b.laid("heir.yaml", c.after, 7)
			b.drain()
			for _, m := range b.past() {
				if m.offset == 10 && m.End == 0 {
					b.setBack(b.group(), b.name, 0, m.offset, m.text)
				}
			}
			b.add(25, "")
			b.drain("heir.yaml")
			b.wantMark(50, 0, -1)
			b.wantLaid(c, 25)
			b.wantWhole(b.name, "--file", "heir.yaml")
		})
	}
}

// TestLayoutChangesAtTheEnd has nothing but a control record behind what was committed under the old layout.
func TestLayoutChangesAtTheEnd(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.add(20, b.name)
	b.laid("connectors.yaml", changes[0].before, 10)
	b.laid("heir.yaml", changes[0].after, 7)
	w := b.standing("committed@2")
	w.must("kill", w.Kill())
	b.wantMark(20, 0, -1)
	b.drain("heir.yaml")
	b.wantMark(21, 0, -1)
	b.add(5, "")
	b.drain("heir.yaml")
	b.wantLaid(changes[0], 20)
	b.wantWhole(b.name, "--file", "heir.yaml")
}

// TestOffsetsGoBackOverSeveralLayouts has what stands be of three layouts, one after the other, and the last like the first or not. The group
// goes back to somewhere in the first, or forgets everything: each interval is met under the layout that it was made under, also where
// today's would cut all that it made before in the same way.
func TestOffsetsGoBackOverSeveralLayouts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, last  string
		first, rows int // how many the first makes; how many the last has in an interval, where the first has 10
		ways        []string
	}{
		{"three", replace(changes[0].after, "new", "newer"), 25, 7, []string{"set back", "forgotten"}},
		{"and back", changes[0].before, 25, 7, []string{"bare", "forgotten"}},
		{"and back to the same", changes[0].before, 20, 10, []string{"set back", "planned", "forgotten"}},
	} {
		for _, how := range c.ways {
			t.Run(c.name+", "+how, func(t *testing.T) {
				t.Parallel()
				b := newBed(t)
				b.make(b.name, 1)
				b.laid("first.yaml", changes[0].before, 10)
				b.laid("second.yaml", changes[0].after, 8)
				b.laid("third.yaml", c.last, c.rows)
				for i, file := range []string{"first.yaml", "second.yaml", "third.yaml"} {
					b.add([]int{c.first, 25, 25}[i], "")
					b.drain(file)
				}
				before := b.names()
				m, planned := b.past()[2], b.past()[3]
				if m.offset != 10 || m.End != 0 || planned.offset != 10 || planned.End != 20 {
					t.Fatalf("the group was told %v", b.past())
				}
				switch how {
				case "forgotten":
					b.forget(b.group())
				case "bare":
					b.setBack(b.group(), b.name, 0, m.offset, "")
				case "planned":
					b.setBack(b.group(), b.name, 0, m.offset, planned.text)
				default:
					b.setBack(b.group(), b.name, 0, m.offset, m.text)
				}
				b.drain("third.yaml")
				b.wantNames(before)
				b.wantMark(int64(c.first)+50, 0, -1)
				b.add(10, "")
				b.drain("third.yaml")
				b.wantRows(b.tables())
			})
		}
	}
}
