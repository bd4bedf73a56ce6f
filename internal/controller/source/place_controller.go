package source

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/reference"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// PlaceReconciler verifies PlaceMappings: their groups, their connection, and the place that they mean in Kisi.
type PlaceReconciler struct {
	client.Client
	Sessions  *session.Pool
	Enqueuers *enqueue.Enqueuers

	found lookup.Lookups[placeFound]
}

// placeFound is what Kisi says of a place; problem is why there is no single one.
type placeFound struct {
	id v1alpha1.KisiID
	// renamed is what a place is called by now that was found by another name before.
	renamed string
	problem *conditions.Verdict
}

// SetupWithManager registers the controller.
func (r *PlaceReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.PlaceMapping{}).
		Watches(&v1alpha1.KisiGroup{}, handler.EnqueueRequestsFromMapFunc(r.ofGroup), builder.WithPredicates(enqueue.GroupChanges, enqueue.SinceStart)).
		Watches(&v1alpha1.KisiConnection{}, handler.EnqueueRequestsFromMapFunc(r.ofConnection), builder.WithPredicates(enqueue.ConnectionChanges, enqueue.SinceStart)).
		WatchesRawSource(r.Enqueuers.Places.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 2}).
		Complete(r)
}

// Reconcile brings one mapping up to date.
func (r *PlaceReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	place := &v1alpha1.PlaceMapping{}
	if err := r.Get(ctx, request.NamespacedName, place); err != nil {
		r.found.Forget("place/" + request.String())
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !place.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, nil
	}
	before := place.Status.DeepCopy()
	v, again, err := r.verify(ctx, place)
	if err != nil {
		return reconcile.Result{}, err
	}
	if v != nil {
		conditions.Summarize(&place.Status.Conditions, place.Generation, *v)
		place.Status.ObservedGeneration = place.Generation
	}
	if !equality.Semantic.DeepEqual(before, &place.Status) {
		if err := r.Status().Update(ctx, place); err != nil {
			return reconcile.Result{}, conflicts.Ignore(err, "writing the status")
		}
	}
	return reconcile.Result{RequeueAfter: again}, nil
}

