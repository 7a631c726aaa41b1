package chaos

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// grow makes a topic of some intervals, all of them visible: some cut by rows, some by the end of the topic, and, where rows come
// in transactions, some that are empty but for a control record.
func (b *bed) grow(transaction string) {
	b.t.Helper()
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	for _, n := range []int{25, 3, 14, 1} {
		b.add(n, transaction)
		b.drain()
	}
	b.add(12, transaction)
	w := b.start()
	end := b.ends(b.name)[0]
	await(b.t, "the last rows", func() bool { return b.remembered().offset == end })
	w.stop()
}

// past is what the group was told of the one partition, without repetitions, the oldest first.
func (b *bed) past() (marks []mark) {
	for _, c := range b.history() {
		if len(marks) == 0 || marks[len(marks)-1].text != c.text || marks[len(marks)-1].offset != c.offset {
			marks = append(marks, c.mark)
		}
	}
	return marks
}

func (b *bed) names() (names []string) {
	for _, o := range b.objects("") {
		names = append(names, fmt.Sprint(o, " ", o.ids(b.t)))
	}
	return names
}

// backwards are what a group may have forgotten: so many commits, with or without the metadata that stood beside the last one it
// still knows; 0 is everything.
var backwards = []struct {
	by          int
	bare        bool
	transaction string
}{
	{1, false, ""}, {1, true, ""}, {3, false, ""}, {3, true, ""}, {6, true, ""}, {0, true, ""},
	{1, false, "tx"}, {1, true, "tx"}, {4, false, "tx"}, {4, true, "tx"}, {0, true, "tx"},
}

// TestBackwards sets back what the group remembers and wants the next worker to walk forward through its old cuts.
func TestBackwards(t *testing.T) {
	t.Parallel()
	for _, tt := range backwards {
		t.Run(fmt.Sprintf("%d,bare=%v,%s", tt.by, tt.bare, tt.transaction), func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			if tt.transaction != "" {
				tt.transaction = b.name
			}
			b.grow(tt.transaction)
			before, end := b.names(), b.remembered()
			if past := b.past(); tt.by == 0 {
				b.forget(b.group())
			} else {
				m := past[len(past)-1-tt.by]
				if tt.bare {
					m.text = ""
				}
				b.setBack(b.group(), b.name, 0, m.offset, m.text)
			}
			b.drain()
			b.wantNames(before)
			b.wantMark(end.offset, 0, -1)
			b.add(13, tt.transaction)
			b.drain()
			b.wantAll()
			b.wantWhole(b.name)
		})
	}
}

// wantNames wants the same objects with the same rows as before.
func (b *bed) wantNames(before []string) {
	b.t.Helper()
	if after := b.names(); !slices.Equal(after, before) {
		b.t.Errorf("objects\n  %s\nbefore\n  %s", strings.Join(after, "\n  "), strings.Join(before, "\n  "))
	}
}

// TestBackwardsWhileRowsCome is the same when the topic has grown meanwhile, so that the walk's own cuts fall elsewhere.
func TestBackwardsWhileRowsCome(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.grow("")
	past := b.past()
	before := b.names()
	b.add(40, "")
	m := past[len(past)-6]
	b.setBack(b.group(), b.name, 0, m.offset, "")
	b.file("connectors.yaml", strings.Replace(simple, "rows: 10", "rows: 17", 1))
	b.drain()
	if after := b.names(); len(after) <= len(before) || !containsAll(after, before) {
		t.Errorf("objects\n  %s\nbefore\n  %s", strings.Join(after, "\n  "), strings.Join(before, "\n  "))
	}
	b.wantAll()
	b.wantWhole(b.name)
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// TestBackwardsOverNothing has intervals without rows in the past: the control record that ends a transaction was flushed alone.
// A walk from before it meets an anchor whose interval begins behind it.
func TestBackwardsOverNothing(t *testing.T) {
	t.Parallel()
	for _, to := range []int64{0, 10, 21} {
		t.Run(fmt.Sprint(to), func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 1)
			b.file("connectors.yaml", simple)
			for range 3 {
				b.add(10, b.name) // the control record comes after ten rows, which are an interval of their own
				b.drain()
			}
			b.wantMark(33, 0, -1)
			b.wantObjects("a/0 [0,10)", "b/1 [0,10)", "c/2 [0,10)", "b/11 [11,21)", "c/12 [11,21)", "a/13 [11,21)",
				"c/22 [22,32)", "a/23 [22,32)", "b/24 [22,32)")
			before := b.names()
			b.setBack(b.group(), b.name, 0, to, "")
			b.drain()
			b.wantNames(before)
			b.wantMark(33, 0, -1)
			b.wantAll()
			b.wantWhole(b.name)
		})
	}
}
