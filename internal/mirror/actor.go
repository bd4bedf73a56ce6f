package mirror

import "time"

// Subject is what an event is about.
type Subject struct {
	Kind Kind
	ID   int64
}

// Kind is a kind of thing in Kisi, as events spell it.
type Kind string

// The kinds that are followed.
const (
	Assignment Kind = "RoleAssignment"
	User       Kind = "User"
	Group      Kind = "Group"
	Door       Kind = "GroupLock"
)

// NoteActor records which Kisi user was the last to change something, as the audit trail says.
func (m *Mirror) NoteActor(subject Subject, userID int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.actors.put(subject, userID)
}

// LastActor returns the Kisi user who is known to have changed something last; false if the audit trail has not said. It
// remembers a bounded number of things, and can be asked about a row that is gone.
func (m *Mirror) LastActor(subject Subject) (userID int64, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.actors.get(subject)
}

// Act is what this process did to something.
type Act int

// The acts that the audit trail tells apart.
const (
	Made Act = iota
	Changed
	Removed
)

// write is one act, as it was recorded once the answer was there.
type write struct {
	act       Act
	at        time.Time
	explained bool // an event that tells of it was seen
}

// mostWrites bounds what is remembered of one thing: events of older acts have been told by then.
const mostWrites = 16

// NoteWrite records that this process has just done something in Kisi, once the answer is there, so that the event that
// tells of it is no news. Put and Remove record it by themselves.
func (m *Mirror) NoteWrite(subject Subject, act Act) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noteWrite(subject, act)
}

func (m *Mirror) noteWrite(subject Subject, act Act) {
	if subject.Kind == User {
		m.unsound(subject.ID)
	}
	writes, _ := m.written.get(subject)
	if excess := len(writes) + 1 - mostWrites; excess > 0 {
		writes = writes[excess:]
	}
	m.written.put(subject, append(writes, write{act: act, at: time.Now()}))
}

// Wrote returns when this process last did something to a thing in Kisi; the zero time if it is not known to have.
func (m *Mirror) Wrote(subject Subject) time.Time {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.wrote(subject)
}

func (m *Mirror) wrote(subject Subject) time.Time {
	if writes, _ := m.written.get(subject); len(writes) > 0 {
		return writes[len(writes)-1].at
	}
	return time.Time{}
}

// Explain reports whether an act of this process that was recorded in time is what an event tells of. Each act explains one
// event: a second one is of somebody else's doing.
func (m *Mirror) Explain(subject Subject, act Act, inTime func(recorded time.Time) bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	writes, _ := m.written.get(subject)
	for i := range writes {
		if w := &writes[i]; w.act == act && !w.explained && inTime(w.at) {
			w.explained = true
			return true
		}
	}
	return false
}
