package member

import (
	"context"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// person is everything that bears on one Member at one moment.
type person struct {
	who      string // as tenant.PersonOf names them
	member   *v1alpha1.Member
	others   []*v1alpha1.Member // those of the same address, whoever stands
	formers  []*v1alpha1.Member // those that had this address before, and have accounts under it
	primary  *v1alpha1.Member   // nil if nobody does
	snapshot *tenant.Snapshot
	input    plan.Input
	plan     plan.Plan
	opening  bool
	// owesFormer says that the Member has yet to hand over what it has under an earlier address.
	owesFormer bool
	// stays says that the Member is being deleted and serves the person on: see whileNamed.
	stays bool
	// sharesUser says that another namespace wants a user of the person.
	sharesUser bool
	// findings are to be reported once the ledger has taken them down.
	findings []plan.Finding
	// namespaceGoing is known for a Member that is being deleted, or loses something.
	namespaceGoing bool

	loginTerms   map[v1alpha1.KisiID]plan.LoginTerms
	storedLogins map[v1alpha1.MemberLogin]bool // of the plan's ledger
}

// look gathers everything that bears on the Member and makes the plan for it.
func (r *Reconciler) look(ctx context.Context, member *v1alpha1.Member) (*person, error) {
	return r.lookWith(ctx, member, plan.LedgerOf(member))
}

// lookWith is look for a ledger that may differ from the Member's recorded one.
func (r *Reconciler) lookWith(ctx context.Context, member *v1alpha1.Member, ledger plan.Ledger) (*person, error) {
	in := tenant.In(ctx, tenant.Pin(tenant.Cached(r.Client), member), member.Namespace)
	all, err := r.membersOf(ctx, in, member, entitlement.Fold(member.Spec.Email))
	if err != nil {
		return nil, err
	}
	now := time.Now() // what is being written of the person was waited for
	p := &person{who: tenant.PersonOf(member), member: member, primary: entitlement.Primary(all)}
	for _, other := range all {
		if other.UID != member.UID {
			p.others = append(p.others, other)
		}
	}
	if err := r.lookForFormers(ctx, in, p, now); err != nil {
		return nil, err
	}
	if !member.DeletionTimestamp.IsZero() {
		return p, r.lookWhereGoing(ctx, in, p, ledger, now)
	}
	if err := r.lookAround(ctx, in, p, ledger, now); err != nil || !p.plan.Revokes() {
		return p, err
	}
	return p, r.lookWhereGoing(ctx, in, p, ledger, now)
}

// membersOf returns the Members of an address, with all that this process has written of them.
func (r *Reconciler) membersOf(ctx context.Context, in tenant.Objects, read *v1alpha1.Member, address entitlement.Address) ([]*v1alpha1.Member, error) {
	return tenant.CaughtUp(ctx, r.Client, read, func() ([]*v1alpha1.Member, error) { return in.Members(address) })
}

// lookAround surveys the namespace and makes the plan.
func (r *Reconciler) lookAround(ctx context.Context, in tenant.Objects, p *person, ledger plan.Ledger, now time.Time) (err error) {
	if p.snapshot, err = tenant.TakeSnapshot(in, r.Sessions, p.namespaceGoing); err != nil {
		return err
	}
	return r.replan(ctx, p, ledger, now)
}

// lookWhereGoing looks around knowing whether the namespace is being deleted. Its objects go one after the other then, and
// what the Members lose by that is not what anybody asked to be taken back.
func (r *Reconciler) lookWhereGoing(ctx context.Context, in tenant.Objects, p *person, ledger plan.Ledger, now time.Time) (err error) {
	if p.namespaceGoing, err = tenant.NamespaceGoing(ctx, r.APIReader, p.member.Namespace); err != nil {
		return err
	}
	if p.snapshot != nil && !p.namespaceGoing {
		return nil
	}
	return r.lookAround(ctx, in, p, ledger, now)
}
