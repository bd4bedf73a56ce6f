package plan

import (
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Input is everything that a plan is made of.
type Input struct {
	Now          time.Time
	Entitlements entitlement.Entitlements
	// Targets by the name of the KisiGroup; an absent name is TargetMissing.
	Targets map[v1alpha1.ObjectName]Target
	// Connections by organization; an absent organization has been let go, and its rows are Retained.
	Connections map[v1alpha1.KisiID]Connection
	Ledger      Ledger
	// Observed is what Kisi is known to hold of the person, by pair. An absent pair is not known, which says nothing.
	Observed map[Pair]Observation
	// Recheck are Covered and Blocked rows whose time to be looked at has come.
	Recheck []v1alpha1.MemberGrant
	// Address is that of the Member. An account made or found under another one is another Kisi user, whose rows are
	// replaced. Empty: not compared.
	Address entitlement.Address
	// Refused are Grant operations, by their ID, that Kisi has refused since they were planned.
	Refused map[string]bool
	// Doubted are organizations in which the person's user may be gone, suspended or changed: it is read before anything
	// is granted there.
	Doubted map[v1alpha1.KisiID]bool
	// Reinstate undoes, once, that an admin removed or suspended the person.
	Reinstate bool
	// AbandonedBy is the Member, as Kind/name, if it is being deleted and what nobody else wants is to stay in Kisi.
	AbandonedBy string
	// Handing says that accounts of earlier addresses have yet to be handed over. Until then they and the rows of their
	// users stay as they are.
	Handing bool
	// Leaving is set for a Member that is being deleted: it revokes what nobody wants and grants nothing.
	Leaving bool
}

// Target is what the name of a KisiGroup stands for.
type Target struct {
	State          TargetState
	Connection     v1alpha1.ObjectName
	OrganizationID v1alpha1.KisiID
	KisiGroupID    v1alpha1.KisiID
	// Coming says of a frozen target that it was never bound, and is about to be.
	Coming bool
	// Ownership says which assignments that no ledger has are taken for this operator's.
	Ownership Ownership
	// AbandonedBy is the KisiGroup, as Kind/name, if it is being deleted and what it gave is to stay as it is in Kisi.
	AbandonedBy string
	// Unlimited says that the revocation limit counts nothing of it: its connection takes everything back before it goes.
	Unlimited bool
	// Reason and Message say why the target is not bound.
	Reason, Message string
}

// TargetState says whether anything may be done in a group.
type TargetState int

const (
	// TargetMissing: there is no such KisiGroup, or it is being deleted. What it gave is revoked.
	TargetMissing TargetState = iota
	// TargetFrozen: the group contradicts itself, or its connection is not Ready. Nothing in it changes.
	TargetFrozen
	// TargetBound: the group is bound and may be changed.
	TargetBound
)

// Ownership says whose the assignments of a group are.
type Ownership int

const (
	// OwnsLedger: only what is in a ledger is this operator's.
	OwnsLedger Ownership = iota
	// OwnsMadeWithKey: also what the key's owner made, after a ledger was lost.
	OwnsMadeWithKey
	// OwnsAll: every plain assignment of a user.
	OwnsAll
)

// Connection is what the plan has to know of the connection to one organization.
type Connection struct {
	Name v1alpha1.ObjectName
	// Ready says whether requests can be sent; otherwise its rows stay as they are.
	Ready bool
	Mode  v1alpha1.Mode
	// GrantAhead is how long before it opens a window is written to Kisi.
	GrantAhead time.Duration
	// OverlapRejected says that Kisi was seen to refuse a second row of a pair. An old row is then changed in place, or goes
	// before its successor is asked for; otherwise it goes after.
	OverlapRejected bool
	// Unlimited says that the revocation limit counts nothing: deleting a connection under Revoke is approval.
	Unlimited bool
	// Going says that no connection to the organization stays, and one takes everything back before it goes.
	Going bool
	// WindowUpdateIgnored says that Kisi was seen not to change the window of a row in place.
	WindowUpdateIgnored bool
	Users               UserRules
}
