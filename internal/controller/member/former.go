package member

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/implicit"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// A Member whose spec.email was changed has another user in Kisi from then on. The one before stays the user of the earlier
// address: if somebody stands for that address by now, or a source still names it, the user and what is still wanted of it
// move there as they are. Everything else the Member takes back itself, once the new user is in.

// lookForFormers finds out who has something to hand over to the Member because its address was theirs, and whether the
// Member has to somebody else.
func (r *Reconciler) lookForFormers(ctx context.Context, in tenant.Objects, p *person, now time.Time) error {
	formers, err := tenant.CaughtUp(ctx, r.Client, p.member, func() ([]*v1alpha1.Member, error) {
		var formers v1alpha1.MemberList
		err := in.List(&formers, tenant.ByFormer, string(entitlement.Fold(p.member.Spec.Email)))
		return tenant.Pointers(formers.Items), err
	})
	if err != nil {
		return err
	}
	for _, former := range formers {
		if former.UID != p.member.UID {
			p.formers = append(p.formers, former)
		}
	}
	for _, account := range tenant.FormerAccounts(p.member) {
		successor, owed, err := r.successorOf(ctx, in, p.member, account, now)
		if err != nil {
			return err
		}
		if successor == nil {
			p.owesFormer = p.owesFormer || owed
			continue
		}
		ledger := plan.LedgerOf(p.member)
		has := plan.LedgerOf(successor).AccountUnder(account.OrganizationID, entitlement.Fold(account.Email)) != nil
		p.owesFormer = p.owesFormer || !has || plan.ReleaseFormer(&ledger, plan.LedgerOf(successor), entitlement.Fold(account.Email))
	}
	return nil
}

// successorOf returns who stands for the account's address by now; where nobody does, whether somebody has to.
func (r *Reconciler) successorOf(ctx context.Context, in tenant.Objects, member *v1alpha1.Member, account v1alpha1.MemberAccount, now time.Time) (successor *v1alpha1.Member, owed bool, err error) {
	members, err := r.membersOf(ctx, in, member, entitlement.Fold(account.Email))
	if err != nil {
		return nil, false, err
	}
	if successor = entitlement.Primary(members); successor != nil {
		return successor, true, nil
	}
	wanted, err := entitlement.For(in, entitlement.ImplicitMember(in.Namespace, formerPerson(account)), now)
	if err != nil {
		return nil, false, fmt.Errorf("deciding what the earlier address should have: %w", err)
	}
	return nil, len(wanted.Groups)+len(wanted.Frozen) > 0, nil
}

func formerPerson(account v1alpha1.MemberAccount) entitlement.Invitee {
	return entitlement.Invitee{Address: entitlement.Fold(account.Email), Email: account.Email, Name: account.FullName}
}

// handFormerOver lets go of what those who stand for earlier addresses have taken by now, and waits for the others. Until
// then nothing else is done for the Member: what is asked of Kisi would be asked of two users at once.
func (r *Reconciler) handFormerOver(ctx context.Context, p *person) (reconcile.Result, error) {
	ledger := plan.LedgerOf(p.member)
	released := false
	for _, account := range tenant.FormerAccounts(p.member) {
		successor, owed, err := r.successorOf(ctx, p.snapshot.Objects, p.member, account, p.input.Now)
		switch {
		case err != nil:
			return reconcile.Result{}, err
		case successor == nil && owed:
			if err := implicit.Ensure(ctx, r.Client, p.member.Namespace, formerPerson(account)); err != nil && !implicit.IsNameTaken(err) {
				return reconcile.Result{}, err
			}
			continue
		case successor == nil:
			continue
		}
		live := &v1alpha1.Member{} // its ledger is the only one from now on
		err = r.APIReader.Get(ctx, client.ObjectKeyFromObject(successor), live)
		if err != nil && !apierrors.IsNotFound(err) {
			return reconcile.Result{}, fmt.Errorf("reading the Member that an earlier address's user goes to: %w", err)
		}
		if err == nil && live.UID == successor.UID {
			released = plan.ReleaseFormer(&ledger, plan.LedgerOf(live), entitlement.Fold(account.Email)) || released
		}
		r.Enqueuers.Members.Enqueue(enqueue.RequestFor(successor))
	}
	if !released {
		return reconcile.Result{RequeueAfter: time.Second}, nil
	}
	p.member.Status.Accounts, p.member.Status.Grants = ledger.Accounts, ledger.Grants
	return reconcile.Result{}, conflicts.Ignore(r.updateStatus(ctx, p.member), "handing over")
}

// takeFormer takes into the ledger what Members have of the person because they had the address before. What the cache says
// of them is not enough, since it is taken only once. It returns their names.
func (r *Reconciler) takeFormer(ctx context.Context, p *person, ledger *plan.Ledger) ([]string, error) {
	address := entitlement.Fold(p.member.Spec.Email)
	var givers []string
	for _, former := range p.formers {
		cached := plan.Ledger{Accounts: slices.Clone(ledger.Accounts), Grants: slices.Clone(ledger.Grants)}
		if !plan.TakeFormer(&cached, plan.LedgerOf(former), address, p.wantsFormer) {
			continue
		}
		live := &v1alpha1.Member{}
		err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(former), live)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the Member that had the address before: %w", err)
		}
		if entitlement.Fold(live.Spec.Email) != address && plan.TakeFormer(ledger, plan.LedgerOf(live), address, p.wantsFormer) {
			givers = append(givers, live.Name)
		}
	}
	return givers, nil
}

// wantsFormer reports whether something gives the person the row's group, or may have: what contradicts itself keeps what
// it gave.
func (p *person) wantsFormer(row v1alpha1.MemberGrant) bool {
	for _, entitlement := range p.input.Entitlements.Groups {
		if entitlement.Group == row.Group {
			return true
		}
	}
	return slices.ContainsFunc(row.Sources, func(source string) bool {
		_, frozen := p.input.Entitlements.Frozen[source]
		return frozen
	})
}
