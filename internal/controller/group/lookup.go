package group

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// groupFound is what Kisi says of a group; problem is why there is no single one.
type groupFound struct {
	id, placeID  v1alpha1.KisiID
	name         string
	restrictions *v1alpha1.GroupRestrictions
	appAccess    v1alpha1.AppAccess
	// locks are those of the doors that spec.managed.doors names.
	locks []v1alpha1.BoundDoor
	// concern is what is wrong with a door or the place of a managed group, which goes on without it.
	concern *conditions.Verdict
	// left is what differs from spec.managed and is left as it is because of the connection's mode.
	left []string
	// rebound is the value of the rebind annotation by which the group was looked up by name again.
	rebound string
	// users is how many Kisi says the group has.
	users int
	// doors with restrictions of their own; read only where the connection's unlockMode is PartnerApp.
	doors   []restrictedDoor
	problem *conditions.Verdict
	// short tells that the group was found and not everything in it could be read.
	short bool
}

func (f groupFound) FellShort() bool { return f.short }

// lookUp asks Kisi for the group that spec.existing means, or has the one that spec.managed describes made and corrected.
func (r *Reconciler) lookUp(s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, now time.Time) (groupFound, bool, error) {
	q := r.ask(s, group, connection)
	q.MaxAge = tenant.FreshFor(connection, s)
	q.RetryMin, q.RetryMax = lookup.FirstRetry(connection), q.MaxAge
	q.Trouble = func(found groupFound) bool {
		return found.problem != nil || found.concern != nil || found.short
	}
	class := r.class(s)
	if !s.Mirror().ReadAt(int64(group.Status.KisiGroupID)).IsZero() {
		class.Priority = kisi.Change
		if untilRowsDue(s, group, connection, now) <= 0 {
			class.Priority = kisi.Background
			q.MaxAge = min(q.MaxAge, lookup.RetryFailed) // the group itself may have been looked at since
		}
	}
	if group.Spec.Managed != nil {
		managed := managedBy(group, connection)
		managed.mirror = s.Mirror()
		if carriedOut(group) {
			managed.drifted = func(what string) { r.reportDrift(s, group, what) }
		}
		q.Version += "/" + string(connection.Spec.Mode)
		q.Read = managed.ensure
	} else {
		q.Read = existingOf(group, connection).find
	}
	if connection.Spec.UnlockMode == v1alpha1.UnlockWithPartnerApp {
		q.Version += "/doors"
		q.Read = withDoors(q.Read)
	}
	q.Read = r.withRows(s, group, connection, q)
	return r.found.Ask(s, class, q)
}

// reportDrift says what somebody did in Kisi to a managed group, and who it was where the audit trail says so.
func (r *Reconciler) reportDrift(s *session.Session, group *v1alpha1.KisiGroup, what string) {
	if r.OnFinding != nil {
		r.OnFinding(client.ObjectKey{Namespace: group.Namespace, Name: string(group.Spec.ConnectionRef.Name)}, plan.GroupCorrected)
	}
	if actor, known := s.Mirror().LastActor(mirror.Subject{Kind: mirror.Group, ID: int64(group.Status.KisiGroupID)}); known {
		what = fmt.Sprintf("%s; the last to change it in Kisi was the Kisi user %d", what, actor)
	}
	report.Say(r.Recorder, group, report.Drift(plan.GroupCorrected), "Reconcile", what)
}

// carriedOut reports whether Kisi has had the group as its spec is by now. What differs from then on, somebody changed there.
func carriedOut(group *v1alpha1.KisiGroup) bool {
	ready := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady)
	if group.Status.KisiGroupID == 0 || ready == nil || ready.ObservedGeneration != group.Generation {
		return false
	}
	switch ready.Reason {
	case v1alpha1.ReasonBound, v1alpha1.ReasonDoorNotFound, v1alpha1.ReasonPlaceNotFound, v1alpha1.ReasonAmbiguousName:
		return true // but for the door or place that the reason is about
	}
	return false
}

