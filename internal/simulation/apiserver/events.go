package apiserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/rest"
)

// coreEvents are the Events of events.k8s.io as v1 has them, in which kubectl and leader election see them.
type coreEvents struct{ stored registry }

var _ rest.Patcher = coreEvents{}

func (coreEvents) New() runtime.Object     { return &corev1.Event{} }
func (coreEvents) NewList() runtime.Object { return &corev1.EventList{} }
func (coreEvents) Destroy()                {}
func (coreEvents) NamespaceScoped() bool   { return true }
func (coreEvents) GetSingularName() string { return "event" }
func (c coreEvents) ShortNames() []string  { return c.stored.shortNames }

func (c coreEvents) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return inCore(c.stored.Get(ctx, name, options))
}

func (c coreEvents) Create(ctx context.Context, object runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	return inCore(c.stored.Create(ctx, fromCore(object), checked(validate), options))
}

func (c coreEvents) Update(ctx context.Context, name string, update rest.UpdatedObjectInfo, create rest.ValidateObjectFunc,
	validate rest.ValidateObjectUpdateFunc, mayCreate bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	changed := rest.DefaultUpdatedObjectInfo(nil, func(ctx context.Context, _, old runtime.Object) (runtime.Object, error) {
		updated, err := update.UpdatedObject(ctx, toCore(old))
		if err != nil {
			return nil, err
		}
		return fromCore(updated), nil
	})
	object, made, err := c.stored.Update(ctx, name, changed, checked(create), func(ctx context.Context, is, old runtime.Object) error {
		return validate(ctx, toCore(is), toCore(old))
	}, mayCreate, options)
	object, err = inCore(object, err)
	return object, made, err
}

func (c coreEvents) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	object, now, err := c.stored.Delete(ctx, name, checked(validate), options)
	if event, is := object.(*eventsv1.Event); is {
		object = toCore(event)
	}
	return object, now, err
}

// List asks for all of the namespace: which Event a field selector means is known of its core form.
func (c coreEvents) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	matches, options := selecting(options)
	found, err := c.stored.List(ctx, options)
	if err != nil {
		return nil, err
	}
	list := found.(*eventsv1.EventList)
	core := &corev1.EventList{ListMeta: list.ListMeta}
	for i := range list.Items {
		if event := toCore(&list.Items[i]); matches(event) {
			core.Items = append(core.Items, *event)
		}
	}
	return core, nil
}

func (c coreEvents) Watch(ctx context.Context, options *internalversion.ListOptions) (watch.Interface, error) {
	matches, options := selecting(options)
	events, err := c.stored.Watch(ctx, options)
	if err != nil {
		return nil, err
	}
	return watch.Filter(events, func(is watch.Event) (watch.Event, bool) {
		event, holds := is.Object.(*eventsv1.Event)
		if !holds {
			return is, true
		}
		core := toCore(event)
		is.Object = core
		return is, is.Type == watch.Bookmark || matches(core)
	}), nil
}

// selecting takes the field selector out of options, and returns what it selects.
func selecting(options *internalversion.ListOptions) (func(*corev1.Event) bool, *internalversion.ListOptions) {
	if options == nil || options.FieldSelector == nil {
		return func(*corev1.Event) bool { return true }, options
	}
	selector := options.FieldSelector
	all := options.DeepCopy()
	all.FieldSelector = nil
	return func(event *corev1.Event) bool {
		of := event.InvolvedObject
		return selector.Matches(fields.Set{
			"metadata.name": event.Name, "metadata.namespace": event.Namespace, "type": event.Type, "reason": event.Reason,
			"reportingComponent": event.ReportingController, "source": event.Source.Component, "involvedObject.kind": of.Kind,
			"involvedObject.namespace": of.Namespace, "involvedObject.name": of.Name, "involvedObject.uid": string(of.UID),
			"involvedObject.apiVersion": of.APIVersion, "involvedObject.resourceVersion": of.ResourceVersion, "involvedObject.fieldPath": of.FieldPath,
		})
	}, all
}

// ConvertToTable has the columns of kubectl get events.
func (coreEvents) ConvertToTable(_ context.Context, object, _ runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	for _, name := range []string{"Last Seen", "Type", "Reason", "Object", "Message"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	row := func(object runtime.Object) error {
		event, is := object.(*corev1.Event)
		if !is {
			return fmt.Errorf("a %T is no Event", object)
		}
		of := strings.ToLower(event.InvolvedObject.Kind) + "/" + event.InvolvedObject.Name
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells:  []any{duration.HumanDuration(time.Since(lastSeen(event))), event.Type, event.Reason, of, strings.TrimSpace(event.Message)},
			Object: runtime.RawExtension{Object: object},
		})
		return nil
	}
	if list, is := object.(*corev1.EventList); is {
		table.ListMeta = list.ListMeta
		return table, meta.EachListItem(object, row)
	}
	return table, row(object)
}

func lastSeen(event *corev1.Event) time.Time {
	switch {
	case event.Series != nil:
		return event.Series.LastObservedTime.Time
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	}
	return event.CreationTimestamp.Time
}

func checked(validate rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, object runtime.Object) error { return validate(ctx, toCore(object)) }
}

func inCore(object runtime.Object, err error) (runtime.Object, error) {
	if err != nil {
		return nil, err
	}
	return toCore(object), nil
}

// toCore and fromCore lose nothing: both forms have the same fields under different names.

func toCore(object runtime.Object) *corev1.Event {
	is := object.(*eventsv1.Event)
	event := &corev1.Event{
		ObjectMeta: is.ObjectMeta, InvolvedObject: is.Regarding, Related: is.Related, Reason: is.Reason, Message: is.Note, Type: is.Type,
		Source: is.DeprecatedSource, FirstTimestamp: is.DeprecatedFirstTimestamp, LastTimestamp: is.DeprecatedLastTimestamp,
		Count: is.DeprecatedCount, EventTime: is.EventTime, Action: is.Action, ReportingController: is.ReportingController,
		ReportingInstance: is.ReportingInstance,
	}
	if is.Series != nil {
		event.Series = &corev1.EventSeries{Count: is.Series.Count, LastObservedTime: is.Series.LastObservedTime}
	}
	return event
}

func fromCore(object runtime.Object) *eventsv1.Event {
	is := object.(*corev1.Event)
	event := &eventsv1.Event{
		ObjectMeta: is.ObjectMeta, Regarding: is.InvolvedObject, Related: is.Related, Reason: is.Reason, Note: is.Message, Type: is.Type,
		DeprecatedSource: is.Source, DeprecatedFirstTimestamp: is.FirstTimestamp, DeprecatedLastTimestamp: is.LastTimestamp,
		DeprecatedCount: is.Count, EventTime: is.EventTime, Action: is.Action, ReportingController: is.ReportingController,
		ReportingInstance: is.ReportingInstance,
	}
	if is.Series != nil {
		event.Series = &eventsv1.EventSeries{Count: is.Series.Count, LastObservedTime: is.Series.LastObservedTime}
	}
	return event
}
