package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/parts"
)

// A figure is what is measured of a service, which has no end.
type figure struct {
	name, value string
	bar         string
	kept        bool
}

func (b *bench) figure(name string, kept bool, bar, format string, args ...any) figure {
	f := figure{name, fmt.Sprintf(format, args...), bar, kept}
	b.say("%4.0f s  %-54s %s", time.Since(b.started).Seconds(), f.name, f.value)
	return f
}

// service is a penstock run over one sink that flushes each second.
type service struct {
	*parts.Process
	dir, name, url string
	topic          string
	bucket         bucket
	began          time.Time
	cmd            func() (*exec.Cmd, error)
}

// serve starts one over a new topic of four partitions.
func (b *bench) serve(ctx context.Context) (s *service, err error) {
	w := b.world
	s = new(service)
	if s.name, s.dir, err = w.place(); err != nil {
		return nil, err
	}
	s.topic = s.name + "-topic"
	if _, err := kadm.NewClient(w.kafka).CreateTopic(ctx, 4, 1, nil, s.topic); err != nil {
		return nil, err
	}
	if s.bucket, err = w.bucket(ctx, s.name); err != nil {
		return nil, err
	}
	ports, err := parts.FreePorts(1)
	if err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", ports[0])
	s.url = "http://" + listen
	body := fmt.Sprintf("  %s:\n    topics: [%s]\n    sink: {s3: {bucket: %s, path: \"{topic}\", format: json}}\n    flush: {every: 1s}\n", s.name, s.topic, s.name)
	s.cmd = func() (*exec.Cmd, error) { return b.penstock(s.dir, usual, "listen: "+listen+"\n", body, "run") }
	return s, s.start()
}

func (s *service) start() error {
	cmd, err := s.cmd()
	if err != nil {
		return err
	}
	s.began = time.Now()
	s.Process, err = parts.Start(s.dir, "program", cmd)
	return err
}

func (s *service) end(ctx context.Context) error {
	return errors.Join(s.Kill(), s.bucket.remove(ctx), os.RemoveAll(s.dir))
}

