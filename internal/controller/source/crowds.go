package source

import (
	"context"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// crowds knows the addresses that several Members have. Whoever has an address alone stands for it, and nobody needs to look
// for others: a team would be looked up person by person otherwise.
type crowds struct {
	reader  client.Reader
	mu      sync.Mutex
	several map[tenantAddress]bool
}

type tenantAddress struct {
	namespace string
	address   entitlement.Address
}

// look finds out whether several Members have the address of a Member by now; nil is none.
func (c *crowds) look(ctx context.Context, member *v1alpha1.Member) {
	if member == nil {
		return
	}
	at := tenantAddress{member.Namespace, entitlement.Fold(member.Spec.Email)}
	members, err := tenant.In(ctx, c.reader, at.namespace).Members(at.address)
	if err != nil {
		enqueue.LogMapError(ctx, "who has an address", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(members) < 2 && err == nil {
		delete(c.several, at)
		return
	}
	if c.several == nil {
		c.several = map[tenantAddress]bool{}
	}
	c.several[at] = true
}

// crowded reports whether several Members have the address.
func (c *crowds) crowded(namespace string, address entitlement.Address) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.several[tenantAddress{namespace, address}]
}

// before keeps the crowds by the changes of Members, and passes these on.
func (c *crowds) before(then enqueue.Changes) enqueue.Changes {
	return func(ctx context.Context, before, after client.Object, initial bool, q enqueue.Queue) {
		was, _ := before.(*v1alpha1.Member)
		is, _ := after.(*v1alpha1.Member)
		if was == nil || is == nil || entitlement.Fold(was.Spec.Email) != entitlement.Fold(is.Spec.Email) {
			c.look(ctx, was)
			c.look(ctx, is)
		}
		then(ctx, before, after, initial, q)
	}
}

// teams reads a namespace for the evaluation of a team's subscription: the Members of the team are listed once.
type teams struct {
	tenant.Objects
	crowds *crowds
	alone  map[entitlement.Address]*v1alpha1.Member
}

// TeamMembers returns the Members of a team, and remembers those who have their address alone.
func (t teams) TeamMembers(team v1alpha1.Team) ([]*v1alpha1.Member, error) {
	members, err := t.Objects.TeamMembers(team)
	for _, member := range members {
		if address := entitlement.Fold(member.Spec.Email); !t.crowds.crowded(t.Namespace, address) {
			t.alone[address] = member
		}
	}
	return members, err
}

// Members returns the Members of an address.
func (t teams) Members(address entitlement.Address) ([]*v1alpha1.Member, error) {
	if member := t.alone[address]; member != nil {
		return []*v1alpha1.Member{member}, nil
	}
	return t.Objects.Members(address)
}
