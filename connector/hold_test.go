package connector

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/source"
)

const badRow = `{"n":7`

func TestABadRecordStopsItsPartition(t *testing.T) {
	r := newRig(t, 2)
	r.produce(numbers(0, 100, 1)...)
	r.produce(badRow)
	r.produce(numbers(100, 100, 1)...)
	run := r.run(r.local("flush: {rows: 30, every: 100ms}"))
	why := run.held()
	var partition int32
	var offset int
	if _, err := fmt.Sscanf(why, "offset %d cannot be written: ", &offset); err != nil || !strings.Contains(why, "; mend what produces it, or set errors: {on_bad_record: skip}") {
		t.Errorf("%s", why)
	}
	for name := range run.Status.Held() {
		fmt.Sscanf(name[strings.LastIndex(name, "/"):], "/%d", &partition)
	}
	eventually(t, "the other partition goes on to its end", func() bool { return r.committed()[1-partition].Offset >= r.ends()[1-partition] })
	if m := r.committed()[partition]; m.Offset != int64(offset) {
		t.Errorf("%d is committed, the bad record is at %d", m.Offset, offset)
	}
	run.stopped()
	for _, f := range files(t, r.dir) {
		if strings.Contains(f.name, fmt.Sprintf("+%d+", partition)) && firstOf(t, f.name)+len(f.rows) > offset {
			t.Errorf("%s has rows beyond the bad record", f.name)
		}
	}
	before := count(t, r.dir)
	again := r.run(r.local("flush: {rows: 30}")) // still bad
	again.held()
	again.stopped()
	if n := count(t, r.dir); n != before {
		t.Errorf("%d rows, then %d", before, n)
	}
	mended := r.run(r.local("flush: {rows: 30}\nerrors: {on_bad_record: skip}"))
	eventually(t, "all rows are visible", func() bool { mended.Status.Drain(); return count(t, r.dir) == 200 })
	mended.stopped()
	exactly(t, r.dir, 200)
}

// Rows that no file can be made of hold their partition with the reason; they are not tried again for ever.
func TestRowsThatNoFileCanHold(t *testing.T) {
	r := newRig(t, 1)
	r.produce(`{"path":"a"}`, `{"path":"b"}`)
	text := strings.Replace(r.local("flush: {every: 50ms}"), "path: all, format: json", `path: "path={path}", format: parquet`, 1)
	run := r.run(text)
	if why := run.held(); !strings.Contains(why, "path=a/") || !strings.Contains(why, "cannot be made: ") || !strings.Contains(why, "is not tried again") {
		t.Error(why)
	}
	run.stopped()
}

func (r *rig) ends() []int64 {
	a, err := r.client.Admin()
	if err != nil {
		r.Fatal(err)
	}
	defer a.Close()
	ends, err := a.Ends(r.Context(), []string{r.topic})
	if err != nil {
		r.Fatal(err)
	}
	return ends[r.topic]
}

// Tombstones that are not wanted are left out and counted, and hold nothing though bad records do.
func TestTombstonesAreLeftOut(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 3, 1)...)
	r.ensure(kafka.Topic{Name: "marks", Partitions: 1, Compact: true})
	p, err := r.client.Producer(t.Context(), "produce "+r.topic)
	if err != nil {
		t.Fatal(err)
	}
	tombstone := record.Record{Time: record.NoTime, Key: []byte("k")}
	mark := record.Record{Time: record.NoTime, Key: []byte(r.topic), Value: []byte("x")}
	err = p.Store(t.Context(), r.topic, &record.Batch{Records: []record.Record{tombstone}}, kafka.Entry{Topic: "marks", Record: mark})
	if p.Close(); err != nil {
		t.Fatal(err)
	}
	r.produce(numbers(3, 3, 1)...)
	run := r.run(r.local("flush: {rows: 100, every: 100ms}\ncodec: {json: {nulls: skip}}"))
	eventually(t, "all is committed", func() bool { return r.committed()[0].Offset >= r.ends()[0]-1 })
	if n := run.Status.Skipped(); n != 1 {
		t.Errorf("%d are counted as left out", n)
	}
	run.stopped()
	exactly(t, r.dir, 6)
}

