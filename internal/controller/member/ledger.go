package member

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
	p, err := l.Plan(ctx, intended)
	if err != nil {
		return p, err
	}
	err = l.r.write(ctx, l.p)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return p, executor.ErrStale
	}
	if err != nil {
		return p, fmt.Errorf("writing the intent: %w", err)
	}
	return p, nil
}

// Record implements executor.Ledger.
func (l ledger) Record(ctx context.Context, apply func(*plan.Ledger)) error {
	return l.r.record(ctx, l.p.member, apply)
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

// record applies what Kisi has answered to the ledger as it is by now, however it has changed meanwhile.
func (r *Reconciler) record(ctx context.Context, member *v1alpha1.Member, apply func(*plan.Ledger)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	fresh := member
	return retry.RetryOnConflict(conflicts.Backoff, func() error {
		if fresh == nil {
			fresh = &v1alpha1.Member{}
			if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(member), fresh); err != nil {
				return client.IgnoreNotFound(err)
			}
		}
		current := fresh
		fresh = nil
		ledger := plan.LedgerOf(current)
		apply(&ledger)
		p, err := r.lookWith(ctx, current, ledger)
		if err != nil {
			return err
		}
		return client.IgnoreNotFound(r.write(ctx, p)) // a Member that is gone has nothing in Kisi any more
	})
}
