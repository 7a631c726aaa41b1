package connector

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/sink"
)

// Status is how a connector is doing. It outlives runs, and is safe for concurrent use.
type Status struct {
	Flushed  func(sink.File) // told of every file, once it is committed; may be nil
	Observer Observer        // may be nil

	Stored   atomic.Int64 // rows that a source has stored
	Finished atomic.Bool  // every split of a source that is ours has been read to its end, or to the end of what is there
	Alone    atomic.Bool  // the same, and all splits are ours
	Hooks    atomic.Int64 // hook runs that succeeded

	draining                  atomic.Bool
	visible, files, fileBytes atomic.Int64 // rows, files and their bytes that a sink has made visible
	skipped                   atomic.Int64 // bad records that were left out, of splits and of partitions gone by

	mu     sync.Mutex
	parts  map[*PartitionStatus]bool
	splits map[string]error // those that are held
	reads  map[string]reading
	state  string
	why    error
	since  time.Time
}

// Observer is told what happens, as it happens, by several goroutines at once.
type Observer interface {
	Flushed(Flushed)
	Bad(verdict string, n int) // records that were skipped, or are dead letters
	Failed(what string)        // an attempt that is made again: flush, hook, connector
}

// Flushed is an interval that has become visible, or pages that a source has stored.
type Flushed struct {
	Rows, Bytes      int64 // as the topic has them
	Files, FileBytes int64
	Flush, Upload    time.Duration // from the cut to the commit; making the files visible
}

// PartitionStatus is how one partition of a topic is doing with us.
type PartitionStatus struct {
	of *Status
	p  *kafka.Partition

	rows, skipped, position, committed, buffered atomic.Int64
	end, press                                   atomic.Bool

	mu       sync.Mutex
	held     error
	trying   error         // why the flush under way is tried again
	logged   time.Time     // when that was last news
	oldest   time.Time     // when the oldest row was taken in that is not visible; zero when there is none
	changed  time.Time     // when the position or the committed offset last moved
	patience time.Duration // how long the flush options let rows wait
}

// Now says what a connector does, since when, and why.
func (s *Status) Now() (state string, since time.Time, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.since, s.why
}

// Set is told by the worker.
func (s *Status) Set(state string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.why, s.since = state, why, time.Now()
}

// Held gives, of each partition or split that is held, why.
func (s *Status) Held() map[string]error {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]error{}
	for split, why := range s.splits {
		out["split "+split] = why
	}
	for p := range s.parts {
		p.mu.Lock()
		if p.held != nil {
			out[p.name()] = p.held
		}
		p.mu.Unlock()
	}
	return out
}

// HeldSplits gives, of each split that is held, why.
func (s *Status) HeldSplits() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for split, why := range s.splits {
		out[split] = why.Error()
	}
	return out
}

// Owns tells whether a partition is with us.
func (s *Status) Owns(topic string, partition int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.parts {
		if p.p.Topic == topic && int(p.p.ID) == partition {
			return true
		}
	}
	return false
}

// Skipped counts the bad records that were left out.
func (s *Status) Skipped() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.skipped.Load()
	for p := range s.parts {
		n += p.skipped.Load()
	}
	return n
}

func (s *Status) open(p *kafka.Partition, patience time.Duration) *PartitionStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts == nil {
		s.parts = map[*PartitionStatus]bool{}
	}
	ps := &PartitionStatus{of: s, p: p, patience: patience, changed: time.Now()}
	ps.committed.Store(p.Start.Offset)
	ps.position.Store(p.Start.Offset)
	s.parts[ps] = true
	return ps
}

func (s *Status) close(p *PartitionStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipped.Add(p.skipped.Load())
	delete(s.parts, p)
}

// Drain asks, for this run and every later one, that each row be made visible as soon as its partition has no more.
func (s *Status) Drain() {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.parts {
		p.p.Wake()
	}
}

// holdSplit notes why a split is held; nil: it is not any more. It says whether it was.
func (s *Status) holdSplit(split string, why error) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, was = s.splits[split]
	switch {
	case why == nil:
		delete(s.splits, split)
	case s.splits == nil:
		s.splits = map[string]error{split: why}
	default:
		s.splits[split] = why
	}
	return was
}

func (s *Status) hook(err error) {
	if err != nil {
		s.observe(func(o Observer) { o.Failed("hook") })
		return
	}
	s.Hooks.Add(1)
}

func (p *PartitionStatus) name() string { return fmt.Sprintf("%s/%d", p.p.Topic, p.p.ID) }

// moved is told the position. Rows that are taken in wait from now on, unless some do already.
func (p *PartitionStatus) moved(position int64, end bool) {
	p.end.Store(end)
	if p.position.Swap(position) == position {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = time.Now()
	if p.oldest.IsZero() && position > p.committed.Load() {
		p.oldest = p.changed
	}
}

func (p *PartitionStatus) hold(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = why
}

// newsTime is how often at most a flush or hook that is tried again is news: errors of a store differ from one attempt to the next, by the
// ids of requests.
const newsTime = time.Minute

// retry notes why a flush is tried again, and tells whether that is news: the first attempt's is.
func (p *PartitionStatus) retry(why error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of.observe(func(o Observer) { o.Failed("flush") })
	now := time.Now()
	news := p.trying == nil || now.Sub(p.logged) >= newsTime
	if p.trying = why; news {
		p.logged = now
	}
	return news
}

// flushed is told of an interval that is committed, and tells whether it had been tried in vain.
func (p *PartitionStatus) flushed(f *flight) (recovered bool) {
	p.mu.Lock()
	recovered = p.trying != nil
	p.trying, p.changed, p.oldest = nil, time.Now(), time.Time{}
	if p.committed.Store(f.end); p.position.Load() > f.end {
		p.oldest = f.began
	}
	p.mu.Unlock()
	seen := Flushed{Rows: int64(f.rows), Bytes: f.bytes, Files: int64(len(f.files)), Flush: time.Since(f.began), Upload: f.upload}
	for _, file := range f.files {
		seen.FileBytes += file.Bytes
		if p.of.Flushed != nil {
			p.of.Flushed(file)
		}
	}
	p.of.visible.Add(seen.Rows)
	p.of.files.Add(seen.Files)
	p.of.fileBytes.Add(seen.FileBytes)
	p.of.observe(func(o Observer) { o.Flushed(seen) })
	return recovered
}

func (s *Status) observe(f func(Observer)) {
	if s.Observer != nil {
		f(s.Observer)
	}
}
