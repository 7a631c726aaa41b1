package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/penstock/penstock/connector"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health is what /health and /ready say.
type health struct {
	Ready      bool              `json:"ready"`
	Why        []string          `json:"why,omitempty"` // it is not
	Buffered   int64             `json:"buffered_bytes"`
	Budget     int64             `json:"budget_bytes"`
	Connectors []connectorHealth `json:"connectors"`
}

type connectorHealth struct {
	Name       string           `json:"name"`
	State      string           `json:"state"`
	Since      time.Time        `json:"since"`
	Class      connector.Class  `json:"class,omitempty"` // of what it fails with
	Why        string           `json:"why,omitempty"`
	Next       time.Time        `json:"next_try,omitzero"`
	Failures   int              `json:"failures,omitempty"` // since it last ran well
	Stored     int64            `json:"stored_rows,omitempty"`
	Skipped    int64            `json:"skipped_rows,omitempty"`
	Partitions []connector.View `json:"partitions,omitempty"`

	Troubles []connector.Trouble `json:"troubles,omitempty"` // of its partitions, splits, hooks and group
}

// health looks at everything. Ready is when every connector runs and has got on since it last failed, and nothing is held or stuck.
func (w *Worker) health(now time.Time) health {
	h := health{Ready: true, Buffered: w.budget.Held(), Budget: w.budget.Room()}
	unready := func(format string, args ...any) { h.Ready, h.Why = false, append(h.Why, fmt.Sprintf(format, args...)) }
	for _, name := range w.names {
		c := w.connectorHealth(name, now)
		if c.State != connector.Running {
			unready("%s: %s: %s", name, c.State, c.Why)
		}
		for _, t := range c.Troubles {
			if t.Held {
				unready("%s: %s is held: %s", name, t.Where, t.Why)
			} else if t.Stuck {
				unready("%s: %s does not get on: %s", name, t.Where, t.Why)
			}
		}
		h.Connectors = append(h.Connectors, c)
	}
	return h
}

func (w *Worker) connectorHealth(name string, now time.Time) connectorHealth {
	st := w.status[name]
	c := connectorHealth{Name: name, Stored: st.Stored.Load(), Skipped: st.Skipped(), Partitions: st.Views()}
	slices.SortFunc(c.Partitions, func(a, b connector.View) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	var why error
	if c.State, c.Since, why = st.Now(); why != nil {
		c.Why = why.Error()
	}
	for _, t := range st.Troubles(now) {
		if t.Where != "" {
			c.Troubles = append(c.Troubles, t)
			continue
		}
		if c.Class, c.Since, c.Failures = t.Class, t.Since, t.Times; c.State == connector.Restarting {
			c.Next = t.Next
		}
	}
	return c
}

// Serve answers /health, /ready and /metrics on address until ctx is done. It reads, and changes nothing.
func (w *Worker) Serve(ctx context.Context, address string) error {
	mux := http.NewServeMux()
	answer := func(code func(health) int) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			h := w.health(time.Now())
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(code(h))
			text, _ := json.MarshalIndent(h, "", "  ")
			_, _ = io.WriteString(rw, w.mask(string(text))+"\n") // or whoever asked has gone
		}
	}
	mux.Handle("GET /health", answer(func(health) int { return http.StatusOK }))
	mux.Handle("GET /ready", answer(func(h health) int {
		if h.Ready {
			return http.StatusOK
		}
		return http.StatusServiceUnavailable
	}))
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.metrics.registry, promhttp.HandlerOpts{}))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler: http.MaxBytesHandler(mux, 0), MaxHeaderBytes: 16 << 10, // nobody has anything to say
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
