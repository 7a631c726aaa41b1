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
	Flushed func(sink.File) // told of every file, once it is committed; may be nil

	Stored   atomic.Int64 // rows that a source has stored
	Finished atomic.Bool  // every split of a finite source that is ours has been read
	Alone    atomic.Bool  // the same, and all splits are ours
	Hooks    atomic.Int64 // hook runs that succeeded

	draining atomic.Bool

	mu      sync.Mutex
	parts   map[*PartitionStatus]bool
	skipped int64 // by partitions that have gone
	state   string
	why     error
	since   time.Time
}

// PartitionStatus is how one partition of a topic is doing with us.
type PartitionStatus struct {
	of *Status
	p  *kafka.Partition

	rows, skipped, position, committed, buffered atomic.Int64
	end, press                                   atomic.Bool

	mu     sync.Mutex
	held   error
	trying error // why the flush under way is tried again
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

// Held gives, of each partition that is held, why.
func (s *Status) Held() map[string]error {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]error{}
	for p := range s.parts {
		p.mu.Lock()
		if p.held != nil {
			out[p.name()] = p.held
		}
		p.mu.Unlock()
	}
	return out
}

// Skipped counts the bad records that were left out.
func (s *Status) Skipped() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.skipped
	for p := range s.parts {
		n += p.skipped.Load()
	}
	return n
}

func (s *Status) open(p *kafka.Partition) *PartitionStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts == nil {
		s.parts = map[*PartitionStatus]bool{}
	}
	ps := &PartitionStatus{of: s, p: p}
	ps.committed.Store(p.Start.Offset)
	s.parts[ps] = true
	return ps
}

func (s *Status) close(p *PartitionStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.parts, p)
	s.skipped += p.skipped.Load()
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

func (s *Status) hook(err error) {
	if err == nil {
		s.Hooks.Add(1)
	}
}

func (p *PartitionStatus) name() string { return fmt.Sprintf("%s/%d", p.p.Topic, p.p.ID) }

func (p *PartitionStatus) moved(position int64, end bool) {
	p.position.Store(position)
	p.end.Store(end)
}

func (p *PartitionStatus) hold(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = why
}

// retry notes why a flush is tried again, and tells whether that is news.
func (p *PartitionStatus) retry(why error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	news := p.trying == nil || p.trying.Error() != why.Error()
	p.trying = why
	return news
}

func (p *PartitionStatus) flushed(f *flight) {
	p.mu.Lock()
	p.trying = nil
	p.mu.Unlock()
	p.committed.Store(f.end)
	if p.of.Flushed != nil {
		for _, file := range f.files {
			p.of.Flushed(file)
		}
	}
}
