package apiserver

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
)

// namespaceLifecycle refuses what is to be made in a namespace that is not there or is going, as the admission plugin
// NamespaceLifecycle does.
type namespaceLifecycle struct{ database *database }

func (namespaceLifecycle) Handles(operation admission.Operation) bool {
	return operation == admission.Create
}

// Admit implements admission.MutationInterface: the plugin is one, so that it is asked before anything else.
func (n namespaceLifecycle) Admit(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetNamespace() == "" || a.GetKind().GroupKind() == corev1.SchemeGroupVersion.WithKind("Namespace").GroupKind() {
		return nil
	}
	n.database.mu.Lock()
	found, exists := n.database.objects["//namespaces/"+a.GetNamespace()]
	n.database.mu.Unlock()
	if !exists {
		return apierrors.NewNotFound(corev1.Resource("namespaces"), a.GetNamespace())
	}
	if found.(*corev1.Namespace).DeletionTimestamp == nil {
		return nil
	}
	err := admission.NewForbidden(a, fmt.Errorf("unable to create new content in namespace %s because it is being terminated", a.GetNamespace()))
	if refusal := (*apierrors.StatusError)(nil); errors.As(err, &refusal) {
		refusal.ErrStatus.Details.Causes = append(refusal.ErrStatus.Details.Causes, metav1.StatusCause{
			Type: corev1.NamespaceTerminatingCause, Message: fmt.Sprintf("namespace %s is being terminated", a.GetNamespace()), Field: "metadata.namespace",
		})
	}
	return err
}
