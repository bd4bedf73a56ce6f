package connection

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// usingSecret finds the connections that a Secret belongs to.
func (r *Reconciler) usingSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	var connections v1alpha1.KisiConnectionList
	err := r.List(ctx, &connections, client.InNamespace(secret.GetNamespace()), client.MatchingFields{tenant.BySecret: secret.GetName()}, client.UnsafeDisableDeepCopy)
	if err != nil {
		enqueue.LogMapError(ctx, "connections of a Secret", err)
		return nil
	}
	return enqueue.RequestsFor(tenant.Pointers(connections.Items))
}

// ofMember finds the connections whose counts a Member's ledger changes.
func (r *Reconciler) ofMember(ctx context.Context, object client.Object) []reconcile.Request {
	member := object.(*v1alpha1.Member)
	requests, err := r.ofPlanned(ctx, member)
	if err != nil {
		enqueue.LogMapError(ctx, "connections of what is planned for a Member", err)
	}
	if len(member.Status.Grants)+len(member.Status.Accounts) == 0 {
		return requests
	}
	connections, err := tenant.In(ctx, r.Client, member.Namespace).Connections()
	if err != nil {
		enqueue.LogMapError(ctx, "connections of a Member", err)
		return requests
	}
	for i := range connections {
		organization := connections[i].Status.Organization
		if organization != nil && slices.Contains(tenant.MemberOrganizations(member), tenant.IDText(organization.ID)) {
			requests = append(requests, enqueue.RequestFor(&connections[i]))
		}
	}
	return requests
}

// ofGroup finds the connection whose state a group's binding changes.
func ofGroup(_ context.Context, group client.Object) []reconcile.Request {
	return []reconcile.Request{enqueue.RequestNamed(group.GetNamespace(), string(group.(*v1alpha1.KisiGroup).Spec.ConnectionRef.Name))}
}
