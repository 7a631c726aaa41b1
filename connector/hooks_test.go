package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/sink"
)

// hears is a hook that remembers what it heard, and answers what it is told to.
type hears struct {
	mu     sync.Mutex
	events []hook.Event
	answer func(ctx context.Context, nth int) error
}

func (h *hears) Flushed(ctx context.Context, e hook.Event) error {
	h.mu.Lock()
	h.events = append(h.events, e)
	nth := len(h.events)
	h.mu.Unlock()
	if h.answer == nil {
		return nil
	}
	return h.answer(ctx, nth)
}

func (h *hears) heard() []hook.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]hook.Event(nil), h.events...)
}

// text is the events as a test says them: the files' ends, and ! where something was recovered.
func (h *hears) text() (out []string) {
	for _, e := range h.heard() {
		var ends []string
		for _, f := range e.Files {
			ends = append(ends, fmt.Sprint(f.Next))
		}
		if e.Recovered {
			ends = append(ends, "!")
		}
		out = append(out, strings.Join(ends, " "))
	}
	return out
}

// gate is an answer that waits for its test, the first time.
func gated() (answer func(context.Context, int) error, open func()) {
	gate := make(chan struct{})
	return func(ctx context.Context, nth int) error {
		if nth > 1 {
			return nil
		}
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, sync.OnceFunc(func() { close(gate) })
}

func announcing(t *testing.T, hooks ...hook.Hook) *announcer {
	a := newAnnouncer(&Run{Name: "c", Config: Config{AfterFlush: hooks}, Status: &Status{}, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(a.stop)
	return a
}

func ending(at int64) []sink.File { return []sink.File{{Next: at}} }

func owes(n *announcement) string {
	if o := n.owed(); o != nil {
		return fmt.Sprint(*o)
	}
	return "nothing"
}

func TestWhatIsOwed(t *testing.T) {
	p := newRig(t, 1).partitions(1)[0]
	answer, open := gated()
	h := &hears{answer: answer}
	a := announcing(t, h)
	n := a.partition(p, nil)
	if owes(n) != "nothing" {
		t.Errorf("at first %s is owed", owes(n))
	}
	flush := func(from, end int64) { n.owe(from, end); n.tell(ending(end), end) }
	flush(0, 10)
	eventually(t, "the hook is called", func() bool { return len(h.heard()) == 1 })
	flush(10, 20) // while the hook is under way
	if owes(n) != "0" || n.settled() {
		t.Errorf("before the hook has heard %s is owed", owes(n))
	}
	n.owe(20, 30) // committed by a flight that has not landed yet
	open()
	eventually(t, "the hook has heard all", func() bool { return len(h.heard()) == 2 && n.settled() })
	eventually(t, "what has not landed is owed alone", func() bool { return owes(n) == "20" })
	if n.settled() {
		t.Error("it is settled twice")
	}
	n.tell(ending(30), 30)
	eventually(t, "nothing is owed any more", func() bool { return owes(n) == "nothing" })
	if got := strings.Join(h.text(), ","); got != "10,20,30" {
		t.Errorf("it heard %s", got)
	}
}

// TestAHookThatEndsWhileAFlightCommits has the run of an earlier flush end after the next one has said what it owes, and before
// it landed: what the group is told in between must still be owed.
func TestAHookThatEndsWhileAFlightCommits(t *testing.T) {
	p := newRig(t, 1).partitions(1)[0]
	answer, open := gated()
	h := &hears{answer: answer}
	n := announcing(t, h).partition(p, nil)
	n.owe(0, 10)
	n.tell(ending(10), 10)
	eventually(t, "the hook is called", func() bool { return len(h.heard()) == 1 })
	n.owe(10, 20)
	open()
	eventually(t, "the hook has heard the first", n.settled)
	if got := owes(n); got != "10" {
		t.Errorf("%s is owed, though nobody has heard of the rows from 10 on", got)
	}
}

func TestEventsThatComeMeanwhileAreOne(t *testing.T) {
	ps := newRig(t, 2).partitions(2)
	answer, open := gated()
	h := &hears{answer: answer}
	a := announcing(t, h)
	owed := int64(5)
	one, two := a.partition(ps[0], nil), a.partition(ps[1], nil)
	one.owe(0, 1)
	one.tell(ending(1), 1)
	eventually(t, "the hook is called", func() bool { return len(h.heard()) == 1 })
	for i := int64(2); i < 5; i++ {
		one.owe(i-1, i)
		one.tell(ending(i), i)
	}
	two.owe(0, 9)
	two.tell(ending(9), 9)
	a.partition(ps[1], &owed) // as it comes back from another worker, which left something owing
	open()
	eventually(t, "all is told", func() bool { return owes(one) == "nothing" && owes(two) == "nothing" })
	if got := strings.Join(h.text(), ","); got != "1,2 3 4 9 !" {
		t.Errorf("it heard %s", got)
	}
}

func TestAHookThatFailsIsCalledAgain(t *testing.T) {
	p := newRig(t, 1).partitions(1)[0]
	first := &hears{}
	second := &hears{answer: func(_ context.Context, nth int) error {
		if nth == 1 {
			return errors.New("throttled")
		}
		return nil
	}}
	a := announcing(t, first, second)
	n := a.partition(p, nil)
	n.owe(0, 10)
	n.tell(ending(10), 10)
	eventually(t, "the hook has failed", func() bool { return len(second.heard()) == 1 })
	if owes(n) != "0" {
		t.Errorf("%s is owed after a failure", owes(n))
	}
	eventually(t, "it has heard", func() bool { return owes(n) == "nothing" })
	if len(first.heard()) != 1 || len(second.heard()) != 2 || a.tellers[0].run.Status.Hooks.Load() != 2 {
		t.Errorf("calls: %v, %v; %d succeeded", first.text(), second.text(), a.tellers[0].run.Status.Hooks.Load())
	}
}

func TestNoHooksNothingOwed(t *testing.T) {
	var a *announcer = newAnnouncer(&Run{})
	if n := a.partition(&kafka.Partition{}, new(int64)); n != nil {
		t.Error("an account without hooks")
	}
	a.stop()
}

// TestAHookThatBlocks does not hold up the rows, stays owed when the process ends, and is made good by the next one.
func TestAHookThatBlocks(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 300, 1)...)
	answer, _ := gated()
	blocks, sound := &hears{answer: answer}, &hears{}
	run := r.run(r.local("flush: {rows: 100}"), func(r *Run) { r.Config.AfterFlush = []hook.Hook{blocks} })
	eventually(t, "all rows are visible", func() bool { return count(t, r.dir) == 300 })
	eventually(t, "they are committed", func() bool { return r.committed()[0].Offset >= 300 })
	began := time.Now()
	run.stopped()
	if took := time.Since(began); took < hookTime-s || took > hookTime+5*s {
		t.Errorf("the end took %v; hooks are given %v", took, hookTime)
	}
	m, err := readMemo(r.committed()[0])
	if err != nil || m.Owed == nil || *m.Owed != 0 {
		t.Fatalf("%+v, %v: nothing is owed", m, err)
	}
	again := r.run(r.local("flush: {rows: 100}"), func(r *Run) { r.Config.AfterFlush = []hook.Hook{sound} })
	eventually(t, "it is settled", func() bool { m, err := readMemo(r.committed()[0]); return err == nil && m.Owed == nil })
	again.stopped()
	if e := sound.heard(); len(e) != 1 || !e[0].Recovered || len(e[0].Files) != 0 || e[0].Connector != again.Name {
		t.Errorf("it heard %+v", e)
	}
	exactly(t, r.dir, 300)
}

// TestHooksHearOfEveryFile and of each once, where nothing dies.
func TestHooksHearOfEveryFile(t *testing.T) {
	r := newRig(t, 2)
	r.produce(numbers(0, 2000, 7)...)
	h := &hears{answer: func(context.Context, int) error { time.Sleep(3 * time.Millisecond); return nil }}
	run := r.run(strings.Replace(r.local("flush: {rows: 50}"), "path: all", "path: \"{path}\"", 1), func(r *Run) { r.Config.AfterFlush = []hook.Hook{h} })
	eventually(t, "all rows are visible", func() bool { return count(t, r.dir) >= 1950 })
	run.stopped()
	told := map[string]int{}
	for _, e := range h.heard() {
		for _, f := range e.Files {
			told[f.Name]++
		}
	}
	for _, f := range files(t, r.dir) {
		if told[f.name] != 1 {
			t.Errorf("%s was told %d times", f.name, told[f.name])
		}
		delete(told, f.name)
	}
	if len(told) > 0 {
		t.Errorf("told of files that are not there: %v", told)
	}
	for _, mark := range r.committed() {
		if m, err := readMemo(mark); err != nil || m.Owed != nil {
			t.Errorf("%+v, %v: it is still owed", m, err)
		}
	}
	exactly(t, r.dir, 2000)
}

// TestHooksHearOfAPlanWithoutRows, since whoever made the plan may have made files of rows that are no longer there.
func TestHooksHearOfAPlanWithoutRows(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 40, 1)...)
	r.commit(map[int32]kafka.Mark{0: memo{Version: 1, Layout: r.layout(), End: 20}.mark(10)})
	r.expire(20)
	h := &hears{}
	run := r.run(r.local("flush: {rows: 500}\non_offset_loss: continue"), func(r *Run) { r.Config.AfterFlush = []hook.Hook{h} })
	eventually(t, "the plan is done", func() bool { return r.committed()[0].Offset == 20 })
	eventually(t, "the hook has heard of it", func() bool { return len(h.heard()) == 1 })
	run.stopped()
	if got := h.text()[0]; got != "!" {
		t.Errorf("it heard %q", got)
	}
}
