package connector

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/sink"
)

// What fails says since when and how often, until it is well; that the same fails again is news once a minute.
func TestTroubles(t *testing.T) {
	st, away := &Status{}, errors.New("away")
	at := Trouble{Where: "t/0", Class: World}
	began := time.Now()
	news, first := st.meet(at, away, time.Second)
	if !news || first.Times != 1 || first.Since.Before(began) || first.Next.Sub(first.Since) < time.Second || first.Why != "away" {
		t.Errorf("news %v: %+v", news, first)
	}
	news, second := st.meet(at, errors.New("still away"), time.Second)
	if news || second.Times != 2 || !second.Since.Equal(first.Since) || second.Why != "still away" {
		t.Errorf("news %v: %+v", news, second)
	}
	st.troubles["t/0"].said = time.Now().Add(-newsTime)
	if news, _ := st.meet(at, away, time.Second); !news {
		t.Error("after a minute it is no news")
	}
	for after, stuck := range map[time.Duration]bool{stuckTime - s: false, stuckTime + s: true} {
		if all := st.Troubles(first.Since.Add(after)); len(all) != 1 || all[0].Stuck != stuck || all[0].Held {
			t.Errorf("after %v: %+v", after, all)
		}
	}
	st.meet(Trouble{Where: "t/0", Class: User, Held: true}, errors.New("foreign"), 0)
	if st.meet(at, away, time.Second); len(st.Held()) != 1 || st.Held()["t/0"].Error() != "foreign" {
		t.Errorf("what was on its way says what is held: %v", st.Held())
	}
	if _, mended := st.mended("t/0", false); mended || len(st.Held()) != 1 {
		t.Error("what was on its way has arrived, and so it is not held any more")
	}
	if was, mended := st.mended("t/0", true); !mended || was.Times != 4 || len(st.Troubles(time.Now())) != 0 {
		t.Errorf("%+v, left: %+v", was, st.Troubles(time.Now()))
	}
}

// A connector that has failed is well when it has got on, or has been in its group for a while. That it runs says nothing.
func TestRecovers(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(*Status)
		after time.Duration
		want  bool
	}{
		"it runs":                       {func(*Status) {}, time.Hour, false},
		"it has just joined":            {func(st *Status) { st.member(true) }, steady - s, false},
		"it has been in its group":      {func(st *Status) { st.member(true) }, steady + s, true},
		"it was, and lost its place":    {func(st *Status) { st.member(true); st.member(false) }, time.Hour, false},
		"it has stored rows":            {func(st *Status) { st.durable() }, 0, true},
		"it had joined, and runs again": {func(st *Status) { st.member(true); st.durable(); st.Begin() }, time.Hour, false},
		"it has failed again":           {func(st *Status) { st.durable(); st.Fail(errors.New("x"), s) }, time.Hour, false},
		"it was stopped":                {func(st *Status) { st.durable(); st.Stop(nil) }, time.Hour, false},
	} {
		st := &Status{}
		st.Begin()
		if state, _, _ := st.Now(); state != Running || !st.Well() {
			t.Fatalf("%s: it begins %s", name, state)
		}
		st.Fail(errors.New("first"), s)
		st.Begin()
		if state, _, why := st.Now(); state != Recovering || st.Well() || why == nil {
			t.Errorf("%s: it is %s, %v", name, state, why)
		}
		c.do(st)
		if _, got := st.Recovered(time.Now().Add(c.after)); got != c.want || st.Well() != c.want {
			t.Errorf("%s: recovered %v, well %v", name, got, st.Well())
		}
		if _, again := st.Recovered(time.Now().Add(c.after)); again {
			t.Errorf("%s: it has recovered twice", name)
		}
	}
}

