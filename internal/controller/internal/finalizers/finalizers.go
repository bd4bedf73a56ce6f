package finalizers

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Add adds the finalizer. It patches metadata alone: an update would also write the spec as Go spells it, 6h as 6h0m0s,
// and fight with whoever applied it.
func Add(ctx context.Context, c client.Client, object client.Object) error {
	return changeFinalizers(ctx, c, object, "adding the finalizer", controllerutil.AddFinalizer)
}

// Remove takes the finalizer off.
func Remove(ctx context.Context, c client.Client, object client.Object) error {
	return changeFinalizers(ctx, c, object, "removing the finalizer", controllerutil.RemoveFinalizer)
}

func changeFinalizers(ctx context.Context, c client.Client, object client.Object, doing string, change func(client.Object, string) bool) error {
	if !change(object, v1alpha1.Finalizer) {
		return nil
	}
	// The list is replaced as a whole, so the resourceVersion keeps somebody else's finalizer from being lost.
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"finalizers": object.GetFinalizers(), "resourceVersion": object.GetResourceVersion(),
	}})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := c.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
