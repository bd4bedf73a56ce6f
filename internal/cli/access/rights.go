package access

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// DoorKey tells doors apart: two organizations, or two places of one, may have a door of one name.
type DoorKey struct {
	Connection, Name string
	// Place in Kisi that the group names, as its name or id.
	Place string
	// OfGroup is set where the objects do not name the doors: Name is then that of the group in Kisi.
	OfGroup bool
}

func (k DoorKey) compare(other DoorKey) int {
	return cmp.Or(cmp.Compare(k.Name, other.Name), cmp.Compare(k.Connection, other.Connection), cmp.Compare(k.Place, other.Place),
		cmp.Compare(strconv.FormatBool(k.OfGroup), strconv.FormatBool(other.OfGroup)))
}

// PersonRights is what the objects give to one person, door by door, whatever Kisi has of it.
type PersonRights struct {
	Person Person
	// Doors and when each opens; windows are ordered and disjoint, and name their sources.
	Doors  map[DoorKey][]entitlement.Sourced
	groups map[DoorKey][]v1alpha1.ObjectName
	frozen map[string]entitlement.Problem
	judged *v1alpha1.Member
}

// Ways names the objects that lie between the person and a door, for the sources that give it.
func (r *PersonRights) Ways(in *objects.Indexed, door DoorKey, sources []string) ([]string, error) {
	ways := []string{objects.Name(r.judged)}
	for _, group := range r.groups[door] {
		causes, err := entitlement.Causes(in, r.judged, sources, group)
		if err != nil {
			return nil, err
		}
		for _, cause := range causes {
			ways = append(ways, cause...)
		}
	}
	slices.Sort(ways)
	return slices.Compact(ways), nil
}

// Frozen reports whether any of the sources contradicts itself, so that what it gave stays as it is.
func (r *PersonRights) Frozen(sources []string) bool {
	return slices.ContainsFunc(sources, func(source string) bool {
		_, frozen := r.frozen[source]
		return frozen
	})
}

// Rights says what the objects give to a person from now on.
func Rights(in *objects.Indexed, address entitlement.Address, now time.Time) (*PersonRights, error) {
	who, err := whois(in, address)
	if err != nil {
		return nil, err
	}
	wanted, err := entitlement.For(in, who.judged, now)
	if err != nil {
		return nil, err
	}
	rights := &PersonRights{Doors: map[DoorKey][]entitlement.Sourced{}, groups: map[DoorKey][]v1alpha1.ObjectName{}, frozen: wanted.Frozen, judged: who.judged}
	if rights.Person, err = who.describe(in); err != nil {
		return nil, err
	}
	for _, e := range wanted.Groups {
		group, err := in.Group(e.Group)
		if err != nil {
			return nil, err
		}
		if group == nil {
			continue // a reference to what does not exist gives nothing
		}
		for _, key := range doorsThrough(group, e.Group) {
			rights.Doors[key] = append(rights.Doors[key], e.Windows...)
			rights.groups[key] = append(rights.groups[key], e.Group)
		}
	}
	for key, windows := range rights.Doors {
		rights.Doors[key] = entitlement.Union(windows, now)
	}
	return rights, nil
}

// Problems lists what is wrong with objects that give access, in whose name it concerns nobody in particular: references to
// what does not exist, and contradictions.
func Problems(in *objects.Indexed, now time.Time) ([]Problem, error) {
	var all []Problem
	note := func(object objects.Object, problem *entitlement.Problem, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", objects.Name(object), err)
		}
		if problem != nil {
			all = append(all, Problem{objects.Name(object), problem.Reason, problem.Message})
		}
		return nil
	}
	for _, g := range in.Groups {
		if name := g.Spec.ConnectionRef.Name; in.Connection(name) == nil && g.DeletionTimestamp.IsZero() {
			all = append(all, Problem{objects.Name(g), v1alpha1.ReasonConnectionNotFound, fmt.Sprintf("there is no KisiConnection %q, so nothing new is granted in this group", name)})
		}
		if g.Spec.Assignments == v1alpha1.AssignmentsExclusive && g.Spec.AtBinding == v1alpha1.BindingTakeOver {
			all = append(all, Problem{objects.Name(g), string(v1alpha1.BindingTakeOver), "Exclusive with atBinding: TakeOver removes what was granted in Kisi by hand and nothing here asks for; who loses that is not in the objects"})
		}
	}
	for _, p := range in.Set.Places {
		problem, err := entitlement.PlaceProblem(in, p)
		if problem == nil && err == nil {
			problem, err = entitlement.GroupsProblem(in, entitlement.PlaceGroups(p))
		}
		if err := note(p, problem, err); err != nil {
			return nil, err
		}
	}
	for _, p := range in.Set.Plans {
		problem, err := entitlement.PlanProblem(in, p)
		if err := note(p, problem, err); err != nil {
			return nil, err
		}
	}
	for _, m := range in.Set.Members {
		if members, err := in.Members(entitlement.Fold(m.Spec.Email)); err != nil || entitlement.Primary(members) != m {
			continue
		}
		wanted, err := entitlement.For(in, m, now)
		if err != nil {
			return nil, err
		}
		for _, problem := range wanted.Problems {
			all = append(all, Problem{objects.Name(m), problem.Reason, problem.Message})
		}
	}
	for _, s := range in.Subscriptions {
		verdict, err := entitlement.EvaluateSubscription(in, s, now)
		if !verdict.Open() {
			verdict.Problem = nil
		}
		if err := note(s, verdict.Problem, err); err != nil {
			return nil, err
		}
	}
	for _, b := range in.Set.Bookings {
		verdict, err := entitlement.EvaluateBooking(in, b, now)
		if !verdict.Open() {
			verdict.Problem = nil
		}
		if err := note(b, verdict.Problem, err); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Message, b.Message))
	})
	return all, nil
}
