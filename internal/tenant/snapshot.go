package tenant

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// Snapshot is what one namespace can reach: its connections by organization, and what its groups stand for.
type Snapshot struct {
	Objects     Objects
	sessions    *session.Pool
	Connections map[v1alpha1.KisiID]plan.Connection
	ByName      map[v1alpha1.ObjectName]*v1alpha1.KisiConnection
	// Opening are organizations whose connection worked before this process started, and has no session yet. What
	// concerns them is left alone until the session is there, which wakes it.
	Opening map[v1alpha1.KisiID]bool
	// Closing are organizations of which no connection stays, and one takes everything back before it goes.
	Closing map[v1alpha1.KisiID]bool
	// leaving are the connections that take back, before they go, what was granted in their groups.
	leaving sets.Set[v1alpha1.ObjectName]
}

// TakeSnapshot looks at the connections of a namespace. In a namespace that is going, every connection is.
func TakeSnapshot(in Objects, sessions *session.Pool, namespaceGoing bool) (*Snapshot, error) {
	l := &Snapshot{
		Objects: in, sessions: sessions,
		Connections: map[v1alpha1.KisiID]plan.Connection{},
		ByName:      map[v1alpha1.ObjectName]*v1alpha1.KisiConnection{},
		Opening:     map[v1alpha1.KisiID]bool{},
		Closing:     map[v1alpha1.KisiID]bool{},
		leaving:     sets.New[v1alpha1.ObjectName](),
	}
	connections, err := in.Connections()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(connections, ComesBefore)
	for i := range connections {
		l.add(&connections[i], namespaceGoing)
	}
	for organization, connection := range l.Connections {
		connection.Unlimited, connection.Going = l.Closing[organization], l.Closing[organization]
		l.Connections[organization] = connection
	}
	return l, nil
}

