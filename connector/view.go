package connector

import "time"

// View is how one partition of a topic is doing with us, at one moment.
type View struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Committed int64     `json:"committed"`
	Position  int64     `json:"position"`
	End       int64     `json:"end"` // of the partition, as last heard from its broker
	Lag       int64     `json:"lag"` // rows that are not committed
	Buffered  int64     `json:"buffered_bytes"`
	Oldest    time.Time `json:"oldest,omitzero"` // when the oldest row that is not visible was taken in
	Held      string    `json:"held,omitempty"`
	Retrying  string    `json:"retrying,omitempty"`
}

// Views lists the partitions that are ours.
func (s *Status) Views() []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []View
	for p := range s.parts {
		v := p.view()
		if t := s.troubles[p.name()]; t != nil && t.Held {
			v.Held = t.Why
		} else if t != nil {
			v.Retrying = t.Why
		}
		out = append(out, v)
	}
	return out
}

func (p *PartitionStatus) view() View {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := View{
		Topic: p.p.Topic, Partition: p.p.ID, Committed: p.committed.Load(), Position: p.position.Load(), End: p.p.End(),
		Buffered: p.buffered.Load(), Oldest: p.oldest,
	}
	v.Lag = max(v.End-v.Committed, 0)
	return v
}
