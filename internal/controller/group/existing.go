package group

import (
	"context"
	"fmt"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/reference"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// existingGroup is a group that somebody made in Kisi. Once bound it is known by its id: its name may be given to another.
type existingGroup struct {
	spec v1alpha1.ExistingGroup
	// bound is the group's id; 0 if it is to be looked up.
	bound v1alpha1.KisiID
	// rebound is the value of the rebind annotation because of which a bound group is looked up by name again.
	rebound string
}

func existingOf(group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) existingGroup {
	existing := existingGroup{spec: *group.Spec.Existing.DeepCopy(), bound: tenant.BoundID(group, connection), rebound: rebindValue(group)}
	if rebindPending(group) {
		existing.bound = 0
	}
	return existing
}

// find reads the group by its id, or finds the one of exactly its name. An incomplete list proves nothing.
func (e existingGroup) find(ctx context.Context, client *kisi.Client) (groupFound, error) {
	found, err := e.look(ctx, client)
	found.rebound = e.rebound
	return found, err
}

func (e existingGroup) look(ctx context.Context, client *kisi.Client) (groupFound, error) {
	switch {
	case e.spec.ID != 0:
		return groupByID(ctx, client, e.spec.ID,
			fmt.Sprintf("spec.existing.id: there is no group %d in Kisi; replace this KisiGroup by one with the right id (spec.existing is immutable)", e.spec.ID))
	case e.bound != 0:
		return groupByID(ctx, client, e.bound, fmt.Sprintf(
			"spec.existing.name: the Kisi group %d, which this KisiGroup is bound to, is gone; annotate with %s=<new value> to look for %q again, or delete this KisiGroup",
			e.bound, v1alpha1.RebindAnnotation, e.spec.Name))
	}
	filter := kisi.GroupFilter{Query: string(e.spec.Name)}
	if e.spec.Place != nil {
		placeID, problem, err := reference.FindPlace(ctx, client, *e.spec.Place, "spec.existing.place")
		if err != nil || problem != nil {
			return groupFound{problem: problem}, err
		}
		filter.PlaceID = int64(placeID)
	}
	listing, err := client.ListGroups(ctx, filter)
	if err != nil {
		return groupFound{}, err
	}
	var matches []kisi.Group
	for _, group := range listing.Items { // Kisi's query is a free-text search
		samePlace := filter.PlaceID == 0 || (group.PlaceID != nil && *group.PlaceID == filter.PlaceID)
		if group.Name == string(e.spec.Name) && samePlace {
			matches = append(matches, group)
		}
	}
	switch {
	case len(matches) > 1:
		problem := conditions.Stalled(v1alpha1.ReasonAmbiguousName,
			fmt.Sprintf("spec.existing.name: %d groups in Kisi are called %q; rename all but one in Kisi, or replace this KisiGroup by one that adds place or points at one by id (spec.existing is immutable)", len(matches), e.spec.Name))
		return groupFound{problem: &problem}, nil
	case !listing.Complete():
		return groupFound{}, fmt.Errorf("finding the group by name: %s", listing.Incomplete)
	case len(matches) == 0:
		return notFound(fmt.Sprintf("spec.existing.name: no group in Kisi is called %q; make the group, or replace this KisiGroup by one with the right name (spec.existing is immutable)", e.spec.Name)), nil
	}
	return foundGroup(matches[0]), nil
}

// groupByID reads one group; missing is what to say if there is none.
func groupByID(ctx context.Context, client *kisi.Client, id v1alpha1.KisiID, missing string) (groupFound, error) {
	group, err := client.Group(ctx, int64(id))
	if kisi.IsNotFound(err) {
		return notFound(missing), nil
	}
	if err != nil {
		return groupFound{}, err
	}
	return foundGroup(*group), nil
}

// rebindValue is the value of the rebind annotation; empty if it has none that counts.
func rebindValue(group *v1alpha1.KisiGroup) string {
	if value := group.Annotations[v1alpha1.RebindAnnotation]; len(value) <= tenant.LongestRebind {
		return value
	}
	return ""
}

// rebindPending reports whether the rebind annotation has a value that was not carried out yet.
func rebindPending(group *v1alpha1.KisiGroup) bool {
	value := rebindValue(group)
	return value != "" && value != group.Status.Rebind
}

// stayBound says how a bound group that cannot be rebound goes back to what it is bound to.
func stayBound(group *v1alpha1.KisiGroup, v conditions.Verdict) conditions.Verdict {
	if rebindPending(group) && group.Status.KisiGroupID != 0 && group.Spec.Existing != nil {
		v.Message += fmt.Sprintf("; nothing is granted or revoked until then, or take the annotation %s away to stay with the Kisi group %d", v1alpha1.RebindAnnotation, group.Status.KisiGroupID)
	}
	return v
}
