package worker

import (
	"strconv"
	"time"

	"github.com/penstock/penstock/connector"
	"github.com/prometheus/client_golang/prometheus"
)

// gauges says how things stand at the moment it is asked.
type gauges struct{ w *Worker }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descLag      = desc("penstock_lag_records", "Offsets between what is committed and the partition's end.", "connector", "topic", "partition")
	descOldest   = desc("penstock_oldest_uncommitted_seconds", "Age of the oldest record taken in that is not committed; 0 when there is none.", "connector", "topic", "partition")
	descBuffered = desc("penstock_buffered_bytes", "Bytes of rows held.", "connector", "topic", "partition")
	descHeld     = desc("penstock_held_partitions", "Partitions, and splits of a source, that wait for somebody to look.", "connector")
	descRunning  = desc("penstock_connector_running", "1 while the connector runs, 0 from when it failed until it has got on again.", "connector")
	descStuck    = desc("penstock_stuck_parts", "Partitions, splits, hooks and groups that have work and have not got on for long.", "connector")
	descTrouble  = desc("penstock_trouble_seconds", "How long the oldest trouble of a class has lasted; 0 when there is none.", "connector", "class")
	descHooks    = desc("penstock_hook_runs_total", "Hook runs that succeeded.", "connector")
	descBudget   = desc("penstock_budget_bytes", "Bytes of rows that the process may hold.")
)

func (g gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descLag, descOldest, descBuffered, descHeld, descRunning, descStuck, descTrouble, descHooks, descBudget} {
		ch <- d
	}
}

func (g gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descBudget, float64(g.w.budget.Room()))
	for _, name := range g.w.names {
		st := g.w.status[name]
		running := 0.0
		if state, _, _ := st.Now(); state == connector.Running {
			running = 1
		}
		for _, v := range st.Views() {
			at := []string{name, v.Topic, strconv.Itoa(int(v.Partition))}
			age := 0.0
			if !v.Oldest.IsZero() {
				age = time.Since(v.Oldest).Seconds()
			}
			gauge(descLag, float64(v.Lag), at...)
			gauge(descOldest, age, at...)
			gauge(descBuffered, float64(v.Buffered), at...)
		}
		gauge(descRunning, running, name)
		troubles(gauge, name, st.Troubles(time.Now()))
		ch <- prometheus.MustNewConstMetric(descHooks, prometheus.CounterValue, float64(st.Hooks.Load()), name)
	}
}

// troubles says what is the matter with a connector, and for how long.
func troubles(gauge func(*prometheus.Desc, float64, ...string), name string, all []connector.Trouble) {
	held, stuck, lasts := 0.0, 0.0, map[connector.Class]float64{}
	for _, t := range all {
		lasts[t.Class] = max(lasts[t.Class], time.Since(t.Since).Seconds())
		if t.Held {
			held++
		}
		if t.Stuck {
			stuck++
		}
	}
	gauge(descHeld, held, name)
	gauge(descStuck, stuck, name)
	for _, c := range connector.Classes() {
		gauge(descTrouble, lasts[c], name, string(c))
	}
}
