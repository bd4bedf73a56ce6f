package member

import (
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// echoes are the events that tell this process what it has just written itself, where it goes on with that anyway: to look at
// the Member because of them would decide nothing.
type echoes struct {
	mu       sync.Mutex
	versions map[types.NamespacedName]string
}

// mostEchoes is how many are expected at once. One whose event came before it was expected never comes.
const mostEchoes = 4096

// expect says that the event of the Member as it was just written enqueues nothing. Nothing was written if it still has the
// version that it had before.
func (e *echoes) expect(member *v1alpha1.Member, before string) {
	if member.ResourceVersion == before {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.versions == nil || len(e.versions) >= mostEchoes {
		e.versions = map[types.NamespacedName]string{}
	}
	e.versions[client.ObjectKeyFromObject(member)] = member.ResourceVersion
}

// expectStatus is expect where only what the status says to people was written: a plan is made of nothing else that it has than
// the ledger and what was reinstated.
func (e *echoes) expectStatus(before, after *v1alpha1.Member) {
	if !enqueue.LedgersDiffer(before, after) && before.Status.Reinstated == after.Status.Reinstated {
		e.expect(after, before.ResourceVersion)
	}
}

// heard reports whether the event of the Member was expected.
func (e *echoes) heard(member client.Object) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := client.ObjectKeyFromObject(member)
	if e.versions[name] != member.GetResourceVersion() {
		return false
	}
	delete(e.versions, name)
	return true
}

// forget drops what is expected of a Member that is gone.
func (e *echoes) forget(name types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.versions, name)
}

// news leaves out the events of Members at which nobody has to look: echoes, that the finalizer was added, which is done on the
// way to something else, and whatever happens while an operation of the person is under way, whose end enqueues the Member.
func (r *Reconciler) news() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, was := e.ObjectOld.(*v1alpha1.Member)
		member, is := e.ObjectNew.(*v1alpha1.Member)
		return !was || !is ||
			!r.echoes.heard(member) && !onlyPrepared(before, member) && !r.flights.running(tenant.PersonOf(member), enqueue.RequestFor(member))
	}}
}

// onlyPrepared reports whether nothing but this operator's finalizer was added.
func onlyPrepared(before, after *v1alpha1.Member) bool {
	return controllerutil.ContainsFinalizer(after, v1alpha1.Finalizer) && !controllerutil.ContainsFinalizer(before, v1alpha1.Finalizer) &&
		after.UID == before.UID && after.Generation == before.Generation && after.DeletionTimestamp.IsZero() &&
		maps.Equal(before.Labels, after.Labels) && maps.Equal(before.Annotations, after.Annotations) &&
		equality.Semantic.DeepEqual(before.Status, after.Status)
}
