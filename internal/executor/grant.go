package executor

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// grant makes a role assignment: intent, act, result. The user is made before it if the person has none.
func (e *execution) grant(ctx context.Context) error {
	row := e.Operation.Row
	ledger := e.Plan.Ledger
	settings := e.Snapshot.ConnectionFor(row).Spec
	account := ledger.Account(row.OrganizationID)
	if account == nil || entitlement.Fold(account.Email) != entitlement.Fold(e.Member.Spec.Email) {
		// Kisi cannot change a user's address, so another address is another user.
		made, err := e.ensureUser(ctx, settings)
		if err != nil {
			return e.failed(err)
		}
		if !usableAccount(*made) { // found suspended: that is an admin's decision, and is written down before any row
			return e.record(ctx, func(ledger *plan.Ledger) { ledger.SetAccount(*made) })
		}
		ledger.SetAccount(*made)
		account = ledger.Account(row.OrganizationID)
		if needed, err := e.stillNeeded(ctx, ledger); !needed || err != nil {
			return err
		}
	}
	row.UserID, row.RequestedBy = account.UserID, e.keyOwner()
	notify := !e.Operation.Repairs && notifies(settings, account.Notified, e.Operation.NewAccess)
	ledger.Put(row)
	if err := e.intend(ctx, ledger); err != nil {
		return err
	}
	return e.ask(ctx, ledger, row, notify)
}

// ask makes a role assignment whose intent is written.
func (e *execution) ask(ctx context.Context, ledger plan.Ledger, row v1alpha1.MemberGrant, notify bool) error {
	sent := e.now()
	created, err := e.kisi.CreateRoleAssignment(ctx, kisi.RoleAssignmentCreate{
		AppliesToType: kisi.TypeGroup, AppliesToID: int64(row.KisiGroupID),
		AssigneeType: kisi.TypeUser, AssigneeID: int64(row.UserID),
		RoleID:    kisi.RoleGroupBasic,
		ValidFrom: instant(row.ValidFrom), ValidUntil: instant(row.ValidUntil),
		Notify: ptr.To(notify),
	})
	switch {
	case err == nil:
		e.learnOverlap(ledger, row, session.Yes, 0)
		if !plan.SameBounds(AssignmentWindow(*created), plan.RowWindow(row), e.now()) {
			return e.otherBounds(ctx, row, created, notify)
		}
		row.RoleAssignmentID = v1alpha1.KisiID(created.ID)
		e.Session.Mirror().Put(MirrorRow(*created))
		return e.made(ctx, row, notify)
	case kisi.OutcomeUnknown(err):
		// The row stays Pending: whether it was made is found out by looking, never by asking again.
		e.inDoubt(row, err)
		return nil
	}
	return e.refused(ctx, row, err, sent)
}

// made records a row that is in Kisi.
func (e *execution) made(ctx context.Context, row v1alpha1.MemberGrant, notified bool) error {
	e.Backoffs.Settled(e.who, row)
	e.Backoffs.Succeeded(e.who, row)
	return e.record(ctx, func(ledger *plan.Ledger) {
		row.State, row.RequestedBy = v1alpha1.GrantActive, 0 // the plan says Scheduled where it opens later
		ledger.Put(row)
		if account := ledger.Account(row.OrganizationID); account != nil && notified {
			account.Notified = v1alpha1.NotifiedYes
		}
	})
}

