package group

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/reference"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// managedGroup is a group that the operator creates in Kisi and keeps as spec.managed says.
type managedGroup struct {
	spec v1alpha1.ManagedGroup
	// mark stands at the end of the group's description. It alone makes a group ours: a crash between creating a group
	// and recording its id must not lead to a second one.
	mark string
	// id as recorded; 0 before the first success.
	id v1alpha1.KisiID
	// locks are those that were found for the doors that the spec names.
	locks []v1alpha1.BoundDoor
	// rebound is the value of the rebind annotation.
	rebound string
	// mode of the connection: Observe changes nothing, GrantOnly takes nothing from anybody.
	mode v1alpha1.Mode
	// mirror is told what is written, because the events that follow are no news; nil: nobody.
	mirror *mirror.Mirror
	// drifted is told what differed from a spec that had been carried out before; nil: nobody.
	drifted func(what string)
}

func managedBy(group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) managedGroup {
	managed := managedGroup{
		spec:    *group.Spec.Managed.DeepCopy(),
		mark:    fmt.Sprintf("[kisi-operator %s/%s %s]", group.Namespace, group.Name, group.UID),
		id:      tenant.BoundID(group, connection),
		rebound: rebindValue(group),
		mode:    connection.Spec.Mode,
	}
	if managed.id != 0 && !rebindPending(group) {
		managed.locks = slices.Clone(group.Status.Doors)
	}
	return managed
}

// may reports whether the mode lets a difference be put right. taking says that it takes something from people.
func (m managedGroup) may(taking bool) bool {
	switch m.mode {
	case v1alpha1.ModeObserve:
		return false
	case v1alpha1.ModeGrantOnly:
		return !taking
	}
	return true
}

// description is the group's description in Kisi, with the mark.
func (m managedGroup) description() string {
	return strings.TrimSpace(m.spec.Description + " " + m.mark)
}

// ensure makes the group in Kisi if it is not there, and corrects what differs. It may be carried out again at any
// time, after any crash. A group that is there, or was, does not wait for a door that cannot be found.
func (m managedGroup) ensure(ctx context.Context, client *kisi.Client) (groupFound, error) {
	group, err := m.bound(ctx, client)
	if err != nil {
		return groupFound{}, err
	}
	placeID, placeProblem, err := m.place(ctx, client, group)
	if err != nil {
		return groupFound{}, err
	}
	if group == nil && placeProblem != nil {
		return groupFound{problem: placeProblem}, nil
	}
	doors, err := m.lookUpDoors(ctx, client, placeID)
	if err != nil {
		return groupFound{}, err
	}
	if group == nil && m.id == 0 && doors.problem != nil {
		return groupFound{problem: doors.problem}, nil // nothing is made by halves
	}
	if group == nil {
		if group, err = m.make(ctx, client, placeID); group == nil || err != nil {
			problem := conditions.Waiting(v1alpha1.ReasonGroupNotFound, "the group is not made while the connection's mode is Observe")
			return groupFound{problem: &problem}, err
		}
		m.drifted = nil // it gets its doors
	}
	left, err := m.putRight(ctx, client, group, &doors)
	if err != nil {
		return groupFound{}, err
	}
	found := foundGroup(*group)
	found.locks, found.left, found.rebound = doors.locks, left, m.rebound
	if found.concern = placeProblem; found.concern == nil {
		found.concern = doors.problem
	}
	return found, nil
}

// make returns the group that carries the mark, made if there is none; nil in a mode that makes none.
func (m managedGroup) make(ctx context.Context, client *kisi.Client, placeID v1alpha1.KisiID) (*kisi.Group, error) {
	group, err := m.marked(ctx, client)
	if group != nil || err != nil || !m.may(false) {
		return group, err
	}
	if group, err = client.CreateGroup(ctx, m.create(placeID)); err != nil {
		return nil, err
	}
	m.wrote(mirror.Group, group.ID, mirror.Made)
	if m.drifted != nil {
		m.drifted(fmt.Sprintf("the Kisi group %d is gone; the group is made again as %d", m.id, group.ID))
	}
	return group, nil
}

// putRight corrects what differs, tells of drift, and returns what the mode leaves as it is.
func (m managedGroup) putRight(ctx context.Context, client *kisi.Client, group *kisi.Group, doors *doorsFound) (left []string, err error) {
	corrected, left, err := m.correct(ctx, client, group)
	if err != nil {
		return nil, err
	}
	doorsDiffered, doorsLeft, err := m.correctDoors(ctx, client, group.ID, doors)
	if doorsDiffered {
		corrected = append(corrected, "doors")
	}
	if len(corrected) > 0 && m.drifted != nil {
		m.drifted(fmt.Sprintf("%s of the Kisi group %d differed from spec.managed; put right", strings.Join(corrected, ", "), group.ID))
	}
	return append(left, doorsLeft...), err
}