// await asks until it is so.
func (s *service) await(ctx context.Context, so func() (bool, error)) error {
	for {
		yes, err := so()
		if err != nil || yes {
			return err
		}
		select {
		case <-s.Done():
			return fmt.Errorf("penstock ended; it says\n%s", s.Tail(20))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (s *service) answers(page string) func() (bool, error) {
	return func() (bool, error) {
		resp, err := http.Get(s.url + page)
		if err != nil {
			return false, nil
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	}
}

// services measures what whole runs do not show.
func (b *bench) services(ctx context.Context) ([]figure, error) {
	size, err := os.Stat(b.binary)
	if err != nil {
		return nil, err
	}
	all := []figure{b.figure("binary, librdkafka inside", size.Size() < 60e6, "< 60 MB", "%.0f MB", float64(size.Size())/1e6)}
	for _, measure := range []func(context.Context) ([]figure, error){b.startUp, b.latency} {
		found, err := measure(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// startUp is the start of a process, and its rest.
func (b *bench) startUp(ctx context.Context) ([]figure, error) {
	s, err := b.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer s.end(ctx)
	if err := s.await(ctx, s.answers("/health")); err != nil {
		return nil, err
	}
	up := time.Since(s.began)
	joined := func() (bool, error) {
		log, err := os.ReadFile(s.Log())
		return strings.Contains(string(log), "partitions assigned"), err
	}
	if err := s.await(ctx, joined); err != nil {
		return nil, err
	}
	ready, used := time.Since(s.began), s.CPU()
	time.Sleep(3 * time.Second)
	before, from := s.CPU(), time.Now()
	time.Sleep(20 * time.Second)
	idle := (s.CPU() - before).Seconds() / time.Since(from).Seconds() * 100
	return []figure{
		b.figure("start to answering /health", up < 300*time.Millisecond, "< 300 ms", "%d ms", up.Milliseconds()),
		b.figure("start to partitions assigned (Kafka's coordinator included), CPU until then", true, "", "%d ms, %d ms", ready.Milliseconds(), used.Milliseconds()),
		b.figure("idle, four partitions, of a core", idle < 1, "< 1 %", "%.2f %%", idle),
	}, nil
}

// latencyRate is rows a second, in all partitions together.
const latencyRate = 10_000

// latency is how long rows take from their producer to an object that can be read, and how long what a kill -9 leaves takes.
func (b *bench) latency(ctx context.Context) ([]figure, error) {
	s, err := b.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.end(ctx) }()
	if err := s.await(ctx, s.answers("/ready")); err != nil {
		return nil, err
	}
	load := b.world.steady(ctx, s.topic, 30*time.Second)
	seen, err := s.watch(ctx, load.done)
	if err != nil {
		return nil, err
	}
	late, err := load.latencies(seen, s.topic)
	if err != nil {
		return nil, err
	}
	at := func(q float64) time.Duration { return late[int(q*float64(len(late)-1))] }
	figures := []figure{b.figure("produced to readable, 10,000 rows/s, every: 1s: median, 99th percentile", true, "", "%.2f s, %.2f s", at(.5).Seconds(), at(.99).Seconds())}

	again := b.world.steady(ctx, s.topic, 10*time.Second)
	time.Sleep(5 * time.Second)
	if err := s.Kill(); err != nil {
		return nil, err
	}
	killed := time.Now()
	if err := s.start(); err != nil {
		return nil, err
	}
	<-again.done
	adm := kadm.NewClient(b.world.kafka)
	ends, err := adm.ListEndOffsets(ctx, s.topic)
	if err != nil {
		return nil, err
	}
	drained := func() (bool, error) {
		marks, err := adm.FetchOffsets(ctx, "connect-"+s.name)
		behind := 0
		ends.Each(func(o kadm.ListedOffset) {
			if m, ok := marks.Lookup(s.topic, o.Partition); !ok || m.At < o.Offset {
				behind++
			}
		})
		return behind == 0, err
	}
	if err := s.await(ctx, drained); err != nil {
		return nil, err
	}
	return append(figures, b.figure("kill -9 to nothing left, a session of 10 s, 10,000 rows/s for 5 s of it", true, "", "%.1f s", time.Since(killed).Seconds())), nil
}

// steady is rows at a steady rate, and when each was produced.
type steady struct {
	mu       sync.Mutex
	produced [4]map[int64]time.Time // by offset
	done     chan struct{}
	err      error
}

func (w *world) steady(ctx context.Context, topic string, long time.Duration) *steady {
	s := &steady{done: make(chan struct{})}
	for i := range s.produced {
		s.produced[i] = map[int64]time.Time{}
	}
	const step = 10 * time.Millisecond
	go func() {
		defer close(s.done)
		r, n := newRower(data{indexes: 14}), 0
		tick := time.NewTicker(step)
		defer tick.Stop()
		for began := time.Now(); time.Since(began) < long; <-tick.C {
			for due := int(time.Since(began).Seconds() * latencyRate); n < due; n++ {
				at := time.Now()
				w.kafka.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(n % 4), Value: r.row(nil, n), Timestamp: at}, func(r *kgo.Record, err error) {
					s.mu.Lock()
					defer s.mu.Unlock()
					s.produced[r.Partition][r.Offset], s.err = at, errors.Join(s.err, err)
				})
			}
		}
		if err := w.kafka.Flush(ctx); err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = errors.Join(s.err, err)
		}
	}()
	return s
}

// watch lists a service's objects until some seconds after done, and notes when each was there first.
func (s *service) watch(ctx context.Context, done <-chan struct{}) (seen map[string]time.Time, err error) {
	seen = map[string]time.Time{}
	for end := (time.Time{}); end.IsZero() || time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		objects, err := s.bucket.list(ctx)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		for _, o := range objects {
			if _, known := seen[*o.Key]; !known {
				seen[*o.Key] = now
			}
		}
		select {
		case <-done:
			if end.IsZero() {
				end = now.Add(4 * time.Second)
			}
		default:
		}
	}
	return seen, nil
}

// latencies are those of all rows, in ascending order. An object holds the rows from the offset in its name up to the next one's.
func (l *steady) latencies(seen map[string]time.Time, topic string) (all []time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for partition, produced := range l.produced {
		prefix := fmt.Sprintf("%s/%s+%d+", topic, topic, partition)
		var keys []string
		for key := range seen {
			if strings.HasPrefix(key, prefix) {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for offset, at := range produced {
			i, found := slices.BinarySearch(keys, fmt.Sprintf("%s%020d.json", prefix, offset))
			if !found {
				i--
			}
			if i < 0 {
				return nil, fmt.Errorf("partition %d: offset %d is in no object", partition, offset)
			}
			took := seen[keys[i]].Sub(at)
			if took < 0 {
				return nil, fmt.Errorf("partition %d: offset %d was in no object when the last one was looked for", partition, offset)
			}
			all = append(all, took)
		}
	}
	slices.Sort(all)
	if len(all) == 0 {
		l.err = errors.Join(l.err, errors.New("no rows were produced"))
	}
	return all, l.err
}
