package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// managedGroup is a group that the operator creates in Kisi and keeps as spec.managed says.
type managedGroup struct {
	spec v1alpha1.ManagedGroup
	// mark stands at the end of the group's description. It alone makes a group ours: a crash between creating a group
	// and recording its id must not lead to a second one.
	mark string
	// id as recorded; 0 before the first success.
	id v1alpha1.KisiID
	// readOnly looks and changes nothing.
	readOnly bool
	// mirror is told what is written, because the events that follow are no news; nil: nobody.
	mirror *mirror.Mirror
	// drifted is told what differed from a spec that had been carried out before; nil: nobody.
	drifted func(what string)
}

func managedBy(group *v1alpha1.KisiGroup, mode v1alpha1.Mode) managedGroup {
	return managedGroup{
		spec:     *group.Spec.Managed.DeepCopy(),
		mark:     fmt.Sprintf("[kisi-operator %s/%s %s]", group.Namespace, group.Name, group.UID),
		id:       group.Status.KisiGroupID,
		readOnly: mode == v1alpha1.ModeObserve,
	}
}

// description is the group's description in Kisi, with the mark.
func (m managedGroup) description() string {
	return strings.TrimSpace(m.spec.Description + " " + m.mark)
}

// ensure makes the group in Kisi if it is not there, and corrects what differs. It may be carried out again at any
// time, after any crash.
func (m managedGroup) ensure(ctx context.Context, client *kisi.Client) (groupFound, error) {
	placeID, doors, problem, err := m.resolve(ctx, client)
	if problem != nil || err != nil {
		return groupFound{problem: problem}, err
	}
	group, err := m.find(ctx, client)
	if err != nil {
		return groupFound{}, err
	}
	if group == nil {
		if m.readOnly {
			problem := waiting(v1alpha1.ReasonGroupNotFound, "the group is not made while the connection's mode is Observe")
			return groupFound{problem: &problem}, nil
		}
		if group, err = client.CreateGroup(ctx, m.create(placeID)); err != nil {
			return groupFound{}, err
		}
		m.wrote(mirror.Group, group.ID)
		if m.drifted != nil {
			m.drifted(fmt.Sprintf("the Kisi group %d is gone; the group is made again as %d", m.id, group.ID))
			m.drifted = nil // it gets its doors
		}
	}
	if !m.readOnly {
		if err := m.putRight(ctx, client, group, doors); err != nil {
			return groupFound{}, err
		}
	}
	return foundGroup(*group), nil
}

// putRight corrects what differs, and tells of drift.
func (m managedGroup) putRight(ctx context.Context, client *kisi.Client, group *kisi.Group, doors []int64) error {
	corrected, err := m.correct(ctx, client, group)
	if err != nil {
		return err
	}
	doorsDiffered, err := m.correctDoors(ctx, client, group.ID, doors)
	if doorsDiffered {
		corrected = append(corrected, "doors")
	}
	if len(corrected) > 0 && m.drifted != nil {
		m.drifted(fmt.Sprintf("%s of the Kisi group %d differed from spec.managed; put right", strings.Join(corrected, ", "), group.ID))
	}
	return err
}

// resolve finds the place and the doors in Kisi.
func (m managedGroup) resolve(ctx context.Context, client *kisi.Client) (v1alpha1.KisiID, []int64, *verdict, error) {
	var placeID v1alpha1.KisiID
	if m.spec.Place != nil {
		var problem *verdict
		var err error
		if placeID, problem, err = findPlace(ctx, client, *m.spec.Place, "spec.managed.place"); problem != nil || err != nil {
			return 0, nil, problem, err
		}
	}
	var doors []int64
	for i, door := range m.spec.Doors {
		id, problem, err := findDoor(ctx, client, door, placeID, fmt.Sprintf("spec.managed.doors[%d]", i))
		if problem != nil || err != nil {
			return 0, nil, problem, err
		}
		if !slices.Contains(doors, id) {
			doors = append(doors, id)
		}
	}
	return placeID, doors, nil, nil
}