func TestBadRecordsAreSkippedAndCounted(t *testing.T) {
	r := newRig(t, 2)
	values := numbers(0, 500, 3)
	bad := []int{0, 1, 99, 100, 101, 250, 499}
	for _, i := range bad {
		values[i] = []string{badRow, `[1]`, "", `{"path":1}}`}[i%4]
	}
	r.produce(values...)
	text := strings.Replace(r.local("flush: {rows: 50}\nerrors: {on_bad_record: skip}"), "path: all", `path: "{path}"`, 1)
	run := r.run(text)
	eventually(t, "all rows are visible", func() bool { run.Status.Drain(); return count(t, r.dir) == 500-len(bad) })
	if n := run.Status.Skipped(); n != int64(len(bad)) {
		t.Errorf("%d are counted", n)
	}
	run.stopped()
	if n := run.Status.Skipped(); n != int64(len(bad)) {
		t.Errorf("%d are counted after the end", n)
	}
	exactly(t, r.dir, 500, bad...)
}

// TestSkippedRecordsThatAreReadAgain, since their interval stands already and was cut elsewhere, are counted once.
func TestSkippedRecordsThatAreReadAgain(t *testing.T) {
	r := newRig(t, 1)
	values := numbers(0, 200, 1)
	values[5], values[20] = badRow, badRow
	r.produce(values...)
	text := func(rows int) string {
		return r.local(fmt.Sprintf("flush: {rows: %d}\nerrors: {on_bad_record: skip}", rows))
	}
	run := r.run(text(100))
	eventually(t, "all rows are visible", func() bool { run.Status.Drain(); return count(t, r.dir) == 198 })
	run.stopped()
	r.commit(map[int32]kafka.Mark{0: memo{Version: 1, Layout: layoutHash(run.Config.Layout)}.mark(0)})
	again := r.run(text(70))
	eventually(t, "all is committed", func() bool { again.Status.Drain(); return r.committed()[0].Offset >= r.ends()[0] })
	again.stopped()
	exactly(t, r.dir, 200, 5, 20)
	if n := again.Status.Skipped(); n != 2 || !strings.Contains(again.log.String(), "is taken over") {
		t.Errorf("%d are counted", n)
	}
}

func TestWhatTheGroupRemembersThatHolds(t *testing.T) {
	for name, c := range map[string]struct {
		metadata func(r *rig) string
		want     string
	}{
		"foreign":         {func(*rig) string { return "gibberish" }, "the committed offset's metadata is not penstock's"},
		"a later version": {func(*rig) string { return `{"v":9,"layout":"x"}` }, "is of version 9, this penstock knows 1"},
		"another topic": {func(r *rig) string { return memo{Version: 1, Layout: r.layout(), Topic: "other"}.mark(0).Metadata },
			"the topic was made again under the same name: offset 3 is of the one before; delete the group connect-c-"},
		"a plan of another layout": {func(*rig) string { return memo{Version: 1, Layout: "beef", End: 9}.mark(0).Metadata },
			"the configuration under which offset 3 was committed cannot be had: layout beef: layout beef: it is not in the state topic"},
		"a plan beyond the end": {func(r *rig) string { return memo{Version: 1, Layout: r.layout(), End: 9999}.mark(0).Metadata },
			"offsets 3 to 9999 were begun, but the topic ends at "},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 2)
			r.produce(numbers(0, 40, 1)...)
			r.commit(map[int32]kafka.Mark{1: {Offset: 3, Metadata: c.metadata(r)}})
			run := r.run(r.local("flush: {every: 50ms}"))
			if why := run.held(); !strings.Contains(why, c.want) {
				t.Errorf("%s; want %s", why, c.want)
			}
			eventually(t, "the other partition goes on", func() bool { return r.committed()[0].Offset >= r.ends()[0] })
			run.stopped()
			if m := r.committed()[1]; m.Offset != 3 {
				t.Errorf("the partition that is held has %+v committed", m)
			}
			for _, f := range files(t, r.dir) {
				if strings.Contains(f.name, "+1+") {
					t.Errorf("%s was made of a partition that is held", f.name)
				}
			}
		})
	}
}

func (r *rig) layout() string { return layoutHash(decode(r, r.local("")).Layout) }

