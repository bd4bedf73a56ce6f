package member

import (
	"context"
	"fmt"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// lookElsewhereEvery is how often it is asked again whether another namespace still wants a user: what it wants later
// than grantAhead can go without any Member changing.
const lookElsewhereEvery = 10 * time.Minute

// wantedElsewhere reports whether a Member of another namespace wants something of the account's user: one that has the
// user in its ledger, or would come upon it by its address.
func (r *Reconciler) wantedElsewhere(ctx context.Context, p *person, account v1alpha1.MemberAccount) (bool, error) {
	asked := map[client.ObjectKey]bool{}
	for index, value := range map[string]string{
		tenant.ByUser:    tenant.UserIndex(account.OrganizationID, account.UserID),
		tenant.ByAddress: string(entitlement.Fold(p.member.Spec.Email)),
	} {
		var members v1alpha1.MemberList
		if err := r.List(ctx, &members, client.MatchingFields{index: value}, client.UnsafeDisableDeepCopy); err != nil {
			return false, fmt.Errorf("looking for other Members of user %d: %w", account.UserID, err)
		}
		for i := range members.Items {
			other := &members.Items[i]
			key := client.ObjectKeyFromObject(other)
			if asked[key] || personOf(other) == personOf(p.member) {
				continue
			}
			asked[key] = true
			wants, err := r.wants(ctx, other, account.OrganizationID)
			if wants || err != nil {
				return wants, err
			}
		}
	}
	return false, nil
}

// wants reports whether the Member, if it stands for its address, wants something in the organization, now or later.
func (r *Reconciler) wants(ctx context.Context, member *v1alpha1.Member, organization v1alpha1.KisiID) (bool, error) {
	in := tenant.In(ctx, tenant.Pin(r.Client, member), member.Namespace)
	all, err := in.Members(entitlement.Fold(member.Spec.Email))
	if err != nil {
		return false, err
	}
	p := &person{member: member, standing: entitlement.Standing(all)}
	if p.standing != nil && p.standing.UID != member.UID {
		return false, nil // who stands is asked
	}
	if p.snapshot, err = tenant.TakeSnapshot(in, r.Sessions, false); err != nil {
		return false, err
	}
	if err := r.compare(ctx, p, plan.LedgerOf(member)); err != nil {
		return false, err
	}
	return p.plan.Wants(organization), nil
}

// sharingUser wakes the Members of other people that have the same user, and those of other namespaces that have the same
// address: whether a user is unused depends on all of them, and of a Member whose address was changed, rows move on.
func sharingUser(reader client.Reader) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		member := object.(*v1alpha1.Member)
		values := map[string][]string{tenant.ByUser: tenant.MemberUsers(member), tenant.ByAddress: tenant.MemberAddress(member)}
		woken := map[reconcile.Request]bool{}
		for index, all := range values {
			for _, value := range all {
				var members v1alpha1.MemberList
				if err := reader.List(ctx, &members, client.MatchingFields{index: value}, client.UnsafeDisableDeepCopy); err != nil {
					enqueue.LogMapError(ctx, "Members that share a user", err)
					continue
				}
				for i := range members.Items {
					if personOf(&members.Items[i]) != personOf(member) {
						woken[enqueue.RequestFor(&members.Items[i])] = true
					}
				}
			}
		}
		requests := make([]reconcile.Request, 0, len(woken))
		for request := range woken {
			requests = append(requests, request)
		}
		return requests
	}
}

// enableUser ends a suspension of ours.
func (d doing) enableUser(ctx context.Context) error {
	organization := d.operation.Row.OrganizationID
	account := d.p.plan.Ledger.Account(organization)
	if account == nil {
		return nil
	}
	if account.Access == v1alpha1.AccountSuspending && d.onItsWay(d.operation.Row) {
		return nil // the request to suspend must not come after the one to enable
	}
	err := d.kisi.UpdateUser(ctx, int64(account.UserID), kisi.UserUpdate{AccessEnabled: ptr.To(true)})
	if kisi.IsNotFound(err) {
		_, err := d.checkUser(ctx)
		return err
	}
	if err != nil {
		return d.failed(err)
	}
	d.wroteUser(account.UserID, mirror.Changed)
	d.r.setbacks.settled(personOf(d.p.member), d.operation.Row)
	return d.access(ctx, *account, v1alpha1.AccountEnabled)
}

