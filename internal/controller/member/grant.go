package member

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// grant makes a role assignment: intent, act, result. The user is made before it if the person has none.
func (d doing) grant(ctx context.Context) error {
	row := d.operation.Row
	ledger := d.p.plan.Ledger
	settings := d.p.snapshot.ConnectionFor(row).Spec
	account := ledger.Account(row.OrganizationID)
	if account == nil || entitlement.Fold(account.Email) != entitlement.Fold(d.p.member.Spec.Email) {
		// Kisi cannot change a user's address, so another address is another user.
		made, err := d.ensureUser(ctx, settings)
		if err != nil {
			return d.failed(err)
		}
		if !usableAccount(*made) { // found suspended: that is an admin's decision, and is written down before any row
			return d.record(ctx, func(ledger *plan.Ledger) { ledger.SetAccount(*made) })
		}
		ledger.SetAccount(*made)
		account = ledger.Account(row.OrganizationID)
		if needed, err := d.stillNeeded(ctx, ledger); !needed || err != nil {
			return err
		}
	}
	row.UserID, row.RequestedBy = account.UserID, d.keyOwner()
	notify := !d.operation.Repairs && notifies(settings, account.Notified, d.operation.NewAccess)
	ledger.Put(row)
	if err := d.intend(ctx, ledger); err != nil {
		return err
	}
	return d.ask(ctx, ledger, row, notify)
}

// ask makes a role assignment whose intent is written.
func (d doing) ask(ctx context.Context, ledger plan.Ledger, row v1alpha1.MemberGrant, notify bool) error {
	sent := time.Now()
	created, err := d.kisi.CreateRoleAssignment(ctx, kisi.RoleAssignmentCreate{
		AppliesToType: kisi.TypeGroup, AppliesToID: int64(row.KisiGroupID),
		AssigneeType: kisi.TypeUser, AssigneeID: int64(row.UserID),
		RoleID:    kisi.RoleGroupBasic,
		ValidFrom: instant(row.ValidFrom), ValidUntil: instant(row.ValidUntil),
		Notify: ptr.To(notify),
	})
	switch {
	case err == nil:
		d.learnOverlap(ledger, row, session.Yes)
		if !plan.SameBounds(executor.AssignmentWindow(*created), plan.RowWindow(row), time.Now()) {
			return d.otherBounds(ctx, row, created, notify)
		}
		row.RoleAssignmentID = v1alpha1.KisiID(created.ID)
		d.session.Mirror().Put(executor.MirrorRow(*created))
		return d.made(ctx, row, notify)
	case kisi.OutcomeUnknown(err):
		// The row stays Pending: whether it was made is found out by looking, never by asking again.
		d.inDoubt(row, err)
		return nil
	}
	return d.refused(ctx, row, err, sent)
}

// intend writes the intent down. It carries the resourceVersion that was read: whoever reads a stale cache, or has lost
// its lease, fails here, before Kisi.
func (d doing) intend(ctx context.Context, ledger plan.Ledger) error {
	if err := d.r.replan(ctx, d.p, ledger); err != nil {
		return err
	}
	err := d.r.write(ctx, d.p)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return errStale
	}
	if err != nil {
		return fmt.Errorf("writing the intent: %w", err)
	}
	return nil
}

// errStale says that nothing was done, because the Member has changed since it was read.
var errStale = errors.New("the Member has changed meanwhile; nothing was done")

