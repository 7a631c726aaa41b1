package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
)

// Worker runs the connectors of one file, each on its own: one that fails is built again from the file and begins again from what
// it had committed, and the others do not notice.
type Worker struct {
	Load Load
	Log  *slog.Logger

	mask   func(string) string // takes secrets out of a text
	client *kafka.Client
	memory plugin.Size
	budget connector.Budget

	mu     sync.Mutex
	status map[string]*connector.Status
	runs   map[string]*connector.Run
	names  []string

	sources map[string]bool // the connectors that fill a topic

	metrics *metrics
}

// Load reads and builds the file anew.
type Load func(...plugin.DecodeOption) (*File, error)

var errGone = errors.New("it is no longer in the file; put it back, or start the process again without it")

// Rebuild makes a connector of the file as it is when it is called: with a layout that it had, or, for "", with the file's.
func (load Load) Rebuild(name string) func(layout string) (connector.Config, error) {
	return func(layout string) (connector.Config, error) {
		f, err := load(plugin.Laid("connectors."+name, layout))
		if err != nil {
			return connector.Config{}, err
		}
		config, ok := f.Connector(name)
		if !ok {
			return config, errGone
		}
		return config, nil
	}
}

// Start reads the file.
func Start(load Load, log *slog.Logger) (*Worker, error) {
	f, err := load()
	if err != nil {
		return nil, err
	}
	w := &Worker{Load: load, Log: log, mask: f.mask, status: map[string]*connector.Status{}, runs: map[string]*connector.Run{}, sources: map[string]bool{}}
	w.client = &kafka.Client{Config: f.Kafka, Log: func(place, what, detail string) { log.Debug(detail, "from", place, "what", what) }}
	w.memory, w.budget.Limit = f.Memory, int64(f.Memory)/2
	w.client.Ahead = f.Memory / 16 / plugin.Size(len(f.Connectors))
	for _, e := range f.Connectors {
		w.names = append(w.names, e.Name)
		w.sources[e.Name] = e.Config.Source != nil
		w.status[e.Name] = &connector.Status{}
	}
	w.metrics = newMetrics(w)
	for _, name := range w.names {
		w.status[name].Observer = w.metrics.of(name)
	}
	return w, nil
}

// Names lists the connectors in the file's order.
func (w *Worker) Names() []string { return w.names }

// Status is how a connector is doing.
func (w *Worker) Status(name string) *connector.Status { return w.status[name] }

// Run runs every connector until ctx is done, and returns when each has made visible what it had taken in.
func (w *Worker) Run(ctx context.Context) error {
	var wg, watch sync.WaitGroup
	errs := make([]error, len(w.names))
	for i, name := range w.names {
		wg.Go(func() { errs[i] = w.supervise(ctx, name) })
	}
	watching, cancel := context.WithCancel(ctx)
	watch.Go(func() { w.watch(watching) })
	wg.Wait()
	cancel()
	watch.Wait()
	return errors.Join(errs...)
}

// The pauses before a connector that has failed begins again.
const (
	firstWait = 500 * time.Millisecond
	longest   = time.Minute
)

// supervise runs one connector again and again. It returns what went wrong at the end, when ctx is done.
func (w *Worker) supervise(ctx context.Context, name string) error {
	st := w.status[name]
	for pauses := (connector.Backoff{First: firstWait, Most: longest}); ; {
		st.Begin()
		err := w.once(ctx, name)
		if ctx.Err() != nil {
			if errors.Is(err, context.Canceled) || kafka.TakenOver(err) { // it was asked to end; what it had is another's
				err = nil
			}
			st.Stop(err)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		if w.recovered(name, time.Now()); st.Well() {
			pauses.Reset()
		}
		pause := pauses.Next()
		t := st.Fail(err, pause)
		w.Log.Error("connector failed, begins again", "connector", name, "class", t.Class, "since", t.Since, "times", t.Times,
			"in", pause.Round(time.Millisecond).String(), "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// recovered writes down that a connector is well which had failed, the first time that it is.
func (w *Worker) recovered(name string, now time.Time) {
	if was, is := w.status[name].Recovered(now); is {
		w.Log.Info("connector runs again", "connector", name, "since", was.Since, "times", was.Times)
	}
}

// once is one run, built from the file.
func (w *Worker) once(ctx context.Context, name string) error {
	build := w.Load.Rebuild(name)
	config, err := build("")
	if err != nil {
		return err
	}
	run := &connector.Run{Name: name, Config: config, Client: w.client, Budget: &w.budget, Log: w.Log, Status: w.status[name], Mask: w.mask,
		Build: build,
	}
	w.mu.Lock()
	w.runs[name] = run
	w.mu.Unlock()
	return run.Do(ctx)
}