// find returns the group that carries the mark, or nil if it is certain that there is none.
func (m managedGroup) find(ctx context.Context, client *kisi.Client) (*kisi.Group, error) {
	if m.id != 0 {
		group, err := client.Group(ctx, int64(m.id))
		if err == nil {
			return group, nil
		}
		if !kisi.IsNotFound(err) {
			return nil, err
		}
	}
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
	return nil, nil
}

func (m managedGroup) create(placeID v1alpha1.KisiID) kisi.GroupCreate {
	create := kisi.GroupCreate{Name: string(m.spec.Name), Description: m.description()}
	if placeID != 0 {
		create.PlaceID = ptr.To(int64(placeID))
	}
	if r := m.spec.Restrictions; r != nil {
		create.GeofenceRestrictionEnabled = wantedRestriction(r.Geofence)
		create.ReaderRestrictionEnabled = wantedRestriction(r.Reader)
		create.PrimaryDeviceRestrictionEnabled = wantedRestriction(r.PrimaryDevice)
		create.ManagedDeviceRestrictionEnabled = wantedRestriction(r.ManagedDevice)
		create.TapToAccessRestrictionEnabled = wantedRestriction(r.TapToAccess)
	}
	return create
}

// correct changes what differs of name, description and restrictions, in one request, and reads the result into group. It
// returns the fields that differed.
func (m managedGroup) correct(ctx context.Context, client *kisi.Client, group *kisi.Group) ([]string, error) {
	var update kisi.GroupUpdate
	var differs []string
	text := func(field string, actual *string, wanted string) *string {
		if *actual == wanted {
			return nil
		}
		differs, *actual = append(differs, field), wanted
		return &wanted
	}
	flag := func(field string, actual *bool, wanted v1alpha1.Restriction) *bool {
		want := wantedRestriction(wanted)
		if want == nil || *actual == *want {
			return nil
		}
		differs, *actual = append(differs, "restrictions."+field), *want
		return want
	}
	update.Name = text("name", &group.Name, string(m.spec.Name))
	update.Description = text("description", &group.Description, m.description())
	if r := m.spec.Restrictions; r != nil {
		update.GeofenceRestrictionEnabled = flag("geofence", &group.GeofenceRestrictionEnabled, r.Geofence)
		update.ReaderRestrictionEnabled = flag("reader", &group.ReaderRestrictionEnabled, r.Reader)
		update.PrimaryDeviceRestrictionEnabled = flag("primaryDevice", &group.PrimaryDeviceRestrictionEnabled, r.PrimaryDevice)
		update.ManagedDeviceRestrictionEnabled = flag("managedDevice", &group.ManagedDeviceRestrictionEnabled, r.ManagedDevice)
		update.TapToAccessRestrictionEnabled = flag("tapToAccess", &group.TapToAccessRestrictionEnabled, r.TapToAccess)
	}
	if len(differs) == 0 {
		return nil, nil
	}
	if err := client.UpdateGroup(ctx, group.ID, update); err != nil {
		return nil, err
	}
	m.wrote(mirror.Group, group.ID)
	return differs, nil
}

func (m managedGroup) wrote(kind mirror.Kind, id int64) {
	if m.mirror != nil {
		m.mirror.NoteWrite(mirror.Subject{Kind: kind, ID: id})
	}
}

// wantedRestriction is nil where the spec leaves a restriction as it is.
func wantedRestriction(r v1alpha1.Restriction) *bool {
	if r == "" {
		return nil
	}
	return ptr.To(r == v1alpha1.RestrictionEnabled)
}

