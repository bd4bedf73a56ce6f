package compare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Applied returns the objects as they are after some were applied and others removed. What the status of an object says of
// Kisi stays, as far as it is about the spec.
func Applied(before, applied *objects.Set, removed []string) (*objects.Set, error) {
	after := &objects.Set{Namespace: before.Namespace, Unreadable: before.Unreadable}
	index, news := before.Index(), map[string]bool{}
	for _, object := range applied.All() {
		name := objects.Name(object)
		news[name] = true
		if old := index.Named(objects.KindOf(object), object.GetName()); old != nil {
			changed, err := updated(old, object)
			if err != nil {
				return nil, err
			}
			object = changed
		}
		after.Add(object)
	}
	for _, object := range before.All() {
		if name := objects.Name(object); !news[name] && !slices.Contains(removed, name) {
			after.Add(object)
		}
	}
	return after, nil
}

// updated is the old object with the spec of the new one.
func updated(old, applied objects.Object) (objects.Object, error) {
	was, err := runtime.DefaultUnstructuredConverter.ToUnstructured(old)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", objects.Name(old), err)
	}
	is, err := runtime.DefaultUnstructuredConverter.ToUnstructured(applied)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", objects.Name(applied), err)
	}
	was["spec"] = is["spec"]
	object := objects.New(objects.KindOf(old))
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(was, object); err != nil {
		return nil, fmt.Errorf("%s: %w", objects.Name(old), err)
	}
	return object, nil
}

// Missing names the objects of one set that another does not have.
func Missing(from, in *objects.Set) []string {
	index := in.Index()
	var names []string
	for _, object := range from.All() {
		if index.Named(objects.KindOf(object), object.GetName()) == nil {
			names = append(names, objects.Name(object))
		}
	}
	return names
}

// AssumeVerified takes every Kisi place that a mapping names for one that Kisi has, where its status does not tell: without
// a cluster, or of a place that is only about to be named, nobody has looked yet.
func AssumeVerified(set *objects.Set) {
	for i, place := range set.Places {
		ref := place.Spec.KisiPlace
		if ref == nil {
			continue
		}
		known := place.DeepCopy()
		if ref.ID != 0 {
			entitlement.FoundPlace(known, ref.ID)
		} else if place.Status.KisiPlaceID == 0 || place.Status.KisiPlaceName != ref.Name {
			entitlement.FoundPlace(known, placeOfGroups(set, place))
		}
		set.Places[i] = known
	}
}

// placeOfGroups is the place of the mapping's groups, or any if none is known.
func placeOfGroups(set *objects.Set, place *v1alpha1.PlaceMapping) v1alpha1.KisiID {
	names := entitlement.PlaceGroups(place)
	for _, g := range set.Groups {
		if slices.Contains(names, v1alpha1.ObjectName(g.Name)) && g.Status.PlaceID != 0 {
			return g.Status.PlaceID
		}
	}
	return 1
}

// withoutRevoked leaves out the groups of connections that are removed and take everything back before they go. What a
// connection gave that leaves everything as it is, stays.
func withoutRevoked(before, after *objects.Indexed) *objects.Indexed {
	revoked := func(g *v1alpha1.KisiGroup) bool {
		name := g.Spec.ConnectionRef.Name
		was := before.Connection(name)
		return was != nil && was.Spec.DisconnectPolicy == v1alpha1.DisconnectRevoke && after.Connection(name) == nil
	}
	if !slices.ContainsFunc(after.Groups, revoked) {
		return after
	}
	left := *after.Set
	left.Groups = slices.DeleteFunc(slices.Clone(left.Groups), revoked)
	return left.Index()
}

func differing(before, after *objects.Indexed) []Object {
	all := []Object{}
	for _, o := range before.All() {
		kind := objects.KindOf(o)
		switch is := after.Named(kind, o.GetName()); {
		case is == nil:
			all = append(all, Object{kind, o.GetName(), Removed})
		case !sameSpec(o, is):
			all = append(all, Object{kind, o.GetName(), Changed})
		}
	}
	for _, o := range after.All() {
		if kind := objects.KindOf(o); before.Named(kind, o.GetName()) == nil {
			all = append(all, Object{kind, o.GetName(), Added})
		}
	}
	slices.SortStableFunc(all, func(a, b Object) int {
		return cmp.Or(cmp.Compare(slices.Index(objects.Kinds, a.Kind), slices.Index(objects.Kinds, b.Kind)), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func sameSpec(a, b objects.Object) bool { return equality.Semantic.DeepEqual(specOf(a), specOf(b)) }

func specOf(o objects.Object) map[string]any {
	encoded, err := json.Marshal(o)
	if err != nil {
		return nil
	}
	var content struct {
		Spec map[string]any `json:"spec"`
	}
	_ = json.Unmarshal(encoded, &content)
	return content.Spec
}

// newProblems lists the problems of the objects after that those before do not have.
func newProblems(before, after *objects.Indexed, now time.Time) ([]access.Problem, error) {
	was, err := access.Problems(before, now)
	if err != nil {
		return nil, err
	}
	is, err := access.Problems(after, now)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(is, func(p access.Problem) bool { return slices.Contains(was, p) }), nil
}
