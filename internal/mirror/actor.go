package mirror

// Subject is what an event is about.
type Subject struct {
	Kind Kind
	ID   int64
}

// Kind is a kind of thing in Kisi.
type Kind string

// The kinds that events are followed for.
const (
	Assignment Kind = "RoleAssignment"
	User       Kind = "User"
	Group      Kind = "Group"
)

// maxActors bounds what is remembered of who did what: far more than is corrected between two events.
const maxActors = 10_000

// NoteActor records which Kisi user was the last to change something, as the audit trail says.
func (m *Mirror) NoteActor(subject Subject, userID int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.actors == nil {
		m.actors = map[Subject]int64{}
	}
	if _, known := m.actors[subject]; !known {
		m.actorOrder = append(m.actorOrder, subject)
		if len(m.actorOrder) > maxActors {
			delete(m.actors, m.actorOrder[0])
			m.actorOrder = m.actorOrder[1:]
		}
	}
	m.actors[subject] = userID
}

// LastActor returns the Kisi user who is known to have changed something last; false if the audit trail has not said.
func (m *Mirror) LastActor(subject Subject) (userID int64, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	userID, known = m.actors[subject]
	return userID, known
}