// TestAPlanIsFinishedAsItStands, whatever the options say of when to flush.
func TestAPlanIsFinishedAsItStands(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 100, 1)...)
	r.commit(map[int32]kafka.Mark{0: memo{Version: 1, Layout: r.layout(), End: 57}.mark(10)})
	run := r.run(r.local("flush: {rows: 20, every: 10ms}"))
	eventually(t, "all rows from the committed one on are visible", func() bool { run.Status.Drain(); return count(t, r.dir) == 90 })
	run.stopped()
	if f := files(t, r.dir)[0]; firstOf(t, f.name) != 10 || len(f.rows) != 47 {
		t.Errorf("%s holds %d rows, not those of the plan", f.name, len(f.rows))
	}
}

// TestAGroupThatWasSetBack walks forward through what stands, and makes nothing twice.
func TestAGroupThatWasSetBack(t *testing.T) {
	for name, c := range map[string]struct {
		to   int64
		plan int64 // a stale one may be remembered too
	}{"to the beginning": {0, 0}, "to an old cut": {100, 0}, "to a plan that came to nothing": {100, 130}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			r.produce(numbers(0, 450, 3)...)
			text := func(rows int) string {
				return strings.Replace(r.local(fmt.Sprintf("flush: {rows: %d}", rows)), "path: all", `path: "{path}"`, 1)
			}
			run := r.run(text(100))
			eventually(t, "rows are visible", func() bool { return count(t, r.dir) >= 400 })
			run.stopped()
			before := files(t, r.dir)
			var back memo = memo{Version: 1, Layout: layoutHash(run.Config.Layout), End: c.plan}
			r.commit(map[int32]kafka.Mark{0: back.mark(c.to)})
			r.produce(numbers(450, 50, 3)...)
			again := r.run(text(70)) // would cut elsewhere
			eventually(t, "the new rows are visible", func() bool { again.Status.Drain(); return count(t, r.dir) >= 500 })
			eventually(t, "all is committed", func() bool { return r.committed()[0].Offset >= r.ends()[0] })
			again.stopped()
			exactly(t, r.dir, 500)
			after := files(t, r.dir)
			for _, f := range before {
				if !slices.ContainsFunc(after, func(g file) bool { return g.name == f.name && len(g.rows) == len(f.rows) }) {
					t.Errorf("%s is gone", f.name)
				}
			}
			if len(after) > len(before)+3 {
				t.Errorf("%d files, then %d: made anew what stood", len(before), len(after))
			}
			if !strings.Contains(again.log.String(), "is taken over") {
				t.Error("nothing was taken over: the test says nothing")
			}
		})
	}
}

// TestAStoreThatFailsWhenAskedWhatStands is asked again, as one that fails in a flush is.
func TestAStoreThatFailsWhenAskedWhatStands(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 100, 1)...)
	var asked atomic.Int64
	store := storeBehind(t, func(w http.ResponseWriter, q *http.Request, next http.Handler) {
		if q.Method == http.MethodHead && asked.Add(1) < 4 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, q)
	})
	text := r.s3(store, "flush: {every: 100ms}")
	run := r.run(text)
	eventually(t, "all is committed", func() bool { return r.committed()[0].Offset >= 100 })
	run.stopped()
	r.produce(numbers(100, 100, 1)...)
	again := r.run(strings.Replace(text, "path: all", "path: new", 1))
	eventually(t, "all is committed", func() bool { return r.committed()[0].Offset >= 200 || len(again.Status.Held()) > 0 })
	again.stopped()
	if asked.Load() < 4 {
		t.Errorf("asked %d times what stands: the test says nothing", asked.Load())
	}
	if held := again.Status.Held(); len(held) > 0 {
		t.Error(held)
	}
}