// ComesBefore orders the connections of a namespace: those that stay first, then the older, ties by name.
func ComesBefore(a, b v1alpha1.KisiConnection) int {
	return cmp.Or(rankGoing(a)-rankGoing(b), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// rankGoing puts connections that stay before those that go.
func rankGoing(connection v1alpha1.KisiConnection) int {
	if connection.DeletionTimestamp.IsZero() {
		return 0
	}
	return 1
}

// add takes a connection in. Of two to one organization the first that is Ready counts, and the stricter mode: what one
// of them may not do must not happen through the other.
func (l *Snapshot) add(connection *v1alpha1.KisiConnection, namespaceGoing bool) {
	l.ByName[v1alpha1.ObjectName(connection.Name)] = connection
	going := namespaceGoing || !connection.DeletionTimestamp.IsZero()
	organization := connection.Status.Organization
	if organization == nil || (going && !RevokesBeforeLeaving(connection)) {
		return
	}
	if going {
		l.leaving.Insert(v1alpha1.ObjectName(connection.Name))
	}
	if _, another := l.Connections[organization.ID]; !another { // those that stay came first
		l.Closing[organization.ID] = going
	}
	mode := ModeOf(connection, going)
	s := SessionOf(l.sessions, client.ObjectKeyFromObject(connection))
	overlapRejected, windowUpdateIgnored := behaviour(connection, s)
	if known, exists := l.Connections[organization.ID]; exists {
		mode = stricter(known.Mode, mode)
		overlapRejected = overlapRejected || known.OverlapRejected
		windowUpdateIgnored = windowUpdateIgnored || known.WindowUpdateIgnored
		if known.Ready {
			known.Mode, known.OverlapRejected, known.WindowUpdateIgnored = mode, overlapRejected, windowUpdateIgnored
			l.Connections[organization.ID] = known
			return
		}
	}
	usable := s != nil && KeyMismatch(connection, s.Verdict().Identity) == ""
	claimsReady := meta.IsStatusConditionTrue(connection.Status.Conditions, v1alpha1.ConditionReady) || going
	if ExpectsSession(connection) && s == nil && connection.Spec.Mode != v1alpha1.ModePaused {
		l.Opening[organization.ID] = true
	}
	l.Connections[organization.ID] = plan.Connection{
		Name:                v1alpha1.ObjectName(connection.Name),
		Ready:               usable && claimsReady,
		Mode:                mode,
		GrantAhead:          connection.Spec.GrantAhead.Duration,
		OverlapRejected:     overlapRejected,
		WindowUpdateIgnored: windowUpdateIgnored,
		Users:               userRules(connection, going),
	}
}

// userRules are those of the connection; one that is going does nothing about users any more.
func userRules(connection *v1alpha1.KisiConnection, going bool) plan.UserRules {
	if going {
		return plan.UserRules{}
	}
	users := connection.Spec.Users
	return plan.UserRules{
		Always:   users.Create == v1alpha1.CreateUsersAlways,
		OnUnused: users.OnUnused,
		Restore:  users.RemovedInKisi == v1alpha1.RemovedInKisiRestore,
	}
}

// ModeOf is the mode that counts: of a connection that is going, to take everything back is what was asked for last.
func ModeOf(connection *v1alpha1.KisiConnection, going bool) v1alpha1.Mode {
	if going && connection.Spec.Mode != v1alpha1.ModePaused {
		return v1alpha1.ModeEnforce
	}
	return connection.Spec.Mode
}

// stricter returns the mode that allows less. Paused is no brake on another connection: it only keeps its own silent.
func stricter(a, b v1alpha1.Mode) v1alpha1.Mode {
	for _, mode := range []v1alpha1.Mode{v1alpha1.ModeObserve, v1alpha1.ModeGrantOnly, v1alpha1.ModeEnforce} {
		if a == mode || b == mode {
			return mode
		}
	}
	return v1alpha1.ModePaused
}

// refuses reports whether Kisi has been seen not to do something: by this process, else by one before it.
func refuses(seen session.Answer, before bool) bool {
	if seen != session.Unseen {
		return seen == session.No
	}
	return before
}

// behaviour is what has been learned through the connection. Of two connections to one organization each may have seen
// what the other has not.
func behaviour(connection *v1alpha1.KisiConnection, s *session.Session) (overlapRejected, windowUpdateIgnored bool) {
	var seen session.Behaviour
	if s != nil {
		seen = s.Behaviour()
	}
	before := ptr.Deref(connection.Status.API, v1alpha1.APIBehaviour{})
	return refuses(seen.Overlap, before.OverlappingAssignments == v1alpha1.OverlapRejected),
		refuses(seen.WindowUpdate, before.WindowUpdate == v1alpha1.WindowUpdateIgnored)
}

// SessionFor returns the session through which a row is acted on, or nil: that of its own connection, as long as it is
// one of the row's organization, else that of any other.
func (l *Snapshot) SessionFor(row v1alpha1.MemberGrant) *session.Session {
	if own := l.ByName[row.Connection]; own != nil && own.Status.Organization != nil && own.Status.Organization.ID == row.OrganizationID {
		if s := UsableSession(l.sessions, own); s != nil {
			return s
		}
	}
	connection, known := l.Connections[row.OrganizationID]
	if !known {
		return nil
	}
	return SessionOf(l.sessions, types.NamespacedName{Namespace: l.Objects.Namespace, Name: string(connection.Name)})
}

// ConnectionFor returns the connection through which a row is acted on: its own, as long as it is one of the row's
// organization, else any other. It is there wherever the row has a session.
func (l *Snapshot) ConnectionFor(row v1alpha1.MemberGrant) *v1alpha1.KisiConnection {
	if own := l.ByName[row.Connection]; own != nil && own.Status.Organization != nil && own.Status.Organization.ID == row.OrganizationID {
		return own
	}
	return l.ByName[l.Connections[row.OrganizationID].Name]
}

// ResyncInterval is how often everything of an organization is read; 0 if no connection says so.
func (l *Snapshot) ResyncInterval(organizationID v1alpha1.KisiID) time.Duration {
	connection := l.ByName[l.Connections[organizationID].Name]
	if connection == nil || connection.Spec.ResyncInterval == nil {
		return 0
	}
	return connection.Spec.ResyncInterval.Duration
}

// RevokesBeforeLeaving reports whether a connection that is going takes back what it granted.
func RevokesBeforeLeaving(connection *v1alpha1.KisiConnection) bool {
	return connection.Spec.DisconnectPolicy == v1alpha1.DisconnectRevoke &&
		!Abandons(connection) &&
		connection.Status.Organization != nil
}

// LoginTerms says in which organizations a person is to have a login. Of several connections to one, the one that a login
// was made for keeps it as long as it asks for logins, so that its Secret keeps its name; else the first by name.
func (l *Snapshot) LoginTerms(ledger plan.Ledger) map[v1alpha1.KisiID]plan.LoginTerms {
	terms := map[v1alpha1.KisiID]plan.LoginTerms{}
	for organization := range l.Connections {
		if l.Closing[organization] {
			continue
		}
		var asking []v1alpha1.ObjectName
		for name, connection := range l.ByName {
			if connection.Spec.Users.Logins == v1alpha1.LoginsSecret && connection.DeletionTimestamp.IsZero() &&
				connection.Status.Organization != nil && connection.Status.Organization.ID == organization {
				asking = append(asking, name)
			}
		}
		if len(asking) == 0 {
			continue
		}
		chosen := slices.MinFunc(asking, func(a, b v1alpha1.ObjectName) int { return strings.Compare(string(a), string(b)) })
		for _, login := range ledger.Logins {
			if login.OrganizationID == organization && slices.Contains(asking, login.Connection) {
				chosen = login.Connection
			}
		}
		terms[organization] = plan.LoginTerms{Connection: chosen}
	}
	return terms
}
