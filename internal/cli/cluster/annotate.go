package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// FieldManager is that of what `kubectl kisi` writes.
const FieldManager = "kubectl-kisi"

// Annotate sets an annotation of an object.
func (c *Client) Annotate(ctx context.Context, namespace, kind, name, annotation, value string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{annotation: value}}})
	if err != nil {
		return err
	}
	err = c.rest.Patch(types.MergePatchType).Namespace(namespace).Resource(objects.Resource(kind)).Name(name).
		Param("fieldManager", FieldManager).Body(patch).Do(ctx).Error()
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("there is no %s %q in namespace %s", kind, name, namespace)
	case err != nil:
		return fmt.Errorf("annotating %s %s: %w", kind, name, err)
	}
	return nil
}