func TestAForeignFileHolds(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 100, 1)...)
	name := filepath.Join(r.dir, "all", r.topic+"+0+00000000000000000000.json")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(`{"n":-1}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := r.run(r.local("flush: {rows: 50}"))
	if why := run.held(); !strings.Contains(why, "stands already and is not this connector's") {
		t.Error(why)
	}
	run.stopped()
	if got := lines(t, name); len(got) != 1 || got[0] != -1 {
		t.Errorf("the file was changed: %v", got)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	again := r.run(r.local("flush: {rows: 50}"))
	eventually(t, "all rows are visible", func() bool { return count(t, r.dir) == 100 })
	again.stopped()
	exactly(t, r.dir, 100)
}

// TestLostThatIsThere: a position that the broker says it has must not be left for the beginning, whatever was heard before.
func TestLostThatIsThere(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 10, 1)...)
	p := r.partitions(1)[0]
	task := &task{Run: &Run{Config: Config{OnOffsetLoss: "continue"}, Client: r.client}, p: p, next: 6}
	moved := make(chan error, 1)
	go func() { moved <- task.lost(t.Context(), &kafka.Lost{Offset: 6}) }()
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	for b, err := range p.Batches(t.Context()) {
		if err != nil || len(b.Records) > 0 && b.Records[0].Offset != 6 {
			t.Errorf("goes on at %+v, %v", b.Records, err)
		}
		break
	}
}

// holding is a Writer that holds so many bytes on their way.
type holding int64

func (h holding) Write(context.Context, *record.Batch) error { return nil }
func (h holding) Cut(int64) (sink.Flush, error)              { return nil, errors.New("it cannot be cut") }
func (h holding) Size() int64                                { return int64(h) }

// TestWhatIsOnItsWayArrives though the partition is held meanwhile, and is told of.
func TestWhatIsOnItsWayArrives(t *testing.T) {
	r := newRig(t, 1)
	p := r.partitions(1)[0]
	var told []sink.File
	st := &Status{Flushed: func(f sink.File) { told = append(told, f) }}
	f := &flight{end: 9, files: []sink.File{{Name: "x"}}, done: make(chan struct{}), of: holding(70), weight: 7}
	run := &Run{Status: st, Budget: r.budget, Log: slog.New(slog.DiscardHandler), book: &book{}}
	task := &task{Run: run, in: &rules{}, p: p, state: st.open(p, 0), flight: f, writer: f.of, weight: 3}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() { task.hold(ctx, errors.New("some reason")); close(ended) }()
	eventually(t, "it is said to be held", func() bool { return len(st.Held()) == 1 })
	eventually(t, "memory is what is on its way", func() bool { return r.budget.Held() == 77 })
	close(f.done)
	eventually(t, "nothing is held in memory", func() bool { return r.budget.Held() == 0 })
	eventually(t, "the flight has landed", func() bool { return task.state.committed.Load() == 9 })
	select {
	case <-ended:
		t.Error("the partition is let go, and nobody has asked for it")
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	if <-ended; len(told) != 1 || task.from != 9 {
		t.Errorf("told of %v, from %d", told, task.from)
	}
}

// unread fails, and then gives nothing until it is told to end.
type unread struct{ asked atomic.Int64 }

func (u *unread) Splits(context.Context) ([]string, error) { return []string{"a"}, nil }
func (u *unread) Read(ctx context.Context, _ string, _ source.Offset) iter.Seq2[source.Page, error] {
	return func(yield func(source.Page, error) bool) {
		if u.asked.Add(1) > 1 {
			<-ctx.Done()
			return
		}
		yield(source.Page{}, errors.New("it was replaced"))
	}
}

// TestASplitThatLeftIsNotHeld, wherever it was when it had to be given up: another worker reads it.
func TestASplitThatLeftIsNotHeld(t *testing.T) {
	r := newRig(t, 1)
	p := r.partitions(1)[0]
	split := &unread{}
	run := &Run{Name: "c-" + r.topic, Config: Config{Source: split}, Client: r.client, Status: &Status{}, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := run.readSplits(ctx, p, []string{"a"}, make(chan struct{}, 1), newCountdown(new(atomic.Bool), new(atomic.Bool), 1))
		ended <- err
	}()
	eventually(t, "the split is held", func() bool { return len(run.Status.Held()) == 1 })
	eventually(t, "it is read again", func() bool { return split.asked.Load() == 2 })
	if len(run.Status.Held()) != 1 {
		t.Error("it is not held any more: the test says nothing")
	}
	cancel()
	if err := <-ended; err != nil || len(run.Status.Held()) != 0 {
		t.Errorf("%v is held, %v", run.Status.Held(), err)
	}
}