// made records a row that is in Kisi.
func (d doing) made(ctx context.Context, row v1alpha1.MemberGrant, notified bool) error {
	d.r.setbacks.settled(personOf(d.p.member), row)
	d.r.setbacks.succeeded(personOf(d.p.member), row)
	return d.record(ctx, func(ledger *plan.Ledger) {
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
// there was another one to learn from.
func (d doing) learnOverlap(ledger plan.Ledger, row v1alpha1.MemberGrant, answer session.Answer) bool {
	for _, other := range ledger.Grants {
		// One that is about to be taken away may be gone by now, and teaches nothing.
		if plan.InKisi(other) && other.State != v1alpha1.GrantRevoking && other.OrganizationID == row.OrganizationID && other.KisiGroupID == row.KisiGroupID && other.UserID == row.UserID &&
			plan.RowWindow(other).Overlaps(plan.RowWindow(row)) {
			d.session.Learn(session.Behaviour{Overlap: answer})
			return true
		}
	}
	return false
}

// refused deals with a create that Kisi did not carry out: the intent leaves the ledger, and what stood in the way is
// looked for.
func (d doing) refused(ctx context.Context, row v1alpha1.MemberGrant, cause error, at time.Time) error {
	if !kisi.IsConflict(cause) && !kisi.IsInvalid(cause) {
		if err := d.record(ctx, func(ledger *plan.Ledger) { d.giveUp(ledger, row) }); err != nil {
			return err
		}
		if kisi.IsNotFound(cause) {
			if usable, err := d.checkUser(ctx); err != nil || !usable {
				return err // it is the person who is missing, not the group
			}
			d.r.Enqueuers.DoubtGroup(types.NamespacedName{Namespace: d.p.member.Namespace, Name: string(row.Group)})
		}
		return d.failed(cause)
	}
	assignments, err := d.assignmentsOf(ctx, row.UserID)
	if err != nil {
		if err := d.record(ctx, func(ledger *plan.Ledger) { d.giveUp(ledger, row) }); err != nil {
			return err
		}
		return d.failed(err)
	}
	found, err := d.inTheWay(ctx, assignments, row, at)
	if err != nil {
		return err
	}
	if !kisi.IsDuplicate(cause) && (found.state == v1alpha1.GrantBlocked || found.state == v1alpha1.GrantQueued) {
		found = obstacle{} // the refusal may have to do with something else
	}
	if found.state == "" {
		// A row of another ledger teaches nothing that changes the plan, so asking again at once would go on for ever. Nor
		// does a refusal that may mean something else than the row of ours.
		if !found.ours || !kisi.IsDuplicate(cause) || !d.learnOverlap(d.p.plan.Ledger, row, session.No) {
			_ = d.failed(cause)
		}
		return d.record(ctx, func(ledger *plan.Ledger) { d.giveUp(ledger, row) })
	}
	if !found.again.IsZero() {
		d.r.setbacks.recheckAt(personOf(d.p.member), row, found.again)
	}
	return d.record(ctx, func(ledger *plan.Ledger) {
		row.RoleAssignmentID, row.State = found.id, found.state
		ledger.Put(row)
	})
}

// obstacle is what a complete read of a person has shown about a refused create.
type obstacle struct {
	id    v1alpha1.KisiID     // of a row that turned out to be ours after all
	state v1alpha1.GrantState // empty: nothing that explains it
	ours  bool                // a row of this ledger overlaps
	equal bool                // somebody else's row has the very bounds, for which Kisi may refuse what it takes otherwise
	again time.Time           // when to look again
}

// inTheWay explains why Kisi refused a row for the person.
func (d doing) inTheWay(ctx context.Context, assignments []kisi.RoleAssignment, row v1alpha1.MemberGrant, now time.Time) (obstacle, error) {
	wanted := plan.RowWindow(row)
	var found obstacle
	for _, a := range assignments {
		manages := a.RoleID == kisi.RoleGroupManager // which is never ours, whoever made it
		if a.AppliesToType != kisi.TypeGroup || a.AppliesToID != int64(row.KisiGroupID) || a.RoleID != kisi.RoleGroupBasic && !manages {
			continue
		}
		theirs := executor.AssignmentWindow(a)
		claim, err := d.claimOn(ctx, row, a)
		if err != nil {
			return found, err
		}
		ours := !manages && !claim.shared
		seen := obstacleOf(theirs, wanted, now, claim.any() && ours, d.madeByUs(a) && ours, d.resync())
		if seen.state == v1alpha1.GrantActive {
			d.session.Mirror().Confirm(executor.MirrorRow(a))
			seen.id = v1alpha1.KisiID(a.ID)
			return seen, nil
		}
		if !claim.any() || claim.shared {
			d.session.Mirror().See(executor.MirrorRow(a), now) // otherwise the next plan knows nothing of it, and asks again
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
		return obstacle{state: v1alpha1.GrantCovered, equal: sameAsWritten(theirs, wanted), again: again}
	}
	return obstacle{state: v1alpha1.GrantBlocked, again: again}
}

// weight orders what several rows say: one with the very bounds teaches nothing about rows that overlap; an own row in the way can be replaced, one that covers the window makes the grant
// needless, one that blocks it has to go first; only then is it worth waiting for a row of ours to end.
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

func (d doing) resync() time.Duration {
	return d.p.resync(d.operation.Row.OrganizationID)
}

// claimOn finds the ledgers that have a role assignment of the row's user.
func (d doing) claimOn(ctx context.Context, row v1alpha1.MemberGrant, a kisi.RoleAssignment) (claim, error) {
	return claimOn(ctx, d.r.Client, d.p.member, row.OrganizationID, row.UserID, v1alpha1.KisiID(a.ID))
}

// keyOwner is the user in Kisi whose key is in use.
func (d doing) keyOwner() v1alpha1.KisiID {
	return v1alpha1.KisiID(d.session.Verdict().Identity.UserID)
}

// answers reports whether the role assignment was made with the key by which the row was asked for. It may be another
// person's than the one in use by now: then the row would pass for somebody else's, and never be taken back.
func (d doing) answers(a kisi.RoleAssignment, row v1alpha1.MemberGrant) bool {
	if row.RequestedBy == 0 {
		return d.madeByUs(a)
	}
	return a.CreatedByID != nil && v1alpha1.KisiID(*a.CreatedByID) == row.RequestedBy
}

// madeByUs reports whether the key's owner made the role assignment.
func (d doing) madeByUs(a kisi.RoleAssignment) bool {
	return a.CreatedByID != nil && *a.CreatedByID == d.session.Verdict().Identity.UserID
}

// resolve finds out by a complete read of the person whether a request whose answer was lost was carried out.
func (d doing) resolve(ctx context.Context) error {
	row := d.operation.Row
	if plan.InKisi(row) {
		return d.readBack(ctx, row, false)
	}
	assignments, err := d.assignmentsOf(ctx, row.UserID)
	if err != nil {
		return d.failed(err)
	}
	for _, a := range assignments {
		if a.AppliesToType != kisi.TypeGroup || a.AppliesToID != int64(row.KisiGroupID) || a.RoleID != kisi.RoleGroupBasic || !d.answers(a, row) {
			continue
		}
		if !sameAsWritten(executor.AssignmentWindow(a), plan.RowWindow(row)) {
			continue
		}
		claim, err := d.claimOn(ctx, row, a)
		if err != nil {
			return err
		}
		if !claim.any() {
			row.RoleAssignmentID = v1alpha1.KisiID(a.ID)
			d.session.Mirror().Put(executor.MirrorRow(a))
			return d.made(ctx, row, false)
		}
	}
	if d.onItsWay(row) {
		return nil
	}
	d.r.setbacks.settled(personOf(d.p.member), row)
	d.r.setbacks.inVain(personOf(d.p.member), plan.Operation{Kind: plan.Grant, Row: row})
	return d.record(ctx, func(ledger *plan.Ledger) { d.giveUp(ledger, row) })
}

// inDoubt records that it is not known what became of a request about the row. One that was answered, however badly, is
// over: looking tells at once. One that was not may reach Kisi for as long as a request may take.
func (d doing) inDoubt(row v1alpha1.MemberGrant, err error) {
	d.session.Report(err)
	until := time.Now()
	if !kisi.Answered(err) {
		until = until.Add(d.session.RequestTimeout())
	}
	d.r.setbacks.doubt(personOf(d.p.member), row, until)
}

// onItsWay reports whether a request about the row may still reach Kisi: one of this process, of the one before, or of
// another that should not be there. The operation is then put off until it cannot.
func (d doing) onItsWay(row v1alpha1.MemberGrant) bool {
	who := personOf(d.p.member)
	certain := d.r.setbacks.doubtUntil(who, row)
	if certain.IsZero() {
		// Not a request of this process: whoever wrote the intent may just be sending it.
		certain = time.Now().Add(d.session.RequestTimeout())
		d.r.setbacks.doubt(who, row, certain)
	}
	if !certain.After(time.Now()) {
		return false
	}
	d.r.setbacks.postponed(who, d.operation.ID(), certain)
	return true
}

// read reads the role assignment of a row by its id. One of another assignee or group is an error.
func (d doing) read(ctx context.Context, row v1alpha1.MemberGrant) (*kisi.RoleAssignment, error) {
	return d.kisi.RoleAssignment(ctx, int64(row.RoleAssignmentID), kisi.RoleAssignmentFilter{
		AssigneeType: kisi.TypeUser, AssigneeID: int64(row.UserID), AppliesToType: kisi.TypeGroup, AppliesToID: int64(row.KisiGroupID),
	})
}

// assignmentsOf reads everything that is assigned to the person itself, and not to a team of theirs; a list that may lack
// something is an error.
func (d doing) assignmentsOf(ctx context.Context, userID v1alpha1.KisiID) ([]kisi.RoleAssignment, error) {
	filter := kisi.RoleAssignmentFilter{AssigneeType: kisi.TypeUser, AssigneeID: int64(userID)}
	listing, err := listed(func() (kisi.Listing[kisi.RoleAssignment], error) { return d.kisi.ListRoleAssignments(ctx, filter) })
	if err != nil {
		return nil, err
	}
	if !listing.Complete() {
		return nil, &failure.IncompleteListError{Doing: "reading the person's assignments", Why: listing.Incomplete}
	}
	expected := map[int64]bool{}
	for _, row := range d.p.plan.Ledger.Grants {
		if row.UserID == userID && row.OrganizationID == d.operation.Row.OrganizationID && plan.InKisi(row) && !plan.RowWindow(row).Ended(d.p.input.Now) {
			expected[int64(row.RoleAssignmentID)] = true
		}
	}
	if len(listing.Items) == 0 || executor.LacksAny(listing.Items, expected) {
		if err := d.kisi.Confirm(ctx); err != nil {
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

func sameAsWritten(a, b entitlement.Window) bool {
	return a.From.Equal(b.From) && a.Until.Equal(b.Until)
}
