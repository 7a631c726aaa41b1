package worker

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/connector"
	"github.com/prometheus/client_golang/prometheus"
)

// said is what a worker has logged so far.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.buf.Write(b) }

// lines of a message, in their order.
func (s *said) lines(message string) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range strings.Lines(s.buf.String()) {
		if strings.Contains(l, fmt.Sprintf(" msg=%q ", message)) || strings.Contains(l, " msg="+message+" ") {
			out = append(out, l)
		}
	}
	return out
}

func listen(w *Worker) *said {
	log := &said{}
	w.Log = slog.New(slog.NewTextHandler(log, nil))
	return log
}

// A connector that fails again and again is not ready for a moment, though it runs in each attempt; it says since when, how often and
// when next; and it is ready again once it has got on.
func TestNotReadyUntilItHasGotOn(t *testing.T) {
	w, dir := begin(t, `
  NAME: {source: {csv: {path: "DIR/in/*.csv", key: n}}, topic: NAME}
`)
	log := listen(w)
	running(t, w)
	why(t, w, t.Name())
	first, states := w.health(time.Now()).Connectors[0], map[string]bool{}
	for c := first; c.Failures < 3; c = w.health(time.Now()).Connectors[0] {
		if h := w.health(time.Now()); h.Ready || len(h.Why) != 1 || !strings.Contains(h.Why[0], "no file matches") {
			t.Fatalf("it is ready while it fails: %+v", h)
		}
		if !c.Since.Equal(first.Since) || c.Class != connector.World || c.State == connector.Restarting && !c.Next.After(c.Since) {
			t.Fatalf("it says %+v; it fails since %v", c, first.Since)
		}
		if g := gathered(t, w); sum(g["penstock_connector_running"]) != 0 {
			t.Fatal("the metric says that it runs")
		}
		states[c.State] = true
	}
	if !states[connector.Restarting] || !states[connector.Recovering] {
		t.Errorf("it was %v", states)
	}
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 10)
	eventually(t, "it is ready", func() bool { return w.health(time.Now()).Ready })
	if c := w.health(time.Now()).Connectors[0]; c.State != connector.Running || c.Failures != 0 || c.Class != "" || c.Why != "" || c.Stored != 10 {
		t.Errorf("it says %+v", c)
	}
	failed, again := log.lines("connector failed, begins again"), log.lines("connector runs again")
	if len(failed) < 3 || len(again) != 1 || !strings.Contains(again[0], fmt.Sprintf("times=%d\n", len(failed))) {
		t.Errorf("it failed %d times, and then says %q", len(failed), again)
	}
	for i, l := range failed {
		if !strings.Contains(l, "class=world") || !strings.Contains(l, "since=") || !strings.Contains(l, fmt.Sprintf("times=%d ", i+1)) {
			t.Errorf("failure %d says %s", i+1, l)
		}
	}
}

// TestBackoffBeginsAnewOnceItGotOn: each time that another worker takes the split over the run fails, and has stored rows before.
func TestBackoffBeginsAnewOnceItGotOn(t *testing.T) {
	w, dir := begin(t, `
  NAME: {source: {csv: {path: "DIR/in/*.csv", key: n, rate: 500/s}}, topic: NAME}
`)
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 1_000_000)
	log := listen(w)
	running(t, w)
	st := w.Status(t.Name())
	for i := range 3 {
		stored := st.Stored.Load()
		eventually(t, "it gets on", func() bool { return st.Stored.Load() > stored+50 })
		p, err := w.client.Producer(t.Context(), t.Name()+"/a.csv")
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "it has failed", func() bool { return len(log.lines("connector failed, begins again")) == i+1 })
		p.Close()
	}
	for i, l := range log.lines("connector failed, begins again") {
		if !strings.Contains(l, " times=1 ") || !strings.Contains(l, "class=restart") || !strings.Contains(l, "another worker has taken this over") {
			t.Errorf("failure %d says %s", i+1, l)
		}
		_, rest, _ := strings.Cut(l, " in=")
		text, _, _ := strings.Cut(rest, " ")
		if pause, err := time.ParseDuration(text); err != nil || pause > firstWait {
			t.Errorf("failure %d: it waits %v, %v", i+1, pause, err)
		}
	}
}

