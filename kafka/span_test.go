package kafka

import (
	"errors"
	"slices"
	"testing"

	"github.com/penstock/penstock/record"
)

// A span is the committed records between two offsets, and ends though nothing but control records follow.
func TestSpan(t *testing.T) {
	t.Parallel()
	c := client(t)
	top := topic(t, c, 1)
	fill(t, c, top, numbers(0, 10)...) // a control record at 10
	p, err := c.Producer(t.Context(), "abort "+top)
	if err != nil {
		t.Fatal(err)
	}
	r := record.Record{Time: record.NoTime, Key: []byte("k"), Value: []byte("aborted")} // at 11, and a control record
	err = errors.Join(p.client.BeginTransaction(), p.produce(t.Context(), top, 0, &r))
	p.client.Flush(5000)
	if err = errors.Join(err, p.client.AbortTransaction(t.Context())); err != nil {
		t.Fatal(err)
	}
	p.Close()
	fill(t, c, top, numbers(10, 5000)...)
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	const end = 10 + 1 + 1 + 1 + 5000 + 1
	for ends := map[string][]int64{top: {0}}; ends[top][0] < end; { // a commit is answered before its control record stands
		if ends, err = a.Ends(t.Context(), []string{top}); err != nil || ends[top][0] > end {
			t.Fatal(ends, err)
		}
	}
	for _, s := range []struct {
		from, to    int64
		rows        int
		first, last string
	}{
		{0, end, 5010, "0", "5009"}, {0, end + 1000, 5010, "0", "5009"}, {3, 5, 2, "3", "4"}, {9, 14, 2, "9", "10"}, {10, 13, 0, "", ""},
		{end - 1, end, 0, "", ""}, {5, 5, 0, "", ""}, {end, end + 5, 0, "", ""},
	} {
		var got []string
		last := int64(-1)
		for b, err := range c.Span(t.Context(), top, 0, s.from, s.to) {
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range b.Records {
				if r.Offset < s.from || r.Offset >= s.to || r.Offset <= last {
					t.Errorf("%d to %d: offset %d after %d", s.from, s.to, r.Offset, last)
				}
				last = r.Offset
				got = append(got, string(r.Value))
			}
		}
		if len(got) != s.rows || s.rows > 0 && (got[0] != s.first || got[s.rows-1] != s.last) {
			t.Errorf("%d to %d: %d rows, %q; want %d, from %s to %s", s.from, s.to, len(got), slices.Concat(got[:min(3, len(got))]), s.rows, s.first, s.last)
		}
	}
	for range c.Span(t.Context(), top, 0, 0, end) {
		break // nothing is left behind
	}
}

// What an admin says of a topic and of a group that was never there.
func TestWhatAdminsSay(t *testing.T) {
	t.Parallel()
	c := client(t)
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	top := topic(t, c, 2)
	if _, err := a.Ensure(t.Context(), Topic{Name: top + ".c", Partitions: 1, Compact: true}); err != nil {
		t.Fatal(err)
	}
	marks, err := a.Committed(t.Context(), "nobody "+top, []string{top})
	if err != nil || len(marks[top]) != 2 || marks[top][0].Offset != -1 || marks[top][1].Offset != -1 {
		t.Errorf("of nobody: %v, %v", marks, err)
	}
	ids, err := a.IDs(t.Context(), []string{top, top + ".c"})
	if err != nil || len(ids) != 2 || ids[top] == "" || ids[top] == ids[top+".c"] {
		t.Errorf("ids %v, %v", ids, err)
	}
	for name, want := range map[string]bool{top: false, top + ".c": true} {
		if is, err := a.Compacts(t.Context(), name); err != nil || is != want {
			t.Errorf("%s compacts: %v, %v", name, is, err)
		}
	}
}
