package connector

import (
	"slices"
	"time"

	"github.com/penstock/penstock/source"
)

// Progress is how far a connector has come since the process began.
type Progress struct {
	Rows         int64 // that a source has stored, or a sink has made visible
	Files, Bytes int64 // that a sink has made visible
	Lag          int64 // of a sink: offsets that are not committed, in the partitions that are ours
	Done, Total  int64 // of a source: how much was read of the splits that are ours, and how much there is; 0 where it cannot say
}

// reading is how far a split has been read.
type reading struct {
	at          source.Offset
	seen        bool // done and total are those of at
	done, total int64

	doing string    // what is asked of the brokers; "" while the source is read
	since time.Time // it has been
}

// reached notes where a split goes on.
func (s *Status) reached(split string, at source.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads == nil {
		s.reads = map[string]*reading{}
	}
	if s.reads[split] == nil {
		s.reads[split] = &reading{}
	}
	r := s.reads[split]
	r.at, r.seen = slices.Clone(at), false
}

// asks notes what a split asks of the brokers; "": it has its answer.
func (s *Status) asks(split, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.reads[split]; r != nil {
		r.doing, r.since = what, time.Now()
	}
}

// Progress counts everything up.
func (r *Run) Progress() Progress {
	st := r.Status
	p := Progress{Rows: st.Stored.Load() + st.visible.Load(), Files: st.files.Load(), Bytes: st.fileBytes.Load()}
	for _, v := range st.Views() {
		p.Lag += v.Lag
	}
	m, ok := r.Config.Source.(source.Measured)
	if !ok {
		return p
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	for split, at := range st.reads {
		if !at.seen {
			at.done, at.total = m.Measure(split, at.at)
			at.seen = true
		}
		if at.total == 0 {
			p.Done, p.Total = 0, 0
			return p
		}
		p.Done, p.Total = p.Done+at.done, p.Total+at.total
	}
	return p
}
