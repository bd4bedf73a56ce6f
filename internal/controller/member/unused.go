package member

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
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
			if asked[key] || tenant.PersonOf(other) == p.who {
				continue
			}
			asked[key] = true
			wants, err := r.wants(ctx, other, account.OrganizationID, p.input.Now)
			if wants || err != nil {
				return wants, err
			}
		}
	}
	return false, nil
}

// wants reports whether the Member, if it stands for its address, wants something in the organization, now or later.
func (r *Reconciler) wants(ctx context.Context, member *v1alpha1.Member, organization v1alpha1.KisiID, now time.Time) (bool, error) {
	in := tenant.In(ctx, tenant.Pin(r.Client, member), member.Namespace)
	all, err := in.Members(entitlement.Fold(member.Spec.Email))
	if err != nil {
		return false, err
	}
	p := &person{who: tenant.PersonOf(member), member: member, primary: entitlement.Primary(all)}
	if p.primary != nil && p.primary.UID != member.UID {
		return false, nil // who stands is asked
	}
	if p.snapshot, err = tenant.TakeSnapshot(in, r.Sessions, false); err != nil {
		return false, err
	}
	ledger := plan.LedgerOf(member)
	if err := r.gather(p, ledger, now); err != nil {
		return false, err
	}
	if err := r.compare(ctx, p, ledger); err != nil {
		return false, err
	}
	return p.plan.Wants(organization), nil
}
