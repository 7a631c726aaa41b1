package sinktest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// store is what a sink of a test makes its objects in.
type store struct {
	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	body string
	mark map[string]string
}

// create makes an object, unless one stands there: then it gives that.
func (s *store) create(name string, o object) (stands object, made bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if there, ok := s.objects[name]; ok {
		return there, false
	}
	s.objects[name] = o
	return o, true
}

// put is a sound sink into the store, a function that tests break.
func (s *store) put(_ context.Context, m sink.Mark, b *record.Batch) (int64, error) {
	body := lines(b)
	stands, made := s.create(m.Name(), object{body, m.Texts()})
	if made {
		return int64(len(body)), nil
	}
	_, err := m.Judge(m.Name(), func(key string) string { return stands.mark[key] })
	return int64(len(stands.body)), err
}

func lines(b *record.Batch) string {
	var body strings.Builder
	for _, r := range b.Records {
		fmt.Fprintf(&body, "%s\n", r.Value)
	}
	return body.String()
}

// on is places whose sinks are made of a sound one's store.
func on(made func(s *store) sink.Sink) func(*testing.T) sinktest.Place {
	return func(*testing.T) sinktest.Place {
		s := &store{objects: map[string]object{}}
		return sinktest.Place{
			Sink: func() sink.Sink { return made(s) },
			Files: func() map[string][]byte {
				s.mu.Lock()
				defer s.mu.Unlock()
				all := map[string][]byte{}
				for name, o := range s.objects {
					all[name] = []byte(o.body)
				}
				return all
			},
			Plant:  func(name, content string) { s.create(name, object{body: content}) },
			Remove: func(name string) { delete(s.objects, name) },
		}
	}
}

func TestPut(t *testing.T) {
	sinktest.Run(t, on(func(s *store) sink.Sink { return sink.Put(s.put) }))
}

