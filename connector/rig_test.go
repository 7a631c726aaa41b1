package connector

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	formats "github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/formats/parquet"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink/local"
	"github.com/penstock/penstock/sink/s3"
	"github.com/penstock/penstock/source/csv"
)

// rig is a topic of a test's own, and a folder for what comes of it.
type rig struct {
	testing.TB
	client *kafka.Client
	topic  string
	dir    string // what a local sink makes
	budget *Budget
}

// newRig lets other tests run beside this one: most of their time is spent waiting.
func newRig(t *testing.T, partitions int) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{TB: t, dir: t.TempDir(), budget: &Budget{}, client: &kafka.Client{Config: kafka.Config{
		Brokers: []string{servers.Brokers}, OffsetsTopic: "offsets", StateTopic: "state", Properties: map[string]string{"session.timeout.ms": "6000"},
	}}}
	r.topic = strings.Map(func(c rune) rune {
		if strings.ContainsRune("/ ,'", c) {
			return '-'
		}
		return c
	}, t.Name())
	r.ensure(kafka.Topic{Name: r.topic, Partitions: partitions})
	return r
}

func (r *rig) ensure(topic kafka.Topic) {
	r.Helper()
	a, err := r.client.Admin()
	if err != nil {
		r.Fatal(err)
	}
	defer a.Close()
	if n, err := a.Ensure(r.Context(), topic); err != nil || n != topic.Partitions {
		r.Fatalf("topic %s has %d partitions, %v", topic.Name, n, err)
	}
}

// produce stores values in one transaction; their keys are the values' own.
func (r *rig) produce(values ...string) {
	r.Helper()
	r.ensure(kafka.Topic{Name: "marks", Partitions: 1, Compact: true})
	p, err := r.client.Producer(r.Context(), "produce "+r.topic)
	if err != nil {
		r.Fatal(err)
	}
	defer p.Close()
	b := &record.Batch{}
	for _, v := range values {
		b.Records = append(b.Records, record.Record{Time: 1_700_000_000_000, Key: []byte(v), Value: []byte(v)})
	}
	if err := p.Store(r.Context(), r.topic, b, kafka.Entry{Topic: "marks", Record: record.Record{Time: record.NoTime, Key: []byte(r.topic), Value: []byte("x")}}); err != nil {
		r.Fatal(err)
	}
}

// numbers are n rows from a number on, spread over as many paths as are asked for.
func numbers(from, n, paths int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf(`{"n":%d,"path":"p%d"}`, from+i, i%paths))
	}
	return out
}

// local is the text of a connector into the rig's folder, one path unless more is said: more is further options of the connector.
func (r *rig) local(more string) string {
	return fmt.Sprintf("topics: [%s]\nsink: {local: {dir: %q, path: all, format: json}}\n%s", r.topic, r.dir, more)
}

// s3 is the text of a connector into a bucket of an S3 service at endpoint.
func (r *rig) s3(endpoint, more string) string {
	bucket := strings.ToLower(fmt.Sprintf("b%x", r.topic))
	bucket = bucket[:min(len(bucket), 60)]
	if err := servers.Bucket(bucket); err != nil {
		r.Fatal(err)
	}
	return fmt.Sprintf("topics: [%s]\nsink: {s3: {bucket: %s, endpoint: %q, path_style: true, path: all, format: json}}\n%s",
		r.topic, bucket, endpoint, more)
}

// entry is a connector with its name, as a file has it.
type entry struct {
	Name   string `yaml:",key"`
	Config Config `yaml:",value"`
}

func (e *entry) Default() { e.Config = Defaults() }

func registry() *plugin.Registry {
	r := plugin.New()
	plugin.Add(r, "csv", csv.Defaults(), csv.New)
	plugin.Add(r, "local", local.Defaults(), local.New)
	plugin.Add(r, "s3", s3.Defaults(), s3.New)
	plugin.Add(r, "json", formats.CodecDefaults(), formats.NewCodec)
	plugin.Add(r, "json", formats.Defaults(), formats.New)
	plugin.Add(r, "parquet", parquet.Defaults(), parquet.New)
	return r
}

