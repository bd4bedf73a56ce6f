package source

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// BookingReconciler makes Members for the people whom a booking names, says what has become of them, and deletes the
// booking after its time to live. The Members' ledgers do the granting.
type BookingReconciler struct {
	Teller
	// DefaultTTL is how long after its window a booking deletes itself that does not say so; 0 keeps it.
	DefaultTTL time.Duration

	deletions deletions
}

// SetupWithManager registers the controller.
func (r *BookingReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return setUp(mgr, r, &v1alpha1.BookingGrant{}, r.watches(tenant.Cached(mgr.GetClient())), &r.Enqueuers.Bookings)
}

// Reconcile brings one booking up to date.
func (r *BookingReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	booking := &v1alpha1.BookingGrant{}
	if err := r.Get(ctx, request.NamespacedName, booking); err != nil {
		r.forget(request.NamespacedName)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !booking.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, nil // the Members' ledgers do the rest
	}
	now := time.Now()
	in := tenant.In(ctx, tenant.Cached(r.Client), booking.Namespace)
	verdict, err := entitlement.EvaluateBooking(in, booking, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	life := r.lifetimeOf(booking, verdict)
	expires := life.expires
	switch {
	case expires.IsZero() || expires.After(now):
	case life.kept != "":
		expires = time.Time{} // nothing happens then
	case isObserved(booking, verdict):
		written := tenant.In(ctx, r.Client, booking.Namespace) // with all that was granted until now
		open, until, err := letsIn(written, booking, verdict.People, now)
		if err != nil {
			return reconcile.Result{}, err
		}
		if !open {
			return reconcile.Result{}, r.expire(ctx, booking, expires)
		}
		expires = until // unless a ledger wakes it before
	}
	o := offer{
		source: entitlement.SourceName(entitlement.KindBookingGrant, booking.Name),
		people: verdict.People, find: in.Members, byAddress: true, groups: verdict.Groups, window: verdict.Window,
		open: verdict.Open(), excluded: verdict.Excluded, problem: verdict.Problem,
		over: booking.Status.State == verdict.Phase && conditions.IsReady(booking.Status.Conditions) &&
			(!verdict.Excluded || conditions.StateOf(booking.Status.Conditions) == organizerIsOut),
	}
	return r.tell(ctx, in, booking, o, entitlement.Sooner(expires, verdict.Next), now, func(p progress, o offer) news {
		return describeBooking(booking, verdict, judgeBooking(p, o, verdict.Phase, now), p.people, life.keptBy(now))
	})
}

// describeBooking writes into the status what has become of the booking. kept says why it
// stays although its time to live is over; empty: it does not.
func describeBooking(booking *v1alpha1.BookingGrant, verdict entitlement.Booking, ready conditions.Verdict, people v1alpha1.PeopleCounts, kept conditions.Verdict) news {
	before, status := booking.Status.DeepCopy(), &booking.Status
	status.ObservedGeneration = booking.Generation
	status.State, status.Window, status.Groups, status.Terms = verdict.Phase, windowOf(verdict), verdict.Groups, verdict.Terms
	status.People = &people
	conditions.Summarize(&status.Conditions, booking.Generation, ready)
	conditions.SetWhile(kept.Reason != "", &status.Conditions, booking.Generation, v1alpha1.ConditionKept, kept)
	return news{
		before: before.Conditions, after: status.Conditions, differs: !equality.Semantic.DeepEqual(before, status),
		same: before.State == status.State && before.ObservedGeneration == status.ObservedGeneration && equality.Semantic.DeepEqual(before.Window, status.Window) &&
			equality.Semantic.DeepEqual(before.Groups, status.Groups) && equality.Semantic.DeepEqual(before.Terms, status.Terms),
	}
}

func judgeBooking(p progress, o offer, phase v1alpha1.BookingPhase, now time.Time) conditions.Verdict {
	switch phase {
	case v1alpha1.BookingPhaseCanceled:
		return p.judgeClosed(v1alpha1.ReasonCanceled, "the booking is canceled")
	case v1alpha1.BookingPhaseEnded:
		return conditions.Ready(v1alpha1.ReasonEnded, "the booking is over; Kisi has closed the doors by itself")
	case v1alpha1.BookingPhaseScheduled:
		return p.judge(o, v1alpha1.ReasonScheduled, now)
	}
	return p.judge(o, v1alpha1.ReasonGranted, now)
}

// windowOf is what the status says of the window; nothing while nobody has told it.
func windowOf(verdict entitlement.Booking) *v1alpha1.Window {
	if verdict.Window == (entitlement.Window{}) {
		return nil
	}
	window := verdict.Window.API()
	return &window
}

// organizerIsOut is the state of a booking that gives nothing, because only members of the place may book it.
var organizerIsOut = conditions.State{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonOrganizerNotMember}