// What a Put's object says of its interval: it is the whole of it, and where the one before it ended.
func TestPutKnowsItsIntervals(t *testing.T) {
	s := &store{objects: map[string]object{}}
	c := sinktest.Claim(0, 0)
	w, err := sink.Put(s.put).Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for at := range int64(4) { // the third interval has no rows
		if at != 2 {
			err = w.Write(t.Context(), &record.Batch{Topic: c.Topic, Records: []record.Record{{Offset: 10 * at, Value: []byte("x")}, {Offset: 10*at + 1, Value: []byte("y")}}})
		}
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.Cut(10*at + 10)
		if err == nil {
			_, err = f.Commit(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for first, before := range map[int64]int64{0: 0, 10: 10, 30: 20} {
		m, why := sink.ReadMark(func(key string) string { return s.objects[fmt.Sprintf("stock+0+%020d", first)].mark[key] })
		if why != "" || m.Files != 1 || m.Total != 2 || m.Before != before {
			t.Errorf("at %d: %+v, %s", first, m, why)
		}
	}
}

// wrapped is a sound sink whose writers are changed.
type wrapped struct {
	sink.Sink
	change func(sink.Writer) sink.Writer
}

func (w wrapped) Open(ctx context.Context, c sink.Claim) (sink.Writer, error) {
	made, err := w.Sink.Open(ctx, c)
	return w.change(made), err
}

// early makes what it takes in visible at once.
type early struct {
	sink.Writer
	s *store
}

func (w early) Write(ctx context.Context, b *record.Batch) error {
	w.s.create(fmt.Sprint("early", b.Records[0].Offset), object{body: lines(b)})
	return w.Writer.Write(ctx, b)
}

// keeper keeps batches for longer than it may.
type keeper struct {
	sink.Writer
	kept []record.Record
}

func (w *keeper) Write(_ context.Context, b *record.Batch) error {
	w.kept = append(w.kept, b.Records...)
	return nil
}

func (w *keeper) Cut(next int64) (sink.Flush, error) {
	if err := w.Writer.Write(context.Background(), &record.Batch{Topic: "stock", Records: w.kept}); err != nil {
		return nil, err
	}
	w.kept = nil
	return w.Writer.Cut(next)
}

// lazy cuts only when it commits: what came meanwhile is in.
type lazy struct{ sink.Writer }

func (w lazy) Cut(next int64) (sink.Flush, error) { return late{w.Writer, next}, nil }

type late struct {
	w    sink.Writer
	next int64
}

func (f late) Commit(ctx context.Context) ([]sink.File, error) {
	cut, err := f.w.Cut(f.next)
	if err != nil {
		return nil, err
	}
	return cut.Commit(ctx)
}

// TestBites breaks one promise after the other.
func TestBites(t *testing.T) {
	changed := func(change func(s *store, w sink.Writer) sink.Writer) func(*testing.T) {
		return func(t *testing.T) {
			sinktest.Run(t, on(func(s *store) sink.Sink {
				return wrapped{sink.Put(s.put), func(w sink.Writer) sink.Writer { return change(s, w) }}
			}))
		}
	}
	puts := func(put func(s *store, m sink.Mark, b *record.Batch) (int64, error)) func(*testing.T) {
		return func(t *testing.T) {
			sinktest.Run(t, on(func(s *store) sink.Sink {
				return sink.Put(func(_ context.Context, m sink.Mark, b *record.Batch) (int64, error) { return put(s, m, b) })
			}))
		}
	}
	runs := 0
	parts.Bites(t, "visible at once", "nothing is visible before Commit", changed(func(s *store, w sink.Writer) sink.Writer { return early{w, s} }))
	parts.Bites(t, "keeps batches", "every row is in one file, once", changed(func(_ *store, w sink.Writer) sink.Writer { return &keeper{Writer: w} }))
	parts.Bites(t, "does not close intervals", "Commit again is harmless", changed(func(_ *store, w sink.Writer) sink.Writer { return lazy{w} }))
	parts.Bites(t, "names by the run", "a replay in a new process is harmless", puts(func(s *store, m sink.Mark, b *record.Batch) (int64, error) {
		runs++
		s.create(fmt.Sprint(m.Name(), runs), object{body: lines(b)})
		return int64(len(lines(b))), nil
	}))
	parts.Bites(t, "takes what stands for its own", "an interval that was cut elsewhere is a Conflict", puts(func(s *store, m sink.Mark, b *record.Batch) (int64, error) {
		stands, _ := s.create(m.Name(), object{body: lines(b)})
		return int64(len(stands.body)), nil
	}))
	parts.Bites(t, "names by the interval", "an interval behind offsets without rows is a Conflict", puts(func(s *store, m sink.Mark, b *record.Batch) (int64, error) {
		m.First = m.From
		return s.put(t.Context(), m, b)
	}))
	parts.Bites(t, "replaces", "a file of nobody's is Foreign and stays", puts(func(s *store, m sink.Mark, b *record.Batch) (int64, error) {
		if size, err := s.put(t.Context(), m, b); !errors.As(err, new(*sink.Foreign)) {
			return size, err
		}
		delete(s.objects, m.Name())
		return s.put(t.Context(), m, b)
	}))
	parts.Bites(t, "another's is its own", "a file of another connector is Foreign and stays", puts(func(s *store, m sink.Mark, b *record.Batch) (int64, error) {
		m.Connector, m.TopicID = "any", "any"
		return s.put(t.Context(), m, b)
	}))
	parts.Bites(t, "mixes partitions up", "partitions are independent", puts(func(s *store, m sink.Mark, b *record.Batch) (int64, error) {
		m.Partition = 0
		return s.put(t.Context(), m, b)
	}))
	parts.Bites(t, "an object for all paths", "rows are shared out by their path", func(t *testing.T) {
		sinktest.Files(t, on(func(s *store) sink.Sink { return sink.Put(s.put) }))
	})
}

// Of a Put that failed nothing is forgotten: it is called again with the same rows.
func TestPutAgain(t *testing.T) {
	s, fail := &store{objects: map[string]object{}}, errors.New(http.StatusText(http.StatusServiceUnavailable))
	var seen []string
	flaky := sink.Put(func(ctx context.Context, m sink.Mark, b *record.Batch) (int64, error) {
		if seen = append(seen, m.Name()+" "+lines(b)); len(seen) < 3 {
			return 0, fail
		}
		return s.put(ctx, m, b)
	})
	w, err := flaky.Open(t.Context(), sinktest.Claim(3, 5))
	if err != nil {
		t.Fatal(err)
	}
	b := &record.Batch{Topic: "stock", Partition: 3, Records: []record.Record{{Offset: 7, Value: []byte("x")}}}
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	f, err := w.Cut(9)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := f.Commit(t.Context()); !errors.Is(err, fail) || w.(sink.Sized).Size() == 0 {
			t.Errorf("error %v, and %d bytes are held", err, w.(sink.Sized).Size())
		}
	}
	made, err := f.Commit(t.Context())
	want := sink.File{Name: "stock+3+00000000000000000007", Topic: "stock", Partition: 3, First: 7, Next: 9, Rows: 1, Bytes: 2}
	if err != nil || len(made) != 1 || made[0] != want {
		t.Errorf("%+v, %v", made, err)
	}
	if len(seen) != 3 || seen[0] != seen[2] || len(s.objects) != 1 {
		t.Errorf("seen %q, made %v", seen, s.objects)
	}
}
