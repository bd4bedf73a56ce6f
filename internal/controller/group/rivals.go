package group

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// precedence says which of several KisiGroups has a Kisi group.
type precedence int

const (
	precedenceThis  precedence = iota
	precedenceOther            // another one is bound to it, or will be
	precedenceOpen             // not known yet: an older one is still being looked up
)

// precedence decides who has the Kisi group: who is bound keeps it, otherwise the older (ties: namespace/name).
func (r *Reconciler) precedence(ctx context.Context, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, id v1alpha1.KisiID) (precedence, error) {
	bound, err := tenant.GroupsBoundTo(ctx, r, id)
	if err != nil {
		return precedenceOpen, err
	}
	isBound := group.Status.KisiGroupID == id
	for _, other := range bound {
		if isBound && !older(other, group) {
			continue // two can be bound only after a failover, or a restore
		}
		if rivals, err := r.rivals(ctx, group, other, connection); rivals || err != nil {
			return precedenceOther, err
		}
	}
	if isBound {
		return precedenceThis, nil
	}
	return r.precedenceByAge(ctx, group, connection, id)
}

// precedenceByAge is for a Kisi group that no KisiGroup is bound to yet.
func (r *Reconciler) precedenceByAge(ctx context.Context, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, id v1alpha1.KisiID) (precedence, error) {
	var all v1alpha1.KisiGroupList
	if err := r.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return precedenceOpen, fmt.Errorf("listing the groups: %w", err)
	}
	verdict := precedenceThis
	for i := range all.Items {
		other := &all.Items[i]
		if other.Status.KisiGroupID != 0 || !older(other, group) {
			continue
		}
		found, asked, answered := r.found.Known(groupKey(other))
		if !asked || (answered && found.id != id) {
			continue
		}
		rivals, err := r.rivals(ctx, group, other, connection)
		switch {
		case err != nil:
			return precedenceOpen, err
		case rivals && answered:
			return precedenceOther, nil
		case rivals && isConnecting(other):
			verdict = precedenceOpen
		}
	}
	return verdict, nil
}

// isConnecting reports whether the group has not been looked up before; one that cannot be read holds nobody up.
func isConnecting(group *v1alpha1.KisiGroup) bool {
	return len(group.Status.Conditions) == 0 || conditions.StateOf(group.Status.Conditions) == connecting
}

func older(a, b *v1alpha1.KisiGroup) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name) < 0
}

// rivals reports whether the other group is one of the same organization and not being deleted.
func (r *Reconciler) rivals(ctx context.Context, group, other *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) (bool, error) {
	if other.UID == group.UID || !other.DeletionTimestamp.IsZero() {
		return false, nil
	}
	return r.sameOrganization(ctx, other, connection)
}

func (r *Reconciler) sameOrganization(ctx context.Context, other *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) (bool, error) {
	theirs := &v1alpha1.KisiConnection{}
	err := r.Get(ctx, types.NamespacedName{Namespace: other.Namespace, Name: string(other.Spec.ConnectionRef.Name)}, theirs)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the connection of another group: %w", err)
	}
	return theirs.Status.Organization != nil && connection.Status.Organization != nil &&
		theirs.Status.Organization.ID == connection.Status.Organization.ID, nil
}

// alsoBound finds the groups that are bound to the same Kisi group, of which only one can stay so.
func (r *Reconciler) alsoBound(ctx context.Context, group *v1alpha1.KisiGroup) []reconcile.Request {
	if group.Status.KisiGroupID == 0 {
		return nil
	}
	bound, err := tenant.GroupsBoundTo(ctx, r, group.Status.KisiGroupID)
	if err != nil {
		enqueue.LogMapError(ctx, "groups bound to one Kisi group", err)
		return nil
	}
	if len(bound) < 2 {
		return nil
	}
	return enqueue.RequestsFor(bound)
}

// heirs finds the groups that wait for a Kisi group which this one may have let go.
func (r *Reconciler) heirs(ctx context.Context, object client.Object) []reconcile.Request {
	group := object.(*v1alpha1.KisiGroup)
	if group.DeletionTimestamp.IsZero() {
		return r.alsoBound(ctx, group)
	}
	var groups v1alpha1.KisiGroupList
	if err := r.List(ctx, &groups, client.UnsafeDisableDeepCopy); err != nil {
		enqueue.LogMapError(ctx, "groups that wait for another one", err)
		return nil
	}
	var requests []reconcile.Request
	for i := range groups.Items {
		if groups.Items[i].Status.KisiGroupID == 0 {
			requests = append(requests, enqueue.RequestFor(&groups.Items[i]))
		}
	}
	return requests
}

// connecting is the state of a group that has not been looked up yet.
var connecting = conditions.State{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonConnecting}
