package member

import (
	"context"
	"fmt"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// replan makes the plan for a ledger that may differ from the Member's recorded one, of what is so now.
func (r *Reconciler) replan(ctx context.Context, p *person, ledger plan.Ledger, now time.Time) error {
	if err := r.gather(p, ledger, now); err != nil {
		return err
	}
	return r.weigh(ctx, p, ledger)
}

// weigh makes the plan for another ledger, of what was gathered for the same step.
func (r *Reconciler) weigh(ctx context.Context, p *person, ledger plan.Ledger) error {
	if err := r.compare(ctx, p, ledger); err != nil {
		return err
	}
	if err := r.planLogins(ctx, p); err != nil { // before the user whose login it is goes
		return err
	}
	operations, err := r.userOperations(ctx, p)
	p.plan.Operations = append(p.plan.Operations, operations...)
	return err
}

// gather finds out what the person should have, and in which groups that is.
func (r *Reconciler) gather(p *person, ledger plan.Ledger, now time.Time) error {
	entitlements, err := entitlement.For(p.snapshot.Objects, p.member, now)
	if err != nil {
		return fmt.Errorf("deciding what the person should have: %w", err)
	}
	p.whileNamed(entitlements)
	if !p.member.DeletionTimestamp.IsZero() && !p.stays && (entitlement.IsImplicit(p.member) || p.namespaceGoing) {
		entitlements = entitlement.Entitlements{} // nobody is left to take anything over, so all of it is taken back
	}
	p.input = plan.Input{Now: now, Entitlements: entitlements, Targets: map[v1alpha1.ObjectName]plan.Target{}}
	for _, e := range entitlements.Groups {
		if err := p.target(e.Group); err != nil {
			return err
		}
	}
	adopting, err := r.adopting(p, ledger)
	if err != nil {
		return err
	}
	for _, name := range adopting {
		if err := p.target(name); err != nil {
			return err
		}
	}
	return nil
}

// target finds out, once, what the name of a KisiGroup stands for.
func (p *person) target(name v1alpha1.ObjectName) error {
	if _, known := p.input.Targets[name]; known {
		return nil
	}
	target, err := p.snapshot.Target(name)
	if err != nil {
		return err
	}
	p.input.Targets[name] = target
	if target.State != plan.TargetMissing && p.snapshot.Opening[target.OrganizationID] {
		p.opening = true
	}
	return nil
}

// compare plans the person's rows.
func (r *Reconciler) compare(ctx context.Context, p *person, ledger plan.Ledger) error {
	for _, row := range ledger.Grants {
		if err := p.target(row.Group); err != nil {
			return err
		}
		if p.snapshot.Opening[row.OrganizationID] {
			p.opening = true
		}
	}
	p.input = plan.Input{
		Now:          p.input.Now,
		Entitlements: p.input.Entitlements,
		Targets:      p.input.Targets,
		Connections:  p.snapshot.Connections,
		Ledger:       ledger,
		Address:      entitlement.Fold(p.member.Spec.Email),
		Leaving:      !p.member.DeletionTimestamp.IsZero() && !p.stays,
		Handing:      p.owesFormer,
		AbandonedBy:  abandoner(p.member),
		Refused:      r.Executor.Backoffs.Refusals(p.who),
	}
	if err := r.observe(ctx, p); err != nil {
		return err
	}
	p.input.Ledger.Accounts = r.withImported(p, p.input.Ledger.Accounts)
	p.input.Doubted = r.doubted(p, p.input.Ledger)
	p.input.Reinstate = reinstates(p.member)
	p.plan = plan.Make(p.input)
	p.find(p.plan.Findings)
	return nil
}

// whileNamed has an implicit Member that somebody deletes serve the person on, as long as a source names the person and
// something in Kisi is to be guarded. No other Member can take that over, and to take it back first would lock the person out
// until the next implicit Member has let them in again.
func (p *person) whileNamed(entitlements entitlement.Entitlements) {
	if p.member.DeletionTimestamp.IsZero() || !entitlement.IsImplicit(p.member) {
		return
	}
	if p.primary == p.member { // decided before, for another ledger
		p.primary = nil
	}
	p.stays = p.primary == nil && !p.namespaceGoing && !tenant.Abandons(p.member) && entitlements.Named && plan.LedgerOf(p.member).Guarded()
	if p.stays {
		p.primary = p.member
	}
}
