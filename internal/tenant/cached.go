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

// CatchUp waits, once, until the cache shows every ledger that this process has written, and returns a reader of the cache
// from then on.
func CatchUp(ctx context.Context, reader client.Reader) (client.Reader, error) {
	var none v1alpha1.MemberList // it is only asked for to wait
	if err := reader.List(ctx, &none, client.MatchingFields{ByAddress: ""}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("waiting until the cache shows what was written: %w", err)
	}
	return Cached(reader), nil
}
