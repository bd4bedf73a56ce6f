package tenant

import (
	"context"
	"errors"
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// lagging is a cache that shows what was written of a Member once somebody has waited for that Member.
type lagging struct {
	cachedMembers
	written map[string]v1alpha1.Member
	waited  []string
	err     error
}

func (l *lagging) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	l.waited = append(l.waited, key.Name)
	for i := range l.cachedMembers {
		if written, is := l.written[key.Name]; is && l.cachedMembers[i].Name == key.Name {
			l.cachedMembers[i] = written
		}
	}
	return l.err
}

func TestALookWaitsForTheLedgersOfThePersonAndNoOthers(t *testing.T) {
	written := func(name, email string) v1alpha1.Member {
		member := memberOf(name, email)
		member.Status.Grants = []v1alpha1.MemberGrant{{Group: "doors", RoleAssignmentID: 7}}
		return member
	}
	ana, twin, ben := memberOf("ana", "ana@example.com"), memberOf("twin", "Ana@example.com"), memberOf("ben", "ben@example.com")
	all := func() *lagging {
		return &lagging{
			cachedMembers: cachedMembers{ana, twin, ben},
			written:       map[string]v1alpha1.Member{"twin": written("twin", "Ana@example.com"), "ben": written("ben", "ben@example.com")},
		}
	}
	look := func(cache *lagging, read *v1alpha1.Member) ([]*v1alpha1.Member, error) {
		in := In(t.Context(), Pin(Cached(cache), read), "acme")
		return CaughtUp(t.Context(), cache, read, func() ([]*v1alpha1.Member, error) { return in.Members("ana@example.com") })
	}

	cache := all()
	members, err := look(cache, &ana)
	if err != nil || len(members) != 2 || !slices.Equal(cache.waited, []string{"twin"}) {
		t.Fatalf("%d Members after waiting for %v: %v", len(members), cache.waited, err)
	}
	for _, member := range members {
		if rows := len(member.Status.Grants); member.Name == "twin" && rows != 1 {
			t.Errorf("the ledger of the other Member has %d rows, as before the write", rows)
		}
	}

	alone := all()
	alone.cachedMembers = cachedMembers{ana, ben}
	if members, err = look(alone, &ana); err != nil || len(members) != 1 || len(alone.waited) > 0 {
		t.Errorf("%d Members after waiting for %v: %v", len(members), alone.waited, err)
	}

	broken := all()
	broken.err = errors.New("the cache has stopped")
	if _, err = look(broken, &ana); !errors.Is(err, broken.err) {
		t.Errorf("went on with what may be old: %v", err)
	}
}