// ask begins a question about the group. A new session, a new spec or a new reconcile-at asks it afresh.
func (r *Reconciler) ask(s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) lookup.Question[groupFound] {
	request := enqueue.RequestFor(group)
	return lookup.Question[groupFound]{
		Key: groupKey(group),
		Version: fmt.Sprintf("%s/%d/%s/%s/%s/%d", group.UID, group.Generation, group.Annotations[v1alpha1.ReconcileAtAnnotation],
			group.Annotations[v1alpha1.ClaimAnnotation], rebindValue(group), s.Number()),
		Still: lookup.Unchanged(r.Client, group, connection),
		Wake: func() {
			r.Enqueuers.Groups.Enqueue(request)
			r.Enqueuers.Connections.Enqueue(enqueue.RequestNamed(group.Namespace, string(group.Spec.ConnectionRef.Name)))
		},
	}
}

func (r *Reconciler) class(s *session.Session) kisi.Class {
	return kisi.Class{Priority: kisi.Grant, Connection: s.Name().String()}
}

// removeManaged deletes a managed group in Kisi before its object goes. It reports whether nothing holds the object any
// more, and otherwise when to look again.
func (r *Reconciler) removeManaged(ctx context.Context, group *v1alpha1.KisiGroup) (gone bool, again time.Duration, err error) {
	managed := group.Spec.Managed
	if managed == nil || managed.DeletionPolicy == v1alpha1.DeletionRetain || tenant.Abandons(group) {
		return true, 0, nil
	}
	connection, going, err := r.connectionOf(ctx, group)
	if err != nil {
		return false, 0, err
	}
	if connection == nil || (going && !tenant.RevokesBeforeLeaving(connection)) {
		return true, 0, nil // the connection is let go, and managed groups stay
	}
	before := group.Status.DeepCopy()
	v := conditions.Waiting(v1alpha1.ReasonConnectionNotReady, fmt.Sprintf("KisiConnection %q is not Ready, so the group cannot be deleted in Kisi; see its conditions, or annotate with %s=true", connection.Name, v1alpha1.AbandonAnnotation))
	s := tenant.SessionOf(r.Sessions, client.ObjectKeyFromObject(connection))
	writes := connection.Spec.Mode == v1alpha1.ModeEnforce || going
	switch {
	case s != nil && !writes:
		v = conditions.Waiting(v1alpha1.ReasonDeleting, fmt.Sprintf("the group is not deleted in Kisi while the connection's mode is %s", connection.Spec.Mode))
	case s != nil:
		q := r.ask(s, group, connection)
		q.Version += "/removal/" + string(managed.DeletionPolicy)
		q.MaxAge = tenant.FreshFor(connection, s)
		q.RetryMin, q.RetryMax = lookup.FirstRetry(connection), q.MaxAge
		q.Trouble = func(found groupFound) bool { return found.problem != nil }
		q.Read = managedBy(group, connection).remove
		found, answered, err := r.found.Ask(s, r.class(s), q)
		switch {
		case !answered:
			v = conditions.Reconciling(v1alpha1.ReasonDeleting, "deleting the group in Kisi")
		case err != nil:
			v, again = conditions.Unreadable(err), r.found.NextLook(groupKey(group))
		case found.problem != nil:
			v, again = *found.problem, r.found.NextLook(groupKey(group))
		default:
			return true, 0, nil
		}
	}
	conditions.Summarize(&group.Status.Conditions, group.Generation, v)
	group.Status.ObservedGeneration = group.Generation
	if !equality.Semantic.DeepEqual(before, &group.Status) {
		err = conflicts.Ignore(r.Status().Update(ctx, group), "writing the status")
	}
	return false, again, err
}

// connectionOf returns the group's connection, nil if it is gone, and whether it or the namespace is going.
func (r *Reconciler) connectionOf(ctx context.Context, group *v1alpha1.KisiGroup) (*v1alpha1.KisiConnection, bool, error) {
	connection := &v1alpha1.KisiConnection{}
	err := r.Get(ctx, client.ObjectKey{Namespace: group.Namespace, Name: string(group.Spec.ConnectionRef.Name)}, connection)
	if apierrors.IsNotFound(err) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading the group's connection: %w", err)
	}
	if !connection.DeletionTimestamp.IsZero() {
		return connection, true, nil
	}
	going, err := tenant.NamespaceGoing(ctx, r.APIReader, group.Namespace)
	return connection, going, err
}
