package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// groupFound is what Kisi says of an existing group; problem is why there is no single one.
type groupFound struct {
	id, placeID  v1alpha1.KisiID
	restrictions *v1alpha1.GroupRestrictions
	// users is how many Kisi says the group has.
	users int
	// doors with restrictions of their own; read only where the connection's unlockMode is PartnerApp.
	doors   []restrictedDoor
	problem *verdict
}

// lookUp asks Kisi for the group that spec.existing means, or has the one that spec.managed describes made and corrected.
func (r *GroupReconciler) lookUp(s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) (groupFound, bool, error) {
	q := r.ask(s, group, connection)
	q.MaxAge = freshFor(connection, s)
	if !isReady(group.Status.Conditions) || readAgain(s, group) {
		q.MaxAge = min(retryFailedLookup, connection.Spec.ChangePollInterval.Duration)
	}
	class := r.class(s)
	if !s.Mirror().ReadAt(int64(group.Status.KisiGroupID)).IsZero() {
		class.Priority = kisi.Change
		if untilRowsDue(s, group, connection) <= 0 {
			class.Priority = kisi.Background
			q.MaxAge = min(q.MaxAge, retryFailedLookup) // the group itself may have been looked at since
		}
	}
	if group.Spec.Managed != nil {
		managed := managedBy(group, connection.Spec.Mode)
		managed.mirror = s.Mirror()
		if carriedOut(group) {
			managed.drifted = func(what string) { r.reportDrift(s, group, what) }
		}
		q.Version += "/" + string(connection.Spec.Mode)
		q.Read = managed.ensure
	} else {
		existing := *group.Spec.Existing.DeepCopy()
		q.Read = func(ctx context.Context, client *kisi.Client) (groupFound, error) {
			return findGroup(ctx, client, existing)
		}
	}
	if connection.Spec.UnlockMode == v1alpha1.UnlockWithPartnerApp {
		q.Version += "/doors"
		q.Read = withDoors(q.Read)
	}
	q.Read = r.withRows(s, connection, q)
	return r.found.ask(s, class, q)
}

// reportDrift says what somebody did in Kisi to a managed group, and who it was where the audit trail says so.
func (r *GroupReconciler) reportDrift(s *session.Session, group *v1alpha1.KisiGroup, what string) {
	if r.OnFinding != nil {
		r.OnFinding(plan.GroupCorrected)
	}
	if actor, known := s.Mirror().LastActor(mirror.Subject{Kind: mirror.Group, ID: int64(group.Status.KisiGroupID)}); known {
		what = fmt.Sprintf("%s; the last to change it in Kisi was the Kisi user %d", what, actor)
	}
	if r.Recorder != nil {
		r.Recorder.Eventf(group, nil, corev1.EventTypeWarning, string(plan.GroupCorrected), "Reconcile", "%s", what)
	}
}

// carriedOut reports whether Kisi has had the group as its spec is by now. What differs from then on, somebody changed there.
func carriedOut(group *v1alpha1.KisiGroup) bool {
	ready := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady)
	return group.Status.KisiGroupID != 0 && ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == group.Generation
}

// ask begins a question about the group. A new session, a new spec or a new reconcile-at asks it afresh.
func (r *GroupReconciler) ask(s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) question[groupFound] {
	request := requestFor(group)
	return question[groupFound]{
		Key: "group/" + request.String(),
		Version: fmt.Sprintf("%s/%d/%s/%s/%d", group.UID, group.Generation, group.Annotations[v1alpha1.ReconcileAtAnnotation],
			group.Annotations[v1alpha1.ClaimAnnotation], s.Number()),
		Still: unchanged(r.Client, group, connection),
		Wake: func() {
			r.Wakers.Groups.wake(request)
			r.Wakers.Connections.wake(requestNamed(group.Namespace, string(group.Spec.ConnectionRef.Name)))
		},
	}
}

