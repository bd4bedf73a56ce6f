package tenant

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// cached reads the informer cache as it is. The manager's client has every list wait for all writes of the kind that this
// process has under way, and for their echo: a dozen lists a reconcile, beside seven other reconciles that write, cost a
// second and more.
type cached struct{ client.Reader }

// Cached returns a reader of the cache as it is by now. It is for what is looked at again when the cache changes: the maps of
// watches, and statuses that say how others stand.
func Cached(reader client.Reader) client.Reader { return cached{reader} }

// Get reads one object.
func (c cached) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return c.Reader.Get(ctx, key, object, append(options, client.DisableReadYourWritesConsistency)...)
}

// List reads a list.
func (c cached) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return c.Reader.List(ctx, list, append(options, client.DisableReadYourWritesConsistency)...)
}

// CaughtUp returns the Members that a list of Members leads to, and has the cache show first what this process has written of
// each of them, except of the one that has just been read. A Member that comes onto the list by such a write took over from one
// that is on it already: ledgers move from one to the other, the receiver's first. To wait for all that is being written of
// others would have every look wait for all operations under way.
func CaughtUp(ctx context.Context, reader client.Reader, read *v1alpha1.Member, list func() ([]*v1alpha1.Member, error)) ([]*v1alpha1.Member, error) {
	members, err := list()
	if err != nil {
		return nil, err
	}
	waited := false
	for _, member := range members {
		if client.ObjectKeyFromObject(member) == client.ObjectKeyFromObject(read) {
			continue
		}
		waited = true
		if err := reader.Get(ctx, client.ObjectKeyFromObject(member), &v1alpha1.Member{}, client.UnsafeDisableDeepCopy); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("waiting until the cache shows what was written of Member %s: %w", member.Name, err)
		}
	}
	if !waited {
		return members, nil
	}
	return list()
}
