package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/dev"
	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// oneFileSink is a sink of one file an interval, which holds nothing.
type oneFileSink struct{ c sink.Claim }

func (s oneFileSink) Open(_ context.Context, c sink.Claim) (sink.Writer, error) {
	return &oneFileSink{c}, nil
}

func (s *oneFileSink) Write(context.Context, *record.Batch) error { return nil }

func (s *oneFileSink) Cut(next int64) (sink.Flush, error) {
	f := sink.File{Name: fmt.Sprint(s.c.From), Topic: s.c.Topic, Partition: s.c.Partition, First: s.c.From, Next: next}
	s.c.From = next
	return oneFile(f), nil
}

type oneFile sink.File

func (f oneFile) Commit(context.Context) ([]sink.File, error) { return []sink.File{sink.File(f)}, nil }

// asBytes leaves records as bytes.
type asBytes struct{ formats.Codec }

func (asBytes) Decode(*record.Batch) error { return nil }

// ear is a hook that remembers what it was told, and answers with an error of the test's choice.
type ear struct {
	mu     sync.Mutex
	answer error
	events []hook.Event
}

func (e *ear) Flushed(_ context.Context, ev hook.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, ev)
	return e.answer
}

func (e *ear) heard() []hook.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events
}

// aTopic is a topic of rows and a client, on a Kafka inside the process.
func aTopic(t *testing.T, rows int) *kafka.Client {
	t.Helper()
	s, err := dev.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c := &kafka.Client{Config: kafka.Defaults()}
	c.Config.Brokers = []string{s.Brokers}
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, topic := range []string{"stock", "marks"} {
		if _, err := a.Ensure(t.Context(), kafka.Topic{Name: topic, Partitions: 1}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := c.Producer(t.Context(), "rows")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	b := &record.Batch{}
	for i := range rows {
		b.Records = append(b.Records, record.Record{Time: record.NoTime, Value: fmt.Append(nil, i)})
	}
	if err := p.Store(t.Context(), "stock", b, kafka.Entry{Topic: "marks", Record: record.Record{Time: record.NoTime, Key: []byte("k"), Value: []byte("v")}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// runs is a run of a connector with these hooks; stop ends it, and says how long that took.
func runs(t *testing.T, c *kafka.Client, hooks ...hook.Hook) (stop func() time.Duration) {
	t.Helper()
	r := &Run{
		Name: "stock-lake", Client: c, Budget: &Budget{Limit: 1 << 20}, Status: &Status{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Config: Config{Topics: Topics{Names: []string{"stock"}}, Sink: oneFileSink{}, Codec: asBytes{}, Flush: Flush{Rows: 10, Every: 50 * time.Millisecond}, AfterFlush: hooks},
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Do(ctx) }()
	return func() time.Duration {
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		return time.Since(began)
	}
}

func within(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// memoOf is the group's offset and what it remembers beside.
func memoOf(t *testing.T, c *kafka.Client) (int64, string) {
	t.Helper()
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	marks, err := a.Committed(t.Context(), "connect-stock-lake", []string{"stock"})
	if err != nil || len(marks["stock"]) == 0 {
		return 0, ""
	}
	return marks["stock"][0].Offset, marks["stock"][0].Metadata
}

func newest(events []hook.Event) (e hook.Event) {
	if len(events) > 0 {
		e = events[len(events)-1]
	}
	return e
}

func TestHooksAreToldOnceAllIsVisible(t *testing.T) {
	c := aTopic(t, 25)
	good, bad := &ear{}, &ear{answer: errors.New("broken")}
	before := time.Now()
	stop := runs(t, c, bad, good)
	within(t, "the hook that works hears of every row, whatever the other does", func() bool {
		var next int64
		for _, e := range good.heard() {
			for _, f := range e.Files {
				next = max(next, f.Next)
			}
		}
		return next >= 25
	})
	for _, e := range good.heard() {
		if e.Connector != "stock-lake" || e.Recovered || e.Time.Before(before) || e.Time.After(time.Now()) {
			t.Errorf("%+v", e)
		}
	}
	within(t, "what the failing hook is told grows", func() bool {
		files := newest(bad.heard()).Files
		return len(files) > 0 && files[0].First == 0 && files[len(files)-1].Next >= 25
	})
	stop()
	if _, memo := memoOf(t, c); !strings.Contains(memo, `"owed":0`) {
		t.Errorf("what the failing hook is owed is not remembered: %s", memo)
	}
	good, bad = &ear{}, &ear{}
	stop = runs(t, c, bad, good)
	within(t, "a successor tells", func() bool { return newest(bad.heard()).Recovered && newest(good.heard()).Recovered })
	within(t, "nothing is owed", func() bool { _, memo := memoOf(t, c); return !strings.Contains(memo, "owed") })
	stop()
}

func TestHookThatIsNotDue(t *testing.T) {
	c := aTopic(t, 25)
	h := &ear{answer: &hook.Later{At: time.Now().Add(time.Hour)}}
	stop := runs(t, c, h)
	within(t, "the rows are visible", func() bool { at, _ := memoOf(t, c); return at >= 25 })
	within(t, "the hook was called", func() bool { return len(h.heard()) > 0 })
	if took := stop(); took > hookTime/2 {
		t.Errorf("the end waited %v for a hook that is not due", took)
	}
	if n := len(h.heard()); n != 1 {
		t.Errorf("it was called %d times", n)
	}
	if _, memo := memoOf(t, c); !strings.Contains(memo, `"owed":0`) {
		t.Errorf("%s", memo)
	}
	h = &ear{answer: &hook.Later{At: time.Now().Add(2 * time.Second)}}
	stop = runs(t, c, h)
	within(t, "it is called", func() bool { return len(h.heard()) == 1 })
	h.mu.Lock()
	h.answer = nil
	h.mu.Unlock()
	within(t, "it is called again, and settles", func() bool { _, memo := memoOf(t, c); return !strings.Contains(memo, "owed") })
	if stop(); len(h.heard()) != 2 || !h.heard()[1].Recovered {
		t.Errorf("%+v", h.heard())
	}
}

func TestJoin(t *testing.T) {
	now := time.Now()
	few := hook.Event{Files: make([]sink.File, 2), Time: now}
	for _, tt := range []struct {
		a, b      hook.Event
		files     int
		recovered bool
	}{
		{hook.Event{}, few, 2, false},
		{few, hook.Event{Recovered: true}, 2, true},
		{few, hook.Event{Files: make([]sink.File, mostFiles-2), Time: now.Add(-time.Second)}, mostFiles, false},
		{few, hook.Event{Files: make([]sink.File, mostFiles-1)}, 0, true},
	} {
		if got := join(tt.a, tt.b); len(got.Files) != tt.files || got.Recovered != tt.recovered || !got.Time.Equal(now) {
			t.Errorf("%d files, recovered %v, %v", len(got.Files), got.Recovered, got.Time)
		}
	}
}
