package connection

import (
	"cmp"
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/pacing"
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

// memberEvents keep the counts, and enqueue the connections whose counts a Member's ledger changes.
type memberEvents struct{ r *Reconciler }

// changed handles an event of a Member. What is there when the caches fill is counted, and enqueues nothing.
func (m memberEvents) changed(ctx context.Context, old, object client.Object, initial bool, q enqueue.Queue) {
	before, _ := old.(*v1alpha1.Member)
	after, _ := object.(*v1alpha1.Member)
	was, is := sharesOf(before), sharesOf(after)
	namespace := cmp.Or(before, after).Namespace
	counts := m.r.counts.Change(namespace, was, is)
	if initial {
		return
	}
	organizations, groups := differing(was, is)
	if before != nil && after != nil && !enqueue.LedgersDiffer(before, after) && !counts {
		return
	}
	for _, state := range []*v1alpha1.Member{before, after} {
		if state != nil {
			for _, organization := range tenant.MemberOrganizations(state) {
				organizations[organization] = organizations[organization] || false
			}
		}
	}
	in := tenant.In(ctx, tenant.Cached(m.r.Client), namespace)
	for organization, counted := range organizations {
		var connections v1alpha1.KisiConnectionList
		if err := in.List(&connections, tenant.ByOrganization, organization); err != nil {
			enqueue.LogMapError(ctx, "connections of a Member", err)
			continue
		}
		for i := range connections.Items {
			switch connection := &connections.Items[i]; {
			case !connection.DeletionTimestamp.IsZero():
				q.AddAfter(enqueue.RequestFor(connection), pacing.WaitedForEvery)
			case counted:
				m.count(connection.Name, namespace, q)
			}
		}
	}
	for name := range groups {
		group := &v1alpha1.KisiGroup{}
		if found, err := in.Get(name, group); err != nil {
			enqueue.LogMapError(ctx, "connections of what is planned for a Member", err)
		} else if found {
			m.count(string(group.Spec.ConnectionRef.Name), namespace, q)
		}
	}
}

// count enqueues a connection for when its counts may change again, so that many changes cost one reconcile.
func (m memberEvents) count(name, namespace string, q enqueue.Queue) {
	request := enqueue.RequestNamed(namespace, name)
	q.AddAfter(request, m.r.throttle.Wait(request.NamespacedName))
}

// ofGroup finds the connection whose state a group's binding changes.
func ofGroup(_ context.Context, group client.Object) []reconcile.Request {
	return []reconcile.Request{enqueue.RequestNamed(group.GetNamespace(), string(group.(*v1alpha1.KisiGroup).Spec.ConnectionRef.Name))}
}
