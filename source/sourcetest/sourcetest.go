// Package sourcetest holds a source to the promises of source.Source.
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

// enough is how many pages are read of a split without end.
const enough = 20

// Run holds src to what every source promises:
//
//   - The splits have the same names whenever they are asked for, each once.
//   - A split gives the same rows, in the same pages, whenever it is read, also beside the others.
//   - Reading after the Next of a page gives the pages that follow it, no row less and none again. Next is never nil.
//   - A row that cannot be read is in Bad, by ascending Index and with a reason, and the rows after it come all the same. Where the
//     source says an offset in Before, reading after that begins with this very row. Any other row has a cell for each column.
//   - Reading ends at once when the caller breaks off, and soon, after a page at most, when its context is done.
//
// Each split must come to its end soon, by itself or to where it waits for more, and should have several pages, one of them with a
// bad row; of a source.Endless that does not wait, the first pages are looked at.
func Run(t *testing.T, src source.Source) {
	splits, err := src.Splits(t.Context())
	if err != nil || len(splits) == 0 {
		t.Fatalf("splits: %q, %v", splits, err)
	}
	t.Run("splits are stable", func(t *testing.T) { stable(t, src, splits) })
	pages := map[string][]page{}
	for _, split := range splits {
		all := read(t, src, split, nil, enough)
		pages[split] = all
		t.Run(split+"/same pages on every read", func(t *testing.T) { same(t, read(t, src, split, nil, enough), all) })
		t.Run(split+"/goes on after every page", func(t *testing.T) { resumes(t, src, split, all) })
		t.Run(split+"/goes on before every bad row", func(t *testing.T) { returns(t, src, split, all) })
		t.Run(split+"/is measured", func(t *testing.T) { measured(t, src, split, all) })
		t.Run(split+"/stops when told to", func(t *testing.T) { stops(t, src, split, all) })
		t.Run(split+"/ends with its context", func(t *testing.T) { ends(t, src, split) })
	}
	t.Run("side by side", func(t *testing.T) {
		for _, split := range splits {
			t.Run(split, func(t *testing.T) {
				t.Parallel()
				same(t, read(t, src, split, nil, enough), pages[split])
			})
		}
	})
}

// measured looks at how a source.Measured counts on from page to page, and to the whole in the end.
func measured(t *testing.T, src source.Source, split string, all []page) {
	m, ok := src.(source.Measured)
	if !ok {
		return
	}
	last, whole := m.Measure(split, nil)
	if last != 0 {
		t.Errorf("%d lie before the beginning", last)
	}
	for i, p := range all {
		done, total := m.Measure(split, p.next)
		if done < last || done > total && total > 0 || total != whole {
			t.Errorf("page %d: %d of %d, after %d of %d", i, done, total, last, whole)
		}
		last = done
	}
	if forever, waits := endless(src); forever && whole != 0 || !forever && !waits && last != whole {
		t.Errorf("%d of %d in the end", last, whole)
	}
}

// endless tells what src says of its ends.
func endless(src source.Source) (forever, waits bool) {
	if s, ok := src.(source.Endless); ok {
		option, waits := s.Endless()
		return option != "" && !waits, waits
	}
	return false, false
}

func stable(t *testing.T, src source.Source, want []string) {
	got, err := src.Splits(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("splits are %q and then %q, %v", want, got, err)
	}
	if names := slices.Compact(slices.Sorted(slices.Values(want))); len(names) != len(want) {
		t.Errorf("a split stands twice in %q", want)
	}
}

// page is a copy of a page, as text.
type page struct {
	rows   []string
	bad    []fault
	before []source.Offset
	next   source.Offset
}

// fault is a record.Bad.
type fault struct {
	index int
	why   string
}

