package sinktest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

func invisible(t *testing.T, p Place) {
	c := Claim(0, 0)
	f := flushed(t, open(t, p.Sink(), c), c, rows(c, 0, 30), 30)
	if n := len(p.Files()); n > 0 {
		t.Fatalf("%d files before Commit", n)
	}
	commit(t, f)
	if len(p.Files()) == 0 {
		t.Error("no file after Commit")
	}
}

func paths(t *testing.T, p Place) {
	if made := done(t, p, Claim(0, 0), 30); len(made) != 3 || len(p.Files()) != 3 {
		t.Errorf("%d files reported, %d there, want 3 for the three keys", len(made), len(p.Files()))
	}
}

func once(t *testing.T, p Place) {
	c := Claim(2, 100)
	w := open(t, p.Sink(), c)
	var made []sink.File
	for from := int64(100); from < 3100; from += 500 {
		made = append(made, commit(t, flushed(t, w, c, rows(c, from, from+500), from+500))...)
	}
	exactly(t, p, rows(c, 100, 3100))
	there := p.Files()
	if len(made) != len(there) {
		t.Errorf("%d files reported, %d there", len(made), len(there))
	}
	var n int64
	for _, f := range made {
		content, ok := there[f.Name]
		if !ok || int64(len(content)) != f.Bytes {
			t.Errorf("%s: %d bytes reported, %d there", f.Name, f.Bytes, len(content))
		}
		if f.Topic != c.Topic || f.Partition != c.Partition || f.First < 100 || f.Next > 3100 || f.First >= f.Next {
			t.Errorf("wrong: %+v", f)
		}
		n += f.Rows
	}
	if n != 3000 {
		t.Errorf("%d rows reported, want 3000", n)
	}
}

func beside(t *testing.T, p Place) {
	c := Claim(0, 0)
	w := open(t, p.Sink(), c)
	first := flushed(t, w, c, rows(c, 0, 2000), 2000)
	result := make(chan error)
	go func() {
		_, err := first.Commit(t.Context())
		result <- err
	}()
	second := flushed(t, w, c, rows(c, 2000, 4000), 4000)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	commit(t, second)
	exactly(t, p, rows(c, 0, 4000))
}

func again(t *testing.T, p Place) {
	c := Claim(0, 0)
	f := flushed(t, open(t, p.Sink(), c), c, rows(c, 0, 30), 30)
	made := commit(t, f)
	if twice := commit(t, f); !reflect.DeepEqual(made, twice) {
		t.Errorf("first %+v, then %+v", made, twice)
	}
	exactly(t, p, rows(c, 0, 30))
}

func empty(t *testing.T, p Place) {
	c := Claim(0, 7)
	w := open(t, p.Sink(), c)
	if made := commit(t, flushed(t, w, c, nil, 20)); len(made) > 0 {
		t.Errorf("made %v", made)
	}
	commit(t, flushed(t, w, c, rows(c, 20, 25), 30)) // and the last five are gaps
	exactly(t, p, rows(c, 20, 25))
}

func replay(t *testing.T, p Place) {
	for _, until := range []int64{0, 30} { // by chance, and of a plan
		c := Claim(0, 0)
		made := done(t, p, c, 30)
		there := p.Files()
		c.Until = until
		if twice := done(t, p, c, 30); !reflect.DeepEqual(made, twice) {
			t.Errorf("first %+v, then %+v", made, twice)
		}
		if !reflect.DeepEqual(there, p.Files()) {
			t.Error("the replay changed what was there")
		}
	}
}

func mended(t *testing.T, p Place) {
	c := Claim(0, 0)
	made := done(t, p, c, 30)
	there := p.Files()
	for _, f := range made[min(1, len(made)-1):] {
		p.Remove(f.Name)
	}
	c.Until = 30
	done(t, p, c, 30)
	if !reflect.DeepEqual(there, p.Files()) {
		t.Error("the second run made other files than the first")
	}
}

