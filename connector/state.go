package connector

import "time"

// The states of a connector.
const (
	Running    = "running"
	Restarting = "restarting" // it has failed, and waits to begin again
	Recovering = "recovering" // it has begun again, and has not got on since
	Stopped    = "stopped"
)

// Now says what a connector does, since when, and why.
func (s *Status) Now() (state string, since time.Time, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.since, s.why
}

func (s *Status) set(state string, why error) { s.state, s.why, s.since = state, why, time.Now() }

// Begin notes that a run begins.
func (s *Status) Begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined, s.left, s.gotOn = time.Time{}, time.Now(), false
	if t := s.troubles[""]; t != nil {
		s.set(Recovering, t.err)
		return
	}
	s.set(Running, nil)
}

// Fail notes that the run has failed, and that the next begins after a pause. It gives what has become of it.
func (s *Status) Fail(why error, pause time.Duration) Trouble {
	class := ClassOf(why, Restart)
	_, t := s.meet(Trouble{Class: class}, why, pause)
	s.observe(func(o Observer) { o.Failed("connector", class) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(Restarting, why)
	return t
}

// Stop notes that no run will follow.
func (s *Status) Stop(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(Stopped, why)
}

// steady is how long a run has to be in its group, after one that failed, to be taken for well where nothing comes to do.
const steady = 10 * time.Second

// Recovered tells, once, that a connector is well which had failed: it has made something durable, or has been in its group for a
// while. To run is not enough: it does that whenever it is about to fail again.
func (s *Status) Recovered(now time.Time) (was Trouble, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.troubles[""]
	if t == nil || s.state != Recovering || !s.gotOn && (s.joined.IsZero() || now.Sub(s.joined) <= steady) {
		return Trouble{}, false
	}
	delete(s.troubles, "")
	s.set(Running, nil)
	return *t, true
}

// Well tells that the connector has not failed since it was last well.
func (s *Status) Well() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.troubles[""] == nil
}

// runs tells whether a run is under way.
func (s *Status) runs() bool { return s.state == Running || s.state == Recovering }

// member notes that the run has joined its group, or is not in it any more.
func (s *Status) member(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined, s.left = time.Time{}, time.Now()
	if is {
		s.joined = s.left
	}
}

// durable notes that the run has got on.
func (s *Status) durable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gotOn = true
}