// correctDoors makes the group's locks exactly the given ones, and reports whether they differed. Doors are added before
// others are taken away.
func (m managedGroup) correctDoors(ctx context.Context, client *kisi.Client, groupID int64, doors []int64) (differed bool, err error) {
	listing, err := client.ListGroupLocks(ctx, groupID)
	if err != nil {
		return false, err
	}
	present := map[int64]int64{}
	var kept []int64
	for _, groupLock := range listing.Items {
		present[groupLock.LockID] = groupLock.ID
	}
	for _, door := range doors {
		if id, known := present[door]; known {
			kept = append(kept, id)
			delete(present, door)
			continue
		}
		if !listing.Complete() {
			return differed, fmt.Errorf("reading the group's doors: %s", listing.Incomplete)
		}
		made, err := client.CreateGroupLock(ctx, groupID, door)
		if err != nil {
			return differed, err
		}
		m.wrote(mirror.Door, made.ID)
		differed = true
		kept = append(kept, made.ID)
	}
	for _, id := range present {
		if err := client.DeleteGroupLock(ctx, id); err != nil && !kisi.IsNotFound(err) {
			return differed, err
		}
		m.wrote(mirror.Door, id)
		differed = true
	}
	if m.mirror != nil {
		m.mirror.NoteDoors(groupID, kept...)
	}
	return differed, nil
}

// remove deletes the group in Kisi, unless somebody else has granted access through it.
func (m managedGroup) remove(ctx context.Context, client *kisi.Client) (groupFound, error) {
	group, err := m.find(ctx, client)
	if group == nil || err != nil {
		return groupFound{}, err
	}
	if !strings.HasSuffix(group.Description, m.mark) {
		problem := stalled(v1alpha1.ReasonForeignAssignments, fmt.Sprintf("the Kisi group %d has lost this object's mark, so it may be somebody else's by now; delete it in Kisi, or set managed.deletionPolicy: Retain", group.ID))
		return groupFound{problem: &problem}, nil
	}
	listing, err := client.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{AppliesToType: kisi.TypeGroup, AppliesToID: group.ID})
	if err != nil {
		return groupFound{}, err
	}
	if len(listing.Items) > 0 {
		problem := stalled(v1alpha1.ReasonForeignAssignments, fmt.Sprintf("the Kisi group %d holds %d assignment(s) that are not this operator's; remove them in Kisi, set managed.deletionPolicy: Retain, or annotate with %s=true",
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

// findDoor finds the one lock that the reference means; in a place, if one is given.
func findDoor(ctx context.Context, client *kisi.Client, ref v1alpha1.DoorReference, placeID v1alpha1.KisiID, field string) (int64, *verdict, error) {
	filter := kisi.LockFilter{Query: string(ref.Name), PlaceID: int64(placeID)}
	if ref.ID != 0 {
		filter = kisi.LockFilter{IDs: []int64{int64(ref.ID)}}
	}
	listing, err := client.ListLocks(ctx, filter)
	if err != nil {
		return 0, nil, err
	}
	var matches []int64
	for _, lock := range listing.Items {
		inPlace := placeID == 0 || lock.PlaceID == int64(placeID)
		if (ref.ID != 0 && lock.ID == int64(ref.ID)) || (ref.Name != "" && lock.Name == string(ref.Name) && inPlace) {
			matches = append(matches, lock.ID)
		}
	}
	switch {
	case len(matches) > 1:
		problem := stalled(v1alpha1.ReasonAmbiguousName, fmt.Sprintf("%s: %d doors in Kisi are called %q; point at one by id", field, len(matches), ref.Name))
		return 0, &problem, nil
	case !listing.Complete():
		return 0, nil, fmt.Errorf("finding the door: %s", listing.Incomplete)
	case len(matches) == 1:
		return matches[0], nil, nil
	}
	what := fmt.Sprintf("called %q", ref.Name)
	if ref.ID != 0 {
		what = fmt.Sprintf("with id %d", ref.ID)
	}
	problem := waiting(v1alpha1.ReasonDoorNotFound, fmt.Sprintf("%s: there is no door %s in Kisi; correct it, or add the door", field, what))
	return 0, &problem, nil
}
