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

// NoteWrite records that this process has just changed something in Kisi, once the answer is there, so that the event
// that tells of it is no news. Put and Remove record it by themselves.
func (m *Mirror) NoteWrite(subject Subject) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noteWrite(subject)
}

func (m *Mirror) noteWrite(subject Subject) { m.written.put(subject, time.Now()) }

// Wrote returns when this process last changed something in Kisi; the zero time if it is not known to have.
func (m *Mirror) Wrote(subject Subject) time.Time {
	m.mu.RLock()
	defer m.mu.RUnlock()
	at, _ := m.written.get(subject)
	return at
}
