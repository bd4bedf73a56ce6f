package lookup

import (
	"context"
	"reflect"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Unchanged returns what reports whether the objects are still the same ones with the same spec: a connection may have been
// paused, and an object deleted, while a request of theirs waited for its turn.
func Unchanged(reader client.Reader, objects ...client.Object) func(context.Context) bool {
	type identity struct {
		kind       reflect.Type
		key        client.ObjectKey
		uid        types.UID
		generation int64
	}
	var were []identity
	for _, object := range objects {
		were = append(were, identity{reflect.TypeOf(object).Elem(), client.ObjectKeyFromObject(object), object.GetUID(), object.GetGeneration()})
	}
	return func(ctx context.Context) bool {
		for _, was := range were {
			is := reflect.New(was.kind).Interface().(client.Object)
			if err := reader.Get(ctx, was.key, is); err != nil || is.GetUID() != was.uid || is.GetGeneration() != was.generation {
				return false
			}
		}
		return true
	}
}