// The watchdog says once that a partition does not get on, with what it waits for, and once that it does. Its clock is moved on.
func TestWatchdog(t *testing.T) {
	const name = "TestWatchdog"
	w, dir := begin(t, `
  NAME-in: {source: {csv: {path: "DIR/in/*.csv", key: n}}, topic: {name: NAME, partitions: 1}}
  NAME-out: {topics: [NAME], sink: {local: {dir: DIR/out, path: all, format: json}}, flush: {every: 100ms}}
`)
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 10)
	err := os.Mkdir(dir+"/out", 0o755)
	if err == nil {
		err = os.WriteFile(dir+"/out/all", nil, 0o644) // where a folder should be
	}
	if err != nil {
		t.Fatal(err)
	}
	log := listen(w)
	running(t, w)
	eventually(t, "a flush fails", func() bool { return len(log.lines("flush is tried again")) > 0 })
	now := time.Now()
	if h := w.health(now); !h.Ready {
		t.Errorf("one failure makes it unready: %v", h.Why)
	}
	later := now.Add(10 * time.Minute)
	h := w.health(later)
	if h.Ready || len(h.Why) != 1 || !strings.Contains(h.Why[0], name+"-out: "+name+"/0 does not get on: local: ") {
		t.Errorf("after ten minutes: %+v", h)
	}
	values := map[*prometheus.Desc]float64{}
	troubles(func(d *prometheus.Desc, v float64, _ ...string) { values[d] += v }, name+"-out", w.Status(name+"-out").Troubles(later))
	if values[descStuck] != 1 || values[descHeld] != 0 {
		t.Errorf("of what is stuck the metrics say %v", values)
	}
	seen := w.look(now, stuck{})
	for range 3 {
		seen = w.look(later, seen)
	}
	if l := log.lines("stuck"); len(l) != 1 || !strings.Contains(l[0], "where="+name+"/0") || !strings.Contains(l[0], "local: ") || !strings.Contains(l[0], "since=") {
		t.Errorf("it says %q", l)
	}
	if err := os.Remove(dir + "/out/all"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rows are visible", func() bool { return len(rows(t, dir+"/out")) == 10 })
	eventually(t, "all is well", func() bool { return len(w.Status(name+"-out").Troubles(later)) == 0 })
	for range 3 {
		seen = w.look(later, seen)
	}
	if l := log.lines("no longer stuck"); len(l) != 1 || !strings.Contains(l[0], "where="+name+"/0") || len(seen) > 0 {
		t.Errorf("it says %q, and sees %v", l, seen)
	}
	if h := w.health(later); !h.Ready {
		t.Errorf("it is well, and not ready: %v", h.Why)
	}
}

// A process whose sinks take more than three quarters of memory says so while it runs.
func TestTooLittleMemoryIsSaidAtTheStart(t *testing.T) {
	w, dir := begin(t, `
  NAME-in: {source: {csv: {path: "DIR/in/*.csv", key: n}}, topic: {name: NAME, partitions: 3}}
  NAME-out: {topics: [NAME], sink: {local: {dir: DIR/out, path: all, format: json}}}
`)
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 10)
	log := listen(w)
	w.memory = 17 << 20
	running(t, w)
	eventually(t, "it is said", func() bool { return len(log.lines("memory is too little")) > 0 })
	if lines := log.lines("memory is too little"); !strings.Contains(lines[0], "memory=17MiB") || !strings.Contains(lines[0], "the clients of the sinks take 10MiB each, what is read ahead of a partition 1MiB") || !strings.Contains(lines[0], "at least 18MiB,") {
		t.Errorf("it says %q", lines)
	}
}

// Memory that the sinks' clients and partitions take beside rows is told of when it is more than three quarters of what there
// is: once all have begun, and again when more have.
func TestTooLittleMemoryIsSaid(t *testing.T) {
	w, _ := begin(t, `
  NAME: {source: {csv: {path: "DIR/in/*.csv", key: n}}, topic: NAME}
`)
	log := listen(w)
	const mib = 1 << 20
	w.memory = 40 * mib
	seen := need{}
	for i, step := range []struct {
		reserved int64
		lines    int
	}{{20, 0}, {20, 0}, {31, 0}, {40, 0}, {40, 1}, {40, 1}, {10, 1}, {10, 1}, {40, 1}, {40, 1}, {41, 1}, {41, 2}} {
		seen = w.weigh(seen, step.reserved*mib)
		if lines := log.lines("memory is too little"); len(lines) != step.lines {
			t.Fatalf("step %d, %d MiB: %q", i, step.reserved, lines)
		}
	}
	if lines := log.lines("memory is too little"); !strings.Contains(lines[0], "memory=40MiB") || !strings.Contains(lines[0], "at least 54MiB,") {
		t.Errorf("it says %q", lines[0])
	}
}