// decode builds the connector called c of a text.
func decode(t testing.TB, text string, opts ...plugin.DecodeOption) Config {
	t.Helper()
	var file struct {
		Connectors []entry `yaml:"connectors"`
	}
	text = "connectors:\n  c:\n    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
	if err := plugin.Decode(registry(), "test.yaml", []byte(text), &file, opts...); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return file.Connectors[0].Config
}

// running is a Run under way.
type running struct {
	*Run
	t    testing.TB
	log  *logged
	stop func() error // as SIGTERM does; what Do said
}

// tookIn tells whether the run has taken in every row up to the ends of the partitions.
func (r *running) tookIn(ends []int64) bool {
	r.Status.mu.Lock()
	defer r.Status.mu.Unlock()
	for p := range r.Status.parts {
		if p.position.Load() < ends[p.p.ID] {
			return false
		}
	}
	return len(r.Status.parts) == len(ends)
}

// run begins a run of the connector, which the end of the test ends. Change may do something to it first.
func (r *rig) run(text string, change ...func(*Run)) *running {
	r.Helper()
	log := &logged{}
	run := &Run{
		Build: func(layout string) (Config, error) { return decode(r, text, plugin.Laid("connectors.c", layout)), nil },

		Name: "c-" + r.topic, Config: decode(r, text), Client: r.client, Budget: r.budget, Status: &Status{},
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(run)
	}
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan error, 1)
	go func() { done <- run.Do(ctx) }()
	out := &running{Run: run, t: r, log: log, stop: sync.OnceValue(func() error { cancel(); return <-done })}
	r.Cleanup(func() {
		out.stop()
		if r.Failed() {
			r.Log(log.String())
		}
	})
	return out
}

// stopped ends the run, which must go well.
func (r *running) stopped() {
	r.t.Helper()
	if err := r.stop(); err != nil {
		r.t.Fatal(err)
	}
}

// held waits until a partition is held, and says why.
func (r *running) held() (why string) {
	r.t.Helper()
	eventually(r.t, "a partition is held", func() bool {
		for _, err := range r.Status.Held() {
			why = err.Error()
		}
		return why != ""
	})
	return why
}

// logged is a log that can be read while it is written.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}
func (l *logged) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.buf.String() }

// committed is what the group remembers of each partition.
func (r *rig) committed() []kafka.Mark {
	r.Helper()
	a, err := r.client.Admin()
	if err != nil {
		r.Fatal(err)
	}
	defer a.Close()
	m, err := a.Committed(r.Context(), "connect-c-"+r.topic, []string{r.topic})
	if err != nil {
		r.Fatal(err)
	}
	return m[r.topic]
}

// commit makes the group remember something while it has no member: as an operator does, or a program that is not ours.
func (r *rig) commit(marks map[int32]kafka.Mark) {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var left sync.WaitGroup
	left.Add(len(marks))
	go func() { left.Wait(); cancel() }()
	err := r.client.Consume(ctx, kafka.Group{
		Name: "connect-c-" + r.topic, Topics: []string{r.topic}, Revoke: time.Second, Drain: time.Second,
		Own: func(ctx context.Context, p *kafka.Partition) error {
			m, ok := marks[p.ID]
			if !ok {
				<-p.Stopped()
				return nil
			}
			defer left.Done()
			return p.Commit(ctx, m)
		},
	})
	if err != nil {
		r.Fatal(err)
	}
}

// eventually waits for what must become true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("not within 20s: %s", what)
}

// partitions gives the rig's partitions, at their ends, as a running membership owns them until the test ends.
func (r *rig) partitions(n int) []*kafka.Partition {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	ended, got := make(chan error, 1), make(chan *kafka.Partition, n)
	go func() {
		ended <- r.client.Consume(ctx, kafka.Group{
			Name: "partitions-" + r.topic, Topics: []string{r.topic}, Revoke: time.Second, Drain: time.Second,
			Own: func(ctx context.Context, p *kafka.Partition) error {
				for range p.Batches(ctx) {
					if p.AtEnd() {
						break
					}
				}
				got <- p
				<-p.Stopped()
				return nil
			},
		})
	}()
	r.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.Error(err)
		}
	})
	out := make([]*kafka.Partition, n)
	for range n {
		select {
		case p := <-got:
			out[p.ID] = p
		case <-time.After(20 * time.Second):
			r.Fatal("the partitions did not come")
		}
	}
	return out
}
