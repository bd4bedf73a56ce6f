package member

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// ledger is the person's ledger in the Member's status, for the executor.
type ledger struct {
	r *Reconciler
	p *person
}

// Plan implements executor.Ledger.
func (l ledger) Plan(ctx context.Context, changed plan.Ledger) (plan.Plan, error) {
	err := l.r.replan(ctx, l.p, changed, time.Now()) // Kisi was waited for
	return l.p.plan, err
}

// Intend implements executor.Ledger. What it writes carries the resourceVersion that was read.
func (l ledger) Intend(ctx context.Context, intended plan.Ledger) (plan.Plan, error) {
	if err := l.r.weigh(ctx, l.p, intended); err != nil {
		return l.p.plan, err
	}
	before := l.p.member.ResourceVersion
	err := l.r.write(ctx, l.p)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return l.p.plan, executor.ErrStale
	}
	if err != nil {
		return l.p.plan, fmt.Errorf("writing the intent: %w", err)
	}
	l.r.echoes.expect(l.p.member, before) // the end of the operation enqueues it
	return l.p.plan, nil
}

// Record implements executor.Ledger.
func (l ledger) Record(ctx context.Context, apply func(*plan.Ledger)) error {
	return l.r.record(ctx, l.p, apply)
}

// observer passes on what an operation comes upon.
type observer struct {
	r *Reconciler
	p *person
}

// GroupNotFound implements executor.Observer.
func (o observer) GroupNotFound(group types.NamespacedName) { o.r.Enqueuers.DoubtGroup(group) }

// UserRead implements executor.Observer.
func (o observer) UserRead(account v1alpha1.MemberAccount) { o.r.users.looked(o.p.member, account) }

// UserGone implements executor.Observer.
func (o observer) UserGone(organizationID, userID v1alpha1.KisiID) {
	o.r.Imports.Gone(organizationID, int64(userID))
}

// Found implements executor.Observer.
func (o observer) Found(finding plan.Finding) { o.r.reportFindings(o.p, finding) }

// Recovered implements executor.Observer.
func (o observer) Recovered(members []types.NamespacedName) {
	for _, name := range members {
		o.r.Enqueuers.Members.EnqueueBehind(reconcile.Request{NamespacedName: name})
	}
}

// record applies what Kisi has answered to the ledger as it is by now, however it has changed meanwhile. What the status says
// with it is of the step that the answer ends; the end of the operation enqueues the Member, which is looked at anew then.
func (r *Reconciler) record(ctx context.Context, p *person, apply func(*plan.Ledger)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	name, again := client.ObjectKeyFromObject(p.member), false
	return retry.RetryOnConflict(conflicts.Backoff, func() error {
		member := p.member
		if again {
			member = &v1alpha1.Member{}
			if err := r.APIReader.Get(ctx, name, member); err != nil {
				return client.IgnoreNotFound(err)
			}
		}
		ledger := plan.LedgerOf(member)
		apply(&ledger)
		with, err := r.withAnswer(ctx, p, member, ledger)
		if err != nil {
			return err
		}
		again = true
		before := with.member.ResourceVersion
		if err := r.write(ctx, with); err != nil {
			return client.IgnoreNotFound(err) // a Member that is gone has nothing in Kisi any more
		}
		r.echoes.expect(with.member, before)
		return nil
	})
}

// withAnswer makes the plan for a ledger that has an answer of Kisi's. One for which something is to be taken back is made of
// what is so by now.
func (r *Reconciler) withAnswer(ctx context.Context, p *person, member *v1alpha1.Member, ledger plan.Ledger) (*person, error) {
	if member != p.member || !member.DeletionTimestamp.IsZero() {
		return r.lookWith(ctx, member, ledger)
	}
	if err := r.weigh(ctx, p, ledger); err != nil || !p.plan.Revokes() {
		return p, err
	}
	return r.lookWith(ctx, member, ledger)
}
