package member

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// addresses knows the address that each Member had when it was last looked at: what is remembered of a person goes when
// no Member has the address any more, which a Member that is gone, or has another by now, cannot tell.
type addresses struct {
	mu sync.Mutex
	of map[types.NamespacedName]entitlement.Address
}

// note records a Member's address, and returns the one that it had before if that was another.
func (a *addresses) note(member *v1alpha1.Member) (before entitlement.Address) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[types.NamespacedName]entitlement.Address{}
	}
	name, now := client.ObjectKeyFromObject(member), entitlement.Fold(member.Spec.Email)
	before = a.of[name]
	a.of[name] = now
	if before == now {
		return ""
	}
	return before
}

// take returns the address of a Member that is gone, and forgets it.
func (a *addresses) take(name types.NamespacedName) entitlement.Address {
	a.mu.Lock()
	defer a.mu.Unlock()
	address := a.of[name]
	delete(a.of, name)
	return address
}

// forgetMember drops what is remembered of a Member that is gone.
func (r *Reconciler) forgetMember(in tenant.Objects, name types.NamespacedName) error {
	r.users.forgetMember(name)
	r.echoes.forget(name)
	if r.OnMissing != nil {
		r.OnMissing(name, nil)
	}
	return r.forgetPerson(in, r.addresses.take(name))
}

// forgetPerson drops what is remembered of a person unless a Member has the address.
func (r *Reconciler) forgetPerson(in tenant.Objects, address entitlement.Address) error {
	if address == "" {
		return nil
	}
	members, err := in.Members(address)
	if err != nil || len(members) > 0 {
		return err
	}
	person := tenant.PersonAt(in.Namespace, address)
	r.Executor.Backoffs.Forget(person)
	r.Executor.Logins.Forget(person)
	r.users.forgetPerson(person)
	return nil
}
