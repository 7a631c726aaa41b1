package worker

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

// gathered is everything that the registry exposes, by name.
func gathered(t *testing.T, w *Worker) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := w.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(all).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	byName := map[string]*dto.MetricFamily{}
	for _, f := range all {
		byName[f.GetName()] = f
	}
	return byName
}

// sum adds up the values of a metric whose labels are those given, as in connector=lake; of a histogram, how many were observed.
func sum(f *dto.MetricFamily, labels ...string) (total float64) {
	for _, m := range f.GetMetric() {
		fits := true
		for _, want := range labels {
			fits = fits && slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName()+"="+l.GetValue() == want })
		}
		if fits {
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return total
}

// Everything that operators are promised is there, by the rules that promtool holds names to, and as docs/operations.md lists it.
func TestMetrics(t *testing.T) {
	const name = "TestMetrics"
	w, dir := begin(t, `
  NAME-in: {source: {csv: {path: "DIR/in/*.csv", key: n}}, topic: {name: NAME, partitions: 3}, errors: {on_bad_record: skip}}
  NAME-out: {topics: [NAME], sink: {local: {dir: DIR/out, path: all, format: json}}, flush: {every: 1h}}
  NAME-bad: {source: {csv: "DIR/none/*.csv"}, topic: {name: NAME, partitions: 3}}
`)
	in := filepath.Join(inputs(t, dir), "a.csv")
	write(t, in, 0, 1000)
	text, err := os.ReadFile(in)
	if err == nil {
		err = os.WriteFile(in, append(text, "1,2\n"...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, w)
	why(t, w, name+"-bad")
	eventually(t, "it is said for how long it fails", func() bool {
		return sum(gathered(t, w)["penstock_trouble_seconds"], "connector="+name+"-bad", "class=world") > 1
	})
	eventually(t, "the file is read", w.Status(name+"-in").Finished.Load)
	eventually(t, "rows wait to be flushed", func() bool { return sum(gathered(t, w)["penstock_oldest_uncommitted_seconds"]) > 0 })
	all := gathered(t, w)
	if sum(all["penstock_lag_records"], "topic="+name) == 0 || sum(all["penstock_buffered_bytes"], "connector="+name+"-out") == 0 {
		t.Error("rows wait, and there is no lag, or nothing is buffered")
	}
	w.Status(name + "-out").Drain()
	eventually(t, "all rows are visible", func() bool { return len(rows(t, dir+"/out")) == 1000 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	all = gathered(t, w)
	for _, c := range []struct {
		metric, label string
		least, most   float64
	}{
		{"penstock_records_total", "connector=" + name + "-in", 1000, 1000},
		{"penstock_records_total", "connector=" + name + "-out", 1000, 1000},
		{"penstock_record_bytes_total", "connector=" + name + "-out", 1000 * len64(`{"n":0}`), 1000 * len64(`{"n":999}`)},
		{"penstock_files_total", "connector=" + name + "-out", 3, 30},
		{"penstock_file_bytes_total", "connector=" + name + "-out", 1000 * len64(`{"n":0}`), 1000 * len64("{\"n\":999}\n")},
		{"penstock_flush_seconds", "connector=" + name + "-out", 3, 30},
		{"penstock_upload_seconds", "connector=" + name + "-out", 3, 30},
		{"penstock_bad_records_total", "verdict=skip", 1, 1},
		{"penstock_retries_total", "what=connector", 1, 100},
		{"penstock_retries_total", "class=world", 1, 100},
		{"penstock_trouble_seconds", "connector=" + name + "-out", 0, 0},
		{"penstock_stuck_parts", "connector=" + name + "-out", 0, 0},
		{"penstock_held_partitions", "connector=" + name + "-out", 0, 0},
		{"penstock_hook_runs_total", "connector=" + name + "-out", 0, 0},
		{"penstock_connector_running", "connector=" + name + "-out", 0, 0},
		{"penstock_budget_bytes", "", float64(w.budget.Limit), float64(w.budget.Limit)},
	} {
		labels := []string{c.label}
		if c.label == "" {
			labels = nil
		}
		if got := sum(all[c.metric], labels...); all[c.metric] == nil || got < c.least || got > c.most {
			t.Errorf("%s{%s} is %v; want %v to %v", c.metric, c.label, got, c.least, c.most)
		}
	}
	documented(t, all)
}

// What goes well and what somebody has to look at, while it lasts: a connector that runs, its hook, and a partition that is held.
func TestMetricsWhileItRuns(t *testing.T) {
	const name = "TestMetricsWhileItRuns"
	w, dir := begin(t, `
  NAME-in: {source: {csv: {path: "DIR/in/*.csv", key: n}}, topic: {name: NAME, partitions: 1}}
  NAME-out: {topics: [NAME], sink: {local: {dir: DIR/out, path: all, format: json}}, flush: {every: 100ms}, after_flush: [content]}
  NAME-bad: {topics: [NAME], schema: {columns: {n: bool}}, sink: {local: {dir: DIR/bad, path: "{n}", format: json}}, flush: {every: 100ms}}
`)
	write(t, filepath.Join(inputs(t, dir), "a.csv"), 0, 10)
	address := pages(t, w)
	ready := func() (code int, says string) {
		r, err := http.Get("http://" + address + "/ready")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(text)
	}
	running(t, w)
	for _, c := range []struct{ metric, connector string }{
		{"penstock_connector_running", "-in"}, {"penstock_connector_running", "-out"}, {"penstock_hook_runs_total", "-out"}, {"penstock_held_partitions", "-bad"},
	} {
		eventually(t, c.metric+" of "+c.connector+" is 1", func() bool {
			return sum(gathered(t, w)[c.metric], "connector="+name+c.connector) == 1
		})
	}
	if code, says := ready(); code != http.StatusServiceUnavailable || !strings.Contains(says, name+"-bad: "+name+"/0 is held: offset 0 cannot be written: ") {
		t.Errorf("with a partition that is held /ready says %d\n%s", code, says)
	}
	if all := gathered(t, w); sum(all["penstock_held_partitions"]) != 1 || sum(all["penstock_trouble_seconds"], "class=user") == 0 {
		t.Errorf("%v, %v", all["penstock_held_partitions"], all["penstock_trouble_seconds"])
	}
}

func len64(s string) float64 { return float64(len(s)) }

// documented compares names with docs/operations.md. Those of partitions are gone when their owner has ended.
func documented(t *testing.T, all map[string]*dto.MetricFamily) {
	t.Helper()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]bool{"penstock_lag_records": false, "penstock_oldest_uncommitted_seconds": false, "penstock_buffered_bytes": false}
	for name := range all {
		switch {
		case strings.HasPrefix(name, "penstock_"):
			table[name] = false
		case !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_"):
			t.Errorf("%s is ours, and is not called penstock_", name)
		}
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| `penstock_") {
			continue
		}
		cell, _, _ := strings.Cut(line[1:], "|")
		for _, name := range regexp.MustCompile("`(penstock_[a-z_]+)`").FindAllStringSubmatch(cell, -1) {
			if _, there := table[name[1]]; !there {
				t.Errorf("docs/operations.md lists %s, which there is not", name[1])
			}
			table[name[1]] = true
		}
	}
	for name, listed := range table {
		if !listed {
			t.Errorf("docs/operations.md does not list %s", name)
		}
	}
}
