package executor

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// refused deals with a create that Kisi did not carry out: the intent leaves the ledger, and what stood in the way is
// looked for.
func (e *execution) refused(ctx context.Context, row v1alpha1.MemberGrant, cause error, at time.Time) error {
	if !kisi.IsConflict(cause) && !kisi.IsInvalid(cause) {
		if err := e.record(ctx, func(ledger *plan.Ledger) { e.giveUp(ledger, row) }); err != nil {
			return err
		}
		if kisi.IsNotFound(cause) {
			if usable, err := e.checkUser(ctx); err != nil || !usable {
				return err // it is the person who is missing, not the group
			}
			e.Observer.GroupNotFound(types.NamespacedName{Namespace: e.Member.Namespace, Name: string(row.Group)})
		}
		return e.failed(cause)
	}
	assignments, err := e.assignmentsOf(ctx, row.UserID)
	if err != nil {
		if err := e.record(ctx, func(ledger *plan.Ledger) { e.giveUp(ledger, row) }); err != nil {
			return err
		}
		return e.failed(err)
	}
	found, err := e.inTheWay(ctx, assignments, row, at)
	if err != nil {
		return err
	}
	if !kisi.IsDuplicate(cause) && (found.state == v1alpha1.GrantBlocked || found.state == v1alpha1.GrantQueued) {
		found = obstacle{} // the refusal may have to do with something else
	}
	if found.state == "" {
		// A row of another ledger teaches nothing that changes the plan, so asking again at once would go on for ever. Nor
		// does a refusal that may mean something else than the row of ours.
		if !found.ours || !kisi.IsDuplicate(cause) || !e.learnOverlap(e.Plan.Ledger, row, session.No, found.id) {
			_ = e.failed(cause)
		}
		return e.record(ctx, func(ledger *plan.Ledger) { e.giveUp(ledger, row) })
	}
	if !found.again.IsZero() {
		e.Backoffs.RecheckAt(e.who, row, found.again)
	}
	return e.record(ctx, func(ledger *plan.Ledger) {
		row.RoleAssignmentID, row.State = found.id, found.state
		ledger.Put(row)
	})
}

// obstacle is what a complete read of a person has shown about a refused create.
type obstacle struct {
	id    v1alpha1.KisiID     // of a row of ours: one that turned out to be so after all, or one that overlaps
	state v1alpha1.GrantState // empty: nothing that explains it
	ours  bool                // a row of this ledger overlaps
	equal bool                // somebody else's row has the very bounds, for which Kisi may refuse what it takes otherwise
	again time.Time           // when to look again
}

// inTheWay explains why Kisi refused a row for the person.
func (e *execution) inTheWay(ctx context.Context, assignments []kisi.RoleAssignment, row v1alpha1.MemberGrant, now time.Time) (obstacle, error) {
	wanted := plan.RowWindow(row)
	var found obstacle
	for _, a := range assignments {
		manages := a.RoleID == kisi.RoleGroupManager // which is never ours, whoever made it
		if a.AppliesToType != kisi.TypeGroup || a.AppliesToID != int64(row.KisiGroupID) || a.RoleID != kisi.RoleGroupBasic && !manages {
			continue
		}
		theirs := AssignmentWindow(a)
		claim, err := e.claimOn(ctx, row, a)
		if err != nil {
			return found, err
		}
		ours := !manages && !claim.Shared
		seen := obstacleOf(theirs, wanted, now, claim.Any() && ours, e.madeByUs(a) && ours, e.resync())
		if seen.state == v1alpha1.GrantActive {
			e.Session.Mirror().Confirm(MirrorRow(a))
			seen.id = v1alpha1.KisiID(a.ID)
			return seen, nil
		}
		if seen.ours {
			seen.id = v1alpha1.KisiID(a.ID)
		}
		if !claim.Any() || claim.Shared {
			e.Session.Mirror().See(MirrorRow(a), now) // otherwise the next plan knows nothing of it, and asks again
		}
		if seen.weight() > found.weight() {
			found = seen
		}
	}
	return found, nil
}

// obstacleOf says what one row of the pair has to do with the refusal of another. Claimed rows are in a ledger.
func obstacleOf(theirs, wanted entitlement.Window, now time.Time, claimed, madeByUs bool, resync time.Duration) obstacle {
	switch {
	case theirs.Ended(now) && claimed:
		return obstacle{state: v1alpha1.GrantQueued} // the plan deletes it at once
	case theirs.Ended(now):
		return obstacle{}
	case !claimed && madeByUs && plan.SameBounds(theirs, wanted, now):
		return obstacle{state: v1alpha1.GrantActive}
	case claimed && theirs.Overlaps(wanted):
		return obstacle{ours: true}
	case claimed:
		return obstacle{state: v1alpha1.GrantQueued, again: theirs.Until}
	}
	again := entitlement.Sooner(theirs.Until, now.Add(resync))
	if theirs.Covers(wanted, now) {
		return obstacle{state: v1alpha1.GrantCovered, equal: theirs.Equal(wanted), again: again}
	}
	return obstacle{state: v1alpha1.GrantBlocked, again: again}
}

// weight orders what several rows say: one with the very bounds teaches nothing about rows that overlap; an own row in the
// way can be replaced, one that covers the window makes the grant needless, one that blocks it has to go first; only then is
// it worth waiting for a row of ours to end.
func (o obstacle) weight() int {
	switch {
	case o.equal:
		return 5
	case o.ours:
		return 4
	case o.state == v1alpha1.GrantCovered:
		return 3
	case o.state == v1alpha1.GrantBlocked:
		return 2
	case o.state == v1alpha1.GrantQueued:
		return 1
	}
	return 0
}

// learnOverlap records what a POST has shown, if its bounds differed from every other row of the pair. It reports whether
// there was another one to learn from. The row of the id seen, if there is one, was in Kisi after the answer.
func (e *execution) learnOverlap(ledger plan.Ledger, row v1alpha1.MemberGrant, answer session.Answer, seen v1alpha1.KisiID) bool {
	for _, other := range ledger.Grants {
		// One that is about to be taken away may be gone by now, and teaches nothing, unless it was seen afterwards.
		if plan.InKisi(other) && (other.State != v1alpha1.GrantRevoking || other.RoleAssignmentID == seen) && other.OrganizationID == row.OrganizationID && other.KisiGroupID == row.KisiGroupID && other.UserID == row.UserID &&
			plan.RowWindow(other).Overlaps(plan.RowWindow(row)) {
			e.Session.Learn(session.Behaviour{Overlap: answer})
			return true
		}
	}
	return false
}

// claimOn finds the ledgers that have a role assignment of the row's user.
func (e *execution) claimOn(ctx context.Context, row v1alpha1.MemberGrant, a kisi.RoleAssignment) (tenant.Claim, error) {
	return e.Ledgers.Claim(ctx, e.Member, row.OrganizationID, row.UserID, v1alpha1.KisiID(a.ID))
}

// madeByUs reports whether the key's owner made the role assignment.
func (e *execution) madeByUs(a kisi.RoleAssignment) bool {
	return a.CreatedByID != nil && *a.CreatedByID == e.Session.Verdict().Identity.UserID
}

func (e *execution) resync() time.Duration {
	return e.Snapshot.ResyncInterval(e.Operation.Row.OrganizationID)
}