// notifies says whether Kisi mails the person about this row.
func notifies(settings v1alpha1.KisiConnectionSpec, before v1alpha1.Notified, newAccess bool) bool {
	if settings.Users.Type == v1alpha1.UserTypeManaged || settings.Notifications == v1alpha1.NotificationsNever {
		return false
	}
	first := before != v1alpha1.NotifiedYes
	return first || (newAccess && settings.Notifications == v1alpha1.NotificationsAlways)
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

func (e *execution) resync() time.Duration {
	return e.Snapshot.ResyncInterval(e.Operation.Row.OrganizationID)
}

// claimOn finds the ledgers that have a role assignment of the row's user.
func (e *execution) claimOn(ctx context.Context, row v1alpha1.MemberGrant, a kisi.RoleAssignment) (tenant.Claim, error) {
	return e.Ledgers.Claim(ctx, e.Member, row.OrganizationID, row.UserID, v1alpha1.KisiID(a.ID))
}

// keyOwner is the user in Kisi whose key is in use.
func (e *execution) keyOwner() v1alpha1.KisiID {
	return v1alpha1.KisiID(e.Session.Verdict().Identity.UserID)
}

// answers reports whether the role assignment was made with the key by which the row was asked for. It may be another
// person's than the one in use by now: then the row would pass for somebody else's, and never be taken back.
func (e *execution) answers(a kisi.RoleAssignment, row v1alpha1.MemberGrant) bool {
	if row.RequestedBy == 0 {
		return e.madeByUs(a)
	}
	return a.CreatedByID != nil && v1alpha1.KisiID(*a.CreatedByID) == row.RequestedBy
}

// madeByUs reports whether the key's owner made the role assignment.
func (e *execution) madeByUs(a kisi.RoleAssignment) bool {
	return a.CreatedByID != nil && *a.CreatedByID == e.Session.Verdict().Identity.UserID
}

// resolve finds out by a complete read of the person whether a request whose answer was lost was carried out.
func (e *execution) resolve(ctx context.Context) error {
	row := e.Operation.Row
	if plan.InKisi(row) {
		return e.readBack(ctx, row, false)
	}
	assignments, err := e.assignmentsOf(ctx, row.UserID)
	if err != nil {
		return e.failed(err)
	}
	for _, a := range assignments {
		if a.AppliesToType != kisi.TypeGroup || a.AppliesToID != int64(row.KisiGroupID) || a.RoleID != kisi.RoleGroupBasic || !e.answers(a, row) {
			continue
		}
		if !AssignmentWindow(a).Equal(plan.RowWindow(row)) {
			continue
		}
		claim, err := e.claimOn(ctx, row, a)
		if err != nil {
			return err
		}
		if !claim.Any() {
			row.RoleAssignmentID = v1alpha1.KisiID(a.ID)
			e.Session.Mirror().Put(MirrorRow(a))
			return e.made(ctx, row, false)
		}
	}
	if e.onItsWay(row) {
		return nil
	}
	e.Backoffs.InVain(e.who, plan.Operation{Kind: plan.Grant, Row: row}, row, noAnswer)
	e.Backoffs.Settled(e.who, row)
	return e.record(ctx, func(ledger *plan.Ledger) { e.giveUp(ledger, row) })
}

// noAnswer is what the status says of a request that was not carried out and had no usable answer.
const noAnswer = "Kisi gave no answer; trying again"

// inDoubt records that it is not known what became of a request about the row. One that was answered, however badly, is
// over: looking tells at once. One that was not may reach Kisi for as long as a request may take.
func (e *execution) inDoubt(row v1alpha1.MemberGrant, err error) {
	e.Session.Report(err)
	until := e.now()
	if !kisi.Answered(err) {
		until = until.Add(e.Session.RequestTimeout())
	}
	e.Backoffs.Doubt(e.who, e.Operation.ID(), row, until)
}

// onItsWay reports whether a request about the row may still reach Kisi: one of this process, of the one before, or of
// another that should not be there. The operation is then put off until it cannot.
func (e *execution) onItsWay(row v1alpha1.MemberGrant) bool {
	who := e.who
	certain := e.Backoffs.DoubtUntil(who, row)
	if certain.IsZero() {
		// Not a request of this process: whoever wrote the intent may just be sending it.
		certain = e.now().Add(e.Session.RequestTimeout())
		e.Backoffs.Doubt(who, e.Operation.ID(), row, certain)
	}
	if !certain.After(e.now()) {
		return false
	}
	e.Backoffs.Postponed(who, e.Operation.ID(), certain)
	return true
}

// read reads the role assignment of a row by its id. One of another assignee or group is an error.
func (e *execution) read(ctx context.Context, row v1alpha1.MemberGrant) (*kisi.RoleAssignment, error) {
	return e.kisi.RoleAssignment(ctx, int64(row.RoleAssignmentID), kisi.RoleAssignmentFilter{
		AssigneeType: kisi.TypeUser, AssigneeID: int64(row.UserID), AppliesToType: kisi.TypeGroup, AppliesToID: int64(row.KisiGroupID),
	})
}

// assignmentsOf reads everything that is assigned to the person itself, and not to a team of theirs; a list that may lack
// something is an error.
func (e *execution) assignmentsOf(ctx context.Context, userID v1alpha1.KisiID) ([]kisi.RoleAssignment, error) {
	filter := kisi.RoleAssignmentFilter{AssigneeType: kisi.TypeUser, AssigneeID: int64(userID)}
	listing, err := listed(func() (kisi.Listing[kisi.RoleAssignment], error) { return e.kisi.ListRoleAssignments(ctx, filter) })
	if err != nil {
		return nil, err
	}
	if !listing.Complete() {
		return nil, &failure.IncompleteListError{Doing: "reading the person's assignments", Why: listing.Incomplete}
	}
	expected := map[int64]bool{}
	for _, row := range e.Plan.Ledger.Grants {
		if row.UserID == userID && row.OrganizationID == e.Operation.Row.OrganizationID && plan.InKisi(row) && !plan.RowWindow(row).Ended(e.Now) {
			expected[int64(row.RoleAssignmentID)] = true
		}
	}
	if len(listing.Items) == 0 || LacksAny(listing.Items, expected) {
		if err := e.kisi.Confirm(ctx); err != nil {
			return nil, err
		}
	}
	return listing.Items, nil
}

// listed reads a list that somebody waits for, and once more where it fell short, since it may have moved while it was read,
// or where Kisi has answered with a 5xx. What was waited for in vain is not repeated.
func listed[T any](read func() (kisi.Listing[T], error)) (kisi.Listing[T], error) {
	listing, err := read()
	if err == nil && !listing.Complete() || kisi.IsUnavailable(err) && kisi.Answered(err) {
		return read()
	}
	return listing, err
}
