package session

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// State is a glance at one connection's way to Kisi, for metrics.
type State struct {
	Name types.NamespacedName
	// Waiting counts the connection's requests that wait for their turn.
	Waiting map[kisi.Priority]int
	// ReadAt is when the group that was read least recently was read completely; zero if none was. Groups that are too
	// large to be read as a whole do not count.
	ReadAt time.Time
	// Down says that Kisi does not answer, and only probes are sent.
	Down bool
	// RequestsPerSecond is the pace now, after any slowdown, of all connections that share the key's owner.
	RequestsPerSecond float64
}

// States glances at every connection that has a session.
func (p *Pool) States() []State {
	p.mu.Lock()
	sessions := make([]*Session, 0, len(p.sessions))
	for _, s := range p.sessions {
		sessions = append(sessions, s)
	}
	p.mu.Unlock()
	states := make([]State, 0, len(sessions))
	for _, s := range sessions {
		states = append(states, s.state())
	}
	return states
}

func (s *Session) state() State {
	s.mu.Lock()
	queue, mirror := s.queue, s.mirror
	s.mu.Unlock()
	shared := queue.State()
	state := State{
		Name: s.name, Waiting: queue.WaitingFor(s.name.String()), Down: shared.Down, RequestsPerSecond: shared.RequestsPerSecond,
	}
	for _, id := range mirror.Groups() {
		if at := mirror.ReadAt(id); !at.IsZero() && (state.ReadAt.IsZero() || at.Before(state.ReadAt)) {
			state.ReadAt = at
		}
	}
	return state
}

// turned passes on how long a request has waited for its turn.
func (p *Pool) turned(class kisi.Class, waited time.Duration) {
	namespace, name, named := strings.Cut(class.Connection, "/")
	connection := types.NamespacedName{Namespace: namespace, Name: name}
	if report := p.options.OnTurn; report != nil && named && p.Get(connection) != nil { // of one that is gone it would be remembered for good
		report(connection, class.Priority, waited)
	}
}
