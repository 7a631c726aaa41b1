package connector

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Trouble is what keeps a connector, or a part of it, from getting on.
type Trouble struct {
	Where string    `json:"where,omitempty"` // TOPIC/PARTITION, "split NAME", "hook N", "group"; empty: the connector as a whole
	Class Class     `json:"class"`
	Why   string    `json:"why"`   // what went wrong last, with its remedy; or what is waited for
	Since time.Time `json:"since"` // it has not got on
	Next  time.Time `json:"next_try,omitzero"`
	Times int       `json:"times,omitempty"` // that it has failed since
	Held  bool      `json:"held,omitempty"`  // nothing is done there meanwhile
	Stuck bool      `json:"stuck,omitempty"` // there is work, and it has not got on for long

	err  error
	said time.Time // when it was last news
}

// newsTime is how often at most it is news that the same fails again: errors of a store differ from one attempt to the next, by the
// ids of requests.
const newsTime = time.Minute

// stuckTime is how long what has work may not get on before it is called stuck: what waits for a flush longer than that by its options
// has so much more.
const stuckTime = 2 * time.Minute

// meet notes that something has failed, once more, and is tried again after a pause, if one is given. It tells whether that is news: of
// a first failure it is. A partition that is held stays so, whatever becomes of what was on its way.
func (s *Status) meet(t Trouble, err error, pause time.Duration) (news bool, now Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, before := time.Now(), s.troubles[t.Where]
	if before != nil && before.Held && !t.Held {
		return false, *before
	}
	t.err, t.Why, t.Since, t.Times = err, err.Error(), at, 1
	if before != nil {
		t.Since, t.Times, t.said = before.Since, before.Times+1, before.said
	}
	if pause > 0 {
		t.Next = at.Add(pause)
	}
	if news = at.Sub(t.said) >= newsTime; news {
		t.said = at
	}
	if s.troubles == nil {
		s.troubles = map[string]*Trouble{}
	}
	s.troubles[t.Where] = &t
	return news, t
}

// mended notes that it goes on there, where it was held or failed. It gives what was the matter, if anything was.
func (s *Status) mended(where string, held bool) (was Trouble, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.troubles[where]
	if t == nil || t.Held != held {
		return Trouble{}, false
	}
	delete(s.troubles, where)
	return *t, true
}

// Troubles is everything that is the matter at that time, the connector's own first.
func (s *Status) Troubles(now time.Time) []Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]Trouble{}
	for where, t := range s.troubles {
		t := *t
		t.Stuck = where != "" && !t.Held && now.Sub(t.Since) > stuckTime
		all[where] = t
	}
	stuck := func(t Trouble, is bool) {
		if _, known := all[t.Where]; is && !known {
			t.Stuck = true
			all[t.Where] = t
		}
	}
	stuck(s.apart(now))
	for p := range s.parts {
		stuck(p.waits(now))
	}
	for split, r := range s.reads {
		stuck(r.waits(split, now))
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Trouble) int { return cmp.Compare(a.Where, b.Where) })
}

// apart says that a run has not been in its group for long.
func (s *Status) apart(now time.Time) (Trouble, bool) {
	t := Trouble{Where: "group", Class: World, Since: s.left,
		Why: "it is not in its group: it waits for the brokers, or for other workers to give up what they hold"}
	return t, s.runs() && s.joined.IsZero() && now.Sub(s.left) > stuckTime
}

// waits says what a partition waits for that has rows and has not got on for long.
func (p *PartitionStatus) waits(now time.Time) (Trouble, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := Trouble{Where: p.name(), Class: Retry, Since: p.changed}
	end, position, longer := p.p.End(), p.position.Load(), p.patience+stuckTime
	switch {
	case end <= p.committed.Load():
		return t, false
	case !p.flown.IsZero():
		t.Since, t.Why = p.flown, "its flush is under way"
		return t, now.Sub(t.Since) > longer
	case position >= end:
		t.Why = "its flush is due" // where no clock makes it so, rows may wait for more for ever
		return t, p.patience > 0 && now.Sub(t.Since) > longer
	case p.paused.Load():
		t.Why = "it waits for memory: the process holds as much as it may"
	case p.end.Load():
		t.Class, t.Why = World, "it waits for a transaction that is open on the topic to end: rows behind it cannot be read"
	default:
		t.Class, t.Why = World, "it waits for rows from the broker"
	}
	return t, now.Sub(t.Since) > stuckTime
}

// waits says what a split waits for that has rows and has not got on for long.
func (r *reading) waits(split string, now time.Time) (Trouble, bool) {
	t := Trouble{Where: splitWhere(split), Class: World, Since: r.since, Why: "it waits for the brokers: " + r.doing}
	return t, r.doing != "" && now.Sub(r.since) > stuckTime
}

func splitWhere(split string) string { return "split " + split }