// verify checks what the mapping names. No verdict means that what is recorded stands.
func (r *PlaceReconciler) verify(ctx context.Context, place *v1alpha1.PlaceMapping) (*conditions.Verdict, time.Duration, error) {
	of := func(v conditions.Verdict) *conditions.Verdict { return &v }
	in := tenant.In(ctx, r.Client, place.Namespace)
	connection := &v1alpha1.KisiConnection{}
	name := client.ObjectKey{Namespace: place.Namespace, Name: string(place.Spec.ConnectionRef.Name)}
	if err := r.Get(ctx, name, connection); apierrors.IsNotFound(err) {
		return of(conditions.Waiting(v1alpha1.ReasonConnectionNotFound,
			fmt.Sprintf("spec.connectionRef: there is no KisiConnection %q in this namespace; create it or correct the reference", name.Name))), 0, nil
	} else if err != nil {
		return nil, 0, fmt.Errorf("reading KisiConnection %s: %w", name.Name, err)
	}
	again, renamed, v := r.locate(place, connection)
	if v != nil {
		return v, again, nil
	}
	problem, err := entitlement.PlaceProblem(in, place)
	if problem == nil && err == nil {
		problem, err = entitlement.GroupsProblem(in, entitlement.PlaceGroups(place))
	}
	switch {
	case err != nil:
		return nil, 0, err
	case problem != nil:
		return &conditions.Verdict{Reason: problem.Reason, Message: problem.Message, Stalled: problem.Stalled()}, again, nil
	case !conditions.IsReady(connection.Status.Conditions):
		return of(conditions.Waiting(v1alpha1.ReasonConnectionNotReady, fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", connection.Name))), again, nil
	}
	message := "everything that the mapping names is there"
	if renamed != "" {
		message += fmt.Sprintf("; the place %d, which spec.kisiPlace calls %q, is called %q in Kisi now: correct one of the two",
			place.Status.KisiPlaceID, place.Spec.KisiPlace.Name, renamed)
	}
	return of(conditions.Ready(v1alpha1.ReasonResolved, message)), again, nil
}

// locate finds the place in Kisi that spec.kisiPlace means, and says when to look again, and what the place is called if
// somebody has renamed it since it was found.
func (r *PlaceReconciler) locate(place *v1alpha1.PlaceMapping, connection *v1alpha1.KisiConnection) (again time.Duration, renamed string, v *conditions.Verdict) {
	recorded := entitlement.ForgetOtherPlace(place)
	ref := place.Spec.KisiPlace
	if ref == nil {
		return 0, "", nil
	}
	s := tenant.UsableSession(r.Sessions, connection)
	looking := conditions.Reconciling(v1alpha1.ReasonConnecting, "looking for the place in Kisi")
	request := enqueue.RequestFor(place)
	key := "place/" + request.String()
	if s == nil || !conditions.IsReady(connection.Status.Conditions) {
		r.found.DoubtTrouble(key)
		if conditions.IsReady(connection.Status.Conditions) && !recorded {
			return 0, "", &looking // just after a start; the session wakes it
		}
		return 0, "", nil
	}
	wanted, before := *ref, place.Status.KisiPlaceID
	found, answered, err := r.found.Ask(s, kisi.Class{Priority: kisi.Grant, Connection: s.Name().String()}, lookup.Question[placeFound]{
		Key:      key,
		Version:  fmt.Sprintf("%s/%d/%s/%s/%d", place.UID, wanted.ID, wanted.Name, place.Annotations[v1alpha1.ReconcileAtAnnotation], s.Number()),
		MaxAge:   connection.Spec.ResyncInterval.Duration,
		RetryMin: lookup.FirstRetry(connection), RetryMax: connection.Spec.ResyncInterval.Duration,
		Trouble: func(found placeFound) bool { return found.problem != nil },
		Still:   lookup.Unchanged(r.Client, place, connection),
		Read: func(ctx context.Context, c *kisi.Client) (placeFound, error) {
			return findMapped(ctx, c, wanted, before)
		},
		Wake: func() { r.Enqueuers.Places.Enqueue(request) },
	})
	switch {
	case !answered && recorded:
		return 0, "", nil // just after a start: what is recorded stands until the answer is there
	case !answered:
		return 0, "", &looking
	case err != nil:
		if unusable := conditions.Unreadable(err); !recorded || unusable.Stalled {
			v = &unusable
		} // else the place was found before, and nothing is known against it
		return r.found.NextLook(key), "", v
	case found.problem != nil:
		entitlement.FoundPlace(place, 0)
		return r.found.NextLook(key), "", found.problem
	}
	entitlement.FoundPlace(place, found.id)
	return connection.Spec.ResyncInterval.Duration, found.renamed, nil
}

// findMapped finds the place that a mapping means. One that was found by its name before stays the mapping's as long as it
// exists, whatever it is called by now: another one that takes the name is another place.
func findMapped(ctx context.Context, c *kisi.Client, wanted v1alpha1.KisiPlaceReference, before v1alpha1.KisiID) (placeFound, error) {
	if wanted.Name != "" && before != 0 {
		listing, err := c.ListPlaces(ctx, kisi.PlaceFilter{IDs: []int64{int64(before)}})
		if err != nil {
			return placeFound{}, err
		}
		for _, place := range listing.Items {
			switch {
			case place.ID != int64(before):
			case place.Name == string(wanted.Name):
				return placeFound{id: before}, nil
			default:
				return placeFound{id: before, renamed: place.Name}, nil
			}
		}
		if !listing.Complete() {
			return placeFound{}, fmt.Errorf("finding the place: %s", listing.Incomplete)
		}
	}
	id, problem, err := reference.FindPlace(ctx, c, wanted, "spec.kisiPlace")
	return placeFound{id: id, problem: problem}, err
}

// ofGroup finds the mappings that name a group.
func (r *PlaceReconciler) ofGroup(ctx context.Context, group client.Object) []reconcile.Request {
	return r.by(ctx, group, tenant.ByGroup)
}

// ofConnection finds the mappings of a connection.
func (r *PlaceReconciler) ofConnection(ctx context.Context, connection client.Object) []reconcile.Request {
	return r.by(ctx, connection, tenant.ByConnection)
}

func (r *PlaceReconciler) by(ctx context.Context, object client.Object, field string) []reconcile.Request {
	var places v1alpha1.PlaceMappingList
	if err := tenant.In(ctx, r.Client, object.GetNamespace()).List(&places, field, object.GetName()); err != nil {
		enqueue.LogMapError(ctx, "PlaceMappings", err)
		return nil
	}
	return enqueue.RequestsFor(tenant.Pointers(places.Items))
}