// read gives all pages; of a split without end, so many; of one that waits, those with rows that are there.
func read(t *testing.T, src source.Source, split string, after source.Offset, most int) (pages []page) {
	t.Helper()
	forever, waits := endless(src)
	if forever && most == 0 {
		return nil
	}
	for p, err := range src.Read(t.Context(), split, after) {
		if err != nil {
			t.Fatalf("reading %s after %q: %v", split, after, err)
		}
		if c := keep(t, &p); !waits || len(c.rows) > 0 {
			pages = append(pages, c)
		}
		if forever && len(pages) == most || waits && p.AtEnd {
			break
		}
	}
	return pages
}

// keep copies a page, and fails where it is malformed.
func keep(t *testing.T, p *source.Page) (c page) {
	t.Helper()
	if c.next = slices.Clone(p.Next); c.next == nil {
		t.Fatal("a page's Next is nil, which is the beginning")
	}
	if n := len(p.Before); n > 0 && n != len(p.Bad) {
		t.Fatalf("%d offsets before %d bad rows", n, len(p.Bad))
	}
	for _, b := range p.Before {
		c.before = append(c.before, slices.Clone(b))
	}
	bad := map[int]bool{}
	for i, b := range p.Bad {
		if b.Index < 0 || b.Index >= len(p.Records) || i > 0 && p.Bad[i-1].Index >= b.Index || b.Err == nil {
			t.Fatalf("Bad[%d] = %+v in a page of %d records", i, b, len(p.Records))
		}
		bad[b.Index] = true
		c.bad = append(c.bad, fault{b.Index, b.Err.Error()})
	}
	for i, r := range p.Records {
		if p.Schema != nil && !bad[i] && len(r.Row) != len(p.Schema.Columns) {
			t.Fatalf("record %d has %d cells for %d columns", i, len(r.Row), len(p.Schema.Columns))
		}
		c.rows = append(c.rows, describe(p.Schema, r))
	}
	return c
}

func describe(s *record.Schema, r record.Record) string {
	text := fmt.Sprintf("%d %q %q %v", r.Time, r.Key, r.Value, r.Row)
	if s != nil {
		text += fmt.Sprint(s.Columns)
	}
	return text
}

func same(t *testing.T, got, want []page) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d pages, then %d", len(want), len(got))
	}
	for i := range want {
		if !slices.Equal(got[i].rows, want[i].rows) || !slices.Equal(got[i].bad, want[i].bad) {
			t.Fatalf("page %d differs: %q %v, then %q %v", i, want[i].rows, want[i].bad, got[i].rows, got[i].bad)
		}
	}
}

func resumes(t *testing.T, src source.Source, split string, all []page) {
	for i, p := range all {
		rest := read(t, src, split, p.next, len(all)-i-1)
		if i == len(all)-1 && len(rest) > 0 {
			t.Fatalf("%d pages after the last one", len(rest))
		}
		same(t, rest, all[i+1:])
	}
}

// returns holds every offset before a bad row to what it says: that row comes first.
func returns(t *testing.T, src source.Source, split string, all []page) {
	for _, p := range all {
		for i, before := range p.before {
			again := read(t, src, split, before, 1)
			if len(again) == 0 || len(again[0].bad) == 0 || again[0].bad[0] != (fault{0, p.bad[i].why}) {
				t.Fatalf("before %q: %+v", p.bad[i].why, again)
			}
		}
	}
}

func stops(t *testing.T, src source.Source, split string, all []page) {
	for stop := range all {
		n := 0
		for range src.Read(t.Context(), split, nil) {
			if n++; n > stop {
				break
			}
		}
	}
}

func ends(t *testing.T, src source.Source, split string) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pages, last := 0, error(nil)
	start := time.Now()
	for _, err := range src.Read(ctx, split, nil) {
		if last = err; err == nil {
			pages++
		}
	}
	if last != nil && !errors.Is(last, context.Canceled) {
		t.Errorf("ended with %v", last)
	}
	if took := time.Since(start); pages > 1 || took > 5*time.Second {
		t.Errorf("%d pages in %v after the context was done", pages, took)
	}
}
