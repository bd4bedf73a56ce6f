package source

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/implicit"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/pacing"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Teller is what the reconcilers of bookings and subscriptions share: both make Members for the people whom a source names,
// and write into its status what has become of them.
type Teller struct {
	client.Client
	Sessions  *session.Pool
	Enqueuers *enqueue.Enqueuers

	pace  pacing.Pace
	looks pacing.Looks
}

// forget drops what is remembered of a source that is gone.
func (t *Teller) forget(name types.NamespacedName) {
	t.pace.Forget(name)
	t.looks.Forget(name)
}

// news is what a status says anew.
type news struct {
	before, after []metav1.Condition
	differs       bool
	// same says that nothing differs but conditions and counts.
	same bool
}

// tell has Members made for the people of an offer, finds out what has become of it, and writes the status that describe
// makes of that. next is when the offer changes for another reason than its window.
func (t *Teller) tell(ctx context.Context, in tenant.Objects, source client.Object, o offer, next, now time.Time, describe func(progress, offer) news) (reconcile.Result, error) {
	defer t.looks.Note(client.ObjectKeyFromObject(source), len(o.people))
	var err error
	if o.open && o.byAddress && len(o.groups) > 0 {
		if o.unnamed, err = t.ensureMembers(ctx, in, o.people); err != nil {
			return reconcile.Result{}, err
		}
	}
	snapshot, err := tenant.TakeSnapshot(in, t.Sessions, false)
	if err != nil {
		return reconcile.Result{}, err
	}
	if opening, err := opensThrough(snapshot, o.groups); opening || err != nil {
		return reconcile.Result{}, err // just after a start: what is recorded stands, and the session wakes it
	}
	p, err := progressOf(snapshot, o, now)
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("reading what the people have: %w", err)
	}
	var wait time.Duration
	if n := describe(p, o); n.differs {
		if wait = t.pace.Wait(source, n.before, n.after, n.same); wait == 0 {
			err = conflicts.Ignore(t.Status().Update(ctx, source), "writing the status")
		}
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	again := requeue.Sooner(wait, implicit.Again(o.unnamed))
	return reconcile.Result{RequeueAfter: requeue.Sooner(again, requeue.Until(nextEdge(next, o.window, now), now))}, nil
}

// opensThrough reports whether one of the groups belongs to an organization whose session is not there yet.
func opensThrough(snapshot *tenant.Snapshot, groups []v1alpha1.ObjectName) (bool, error) {
	for _, name := range groups {
		target, err := snapshot.Target(name)
		if err != nil || snapshot.Opening[target.OrganizationID] {
			return err == nil, err
		}
	}
	return false, nil
}

// ensureMembers makes an implicit Member for everybody whom nobody stands for yet. It returns why it cannot for one of them,
// which keeps nobody else out.
func (t *Teller) ensureMembers(ctx context.Context, in tenant.Objects, people []entitlement.Invitee) (unnamed error, err error) {
	for _, invitee := range people {
		members, err := in.Members(invitee.Address)
		if err != nil {
			return nil, err
		}
		if entitlement.Serving(members) != nil {
			continue
		}
		if err := implicit.Ensure(ctx, t.Client, in.Namespace, invitee); implicit.IsNameTaken(err) {
			unnamed = err
		} else if err != nil {
			return nil, err
		}
	}
	return unnamed, nil
}

// nextEdge returns the sooner of next and the window's edges that are still to come.
func nextEdge(next time.Time, window entitlement.Window, now time.Time) time.Time {
	for _, edge := range []time.Time{window.From, window.Until} {
		if edge.After(now) {
			next = entitlement.Sooner(next, edge)
		}
	}
	return next
}
