package member

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
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
		members, err := tenant.Ledgers{Reader: r.Client}.By(ctx, index, value)
		if err != nil {
			return false, fmt.Errorf("looking for other Members of user %d: %w", account.UserID, err)
		}
		for _, other := range members {
			key := client.ObjectKeyFromObject(other)
			if asked[key] || tenant.PersonOf(other) == tenant.PersonOf(p.member) {
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
	p := &person{member: member, primary: entitlement.Primary(all)}
	if p.primary != nil && p.primary.UID != member.UID {
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
				members, err := tenant.Ledgers{Reader: reader}.By(ctx, index, value)
				if err != nil {
					enqueue.LogMapError(ctx, "Members that share a user", err)
					continue
				}
				for _, other := range members {
					if tenant.PersonOf(other) != tenant.PersonOf(member) {
						woken[enqueue.RequestFor(other)] = true
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
