package worker

import (
	"github.com/penstock/penstock/connector"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics is what the process tells Prometheus. Counters are kept as things happen, gauges are looked up when asked for.
type metrics struct {
	registry *prometheus.Registry
	w        *Worker

	rows, bytes, files, fileBytes, failed, bad *prometheus.CounterVec
	flush, upload                              *prometheus.HistogramVec
}

func newMetrics(w *Worker) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), w: w}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"connector"}, labels...))
		m.registry.MustRegister(c)
		return c
	}
	seconds := func(name, help string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(.01, 3, 10)}, []string{"connector"})
		m.registry.MustRegister(h)
		return h
	}
	m.rows = counter("penstock_records_total", "Records stored by a source, or made visible by a sink and committed.")
	m.bytes = counter("penstock_record_bytes_total", "Bytes of the values of those records, as the topic has them.")
	m.files = counter("penstock_files_total", "Files made visible and committed.")
	m.fileBytes = counter("penstock_file_bytes_total", "Bytes of those files.")
	m.failed = counter("penstock_retries_total", "Attempts that failed and are made again, by what (flush, hook, split or connector) and the class of the error.", "what", "class")
	m.bad = counter("penstock_bad_records_total", "Records that could not be written, by what became of them: skip or dead_letter.", "verdict")
	m.flush = seconds("penstock_flush_seconds", "Seconds from an interval's cut to its commit.")
	m.upload = seconds("penstock_upload_seconds", "Seconds that making an interval's files visible took, retries included.")
	m.registry.MustRegister(gauges{w}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// of is the observer of one connector.
func (m *metrics) of(name string) connector.Observer { return observer{m, name} }

type observer struct {
	m    *metrics
	name string
}

func (o observer) Flushed(f connector.Flushed) {
	o.m.rows.WithLabelValues(o.name).Add(float64(f.Rows))
	o.m.bytes.WithLabelValues(o.name).Add(float64(f.Bytes))
	if f.Flush == 0 { // a source's page
		return
	}
	o.m.files.WithLabelValues(o.name).Add(float64(f.Files))
	o.m.fileBytes.WithLabelValues(o.name).Add(float64(f.FileBytes))
	o.m.flush.WithLabelValues(o.name).Observe(f.Flush.Seconds())
	o.m.upload.WithLabelValues(o.name).Observe(f.Upload.Seconds())
}

func (o observer) Bad(verdict string, n int) {
	o.m.bad.WithLabelValues(o.name, verdict).Add(float64(n))
}

func (o observer) Failed(what string, c connector.Class) {
	o.m.failed.WithLabelValues(o.name, what, string(c)).Inc()
}
