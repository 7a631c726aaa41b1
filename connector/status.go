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

	mu       sync.Mutex
	parts    map[*PartitionStatus]bool
	reads    map[string]*reading
	troubles map[string]*Trouble // by where they are
	state    string
	why      error
	since    time.Time
	joined   time.Time // when the run joined its group; zero while it is not in it
	left     time.Time // since when it is not
	gotOn    bool      // the run has made something durable
}

// Observer is told what happens, as it happens, by several goroutines at once.
type Observer interface {
	Flushed(Flushed)
	Bad(verdict string, n int)   // records that were skipped, or are dead letters
	Failed(what string, c Class) // an attempt that is made again: flush, hook, split, connector
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

	paused atomic.Bool  // it waits for memory
	flying atomic.Int64 // bytes of those that it holds which are on their way

	mu       sync.Mutex
	flown    time.Time     // when the interval was cut that is on its way; zero when there is none
	oldest   time.Time     // when the oldest row was taken in that is not visible; zero when there is none
	changed  time.Time     // when the position or the committed offset last moved
	patience time.Duration // how long the flush options let rows wait
}

// Held gives, of each partition or split that is held, why.
func (s *Status) Held() map[string]error {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]error{}
	for where, t := range s.troubles {
		if t.Held {
			out[where] = t.err
		}
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
	delete(s.troubles, p.name())
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

// aloft notes that an interval is on its way, with bytes that it holds in memory; since the zero time: none is.
func (p *PartitionStatus) aloft(since time.Time, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flown = since
	p.flying.Store(bytes)
}

// flushed is told of an interval that is committed.
func (p *PartitionStatus) flushed(f *flight) {
	p.mu.Lock()
	p.changed, p.oldest = time.Now(), time.Time{}
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
	p.of.durable()
	p.of.observe(func(o Observer) { o.Flushed(seen) })
}

func (s *Status) observe(f func(Observer)) {
	if s.Observer != nil {
		f(s.Observer)
	}
}
