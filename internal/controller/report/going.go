package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Abandoned says how many role assignments stay in Kisi because an object is let go so.
func Abandoned(ctx context.Context, c client.Client, object client.Object, rows int) error {
	return reportStaying(ctx, c, object, rows, abandoned, "the annotation "+v1alpha1.AbandonAnnotation)
}

// Retained says how many role assignments stay in Kisi because a connection is let go under Retain.
func Retained(ctx context.Context, c client.Client, connection *v1alpha1.KisiConnection, rows int) error {
	return reportStaying(ctx, c, connection, rows, retained, "disconnectPolicy: Retain")
}

// reportStaying says how many role assignments stay in Kisi, if any do, and why.
func reportStaying(ctx context.Context, c client.Client, object client.Object, rows int, of Event, because string) error {
	if rows <= 0 { // fewer than before, where something asks for one of them again
		return nil
	}
	return sayBeforeGoing(ctx, c, object, of.with(fmt.Sprintf(
		"%d role assignment(s) stay in Kisi as they are (Retained in the ledger), because of %s", rows, because)))
}

// sayBeforeGoing writes an Event about an object that is about to go, and returns when it is written: a recorder writes later
// or never, and then nobody would know what was left behind. Saying the same again makes no second Event. What keeps an
// Event from being written for good keeps no object.
func sayBeforeGoing(ctx context.Context, c client.Client, object client.Object, n *news) error {
	kind, err := apiutil.GVKForObject(object, c.Scheme())
	if err != nil {
		return fmt.Errorf("naming the kind of what goes: %w", err)
	}
	digest := sha256.Sum256([]byte(string(object.GetUID()) + n.reason + n.message))
	name := object.GetName()
	err = c.Create(ctx, &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: object.GetNamespace(), Name: strings.TrimRight(name[:min(len(name), 200)], ".-") + "." + hex.EncodeToString(digest[:8]),
		},
		EventTime: metav1.NowMicro(), Type: n.eventType, Reason: n.reason, Action: "Release", Note: n.message,
		ReportingController: reporterName, ReportingInstance: reporterName,
		Regarding: corev1.ObjectReference{
			APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Namespace: object.GetNamespace(), Name: name,
			UID: object.GetUID(), ResourceVersion: object.GetResourceVersion(),
		},
	}, client.DisableReadYourWritesConsistency) // which would need a watch on Events
	switch {
	case err == nil, apierrors.IsAlreadyExists(err):
		return nil
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsNotFound(err): // a namespace that is going takes none
		log.FromContext(ctx).Info("Cannot write an Event about an object that goes", "reason", n.reason, "error", err.Error())
		return nil
	}
	return fmt.Errorf("saying what is left behind: %w", err)
}

// reporterName is what Events say of who wrote them.
const reporterName = "kisi-operator"
