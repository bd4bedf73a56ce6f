package simulation

import (
	"fmt"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// ending is what is done with a business at the end of a history.
type ending string

const (
	// wiped has everything deleted that gives somebody access, all at once, as an empty export does: the revocation limit
	// must hold most of it until it is approved.
	wiped ending = "wiped"
	// deleted has every object deleted, in any order, as with a namespace: nothing may hang.
	deleted ending = "deleted"
)

func (w *world) end() ([]string, error) {
	switch w.history.Ending {
	case wiped:
		return w.wipe()
	case deleted:
		return w.deleteAll()
	}
	return nil, nil
}

// lists are all kinds; those of the first so many give access.
func lists() (all []client.ObjectList, sources int) {
	return []client.ObjectList{
		&v1alpha1.MemberList{}, &v1alpha1.AccessSubscriptionList{}, &v1alpha1.BookingGrantList{},
		&v1alpha1.AccessPlanList{}, &v1alpha1.PlaceMappingList{}, &v1alpha1.KisiGroupList{}, &v1alpha1.KisiConnectionList{},
	}, 3
}

// remove deletes all objects of some kinds in any order, and kills the operator meanwhile.
func (w *world) remove(of []client.ObjectList) error {
	objects, err := w.objects(of)
	if err != nil {
		return err
	}
	w.lots.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
	for i, object := range objects {
		if err := w.client.Delete(w.ctx, object); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting %T %s: %w", object, object.GetName(), err)
		}
		time.Sleep(time.Duration(w.lots.IntN(300)) * time.Millisecond)
		if i%8 == 7 {
			if err := w.disturb(step{Do: "kill", N: w.lots.IntN(8), For: time.Second}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) objects(of []client.ObjectList) ([]client.Object, error) {
	var objects []client.Object
	for _, list := range of {
		if err := w.client.List(w.ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, err
		}
		if err := apimeta.EachListItem(list, func(item runtime.Object) error {
			objects = append(objects, item.(client.Object)) //nolint:forcetypeassert // they are lists of the API
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// deleteAll deletes every object and says what stays.
func (w *world) deleteAll() ([]string, error) {
	all, _ := lists()
	if err := w.remove(all); err != nil {
		return nil, err
	}
	time.Sleep(20 * time.Minute)
	if w.history.Disconnect == v1alpha1.DisconnectRetain {
		// The Members of those who keep something in Kisi stay as its record, until they are deleted too.
		if err := w.remove(all); err != nil {
			return nil, err
		}
		time.Sleep(20 * time.Minute)
	}
	left, err := w.objects(all)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, object := range left {
		wrong = append(wrong, fmt.Sprintf("%T %s is still there 20 minutes after it was deleted, with finalizers %q", object, object.GetName(), object.GetFinalizers()))
	}
	if w.history.Disconnect != v1alpha1.DisconnectRevoke {
		return wrong, nil
	}
	for _, name := range groups {
		for _, is := range w.ours(name) {
			wrong = append(wrong, fmt.Sprintf("%s has assignment %d in %s 20 minutes after everything was deleted", is.User, is.ID, name))
		}
	}
	return wrong, nil
}

// ours are the assignments in a group that an administrator has not made.
func (w *world) ours(group string) []simulator.Assignment {
	var ours []simulator.Assignment
	for _, is := range w.kisi.Assignments(group) {
		if is.CreatedBy != admin {
			ours = append(ours, is)
		}
	}
	return ours
}

// wipe deletes what gives access, says whether more than the revocation limit allows went, and whether the rest goes once it
// is approved.
func (w *world) wipe() ([]string, error) {
	if err := w.connect(func(spec *v1alpha1.KisiConnectionSpec) { spec.RevocationLimit = v1alpha1.RevocationLimit{} }); err != nil {
		return nil, err
	}
	time.Sleep(time.Minute)
	began, before := now(), map[string][]simulator.Assignment{}
	for _, name := range groups {
		before[name] = w.ours(name)
	}
	all, n := lists()
	if err := w.remove(all[:n]); err != nil {
		return nil, err
	}
	time.Sleep(10 * time.Minute)
	var wrong []string
	for _, name := range groups {
		lost := map[string]bool{}
		for _, is := range before[name] {
			lost[is.User] = !w.endsWithin(is.User, name, span{began.Add(-time.Minute), now().Add(time.Minute)})
		}
		for _, is := range w.ours(name) {
			delete(lost, is.User)
		}
		gone := 0
		for _, counts := range lost {
			if counts {
				gone++
			}
		}
		if most := allowance(len(before[name])); gone > most {
			wrong = append(wrong, fmt.Sprintf("%d of %d people lost %s at once; the revocation limit allows %d", gone, len(before[name]), name, most))
		}
	}
	if err := w.approve(); err != nil {
		return nil, err
	}
	time.Sleep(10 * time.Minute)
	for _, name := range groups {
		for _, is := range w.ours(name) {
			wrong = append(wrong, fmt.Sprintf("%s has assignment %d in %s ten minutes after that was approved", is.User, is.ID, name))
		}
	}
	left, err := w.objects(all[:n])
	for _, object := range left {
		wrong = append(wrong, fmt.Sprintf("%T %s is still there ten minutes after all was approved", object, object.GetName()))
	}
	return wrong, err
}

// allowance is how many of so many grants may go at once by default: a quarter, or ten, but no more than half of a small
// group, or two.
func allowance(of int) int { return max(min(10, max(2, (of+1)/2)), of/4) }

// endsWithin tells whether something that lets somebody in ends within a time by itself, which no limit counts.
func (w *world) endsWithin(address, group string, within span) bool {
	for _, is := range w.is.sources(address, group) {
		if !is.Until.IsZero() && !is.Until.Before(within.From) && is.Until.Before(within.Until) {
			return true
		}
	}
	return false
}

func (w *world) approve() error {
	connection := &v1alpha1.KisiConnection{ObjectMeta: meta("default")}
	if err := w.client.Get(w.ctx, client.ObjectKeyFromObject(connection), connection); err != nil {
		return err
	}
	before := connection.DeepCopy()
	metav1.SetMetaDataAnnotation(&connection.ObjectMeta, v1alpha1.ApproveRevocationsUntilAnnotation, now().Add(time.Hour).Format(time.RFC3339))
	return w.client.Patch(w.ctx, connection, client.MergeFrom(before))
}
