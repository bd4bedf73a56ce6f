package member

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// write records the plan's ledger and verdict, if they say anything new.
func (r *Reconciler) write(ctx context.Context, p *person) error {
	before := p.member.Status.DeepCopy()
	p.describe(&p.member.Status, r.Executor.Backoffs.Trouble(p.who))
	r.describeLogins(p, &p.member.Status)
	if equality.Semantic.DeepEqual(before, &p.member.Status) {
		return nil
	}
	if err := r.updateStatus(ctx, p.member); err != nil {
		return err
	}
	logDecisions(ctx, p.member, before)
	for group := range p.plan.Waiting {
		r.Enqueuers.Groups.Enqueue(enqueue.RequestNamed(p.member.Namespace, string(group))) // it may have waited for somebody to want it
	}
	r.reportFindings(p, p.findings...)
	p.findings = nil
	return nil
}

// updateStatus writes a Member's status, and before it the finalizer that guards what the ledger has in Kisi. It is the one
// way in which a ledger is written.
func (r *Reconciler) updateStatus(ctx context.Context, member *v1alpha1.Member) error {
	if member.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(member, v1alpha1.Finalizer) && plan.LedgerOf(member).Guarded() {
		status := member.Status.DeepCopy()
		if err := finalizers.Add(ctx, r.Client, member); err != nil { // the answer brings the status as it was
			return err
		}
		member.Status = *status
	}
	return r.Status().Update(ctx, member)
}

// describe writes the plan into a status.
func (p *person) describe(status *v1alpha1.MemberStatus, setback failure.Failure) {
	status.ObservedGeneration = p.member.Generation
	status.Accounts, status.Logins, status.Grants = p.plan.Ledger.Accounts, p.plan.Ledger.Logins, p.plan.Ledger.Grants
	status.Planned, status.PlannedCount = p.plan.Planned, int32(p.plan.PlannedCount) // #nosec G115 -- bounded by the ledger
	v := conditions.Explain(setback, plan.Judge(p.input, p.plan))
	if problem := limit.ApprovalOf(p.member, p.input.Now).Problem; problem != "" && v.Reason == v1alpha1.ReasonRevocationsHeld {
		v.Message += "; " + problem
	}
	if p.stays {
		v.Message += "; its deletion waits until no booking or subscription names the person: delete those, or annotate it with " +
			v1alpha1.AbandonAnnotation + "=true to leave in Kisi what it has there"
	}
	conditions.Summarize(&status.Conditions, p.member.Generation, v)
	describeAddress(&status.Conditions, p.member.Generation, status.Accounts)
	if reinstates(p.member) {
		status.Reinstated = reinstateValue(p.member)
	}
}
