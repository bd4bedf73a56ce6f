package session

// Answer is what has been seen of a behaviour that Kisi does not document.
type Answer int

const (
	// Unseen has not come up yet.
	Unseen Answer = iota
	// Yes was seen.
	Yes
	// No was seen to be refused, or ignored.
	No
)

// Behaviour is what has been learned of Kisi's API through the connection.
type Behaviour struct {
	// Overlap: whether Kisi takes a second row for the same person and group.
	Overlap Answer
	// WindowUpdate: whether Kisi changes the window of a row in place.
	WindowUpdate Answer
}

// Behaviour returns what has been learned so far.
func (s *Session) Behaviour() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// Learn records a behaviour, and reports through OnVerdict if it is new. Unseen fields change nothing.
func (s *Session) Learn(seen Behaviour) {
	s.mu.Lock()
	before := s.behaviour
	if seen.Overlap != Unseen {
		s.behaviour.Overlap = seen.Overlap
	}
	if seen.WindowUpdate != Unseen {
		s.behaviour.WindowUpdate = seen.WindowUpdate
	}
	changed := s.behaviour != before
	s.mu.Unlock()
	if report := s.pool.options.OnVerdict; changed && report != nil {
		report(s.name)
	}
}

// Unlearn forgets what Kisi was seen not to do, so that it is tried again.
func (s *Session) Unlearn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, answer := range []*Answer{&s.behaviour.Overlap, &s.behaviour.WindowUpdate} {
		if *answer == No {
			*answer = Unseen
		}
	}
}