func compacted(t *testing.T, p Place) {
	c := Claim(0, 10)
	made := done(t, p, c, 40)
	c.Until = 40
	left := slices.DeleteFunc(rows(c, 10, 40), func(r record.Record) bool { return r.Offset < 20 })
	twice := commit(t, flushed(t, open(t, p.Sink(), c), c, left, 40))
	names := func(all []sink.File) map[string]int64 {
		m := map[string]int64{}
		for _, f := range all {
			m[f.Name] = f.Rows
		}
		return m
	}
	if !maps.Equal(names(made), names(twice)) {
		t.Errorf("first %v, then %v", names(made), names(twice))
	}
	exactly(t, p, rows(c, 10, 40))
}

func walked(t *testing.T, p Place) {
	c := Claim(0, 10)
	done(t, p, c, 40)
	c.From = 40
	done(t, p, c, 70)
	there := p.Files()
	for _, left := range []int64{20, 45} { // of the first interval something is left, or nothing
		c.From = 10
		_, err := flushed(t, open(t, p.Sink(), c), c, rows(c, left, 55), 55).Commit(t.Context())
		var e *sink.Conflict
		if !errors.As(err, &e) || e.End != 40 || e.Layout != c.Layout {
			t.Errorf("rows from %d: error %v, want a Conflict with end 40", left, err)
		}
	}
	c.From, c.Until = 10, 40
	w := open(t, p.Sink(), c)
	commit(t, flushed(t, w, c, nil, 40)) // the interval that was taken over, and the next by the same writer
	if _, err := flushed(t, w, c, rows(c, 45, 55), 55).Commit(t.Context()); !errors.As(err, new(*sink.Conflict)) {
		t.Errorf("error %v, want a Conflict", err)
	}
	if !reflect.DeepEqual(there, p.Files()) {
		t.Error("the walk changed what was there")
	}
}

func conflict(t *testing.T, p Place) {
	c := Claim(0, 0)
	done(t, p, c, 30)
	there := p.Files()
	for _, until := range []int64{0, 20} {
		c.Until = until
		_, err := flushed(t, open(t, p.Sink(), c), c, rows(c, 0, 20), 20).Commit(t.Context())
		var e *sink.Conflict
		if !errors.As(err, &e) || e.End != 30 || e.Layout != c.Layout {
			t.Errorf("error %v, want a Conflict with end 30", err)
		}
	}
	if !reflect.DeepEqual(there, p.Files()) {
		t.Error("the run that lost changed what was there")
	}
	c.Until = 30
	done(t, p, c, 30)
	exactly(t, p, rows(c, 0, 30))
}

func relaid(t *testing.T, p Place) {
	c := Claim(0, 0)
	done(t, p, c, 30)
	c.Layout = "layout-2"
	_, err := flushed(t, open(t, p.Sink(), c), c, rows(c, 0, 30), 30).Commit(t.Context())
	var e *sink.Conflict
	if !errors.As(err, &e) || e.End != 30 || e.Layout != "layout-1" {
		t.Errorf("error %v, want a Conflict with layout-1", err)
	}
}

func behind(t *testing.T, p Place) {
	c := Claim(0, 10)
	done(t, p, c, 30)
	c.From = 0
	_, err := flushed(t, open(t, p.Sink(), c), c, rows(c, 10, 25), 25).Commit(t.Context())
	var e *sink.Conflict
	if !errors.As(err, &e) || e.End != 10 || e.Layout != c.Layout {
		t.Errorf("error %v, want a Conflict with end 10", err)
	}
	exactly(t, p, rows(c, 10, 30))
}

// nameOf is the name of one of the files of rows 0 to 30: it follows from the rows, and is the same anywhere.
func nameOf(t *testing.T, p Place, i int) string {
	t.Helper()
	made := done(t, p, Claim(0, 0), 30)
	for _, f := range made {
		p.Remove(f.Name)
	}
	return made[i].Name
}

