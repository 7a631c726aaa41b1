package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/plugin"
)

const pair = `
  NAME-in: {source: {csv: {path: "DIR/in/*.csv", key: n}}, topic: {name: NAME, partitions: 3}}
  NAME-out: {topics: [NAME], sink: {local: {dir: DIR/out, path: all, format: json}}, flush: {rows: 300, every: 1h}}
`

func inputs(t *testing.T, dir string) string {
	t.Helper()
	in := filepath.Join(dir, "in")
	if err := os.MkdirAll(in, 0o755); err != nil {
		t.Fatal(err)
	}
	return in
}

// why waits until a connector begins again, and says why it did.
func why(t *testing.T, w *Worker, name string) (text string) {
	t.Helper()
	eventually(t, name+" begins again", func() bool {
		state, since, err := w.Status(name).Now()
		if state == "restarting" && time.Since(since) < time.Minute {
			text = err.Error()
		}
		return text != ""
	})
	return text
}

func TestStopFlushesWhatWasTakenIn(t *testing.T) {
	w, dir := begin(t, pair)
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 1000)
	stop := running(t, w)
	eventually(t, "the file is read", w.Status(t.Name()+"-in").Finished.Load)
	eventually(t, "rows are visible", func() bool { return len(rows(t, dir+"/out")) >= 300 })
	eventually(t, "more is taken in", func() bool { return w.budget.Held() > 0 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if w.budget.Held() != 0 || len(rows(t, dir+"/out"))%300 == 0 {
		t.Errorf("%d rows are visible: what was taken in was not flushed", len(rows(t, dir+"/out")))
	}
	for _, name := range w.Names() {
		if state, _, err := w.Status(name).Now(); state != "stopped" || err != nil {
			t.Errorf("%s: %s, %v", name, state, err)
		}
	}
	drained(t, w)
	exactly(t, dir+"/out", 1000)
}

// drained has another worker of the same file end what is left.
func drained(t *testing.T, w *Worker) {
	t.Helper()
	next, err := Start(w.Load, w.Log)
	if err == nil {
		err = next.Drain(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneThatFailsFailsAlone(t *testing.T) {
	w, dir := begin(t, pair+`
  NAME-bad: {source: {csv: {path: "DIR/later/*.csv"}}, topic: NAME}
`)
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 2000)
	stop := running(t, w)
	bad := t.Name() + "-bad"
	if text := why(t, w, bad); !strings.Contains(text, "no file matches") {
		t.Errorf("it says %s", text)
	}
	eventually(t, "the others go on", func() bool { return len(rows(t, dir+"/out")) >= 300 })
	for _, name := range w.Names() {
		if state, _, err := w.Status(name).Now(); name != bad && (state != "running" || err != nil) {
			t.Errorf("%s: %s, %v", name, state, err)
		}
	}
	if err := os.Mkdir(dir+"/later", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/later/b.csv", 2000, 400)
	eventually(t, "it runs once its file is there", func() bool { return w.Status(bad).Finished.Load() && w.Status(bad).Stored.Load() == 400 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	drained(t, w)
	exactly(t, dir+"/out", 2400)
}

func TestATopicThatIsMissing(t *testing.T) {
	const name = "TestATopicThatIsMissing"
	w, dir := begin(t, `
  NAME-out: {topics: [NAME], sink: {local: {dir: DIR/out, path: all, format: json}}, flush: {rows: 10}}
`)
	stop := running(t, w)
	if text := why(t, w, name+"-out"); !strings.Contains(text, name+": there is no such topic") {
		t.Errorf("it says %s", text)
	}
	source, in := begin(t, `
  NAME-in: {source: {csv: {path: "DIR/in/*.csv", key: n}}, topic: NAME}
`)
	write(t, filepath.Join(inputs(t, in), "a.csv"), 0, 100)
	if err := source.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "rows are visible", func() bool { return len(rows(t, dir+"/out")) >= 90 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	exactly(t, dir+"/out", 100)
}

func TestDrain(t *testing.T) {
	w, dir := begin(t, pair+`
  NAME-too: {topics: [NAME], sink: {local: {dir: DIR/too, path: "{n}", format: json}}, flush: {every: 1h}}
`)
	in := inputs(t, dir)
	for round := range 3 { // the last one finds nothing new
		if round < 2 {
			write(t, filepath.Join(in, []string{"a", "b"}[round]+".csv"), 100*round, 100)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		err := w.Drain(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		exactly(t, dir+"/out", min(round+1, 2)*100)
		exactly(t, dir+"/too", min(round+1, 2)*100)
		w, err = Start(w.Load, w.Log)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDrainEndsWhereAPartitionIsHeld(t *testing.T) {
	w, dir := begin(t, pair)
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 50)
	for p := range 3 { // a foreign file where the first of a partition belongs
		name := filepath.Join(dir, "out", "all", t.Name()+"+"+string(rune('0'+p))+"+00000000000000000000.json")
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("{}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	err := w.Drain(t.Context())
	if err == nil || !strings.Contains(err.Error(), t.Name()+"-out: "+t.Name()+"/") || !strings.Contains(err.Error(), " is held: ") ||
		!strings.Contains(err.Error(), "stands already and is not this connector's") {
		t.Error(err)
	}
}

func TestDrainIsInterrupted(t *testing.T) {
	w, dir := begin(t, strings.Replace(pair, "key: n", "key: n, rate: 1/s", 1))
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 50)
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	if err := w.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestTheFileIsReadAgain for each run, so that a mistake in it can be mended while the others run.
func TestTheFileIsReadAgain(t *testing.T) {
	w, dir := begin(t, pair)
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 900)
	load, broken := w.Load, errors.New("test.yaml:3: it cannot be read")
	gone := make(chan bool)
	w.Load = func(opts ...plugin.DecodeOption) (*File, error) {
		select {
		case <-gone:
			return load(opts...)
		default:
			return nil, broken
		}
	}
	stop := running(t, w)
	for _, name := range w.Names() {
		if text := why(t, w, name); text != broken.Error() {
			t.Errorf("%s says %s", name, text)
		}
	}
	close(gone)
	eventually(t, "rows are visible", func() bool { return len(rows(t, dir+"/out")) >= 300 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