// access records whether the account's user may open doors.
func (d doing) access(ctx context.Context, account v1alpha1.MemberAccount, value v1alpha1.AccountAccess) error {
	return d.record(ctx, func(ledger *plan.Ledger) {
		if current := ledger.Account(account.OrganizationID); current != nil && current.UserID == account.UserID {
			current.Access = value
		}
	})
}

// disposeOfUser suspends or deletes a user created here of whom nothing is wanted any more, unless Kisi holds anything for
// the user: intent, act, result.
func (d doing) disposeOfUser(ctx context.Context) error {
	ledger := d.p.plan.Ledger
	account := ledger.Account(d.operation.Row.OrganizationID)
	if account == nil {
		return nil
	}
	before := *account
	holds, err := d.holdsAnything(ctx, account.UserID)
	if err != nil {
		return d.failed(err)
	}
	if holds {
		d.r.setbacks.postponed(personOf(d.p.member), d.operation.ID(), time.Now().Add(d.resync()))
		return nil
	}
	if account.Access = v1alpha1.AccountSuspending; d.operation.Kind == plan.DeleteUser {
		account.Access = v1alpha1.AccountDeleting
	}
	if err := d.intend(ctx, ledger); err != nil {
		return err
	}
	act := mirror.Changed
	if d.operation.Kind == plan.DeleteUser {
		act, err = mirror.Removed, d.kisi.DeleteUser(ctx, int64(before.UserID))
	} else {
		err = d.kisi.UpdateUser(ctx, int64(before.UserID), kisi.UserUpdate{AccessEnabled: ptr.To(false)})
	}
	if err == nil {
		d.wroteUser(before.UserID, act)
	}
	return d.disposed(ctx, before, err)
}

// disposed records what has become of the intent.
func (d doing) disposed(ctx context.Context, before v1alpha1.MemberAccount, err error) error {
	switch {
	case d.operation.Kind == plan.DeleteUser && (err == nil || kisi.IsNotFound(err)):
		return d.record(ctx, func(ledger *plan.Ledger) {
			if current := ledger.Account(before.OrganizationID); current != nil && current.UserID == before.UserID {
				ledger.RemoveAccount(before.OrganizationID)
			}
		})
	case err == nil:
		d.r.setbacks.settled(personOf(d.p.member), d.operation.Row)
		return d.access(ctx, before, v1alpha1.AccountSuspendedByUs)
	case kisi.IsNotFound(err):
		_, err := d.checkUser(ctx)
		return err
	case kisi.OutcomeUnknown(err):
		// The intent stays: it is carried out again, or found out if the person comes back first.
		d.inDoubt(d.operation.Row, err)
		return d.failed(err)
	}
	if err := d.access(ctx, before, before.Access); err != nil {
		return err
	}
	return d.failed(err)
}

// holdsAnything reads, completely, whether Kisi holds a role of any scope or a team membership for the user. The owners of
// the key and of the organization hold more than that: nothing works without them, and whether Kisi lists a role of an
// owner's is not documented.
func (d doing) holdsAnything(ctx context.Context, userID v1alpha1.KisiID) (bool, error) {
	if userID == d.keyOwner() {
		return true, nil
	}
	organization, err := d.kisi.Organization(ctx)
	if err != nil || organization.OwnerID != nil && *organization.OwnerID == int64(userID) {
		return true, err
	}
	assignments, err := d.assignmentsOf(ctx, userID)
	if err != nil || len(assignments) > 0 {
		return true, err
	}
	memberships, err := d.kisi.ListTeamMemberships(ctx, kisi.TeamMembershipFilter{MemberType: kisi.TypeUser, MemberID: int64(userID)})
	if err != nil {
		return true, err
	}
	if !memberships.Complete() {
		return true, &failure.IncompleteListError{Doing: "reading the person's teams", Why: memberships.Incomplete}
	}
	return len(memberships.Items) > 0, nil
}
