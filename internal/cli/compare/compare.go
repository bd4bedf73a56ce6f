// Package compare says, purely, who gains and who loses which door, and when, if some objects were others.
package compare

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Report is who gains and who loses what (`kubectl kisi diff`).
type Report struct {
	metav1.TypeMeta `json:",inline"`

	Namespace string `json:"namespace"`
	// Time as seen from which things are compared: what has ended by then is not.
	Time metav1.Time `json:"time"`
	// Objects that differ.
	Objects []Object `json:"objects"`
	// Loses lists who loses a door, by name and door.
	Loses []Change `json:"loses"`
	// Gains lists who gains a door.
	Gains []Change `json:"gains"`
	// Frozen lists who keeps a door only because an object contradicts itself: nothing is taken away until that is put right.
	Frozen []Change `json:"frozen,omitempty"`
	// Problems are those of the new objects that the old ones do not have.
	Problems []access.Problem `json:"problems,omitempty"`
}

// Object is an object that differs.
type Object struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Change is Added, Changed or Removed.
	Change string `json:"change"`
}

// Changes of an object.
const (
	Added   = "Added"
	Changed = "Changed"
	Removed = "Removed"
)

// Change is what one person gains or loses at one door.
type Change struct {
	Person access.Person `json:"person"`
	Door   string        `json:"door"`
	// OfGroup is set where the objects do not name the doors: Door is then the name of the group in Kisi.
	OfGroup    bool   `json:"ofGroup,omitempty"`
	Connection string `json:"connection,omitempty"`
	// Place in Kisi that the groups name, as its name or id.
	Place string `json:"place,omitempty"`
	// Windows that are gained or lost, in order.
	Windows []v1alpha1.Window `json:"windows"`
	// Sources that give the access: before, if it is lost, else after.
	Sources []string `json:"sources"`
	// Causes are the objects that differ on the way from these sources to the door.
	Causes []string `json:"causes,omitempty"`
}

// DeepCopyObject makes a report printable by the printers of kubectl.
func (r *Report) DeepCopyObject() runtime.Object { return access.Copy(r) }

// Compare says what becomes of everybody if the objects were those after instead of those before.
func Compare(before, after *objects.Indexed, now time.Time) (*Report, error) {
	r := &Report{
		TypeMeta:  metav1.TypeMeta{APIVersion: access.GroupVersion.String(), Kind: "DiffReport"},
		Namespace: after.Namespace, Time: metav1.NewTime(now), Objects: differing(before, after), Loses: []Change{}, Gains: []Change{},
	}
	after = withoutRevoked(before, after)
	people := slices.Concat(access.People(before), access.People(after))
	slices.Sort(people)
	for _, address := range slices.Compact(people) {
		if err := r.person(before, after, address, now); err != nil {
			return nil, err
		}
	}
	for _, changes := range []*[]Change{&r.Loses, &r.Gains, &r.Frozen} {
		slices.SortStableFunc(*changes, func(a, b Change) int {
			return cmp.Or(cmp.Compare(a.Person.Named(), b.Person.Named()), cmp.Compare(a.Door, b.Door), cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Place, b.Place))
		})
	}
	var err error
	r.Problems, err = newProblems(before, after, now)
	return r, err
}

// person compares what one person may open.
func (r *Report) person(before, after *objects.Indexed, address entitlement.Address, now time.Time) error {
	was, err := access.Rights(before, address, now)
	if err != nil {
		return err
	}
	is, err := access.Rights(after, address, now)
	if err != nil {
		return err
	}
	for door, windows := range was.Doors {
		lost := subtract(windows, is.Doors[door], now)
		if len(lost) == 0 {
			continue
		}
		change, err := r.changeOf(before, was, door, lost)
		if err != nil {
			return err
		}
		if is.Frozen(change.Sources) {
			r.Frozen = append(r.Frozen, change)
		} else {
			r.Loses = append(r.Loses, change)
		}
	}
	for door, windows := range is.Doors {
		gained := subtract(windows, was.Doors[door], now)
		if len(gained) == 0 {
			continue
		}
		change, err := r.changeOf(after, is, door, gained)
		if err != nil {
			return err
		}
		r.Gains = append(r.Gains, change)
	}
	return nil
}

func (r *Report) changeOf(in *objects.Indexed, rights *access.PersonRights, door access.DoorKey, parts []entitlement.Sourced) (Change, error) {
	change := Change{Person: rights.Person, Door: door.Name, OfGroup: door.OfGroup, Connection: door.Connection, Place: door.Place}
	change.Person.Accounts = nil
	for _, part := range parts {
		change.Windows = append(change.Windows, part.API())
		change.Sources = append(change.Sources, part.Sources...)
	}
	slices.Sort(change.Sources)
	change.Sources = slices.Compact(change.Sources)
	ways, err := rights.Ways(in, door, change.Sources)
	if err != nil {
		return change, err
	}
	for _, name := range ways {
		if slices.ContainsFunc(r.Objects, func(o Object) bool { return o.Kind+"/"+o.Name == name }) {
			change.Causes = append(change.Causes, name)
		}
	}
	return change, nil
}

// subtract returns the parts of windows, from now on, that the others do not contain. Both are ordered and disjoint.
func subtract(windows, others []entitlement.Sourced, now time.Time) []entitlement.Sourced {
	var parts []entitlement.Sourced
	for _, w := range windows {
		rest := []entitlement.Window{w.Window}
		for _, other := range others {
			var kept []entitlement.Window
			for _, part := range rest {
				kept = append(kept, cut(part, other.Window)...)
			}
			rest = kept
		}
		for _, part := range rest {
			if !part.Empty() && !part.Ended(now) {
				parts = append(parts, entitlement.Sourced{Window: part, Sources: w.Sources})
			}
		}
	}
	return parts
}

// cut returns what is left of a window before and after another.
func cut(window, other entitlement.Window) []entitlement.Window {
	if !window.Overlaps(other) {
		return []entitlement.Window{window}
	}
	var parts []entitlement.Window
	if !other.From.IsZero() && (window.From.IsZero() || window.From.Before(other.From)) {
		parts = append(parts, entitlement.Window{From: window.From, Until: other.From})
	}
	if !other.Until.IsZero() && (window.Until.IsZero() || window.Until.After(other.Until)) {
		parts = append(parts, entitlement.Window{From: other.Until, Until: window.Until})
	}
	return parts
}
