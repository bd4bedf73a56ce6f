package member

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Reconciler keeps what every person has in Kisi equal to what the person should have. The unit of work is one
// person: everything that an address should have is compared with everything in the ledger, in one reconcile.
type Reconciler struct {
	client.Client
	// APIReader reads past the cache.
	APIReader client.Reader
	Sessions  *session.Pool
	Enqueuers *enqueue.Enqueuers
	Imports   *imports.Users
	// Allowances of the revocation limit.
	Allowances *limit.Allowances
	Recorder   events.EventRecorder
	// Executor carries out the operations of the plans.
	Executor executor.Executor
	// OnFinding, if set, is told of every difference that somebody made in Kisi, and through which connection, for metrics.
	OnFinding func(types.NamespacedName, plan.FindingKind)
	// OnMissing, if set, is told what Kisi should hold of a Member's person and does not, at every look, for metrics.
	OnMissing func(types.NamespacedName, []plan.MissingWindow)

	turns     turns
	flights   flights
	echoes    echoes
	users     userLooks
	addresses addresses
}

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Member{}, builder.WithPredicates(r.news())).
		Owns(&corev1.Secret{}, builder.OnlyMetadata). // with the person's logins
		WatchesRawSource(r.Enqueuers.Members.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 8})
	return enqueue.Add(b, Watches(tenant.Cached(mgr.GetClient()))...).Complete(r)
}

// Reconcile brings one Member up to date.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	member := &v1alpha1.Member{}
	in := tenant.In(ctx, r.Client, request.Namespace)
	if err := r.Get(ctx, request.NamespacedName, member); apierrors.IsNotFound(err) {
		return reconcile.Result{}, r.forgetMember(in, request.NamespacedName)
	} else if err != nil {
		return reconcile.Result{}, err
	}
	if err := r.forgetPerson(in, r.addresses.note(member)); err != nil {
		return reconcile.Result{}, err
	}
	if r.flights.running(tenant.PersonOf(member), request) {
		return reconcile.Result{}, nil // the end of the operation wakes it
	}
	end, err := r.turns.take(ctx, tenant.PersonOf(member))
	if err != nil {
		return reconcile.Result{}, err
	}
	defer end()
	p, err := r.look(ctx, member)
	if err != nil {
		return reconcile.Result{}, err
	}
	r.miss(p)
	switch {
	case p.opening:
		return reconcile.Result{}, nil // the session wakes it
	case !member.DeletionTimestamp.IsZero() && !p.stays:
		return r.leave(ctx, p)
	case p.primary.UID != member.UID:
		return r.yield(ctx, p)
	}
	return r.serve(ctx, p)
}

// serve is for the Member who stands for the person.
func (r *Reconciler) serve(ctx context.Context, p *person) (reconcile.Result, error) {
	// Before anything is taken over, which asks nothing of Kisi.
	if renamed, err := r.followName(ctx, p); renamed || err != nil {
		return reconcile.Result{}, err // the write wakes it
	}
	if taken, err := r.takeOver(ctx, p); taken || err != nil {
		return reconcile.Result{}, err // the write wakes both sides
	}
	if p.owesFormer {
		return r.handFormerOver(ctx, p)
	}
	if moved, err := r.settleLoginNames(ctx, p); moved || err != nil {
		return reconcile.Result{}, err
	}
	if entitlement.IsImplicit(p.member) && !p.input.Entitlements.Named && p.input.Ledger.Empty() && !p.plan.Adopts && !owed(p) && !p.remembers(p.plan.Ledger) && !r.imported(p) {
		return reconcile.Result{}, r.remove(ctx, p.member)
	}
	return r.act(ctx, p)
}

// act starts the next operation and says in the status how the person stands.
func (r *Reconciler) act(ctx context.Context, p *person) (reconcile.Result, error) {
	if decided, err := r.decide(ctx, p); decided || err != nil {
		return reconcile.Result{}, err // the write wakes it
	}
	operation, again := r.next(p)
	if operation != nil && p.member.DeletionTimestamp.IsZero() {
		if err := finalizers.Add(ctx, r.Client, p.member); err != nil {
			return reconcile.Result{}, conflicts.Ignore(err, "preparing the Member")
		}
	}
	quiet := time.Duration(0)
	if operation != nil {
		quiet = r.start(p, *operation)
	} else {
		r.Enqueuers.Members.Enqueue(r.flights.cancel(p.who, enqueue.RequestFor(p.member))...)
	}
	recheck := r.Executor.Backoffs.NextRecheck(p.who, p.input.Ledger, p.plan.Ledger, p.input.Now)
	begins, err := p.approvalBegins()
	if err != nil {
		return reconcile.Result{}, err
	}
	recheck = entitlement.Sooner(entitlement.Sooner(recheck, begins), r.users.next(p))
	if p.sharesUser {
		again = requeue.Sooner(again, lookElsewhereEvery)
	}
	if again = requeue.Sooner(again, requeue.Until(entitlement.Sooner(p.plan.LookAgain, recheck), p.input.Now)); quiet > 0 {
		return reconcile.Result{RequeueAfter: requeue.Sooner(quiet, again), Priority: ptr.To(enqueue.Ahead)}, nil
	}
	before := *p.member
	if err := r.write(ctx, p); err != nil {
		return reconcile.Result{RequeueAfter: again, Priority: ptr.To(enqueue.Ahead)}, conflicts.Ignore(err, "writing the status")
	}
	r.echoes.expectStatus(&before, p.member)
	return reconcile.Result{RequeueAfter: again, Priority: ptr.To(enqueue.Ahead)}, nil
}

// remove deletes an implicit Member that nothing needs any more.
func (r *Reconciler) remove(ctx context.Context, member *v1alpha1.Member) error {
	r.Enqueuers.Members.Enqueue(r.flights.cancel(tenant.PersonOf(member), enqueue.RequestFor(member))...)
	if err := finalizers.Remove(ctx, r.Client, member); err != nil {
		return conflicts.Ignore(err, "letting the Member go")
	}
	err := r.Delete(ctx, member, client.Preconditions{UID: &member.UID, ResourceVersion: &member.ResourceVersion})
	return conflicts.Ignore(client.IgnoreNotFound(err), "deleting the implicit Member")
}