func foreign(t *testing.T, p Place)      { planted(t, p, 0) }
func besideAnchor(t *testing.T, p Place) { planted(t, p, 2) }

func planted(t *testing.T, p Place, i int) {
	name := nameOf(t, p, i)
	p.Plant(name, "precious\n")
	for _, until := range []int64{0, 30} {
		c := Claim(0, 0)
		c.Until = until
		f := flushed(t, open(t, p.Sink(), c), c, rows(c, 0, 30), 30)
		for range 2 {
			_, err := f.Commit(t.Context())
			var e *sink.Foreign
			if !errors.As(err, &e) || e.Name != name {
				t.Errorf("error %v, want a Foreign that names %s", err, name)
			}
		}
		if got := string(p.Files()[name]); got != "precious\n" {
			t.Fatalf("the file now holds %q", got)
		}
	}
	p.Remove(name)
	done(t, p, Claim(0, 0), 30)
	exactly(t, p, rows(Claim(0, 0), 0, 30))
}

func others(t *testing.T, p Place) {
	for i, change := range []func(*sink.Claim){
		func(c *sink.Claim) { c.Connector = "another" },
		func(c *sink.Claim) { c.TopicID = "id-2" },
	} {
		c := Claim(int32(i), 0)
		done(t, p, c, 30)
		there := p.Files()
		change(&c)
		_, err := flushed(t, open(t, p.Sink(), c), c, rows(c, 0, 30), 30).Commit(t.Context())
		var e *sink.Foreign
		if !errors.As(err, &e) {
			t.Errorf("error %v, want a Foreign", err)
		}
		if !reflect.DeepEqual(there, p.Files()) {
			t.Error("the other's files were changed")
		}
	}
}

func bad(t *testing.T, p Place) {
	c := Claim(0, 0)
	w := open(t, p.Sink(), c)
	all := rows(c, 0, 9)
	all[4].Key = make([]byte, 2000) // no store takes such a name
	b := &record.Batch{Topic: c.Topic, Records: all}
	err := w.Write(t.Context(), b)
	var e *record.Bad
	if !errors.As(err, &e) || e.Index != 4 {
		t.Fatalf("error %v, want record 4 to be bad", err)
	}
	b.Records = all[5:]
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	f, err := w.Cut(9)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, f)
	exactly(t, p, slices.Delete(all, 4, 5))
}

func partitions(t *testing.T, p Place) {
	const n = 6
	s := p.Sink()
	err := parallel(n, func(i int) error {
		c := Claim(int32(i), 0)
		w, err := s.Open(t.Context(), c)
		if err != nil {
			return err
		}
		defer shut(t, w)
		for from := int64(0); from < 300 && err == nil; from += 100 {
			err = write(w, c, rows(c, from, from+100))
			if err != nil {
				break
			}
			var f sink.Flush
			if f, err = w.Cut(from + 100); err == nil {
				_, err = f.Commit(t.Context())
			}
		}
		if err != nil {
			return fmt.Errorf("partition %d: %w", i, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var want []record.Record
	for i := range n {
		want = append(want, rows(Claim(int32(i), 0), 0, 300)...)
	}
	exactly(t, p, want)
}

func sized(t *testing.T, p Place) {
	c := Claim(0, 0)
	w := open(t, p.Sink(), c)
	s, ok := w.(sink.Sized)
	if !ok {
		t.Skip("this Writer does not say what it holds, and need not")
	}
	before := s.Size()
	f := flushed(t, w, c, rows(c, 0, 3000), 3000)
	if s.Size() < before+3000*8 {
		t.Errorf("size %d after 3000 rows", s.Size())
	}
	commit(t, f)
	if s.Size() != before {
		t.Errorf("size %d after the commit, %d before the rows", s.Size(), before)
	}
}