func (r *GroupReconciler) class(s *session.Session) kisi.Class {
	return kisi.Class{Priority: kisi.Grant, Connection: s.Name().String()}
}

// removeManaged deletes a managed group in Kisi before its object goes. It reports whether nothing holds the object any
// more, and otherwise when to look again.
func (r *GroupReconciler) removeManaged(ctx context.Context, group *v1alpha1.KisiGroup) (gone bool, again time.Duration, err error) {
	managed := group.Spec.Managed
	if managed == nil || managed.DeletionPolicy == v1alpha1.DeletionRetain || abandons(group) {
		return true, 0, nil
	}
	connection, going, err := r.connectionOf(ctx, group)
	if err != nil {
		return false, 0, err
	}
	if connection == nil || (going && !revokesBeforeLeaving(connection)) {
		return true, 0, nil // the connection is let go, and managed groups stay
	}
	before := group.Status.DeepCopy()
	v := waiting(v1alpha1.ReasonConnectionNotReady, fmt.Sprintf("KisiConnection %q is not Ready, so the group cannot be deleted in Kisi; see its conditions, or annotate with %s=true", connection.Name, v1alpha1.AbandonAnnotation))
	s := sessionOf(r.Sessions, client.ObjectKeyFromObject(connection))
	writes := connection.Spec.Mode == v1alpha1.ModeEnforce || going
	switch {
	case s != nil && !writes:
		v = waiting(v1alpha1.ReasonDeleting, fmt.Sprintf("the group is not deleted in Kisi while the connection's mode is %s", connection.Spec.Mode))
	case s != nil:
		q := r.ask(s, group, connection)
		q.Version += "/removal/" + string(managed.DeletionPolicy)
		q.MaxAge = min(retryFailedLookup, connection.Spec.ChangePollInterval.Duration)
		q.Read = managedBy(group, connection.Spec.Mode).remove
		found, answered, err := r.found.ask(s, r.class(s), q)
		switch {
		case !answered:
			v = reconciling(v1alpha1.ReasonDeleting, "deleting the group in Kisi")
		case err != nil:
			v, again = unreadable(err)
		case found.problem != nil:
			v, again = *found.problem, connection.Spec.ChangePollInterval.Duration
		default:
			return true, 0, nil
		}
	}
	setVerdict(&group.Status.Conditions, group.Generation, v)
	group.Status.ObservedGeneration = group.Generation
	if !equality.Semantic.DeepEqual(before, &group.Status) {
		err = conflictIsNews(r.Status().Update(ctx, group), "writing the status")
	}
	return false, again, err
}

// connectionOf returns the group's connection, nil if it is gone, and whether it or the namespace is going.
func (r *GroupReconciler) connectionOf(ctx context.Context, group *v1alpha1.KisiGroup) (*v1alpha1.KisiConnection, bool, error) {
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
	going, err := namespaceGoing(ctx, r.Live, group.Namespace)
	return connection, going, err
}

