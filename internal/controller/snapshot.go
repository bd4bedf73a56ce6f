package controller

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// landscape is what one namespace can reach: its connections by organization, and what its groups stand for.
type landscape struct {
	in          objects
	sessions    *session.Pool
	connections map[v1alpha1.KisiID]plan.Connection
	byName      map[v1alpha1.ObjectName]*v1alpha1.KisiConnection
	// opening are organizations whose connection worked before this process started, and has no session yet. What
	// concerns them is left alone until the session is there, which wakes it.
	opening map[v1alpha1.KisiID]bool
	// closing are organizations of which no connection stays, and one takes everything back before it goes.
	closing map[v1alpha1.KisiID]bool
	// leaving are the connections that take back, before they go, what was granted in their groups.
	leaving map[v1alpha1.ObjectName]bool
}

// survey looks at the connections of a namespace. In a namespace that is going, every connection is.
func survey(in objects, sessions *session.Pool, namespaceGoing bool) (*landscape, error) {
	l := &landscape{
		in: in, sessions: sessions,
		connections: map[v1alpha1.KisiID]plan.Connection{},
		byName:      map[v1alpha1.ObjectName]*v1alpha1.KisiConnection{},
		opening:     map[v1alpha1.KisiID]bool{},
		closing:     map[v1alpha1.KisiID]bool{},
		leaving:     map[v1alpha1.ObjectName]bool{},
	}
	connections, err := in.connections()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(connections, comesBefore)
	for i := range connections {
		l.add(&connections[i], namespaceGoing)
	}
	for organization, connection := range l.connections {
		connection.Unlimited, connection.Going = l.closing[organization], l.closing[organization]
		l.connections[organization] = connection
	}
	return l, nil
}

