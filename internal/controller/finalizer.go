package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// hold adds the finalizer. It patches metadata alone: an update would also write the spec as Go spells it, 6h as 6h0m0s,
// and fight with whoever applied it.
func hold(ctx context.Context, c client.Client, object client.Object) error {
	return changeFinalizers(ctx, c, object, "adding the finalizer", controllerutil.AddFinalizer)
}

// abandons reports whether the object is to be released though its side in Kisi cannot be reached.
func abandons(object client.Object) bool {
	return object.GetAnnotations()[v1alpha1.AbandonAnnotation] == "true"
}

// reasonAbandonIgnored is that of the Event about an annotation that abandons nothing.
const reasonAbandonIgnored = "AbandonIgnored"

// abandonNews says what a person should know of an abandon annotation that has just been written, or nil.
func abandonNews(object client.Object, before map[string]string) *news {
	switch object.(type) {
	case *v1alpha1.KisiConnection, *v1alpha1.KisiGroup, *v1alpha1.Member:
	default:
		return nil
	}
	value, present := object.GetAnnotations()[v1alpha1.AbandonAnnotation]
	previous, known := before[v1alpha1.AbandonAnnotation]
	if !present || value == "true" || value == "false" || known && value == previous {
		return nil
	}
	return &news{corev1.EventTypeWarning, reasonAbandonIgnored,
		fmt.Sprintf("the annotation %s abandons nothing: its value is not %q; write %q, or take the annotation away", v1alpha1.AbandonAnnotation, "true", "true")}
}

// reportAbandoned says, once, how many role assignments stay in Kisi because an object was let go so.
func reportAbandoned(recorder events.EventRecorder, object client.Object, rows int) {
	if recorder != nil && rows > 0 {
		recorder.Eventf(object, nil, corev1.EventTypeWarning, "Abandoned", "Release",
			"%d role assignment(s) stay in Kisi as they are (Retained in the ledger), because of the annotation %s", rows, v1alpha1.AbandonAnnotation)
	}
}

// reportRetained says, once, how many role assignments stay in Kisi because a connection was let go under Retain.
func reportRetained(recorder events.EventRecorder, connection *v1alpha1.KisiConnection, rows int) {
	if recorder != nil && rows > 0 {
		recorder.Eventf(connection, nil, corev1.EventTypeNormal, string(v1alpha1.GrantRetained), "Release",
			"%d role assignment(s) stay in Kisi as they are (Retained in the ledger), because of disconnectPolicy: Retain", rows)
	}
}

// release takes the finalizer off.
func release(ctx context.Context, c client.Client, object client.Object) error {
	return changeFinalizers(ctx, c, object, "removing the finalizer", controllerutil.RemoveFinalizer)
}

func changeFinalizers(ctx context.Context, c client.Client, object client.Object, doing string, change func(client.Object, string) bool) error {
	before := object.DeepCopyObject().(client.Object)
	if !change(object, v1alpha1.Finalizer) {
		return nil
	}
	// The list is replaced as a whole, so the lock keeps somebody else's finalizer from being lost.
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := c.Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