// findGroup reads one group by id, or finds the one of exactly that name. An incomplete list proves nothing.
func findGroup(ctx context.Context, client *kisi.Client, existing v1alpha1.ExistingGroup) (groupFound, error) {
	if existing.ID != 0 {
		group, err := client.Group(ctx, int64(existing.ID))
		if kisi.IsNotFound(err) {
			return notFound(fmt.Sprintf("spec.existing.id: there is no group %d in Kisi; replace this KisiGroup by one with the right id (spec.existing is immutable)", existing.ID)), nil
		}
		if err != nil {
			return groupFound{}, err
		}
		return foundGroup(*group), nil
	}
	filter := kisi.GroupFilter{Query: string(existing.Name)}
	if existing.Place != nil {
		placeID, problem, err := findPlace(ctx, client, *existing.Place, "spec.existing.place")
		if err != nil || problem != nil {
			return groupFound{problem: problem}, err
		}
		filter.PlaceID = int64(placeID)
	}
	listing, err := client.ListGroups(ctx, filter)
	if err != nil {
		return groupFound{}, err
	}
	var matches []kisi.Group
	for _, group := range listing.Items { // Kisi's query is a free-text search
		samePlace := filter.PlaceID == 0 || (group.PlaceID != nil && *group.PlaceID == filter.PlaceID)
		if group.Name == string(existing.Name) && samePlace {
			matches = append(matches, group)
		}
	}
	switch {
	case len(matches) > 1:
		problem := stalled(v1alpha1.ReasonAmbiguousName,
			fmt.Sprintf("spec.existing.name: %d groups in Kisi are called %q; rename all but one in Kisi, or replace this KisiGroup by one that adds place or points at one by id (spec.existing is immutable)", len(matches), existing.Name))
		return groupFound{problem: &problem}, nil
	case !listing.Complete():
		return groupFound{}, fmt.Errorf("finding the group by name: %s", listing.Incomplete)
	case len(matches) == 0:
		return notFound(fmt.Sprintf("spec.existing.name: no group in Kisi is called %q; make the group, or replace this KisiGroup by one with the right name (spec.existing is immutable)", existing.Name)), nil
	}
	return foundGroup(matches[0]), nil
}

func notFound(message string) groupFound {
	problem := waiting(v1alpha1.ReasonGroupNotFound, message)
	return groupFound{problem: &problem}
}

func foundGroup(group kisi.Group) groupFound {
	found := groupFound{id: v1alpha1.KisiID(group.ID), users: group.UsersCount, restrictions: &v1alpha1.GroupRestrictions{
		Geofence:      restriction(group.GeofenceRestrictionEnabled),
		Reader:        restriction(group.ReaderRestrictionEnabled),
		PrimaryDevice: restriction(group.PrimaryDeviceRestrictionEnabled),
		ManagedDevice: restriction(group.ManagedDeviceRestrictionEnabled),
		TapToAccess:   restriction(group.TapToAccessRestrictionEnabled),
	}}
	if group.PlaceID != nil {
		found.placeID = v1alpha1.KisiID(*group.PlaceID)
	}
	return found
}

func restriction(enabled bool) v1alpha1.Restriction {
	if enabled {
		return v1alpha1.RestrictionEnabled
	}
	return v1alpha1.RestrictionDisabled
}

// findPlace finds the one place in Kisi that the reference means; field names the reference in what goes wrong.
func findPlace(ctx context.Context, client *kisi.Client, ref v1alpha1.KisiPlaceReference, field string) (v1alpha1.KisiID, *verdict, error) {
	filter := kisi.PlaceFilter{Query: string(ref.Name)}
	if ref.ID != 0 {
		filter = kisi.PlaceFilter{IDs: []int64{int64(ref.ID)}}
	}
	listing, err := client.ListPlaces(ctx, filter)
	if err != nil {
		return 0, nil, err
	}
	var matches []v1alpha1.KisiID
	for _, place := range listing.Items {
		if (ref.ID != 0 && place.ID == int64(ref.ID)) || (ref.Name != "" && place.Name == string(ref.Name)) {
			matches = append(matches, v1alpha1.KisiID(place.ID))
		}
	}
	switch {
	case len(matches) > 1:
		problem := stalled(v1alpha1.ReasonAmbiguousName, fmt.Sprintf("%s: %d places in Kisi are called %q; point at one by id", field, len(matches), ref.Name))
		return 0, &problem, nil
	case !listing.Complete():
		return 0, nil, fmt.Errorf("finding the place: %s", listing.Incomplete)
	case len(matches) == 1:
		return matches[0], nil, nil
	}
	what := fmt.Sprintf("called %q", ref.Name)
	if ref.ID != 0 {
		what = fmt.Sprintf("with id %d", ref.ID)
	}
	problem := waiting(v1alpha1.ReasonPlaceNotFound, fmt.Sprintf("%s: there is no place %s in Kisi; correct it, or make the place", field, what))
	return 0, &problem, nil
}