// place returns where the group's doors are looked for, and what is wrong with spec.managed.place. A group that is there
// lies where it was made, whatever its place is called by now and whatever else has that name.
func (m managedGroup) place(ctx context.Context, client *kisi.Client, group *kisi.Group) (v1alpha1.KisiID, *conditions.Verdict, error) {
	var actual v1alpha1.KisiID
	if group != nil && group.PlaceID != nil {
		actual = v1alpha1.KisiID(*group.PlaceID)
	}
	if m.spec.Place == nil {
		return actual, nil, nil
	}
	const field = "spec.managed.place"
	id, problem, err := reference.FindPlace(ctx, client, *m.spec.Place, field)
	if err != nil || group == nil {
		return id, problem, err
	}
	if problem == nil && id != actual {
		v := conditions.Waiting(v1alpha1.ReasonPlaceNotFound, fmt.Sprintf("%s: the Kisi group %d is in place %d, and place %d now has the name %q; rename the places in Kisi, or create another KisiGroup",
			field, group.ID, actual, id, m.spec.Place.Name))
		problem = &v
	}
	return actual, problem, nil
}

// find returns the group that carries the mark, or nil if it is certain that there is none.
func (m managedGroup) find(ctx context.Context, client *kisi.Client) (*kisi.Group, error) {
	group, err := m.bound(ctx, client)
	if group != nil || err != nil {
		return group, err
	}
	return m.marked(ctx, client)
}

// bound returns the group by its recorded id, or nil if it is not there.
func (m managedGroup) bound(ctx context.Context, client *kisi.Client) (*kisi.Group, error) {
	if m.id == 0 {
		return nil, nil
	}
	group, err := client.Group(ctx, int64(m.id))
	if kisi.IsNotFound(err) {
		return nil, nil
	}
	return group, err
}

// marked finds the group by its mark, or returns nil if it is certain that none has it.
func (m managedGroup) marked(ctx context.Context, client *kisi.Client) (*kisi.Group, error) {
	listing, err := client.ListGroups(ctx, kisi.GroupFilter{})
	if err != nil {
		return nil, err
	}
	for i := range listing.Items {
		if strings.HasSuffix(listing.Items[i].Description, m.mark) {
			return &listing.Items[i], nil
		}
	}
	if !listing.Complete() {
		return nil, fmt.Errorf("looking for the group's mark: %s", listing.Incomplete)
	}
	if m.id != 0 {
		return nil, client.Confirm(ctx) // it was there, and may only be hidden by now
	}
	return nil, nil
}

func (m managedGroup) wrote(kind mirror.Kind, id int64, act mirror.Act) {
	if m.mirror != nil {
		m.mirror.NoteWrite(mirror.Subject{Kind: kind, ID: id}, act)
	}
}

// remove deletes the group in Kisi, unless somebody else has granted access through it.
func (m managedGroup) remove(ctx context.Context, client *kisi.Client) (groupFound, error) {
	group, err := m.find(ctx, client)
	if group == nil || err != nil {
		return groupFound{}, err
	}
	if !strings.HasSuffix(group.Description, m.mark) {
		problem := conditions.Stalled(v1alpha1.ReasonForeignAssignments, fmt.Sprintf("the description of the Kisi group %d no longer has this object's mark, so the group may belong to somebody else; delete it in Kisi, or set managed.deletionPolicy: Retain", group.ID))
		return groupFound{problem: &problem}, nil
	}
	listing, err := client.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{AppliesToType: kisi.TypeGroup, AppliesToID: group.ID})
	if err != nil {
		return groupFound{}, err
	}
	if len(listing.Items) > 0 {
		problem := conditions.Stalled(v1alpha1.ReasonForeignAssignments, fmt.Sprintf("the Kisi group %d holds %d assignment(s) that are not this operator's; remove them in Kisi, set managed.deletionPolicy: Retain, or annotate with %s=true",
			group.ID, len(listing.Items), v1alpha1.AbandonAnnotation))
		return groupFound{problem: &problem}, nil
	}
	if !listing.Complete() {
		return groupFound{}, fmt.Errorf("looking for assignments that are not ours: %s", listing.Incomplete)
	}
	if err := client.DeleteGroup(ctx, group.ID); err != nil && !kisi.IsNotFound(err) {
		return groupFound{}, err
	}
	return groupFound{}, nil
}
