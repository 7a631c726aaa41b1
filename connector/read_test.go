package connector

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/source"
)

// many is a source of forty splits, each of which is read for as long as it may be.
type many struct {
	endless      bool
	reading, end chan struct{}
	mu           sync.Mutex
	now, most    int
}

func (m *many) count(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now += n
	m.most = max(m.most, m.now)
}

func (m *many) Splits(context.Context) (all []string, err error) {
	for i := range 40 {
		all = append(all, fmt.Sprint("split-", i))
	}
	return all, nil
}

func (m *many) Read(ctx context.Context, _ string, _ source.Offset) iter.Seq2[source.Page, error] {
	return func(func(source.Page, error) bool) {
		m.count(1)
		defer m.count(-1)
		select {
		case m.reading <- struct{}{}:
		case <-ctx.Done():
			return
		}
		select {
		case <-m.end:
		case <-ctx.Done():
		}
	}
}

func (m *many) Endless() (option string, waits bool) {
	if m.endless {
		return "follow", true
	}
	return "", false
}

// TestSplitsAtOnce: however they are shared out over the partitions of the offsets topic, few splits are read side by side in a process,
// and all of them come to their turn; those that never end are all read.
func TestSplitsAtOnce(t *testing.T) {
	for name, endless := range map[string]bool{"that end": false, "that do not": true} {
		t.Run(name, func(t *testing.T) { readsAtOnce(t, endless) })
	}
}

func readsAtOnce(t *testing.T, endless bool) {
	r := newRig(t, 1)
	m := &many{endless: endless, reading: make(chan struct{}), end: make(chan struct{})}
	run := r.run(r.local(""), func(run *Run) {
		run.Name = fmt.Sprint("many-", endless, "-", r.topic)
		own := *r.client // the others' has one partition
		own.Config.OffsetsTopic = "offsets-" + run.Name
		run.Client, run.Config = &own, Config{Source: m, Topic: Topic{Name: r.topic, Partitions: 1}}
	})
	for i := range 40 {
		if !endless && i == splitsAtOnce {
			select {
			case <-m.reading:
				t.Fatal("one more is read at once")
			case <-time.After(time.Second):
			}
		}
		if !endless && i >= splitsAtOnce {
			m.end <- struct{}{}
		}
		<-m.reading
	}
	close(m.end)
	eventually(t, "all are read", run.Status.Finished.Load)
	run.stopped()
	if want := map[bool]int{false: splitsAtOnce, true: 40}[endless]; m.most != want {
		t.Errorf("%d splits were read side by side, want %d", m.most, want)
	}
}
