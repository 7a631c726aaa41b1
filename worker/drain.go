package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/kafka"
)

// Drain runs every connector until each finite source is read and each sink has made visible all rows up to the ends that its
// topics had then. A split that waits for more is read to the end of what is there. It returns early with an error when a partition
// or split is held, and at once for a source without end, or without anything to read: that would never end.
func (w *Worker) Drain(ctx context.Context) error {
	f, err := w.Load()
	if err == nil {
		err = f.Ends()
	}
	if err == nil {
		err = f.Sources(ctx)
	}
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(running) }()
	err = w.drained(ctx, f)
	cancel()
	return errors.Join(err, <-ended)
}

func (w *Worker) drained(ctx context.Context, f *File) error {
	if err := w.each(ctx, func() (bool, error) { return w.sourcesRead(ctx, f) }); err != nil {
		return err
	}
	a, err := w.client.Admin()
	if err != nil {
		return err
	}
	defer a.Close()
	for _, e := range f.Connectors {
		if e.Config.Sink == nil {
			continue
		}
		ends, err := w.ends(ctx, a, e.Config)
		if err != nil {
			return err
		}
		w.status[e.Name].Drain()
		owed := time.Now().Add(owedTime)
		if err := w.each(ctx, func() (bool, error) { return w.flushed(ctx, a, e.Name, ends, owed) }); err != nil {
			return err
		}
	}
	return nil
}

// each asks until the answer is yes, and looks for what would never end meanwhile.
func (w *Worker) each(ctx context.Context, done func() (bool, error)) error {
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		for _, name := range w.names {
			for partition, why := range w.status[name].Held() {
				return fmt.Errorf("%s: %s is held: %w", name, partition, why)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// sourcesRead tells whether all splits of all sources have been read. That ours have comes first, being cheap to ask; but others may
// be with another worker, or on their way to one while the group shares them out anew.
func (w *Worker) sourcesRead(ctx context.Context, f *File) (bool, error) {
	ours := func(e Entry) bool { return e.Config.Source == nil || w.status[e.Name].Finished.Load() }
	if slices.ContainsFunc(f.Connectors, func(e Entry) bool { return !ours(e) }) {
		return false, nil
	}
	for _, e := range f.Connectors {
		if e.Config.Source == nil || w.status[e.Name].Alone.Load() {
			continue
		}
		run := &connector.Run{Name: e.Name, Config: e.Config, Client: w.client}
		if all, err := run.AllRead(ctx); !all || err != nil { // the coordinator may be away; the runs say so
			select {
			case <-ctx.Done():
			case <-time.After(lookAgain):
			}
			return false, nil
		}
	}
	return true, nil
}

// lookAgain is how long sources that others read are left alone.
const lookAgain = 500 * time.Millisecond

// ends asks until the topics stand, which a source may be about to make.
func (w *Worker) ends(ctx context.Context, a *kafka.Admin, c connector.Config) (ends map[string][]int64, err error) {
	err = w.each(ctx, func() (bool, error) {
		topics, err := c.TopicsNow(ctx, a)
		if err == nil {
			ends, err = a.Ends(ctx, topics)
		}
		if errors.Is(err, kafka.ErrNoTopic) {
			return false, nil
		}
		return err == nil, err
	})
	return ends, err
}

// owedTime is how long partitions are waited for whose hooks an earlier run still owes: once they are ours the hooks are run before
// we leave. They may be with another worker.
const owedTime = 10 * time.Second

// flushed tells whether the group's committed offsets have come to the ends, and partitions that owe hooks, until that time, to us.
func (w *Worker) flushed(ctx context.Context, a *kafka.Admin, name string, ends map[string][]int64, owed time.Time) (bool, error) {
	w.mu.Lock()
	run := w.runs[name]
	w.mu.Unlock()
	if run == nil {
		return false, nil
	}
	marks, err := a.Committed(ctx, run.Group(), slices.Collect(maps.Keys(ends)))
	if err != nil {
		return false, nil // the coordinator may be away; the runs say so
	}
	for topic, ends := range ends {
		for p, end := range ends {
			m := marks[topic][p]
			if m.Offset < end || connector.Owes(m) && !w.status[name].Owns(topic, p) && time.Now().Before(owed) {
				return false, nil
			}
		}
	}
	return true, nil
}
