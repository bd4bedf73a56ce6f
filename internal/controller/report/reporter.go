package report

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Reporter turns transitions of conditions into Events: what a person should know, once. Ordinary grants and revocations
// are in the ledger. It runs on the leader only, and a restart repeats nothing, because it looks at changes.
type Reporter struct {
	Cache    cache.Cache
	Recorder events.EventRecorder
}

// Start watches every kind until ctx ends.
func (r *Reporter) Start(ctx context.Context) error {
	for _, object := range []client.Object{
		&v1alpha1.KisiConnection{}, &v1alpha1.KisiGroup{}, &v1alpha1.PlaceMapping{}, &v1alpha1.AccessPlan{},
		&v1alpha1.AccessSubscription{}, &v1alpha1.BookingGrant{}, &v1alpha1.Member{},
	} {
		informer, err := r.Cache.GetInformer(ctx, object)
		if err != nil {
			return fmt.Errorf("watching %T for events: %w", object, err)
		}
		registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerDetailedFuncs{AddFunc: r.added, UpdateFunc: r.changed})
		if err != nil {
			return fmt.Errorf("watching %T for events: %w", object, err)
		}
		defer func() { _ = informer.RemoveEventHandler(registration) }()
	}
	<-ctx.Done()
	return nil
}

func (r *Reporter) changed(before, after any) {
	was, hadConditions := before.(v1alpha1.WithConditions)
	has, hasConditions := after.(v1alpha1.WithConditions)
	is, isObject := after.(client.Object)
	if !hadConditions || !hasConditions || !isObject {
		return
	}
	r.tell(is, newsOfWebhook(was.GetConditions(), has.GetConditions()))
	r.tell(is, newsOf(is, was.GetConditions(), has.GetConditions()))
	r.tell(is, holdNews(is, was.GetConditions(), has.GetConditions()))
	r.tell(is, keptNews(was.GetConditions(), has.GetConditions()))
	r.tell(is, approvalNews(is, before.(client.Object).GetAnnotations(), time.Now()))
	r.tell(is, claimNews(is, before.(client.Object).GetAnnotations()))
	r.tell(is, rebindNews(is, before.(client.Object).GetAnnotations()))
	r.tell(is, abandonNews(is, before.(client.Object).GetAnnotations()))
}

// added reports on what a new object says; what was there before this process began has been reported on.
func (r *Reporter) added(object any, initial bool) {
	if is, isObject := object.(client.Object); isObject && !initial {
		r.tell(is, approvalNews(is, nil, time.Now()))
		r.tell(is, claimNews(is, nil))
		r.tell(is, rebindNews(is, nil))
		r.tell(is, abandonNews(is, nil))
	}
}

func (r *Reporter) tell(about client.Object, n *news) {
	if n != nil {
		Say(r.Recorder, about, Event{Type: n.eventType, Reason: n.reason}, "Reconcile", n.message)
	}
}

// news is one Event.
type news struct{ eventType, reason, message string }

// newsOf says what a person should know of a change of conditions, or nil.
func newsOf(object client.Object, before, after []metav1.Condition) *news {
	was, is := summaryOf(before), summaryOf(after)
	if is.reason == was.reason && is.ready == was.ready {
		return nil
	}
	switch {
	case is.stalled, is.problem && concernsMany(object):
		return &news{corev1.EventTypeWarning, is.reason, is.message}
	case is.ready && was.problem && concernsMany(object):
		return &news{corev1.EventTypeNormal, is.reason, is.message}
	case is.reason == organizerNotMember.Reason:
		return organizerNotMember.with(is.message)
	}
	return nil
}

// newsOfWebhook says that Kisi's calls do not arrive, or did not.
func newsOfWebhook(before, after []metav1.Condition) *news {
	is := meta.FindStatusCondition(after, v1alpha1.ConditionWebhookReady)
	was := meta.FindStatusCondition(before, v1alpha1.ConditionWebhookReady)
	if is == nil || was != nil && was.Reason == is.Reason {
		return nil
	}
	if of, told := webhook[is.Reason]; told {
		return of.with(is.Message)
	}
	return nil
}

// concernsMany tells the objects whose every trouble is news from those that only pass it on: a connection that is not
// Ready is said once, and not again for each of its Members.
func concernsMany(object client.Object) bool {
	switch object.(type) {
	case *v1alpha1.KisiConnection, *v1alpha1.KisiGroup:
		return true
	}
	return false
}

// summary is what Ready and the conditions beside it say together.
type summary struct {
	ready, stalled, problem bool
	reason, message         string
}

func summaryOf(current []metav1.Condition) summary {
	found := meta.FindStatusCondition(current, v1alpha1.ConditionReady)
	if found == nil {
		return summary{}
	}
	s := summary{
		ready:   found.Status == metav1.ConditionTrue,
		stalled: meta.IsStatusConditionTrue(current, v1alpha1.ConditionStalled),
		reason:  found.Reason, message: found.Message,
	}
	switch found.Reason {
	case v1alpha1.ReasonConnecting, v1alpha1.ReasonCreating, v1alpha1.ReasonUpdating, v1alpha1.ReasonDeleting, v1alpha1.ReasonConnectionNotReady:
	default:
		s.problem = !s.ready
	}
	return s
}
