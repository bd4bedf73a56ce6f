// Package apply writes the objects of a feed: by server-side apply, only those that differ, and never one that is not the
// feed's own.
package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/intake"
	"github.com/kisi-operator/kisi-operator/internal/intake/guard"
)

const (
	// Manager is the field manager.
	Manager = "kisi-feed"
	// FeedLabel has the name of the feed that an object belongs to.
	FeedLabel = "feed.kisi-operator.dev/feed"

	// appliedAnnotation is a hash of what was applied last, so that a field that is not wanted any more is noticed.
	appliedAnnotation = "feed.kisi-operator.dev/applied"
	// leftAnnotation is when the object was pruned because its entry was gone.
	leftAnnotation = "feed.kisi-operator.dev/left-at"
)

// Cluster is where the objects of a feed are.
type Cluster struct {
	// Client reads and writes without a cache.
	Client    client.Client
	Namespace string
	// Feed is the name of the feed.
	Feed string
}

// Objects are all objects of a kind in the namespace.
type Objects struct {
	kind  string
	named map[string]*unstructured.Unstructured
	feed  string
}

// List reads the objects of a kind.
func (c Cluster) List(ctx context.Context, kind string) (Objects, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
	if err := c.Client.List(ctx, list, client.InNamespace(c.Namespace)); err != nil {
		return Objects{}, fmt.Errorf("listing the objects of kind %s: %w", kind, err)
	}
	objects := Objects{kind: kind, named: make(map[string]*unstructured.Unstructured, len(list.Items)), feed: c.Feed}
	for i := range list.Items {
		objects.named[list.Items[i].GetName()] = &list.Items[i]
	}
	return objects, nil
}

// Guarded are the feed's own objects, as the guard knows them.
func (o Objects) Guarded() []guard.Object {
	var guarded []guard.Object
	for name, object := range o.named {
		if object.GetLabels()[FeedLabel] != o.feed || object.GetDeletionTimestamp() != nil {
			continue
		}
		is := guard.Object{Kind: o.kind, Name: name, Gives: gives(object), People: peopleOf(object)}
		is.ID, _, _ = unstructured.NestedString(object.Object, "spec", "externalID")
		is.From, is.Until = timeOf(object, "startTime"), timeOf(object, "endTime")
		is.Left, _ = time.Parse(time.RFC3339, object.GetAnnotations()[leftAnnotation]) // zero: it did not leave
		guarded = append(guarded, is)
	}
	return guarded
}

// EntryOf is an entry as the guard knows it.
func EntryOf(e intake.Entry) (guard.Entry, error) {
	object, err := contentOf(e.Object)
	if err != nil {
		return guard.Entry{}, err
	}
	return guard.Entry{
		Kind: object.GetKind(), ID: e.ID, From: timeOf(object, "startTime"), Until: timeOf(object, "endTime"),
		People: peopleOf(object), Canceled: !gives(object),
	}, nil
}

// gives says whether an object gives anything, apart from its dates.
func gives(object *unstructured.Unstructured) bool {
	state, _, _ := unstructured.NestedString(object.Object, "spec", "state")
	return state != string(v1alpha1.BookingCanceled)
}

func timeOf(object *unstructured.Unstructured, name string) time.Time {
	text, _, _ := unstructured.NestedString(object.Object, "spec", name)
	at, _ := time.Parse(time.RFC3339, text) // zero: without a bound
	return at
}

// peopleOf are the folded addresses of those whom a booking names.
func peopleOf(object *unstructured.Unstructured) []string {
	organizer, _, _ := unstructured.NestedMap(object.Object, "spec", "organizer")
	attendees, _, _ := unstructured.NestedSlice(object.Object, "spec", "attendees")
	var people []string
	for _, one := range append([]any{organizer}, attendees...) {
		person, _ := one.(map[string]any)
		if email, _ := person["email"].(string); email != "" {
			people = append(people, string(entitlement.Fold(v1alpha1.EmailAddress(email))))
		}
	}
	return people
}

// Action is a write.
type Action string

// The writes.
const (
	Create Action = "create"
	Change Action = "change"
	Cancel Action = "cancel"
	Delete Action = "delete"
)

// Write is something to be done to an object.
type Write struct {
	Action Action
	Kind   string
	Name   string
	// Where the entry stands in the export; empty for what is pruned.
	Where string
	// ID is the entry's.
	ID string

	object *unstructured.Unstructured // what is applied; what is there, if it is deleted
}

// Upsert is the write that an entry needs; ok is false if it needs none: nothing differs, or there is nothing to make since
// the entry is canceled or over. It fails if an object that is not the feed's has the name.
func (o Objects) Upsert(namespace string, e intake.Entry, now time.Time) (_ Write, ok bool, _ error) {
	wanted, err := contentOf(e.Object)
	if err != nil {
		return Write{}, false, err
	}
	name := Name(o.feed, o.kind, e.ID)
	wanted.SetNamespace(namespace)
	wanted.SetName(name)
	wanted.SetLabels(map[string]string{FeedLabel: o.feed})
	hash, err := hashOf(wanted.Object["spec"])
	if err != nil {
		return Write{}, false, err
	}
	wanted.SetAnnotations(map[string]string{appliedAnnotation: hash})
	write := Write{Action: Change, Kind: o.kind, Name: name, Where: e.Where, ID: e.ID, object: wanted}
	is := o.named[name]
	switch until := timeOf(wanted, "endTime"); {
	case is == nil && (!gives(wanted) || !until.IsZero() && !now.Before(until)):
		return Write{}, false, nil
	case is == nil:
		write.Action = Create
		return write, true, nil
	case is.GetLabels()[FeedLabel] != o.feed:
		return Write{}, false, fmt.Errorf("%s %s is there and not this feed's; delete it, or add the label %s: %s to hand it over", o.kind, name, FeedLabel, o.feed)
	case is.GetDeletionTimestamp() != nil:
		return Write{}, false, nil // the next reading makes it again
	case is.GetAnnotations()[appliedAnnotation] == hash && is.GetAnnotations()[leftAnnotation] == "" && covers(is.Object["spec"], wanted.Object["spec"]):
		return Write{}, false, nil
	}
	wanted.SetUID(is.GetUID()) // so that nothing is written if it is another one by then
	return write, true, nil
}

