package tenant

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// Target says what the name of a KisiGroup stands for.
func (l *Snapshot) Target(name v1alpha1.ObjectName) (plan.Target, error) {
	group, err := l.Objects.Group(name)
	if err != nil || group == nil {
		by, lookErr := l.Objects.abandonedGroup(name)
		return plan.Target{Reason: v1alpha1.ReasonGroupNotFound, AbandonedBy: by}, errors.Join(err, lookErr)
	}
	target := plan.Target{State: plan.TargetFrozen, Connection: group.Spec.ConnectionRef.Name}
	connection := l.ByName[target.Connection]
	if connection == nil {
		target.Reason = v1alpha1.ReasonConnectionNotFound
		target.Message = fmt.Sprintf("KisiGroup %q: there is no KisiConnection %q in this namespace", name, target.Connection)
		target.KisiGroupID = group.Status.KisiGroupID
		return target, nil
	}
	target.KisiGroupID = BoundID(group, connection)
	if connection.Status.Organization != nil {
		target.OrganizationID = connection.Status.Organization.ID
	}
	known, usable := l.Connections[target.OrganizationID]
	switch {
	case connection.Spec.Mode == v1alpha1.ModePaused:
		target.Reason = v1alpha1.ReasonPaused
		target.Message = fmt.Sprintf("KisiConnection %q is paused; nothing is granted or revoked through it", connection.Name)
	case !usable || !known.Ready || l.leaving.Has(target.Connection):
		target.Reason = v1alpha1.ReasonConnectionNotReady
		target.Message = fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", connection.Name)
	case target.KisiGroupID == 0 || Frozen(group):
		target.Reason, target.Message = groupTrouble(group)
		target.Coming = target.KisiGroupID == 0 && isComing(group)
	default:
		target.State = plan.TargetBound
	}
	target.Ownership = OwnershipOf(group)
	if l.leaving.Has(target.Connection) {
		target.State, target.Unlimited = plan.TargetMissing, true // what it gave is taken back
	}
	return target, nil
}

// Frozen reports whether a bound group contradicts itself.
func Frozen(group *v1alpha1.KisiGroup) bool {
	found := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady)
	return found != nil && found.Status != metav1.ConditionTrue && plan.GroupFreezes(found.Reason, group.Spec.Existing != nil)
}

// isComing reports whether the group is about to be bound for the first time.
func isComing(group *v1alpha1.KisiGroup) bool {
	return meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady) == nil ||
		meta.IsStatusConditionTrue(group.Status.Conditions, v1alpha1.ConditionReconciling)
}

// groupTrouble passes on why a group is not bound, in words that fit the object that names it.
func groupTrouble(group *v1alpha1.KisiGroup) (reason, message string) {
	reason = v1alpha1.ReasonGroupNotFound
	cause := "is not bound yet"
	for _, condition := range group.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			cause = fmt.Sprintf("is not Ready (%s)", condition.Reason)
			if condition.Reason == v1alpha1.ReasonConnectionNotReady {
				reason = v1alpha1.ReasonConnectionNotReady
			}
		}
	}
	return reason, fmt.Sprintf("KisiGroup %q %s; see its conditions", group.Name, cause)
}

// OwnershipOf says which assignments that no ledger has are taken for this operator's. An Exclusive group is so only once
// what was found in Kisi has been asked about.
func OwnershipOf(group *v1alpha1.KisiGroup) plan.Ownership {
	switch {
	case group.Spec.Assignments == v1alpha1.AssignmentsExclusive && group.Status.Assignments == v1alpha1.AssignmentsExclusive:
		return plan.OwnsAll
	case ClaimPending(group):
		return plan.OwnsMadeWithKey
	}
	return plan.OwnsLedger
}

// BoundID is the Kisi group that the KisiGroup is bound to through the connection; 0 if it is bound to none, or to one of
// another organization.
func BoundID(group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) v1alpha1.KisiID {
	organization := connection.Status.Organization
	if bound := group.Status.OrganizationID; organization != nil && bound != 0 && bound != organization.ID {
		return 0
	}
	return group.Status.KisiGroupID
}

// Abandons reports whether the object is to be released though its side in Kisi cannot be reached.
func Abandons(object client.Object) bool {
	return object.GetAnnotations()[v1alpha1.AbandonAnnotation] == "true"
}

// RevokesBeforeLeaving reports whether a connection that is going takes back what it granted.
func RevokesBeforeLeaving(connection *v1alpha1.KisiConnection) bool {
	return connection.Spec.DisconnectPolicy == v1alpha1.DisconnectRevoke &&
		!Abandons(connection) &&
		connection.Status.Organization != nil
}

// LongestClaim is how long the value of the claim annotation may be, as the schema has it for the status.
const LongestClaim = 253

// ClaimPending reports whether the claim annotation has a value that was not carried out yet.
func ClaimPending(group *v1alpha1.KisiGroup) bool {
	value := group.Annotations[v1alpha1.ClaimAnnotation]
	return value != "" && len(value) <= LongestClaim && value != group.Status.Claim
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

// LongestRebind is how long the value of the rebind annotation may be, as the schema has it for the status.
const LongestRebind = 253