// comesBefore orders the connections of a namespace: those that stay first, then the older, ties by name.
func comesBefore(a, b v1alpha1.KisiConnection) int {
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
func (l *landscape) add(connection *v1alpha1.KisiConnection, namespaceGoing bool) {
	l.byName[v1alpha1.ObjectName(connection.Name)] = connection
	going := namespaceGoing || !connection.DeletionTimestamp.IsZero()
	organization := connection.Status.Organization
	if organization == nil || (going && !revokesBeforeLeaving(connection)) {
		return
	}
	if going {
		l.leaving[v1alpha1.ObjectName(connection.Name)] = true
	}
	if _, another := l.connections[organization.ID]; !another { // those that stay came first
		l.closing[organization.ID] = going
	}
	mode := modeOf(connection, going)
	s := sessionOf(l.sessions, client.ObjectKeyFromObject(connection))
	overlapRejected, windowUpdateIgnored := behaviour(connection, s)
	if known, exists := l.connections[organization.ID]; exists {
		mode = stricter(known.Mode, mode)
		overlapRejected = overlapRejected || known.OverlapRejected
		windowUpdateIgnored = windowUpdateIgnored || known.WindowUpdateIgnored
		if known.Ready {
			known.Mode, known.OverlapRejected, known.WindowUpdateIgnored = mode, overlapRejected, windowUpdateIgnored
			l.connections[organization.ID] = known
			return
		}
	}
	usable := s != nil && mismatch(connection, s.Verdict().Identity) == ""
	claimsReady := meta.IsStatusConditionTrue(connection.Status.Conditions, v1alpha1.ConditionReady) || going
	if expectsSession(connection) && s == nil && connection.Spec.Mode != v1alpha1.ModePaused {
		l.opening[organization.ID] = true
	}
	l.connections[organization.ID] = plan.Connection{
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

// modeOf is the mode that counts: of a connection that is going, to take everything back is what was asked for last.
func modeOf(connection *v1alpha1.KisiConnection, going bool) v1alpha1.Mode {
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

// sessionFor returns the session through which a row is acted on, or nil: that of its own connection, as long as it is
// one of the row's organization, else that of any other.
func (l *landscape) sessionFor(row v1alpha1.MemberGrant) *session.Session {
	if own := l.byName[row.Connection]; own != nil && own.Status.Organization != nil && own.Status.Organization.ID == row.OrganizationID {
		if s := usableSession(l.sessions, own); s != nil {
			return s
		}
	}
	connection, known := l.connections[row.OrganizationID]
	if !known {
		return nil
	}
	return sessionOf(l.sessions, types.NamespacedName{Namespace: l.in.namespace, Name: string(connection.Name)})
}

// connectionFor returns the connection through which a row is acted on: its own, as long as it is one of the row's
// organization, else any other. It is there wherever the row has a session.
func (l *landscape) connectionFor(row v1alpha1.MemberGrant) *v1alpha1.KisiConnection {
	if own := l.byName[row.Connection]; own != nil && own.Status.Organization != nil && own.Status.Organization.ID == row.OrganizationID {
		return own
	}
	return l.byName[l.connections[row.OrganizationID].Name]
}

// target says what the name of a KisiGroup stands for.
func (l *landscape) target(name v1alpha1.ObjectName) (plan.Target, error) {
	group, err := l.in.Group(name)
	if err != nil || group == nil {
		by, lookErr := l.in.abandonedGroup(name)
		return plan.Target{Reason: v1alpha1.ReasonGroupNotFound, AbandonedBy: by}, errors.Join(err, lookErr)
	}
	target := plan.Target{State: plan.TargetFrozen, Connection: group.Spec.ConnectionRef.Name}
	connection := l.byName[target.Connection]
	if connection == nil {
		target.Reason = v1alpha1.ReasonConnectionNotFound
		target.Message = fmt.Sprintf("KisiGroup %q: there is no KisiConnection %q in this namespace", name, target.Connection)
		target.KisiGroupID = group.Status.KisiGroupID
		return target, nil
	}
	target.KisiGroupID = boundID(group, connection)
	if connection.Status.Organization != nil {
		target.OrganizationID = connection.Status.Organization.ID
	}
	known, usable := l.connections[target.OrganizationID]
	switch {
	case connection.Spec.Mode == v1alpha1.ModePaused:
		target.Reason = v1alpha1.ReasonPaused
		target.Message = fmt.Sprintf("KisiConnection %q is paused; nothing is granted or revoked through it", connection.Name)
	case !usable || !known.Ready || l.leaving[target.Connection]:
		target.Reason = v1alpha1.ReasonConnectionNotReady
		target.Message = fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", connection.Name)
	case target.KisiGroupID == 0 || frozen(group):
		target.Reason, target.Message = groupTrouble(group)
		target.Coming = target.KisiGroupID == 0 && isComing(group)
	default:
		target.State = plan.TargetBound
	}
	target.Ownership = ownershipOf(group)
	if l.leaving[target.Connection] {
		target.State, target.Unlimited = plan.TargetMissing, true // what it gave is taken back
	}
	return target, nil
}

// frozen reports whether a bound group contradicts itself.
func frozen(group *v1alpha1.KisiGroup) bool {
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

// ownershipOf says which assignments that no ledger has are taken for this operator's. An Exclusive group is so only once
// what was found in Kisi has been asked about.
func ownershipOf(group *v1alpha1.KisiGroup) plan.Ownership {
	switch {
	case group.Spec.Assignments == v1alpha1.AssignmentsExclusive && group.Status.Assignments == v1alpha1.AssignmentsExclusive:
		return plan.OwnsAll
	case claimPending(group):
		return plan.OwnsMadeWithKey
	}
	return plan.OwnsLedger
}

// boundID is the Kisi group that the KisiGroup is bound to through the connection; 0 if it is bound to none, or to one of
// another organization.
func boundID(group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) v1alpha1.KisiID {
	organization := connection.Status.Organization
	if bound := group.Status.OrganizationID; organization != nil && bound != 0 && bound != organization.ID {
		return 0
	}
	return group.Status.KisiGroupID
}

// abandons reports whether the object is to be released though its side in Kisi cannot be reached.
func abandons(object client.Object) bool {
	return object.GetAnnotations()[v1alpha1.AbandonAnnotation] == "true"
}

// revokesBeforeLeaving reports whether a connection that is going takes back what it granted.
func revokesBeforeLeaving(connection *v1alpha1.KisiConnection) bool {
	return connection.Spec.DisconnectPolicy == v1alpha1.DisconnectRevoke &&
		!abandons(connection) &&
		connection.Status.Organization != nil
}

// longestClaim is how long the value of the claim annotation may be, as the schema has it for the status.
const longestClaim = 253

// claimPending reports whether the claim annotation has a value that was not carried out yet.
func claimPending(group *v1alpha1.KisiGroup) bool {
	value := group.Annotations[v1alpha1.ClaimAnnotation]
	return value != "" && len(value) <= longestClaim && value != group.Status.Claim
}