// Prune is the write that ends an object whose entry is gone: it is canceled if its kind can be, otherwise deleted.
func (o Objects) Prune(p guard.Pruned, now time.Time) (Write, error) {
	is := o.named[p.Name]
	write := Write{Action: Delete, Kind: o.kind, Name: p.Name, ID: p.ID, object: is}
	if o.kind != entitlement.KindBookingGrant && o.kind != entitlement.KindAccessSubscription {
		return write, nil
	}
	spec, err := ownedSpec(is)
	if err != nil {
		return Write{}, err
	}
	spec["state"] = string(v1alpha1.BookingCanceled)
	hash, err := hashOf(spec)
	if err != nil {
		return Write{}, err
	}
	annotations := map[string]string{appliedAnnotation: hash}
	if p.Counted {
		annotations[leftAnnotation] = now.UTC().Format(time.RFC3339)
	}
	wanted := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	wanted.SetGroupVersionKind(is.GroupVersionKind())
	wanted.SetNamespace(is.GetNamespace())
	wanted.SetName(p.Name)
	wanted.SetUID(is.GetUID())
	wanted.SetLabels(map[string]string{FeedLabel: o.feed})
	wanted.SetAnnotations(annotations)
	write.Action, write.object = Cancel, wanted
	return write, nil
}

// Do carries a write out. Of what the API server refuses, the error names the fields, without their values, which may be
// people's.
func (c Cluster) Do(ctx context.Context, w Write) error {
	if w.Action == Delete {
		uid, version := w.object.GetUID(), w.object.GetResourceVersion()
		err := c.Client.Delete(ctx, w.object, client.Preconditions{UID: &uid, ResourceVersion: &version})
		return client.IgnoreNotFound(err)
	}
	err := c.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(w.object), client.FieldOwner(Manager), client.ForceOwnership)
	var status apierrors.APIStatus
	if apierrors.IsInvalid(err) && errors.As(err, &status) && status.Status().Details != nil {
		return refusedError{err, status.Status().Details.Causes}
	}
	return err
}

// refusedError is an error of validation without the values.
type refusedError struct {
	error

	causes []metav1.StatusCause
}

// Error names the fields.
func (e refusedError) Error() string {
	fields := make([]string, 0, len(e.causes))
	for _, cause := range e.causes {
		fields = append(fields, cause.Field)
	}
	slices.Sort(fields)
	return "the API server refuses the values of " + strings.Join(slices.Compact(fields), ", ")
}

// Unwrap returns the API server's own error.
func (e refusedError) Unwrap() error { return e.error }

// OneObject says whether an error is about the written object alone, so that the others can go on.
func OneObject(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsConflict(err)
}

// Name is the name of the object for an ID: stable, bounded, and another one for another feed, kind or ID.
func Name(feed, kind, id string) string {
	sum := sha256.Sum256([]byte(feed + "\x00" + kind + "\x00" + id))
	return feed + "-" + hex.EncodeToString(sum[:12])
}

// contentOf is what is applied of an object: its kind and spec.
func contentOf(object client.Object) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	gvk := object.GetObjectKind().GroupVersionKind()
	spec, is := content["spec"].(map[string]any)
	if gvk.Empty() || !is {
		return nil, fmt.Errorf("an object of type %T without kind or spec", object)
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(gvk)
	return u, nil
}

func hashOf(spec any) (string, error) {
	content, err := json.Marshal(spec) // sorts the keys
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8]), nil
}

// covers says whether all of a wanted value is in an object, which may have more.
func covers(is, wanted any) bool {
	fields, nested := wanted.(map[string]any)
	if !nested {
		return reflect.DeepEqual(is, wanted)
	}
	has, nested := is.(map[string]any)
	if !nested {
		return false
	}
	for name, value := range fields {
		if got, there := has[name]; !there || !covers(got, value) {
			return false
		}
	}
	return true
}

// ownedSpec are the fields of the spec that kisi-feed applied. An administrator's own, such as ttlSecondsAfterEnd, stay the
// administrator's.
func ownedSpec(object *unstructured.Unstructured) (map[string]any, error) {
	owned := map[string]any{}
	spec, _, err := unstructured.NestedMap(object.Object, "spec")
	if err != nil {
		return nil, err
	}
	for _, entry := range object.GetManagedFields() {
		if entry.Manager != Manager || entry.Operation != metav1.ManagedFieldsOperationApply || entry.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Spec map[string]any `json:"f:spec"`
		}
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			return nil, err
		}
		for name := range fields.Spec {
			if name := name[min(2, len(name)):]; spec[name] != nil {
				owned[name] = spec[name]
			}
		}
	}
	return owned, nil
}