// What does not get on though it has work says what it waits for. Clocks are moved on, since nobody waits for minutes.
func TestWhatIsStuckSaysWhatItWaitsFor(t *testing.T) {
	const patience = time.Hour
	r := newRig(t, 1)
	r.produce(numbers(0, 10, 1)...)
	p := r.partitions(1)[0]
	end := p.End()
	for name, c := range map[string]struct {
		do       func(*PartitionStatus)
		patience time.Duration
		after    time.Duration // it is stuck, and shortly before it is not; 0: never
		says     string
	}{
		"reads nothing":                 {func(*PartitionStatus) {}, patience, stuckTime, "rows from the broker"},
		"an open transaction":           {func(p *PartitionStatus) { p.moved(end-1, true) }, patience, stuckTime, "a transaction that is open"},
		"no memory":                     {func(p *PartitionStatus) { p.moved(end-1, false); p.paused.Store(true) }, patience, stuckTime, "memory"},
		"a flush that does not end":     {func(p *PartitionStatus) { p.moved(end, true); p.aloft(time.Now(), 1) }, patience, patience + stuckTime, "its flush is under way"},
		"a flush that does not begin":   {func(p *PartitionStatus) { p.moved(end, true) }, patience, patience + stuckTime, "its flush is due"},
		"rows alone make a flush due":   {func(p *PartitionStatus) { p.moved(end, true) }, 0, 0, ""},
		"all is committed":              {func(p *PartitionStatus) { p.moved(end, true); p.flushed(&flight{end: end}) }, patience, 0, ""},
		"it has just got on":            {func(p *PartitionStatus) { p.changed = time.Now().Add(time.Hour) }, patience, time.Hour + stuckTime, "rows"},
		"files wait to be told of":      {func(p *PartitionStatus) { p.flushed(&flight{end: end, files: []sink.File{{}}}) }, patience, 0, ""},
		"rows wait, and a flight stays": {func(p *PartitionStatus) { p.moved(1, false); p.aloft(time.Now(), 1) }, 0, stuckTime, "its flush is under way"},
	} {
		st := &Status{}
		ps := st.open(p, c.patience)
		c.do(ps)
		if c.after == 0 {
			c.after = 1000 * time.Hour
		}
		if all := st.Troubles(time.Now().Add(c.after - s)); len(all) > 0 {
			t.Errorf("%s: too early: %+v", name, all)
		}
		all := st.Troubles(time.Now().Add(c.after + s))
		if c.says == "" {
			if len(all) > 0 {
				t.Errorf("%s: %+v", name, all)
			}
			continue
		}
		if len(all) != 1 || !all[0].Stuck || all[0].Where != ps.name() || !strings.Contains(all[0].Why, c.says) || all[0].Since.IsZero() {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// A run that does not come into its group, and a split whose rows nobody takes.
func TestStuckWithoutAPartition(t *testing.T) {
	st := &Status{}
	st.Begin()
	st.reached("a.csv", nil)
	st.reached("b.csv", nil)
	st.asks("a.csv", "to take its rows")
	stuck := func(after time.Duration) (all []string) {
		for _, t := range st.Troubles(time.Now().Add(after)) {
			all = append(all, t.Where+": "+t.Why)
		}
		return all
	}
	if got := stuck(stuckTime - s); len(got) > 0 {
		t.Errorf("too early: %q", got)
	}
	if got := stuck(stuckTime + s); len(got) != 2 || !strings.HasPrefix(got[0], "group: it is not in its group") ||
		got[1] != "split a.csv: it waits for the brokers: to take its rows" {
		t.Errorf("%q", got)
	}
	st.member(true)
	st.asks("a.csv", "")
	if got := stuck(time.Hour); len(got) > 0 {
		t.Errorf("%q", got)
	}
	st.member(false)
	st.Fail(errors.New("x"), s)
	if got := stuck(time.Hour); len(got) != 1 || got[0] != ": x" {
		t.Errorf("while no run is under way: %q", got)
	}
}

// What Kafka does not take is told of as what the store does not take is, until it is over.
func TestWhatWaitsForKafkaSaysSo(t *testing.T) {
	r := newRig(t, 1)
	p := r.partitions(1)[0]
	var log logged
	run := &Run{Name: "c", Status: &Status{}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, last := range []error{nil, kafka.ErrGone} {
		run.retried(p, kafka.ErrNoTopic, time.Second)
		if all := run.Status.Troubles(time.Now()); len(all) != 1 || all[0].Class != World || all[0].Where != r.topic+"/0" || all[0].Why != kafka.ErrNoTopic.Error() {
			t.Errorf("%+v", all)
		}
		run.retried(p, last, 0)
		if all := run.Status.Troubles(time.Now()); len(all) != 0 || strings.Count(log.String(), "flush succeeded after it had failed") != 1 {
			t.Errorf("%+v\n%s", all, log.String())
		}
	}
}

// full is a Writer whose rows nothing can take out of memory, until there is room.
type full struct {
	holding
	room *atomic.Bool
}

func (f full) Spill() (int64, error) {
	if f.room.Load() {
		return int64(f.holding), nil
	}
	return 0, fmt.Errorf("scratch: %w", syscall.ENOSPC)
}

// A partition that waits for room on the disk says that, and not that it waits for rows.
func TestWhatWaitsForTheDiskSaysSo(t *testing.T) {
	r := newRig(t, 1)
	r.budget.Limit = 10
	p := r.partitions(1)[0]
	run := &Run{Name: "c", Status: &Status{}, Budget: r.budget, Log: slog.New(slog.DiscardHandler)}
	var room atomic.Bool
	task := &task{Run: run, p: p, state: run.Status.open(p, 0), until: 9, writer: full{70, &room}}
	task.weigh()
	task.state.press.Store(true)
	ended := make(chan bool)
	go func() { task.relieve(t.Context()); close(ended) }()
	eventually(t, "it says that the disk is full", func() bool {
		all := run.Status.Troubles(time.Now())
		return len(all) == 1 && all[0].Class == World && strings.Contains(all[0].Why, "no space left") && all[0].Times > 1
	})
	room.Store(true)
	<-ended
	if all := run.Status.Troubles(time.Now()); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}
