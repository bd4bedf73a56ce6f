package access

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// DoorsOf returns the names of the doors that the group opens, as far as its object names them: those of a managed group.
func DoorsOf(group *v1alpha1.KisiGroup) []string {
	if group == nil || group.Spec.Managed == nil {
		return nil
	}
	var doors []string
	for _, door := range group.Spec.Managed.Doors {
		name := string(door.Name)
		if name == "" {
			name = "door " + strconv.FormatInt(int64(door.ID), 10)
		}
		doors = append(doors, name)
	}
	return doors
}

// InKisi names the group as Kisi knows it.
func InKisi(group *v1alpha1.KisiGroup) string {
	switch {
	case group == nil:
		return ""
	case group.Spec.Managed != nil:
		return string(group.Spec.Managed.Name)
	case group.Spec.Existing != nil && group.Spec.Existing.Name != "":
		return string(group.Spec.Existing.Name)
	case group.Spec.Existing != nil:
		return strconv.FormatInt(int64(group.Spec.Existing.ID), 10)
	}
	return group.Name
}

// Called names the group for a reader: as Kisi does, or, where the object knows only the id, which says nothing, as the object, with the id.
func Called(group *v1alpha1.KisiGroup) string {
	if group != nil && group.Spec.Existing != nil && group.Spec.Existing.Name == "" {
		return fmt.Sprintf("%s (%d)", group.Name, group.Spec.Existing.ID)
	}
	return InKisi(group)
}

// doorsThrough lists what a group opens: its doors, or, where they are not known, the group itself.
func doorsThrough(group *v1alpha1.KisiGroup, name v1alpha1.ObjectName) []DoorKey {
	if group == nil {
		return []DoorKey{{Name: string(name), OfGroup: true}}
	}
	key := DoorKey{Connection: string(group.Spec.ConnectionRef.Name), Place: placeOf(group)}
	if doors := DoorsOf(group); len(doors) > 0 {
		keys := make([]DoorKey, 0, len(doors))
		for _, door := range doors {
			key.Name = door
			keys = append(keys, key)
		}
		return keys
	}
	key.Name, key.OfGroup = Called(group), true
	return []DoorKey{key}
}

// placeOf is the place in Kisi that the group names; empty if it names none.
func placeOf(group *v1alpha1.KisiGroup) string {
	var ref *v1alpha1.KisiPlaceReference
	switch {
	case group.Spec.Managed != nil:
		ref = group.Spec.Managed.Place
	case group.Spec.Existing != nil:
		ref = group.Spec.Existing.Place
	}
	switch {
	case ref == nil:
		return ""
	case ref.Name != "":
		return string(ref.Name)
	}
	return strconv.FormatInt(int64(ref.ID), 10)
}

// byDoor turns what a person has in groups into what they have at doors.
func byDoor(in *objects.Indexed, groups []Group) ([]Door, error) {
	found := map[DoorKey]*Door{}
	for _, g := range groups {
		object, err := in.Group(v1alpha1.ObjectName(g.Name))
		if err != nil {
			return nil, err
		}
		for _, key := range doorsThrough(object, v1alpha1.ObjectName(g.Name)) {
			door := found[key]
			if door == nil {
				door = &Door{Name: key.Name, Connection: key.Connection, Place: key.Place, OfGroup: key.OfGroup, Answer: g.Answer}
				found[key] = door
			}
			if better(g.Answer, door.Answer) {
				door.Answer = g.Answer
			}
			door.Opens = door.Answer.Opens()
			door.Groups = append(door.Groups, g.Name)
		}
	}
	doors := make([]Door, 0, len(found))
	for _, door := range found {
		slices.Sort(door.Groups)
		doors = append(doors, *door)
	}
	slices.SortFunc(doors, func(a, b Door) int {
		return a.key().compare(b.key())
	})
	return doors, nil
}

func (d Door) key() DoorKey { return DoorKey{d.Connection, d.Name, d.Place, d.OfGroup} }

// answers are ordered from the one that says most about a door.
var answers = []Answer{AnswerOpen, AnswerCovered, AnswerExpected, AnswerStillOpen, AnswerWithheld, AnswerWaiting, AnswerLater, AnswerNo}

func better(a, b Answer) bool { return slices.Index(answers, a) < slices.Index(answers, b) }

// GroupsNamed returns the KisiGroups that a word means: by the name of the object, of a door, or of the group in Kisi, the
// first of these that any fits.
func GroupsNamed(in *objects.Indexed, word string) ([]*v1alpha1.KisiGroup, error) {
	if err := in.Readable("KisiGroup"); err != nil {
		return nil, err
	}
	for _, fits := range []func(*v1alpha1.KisiGroup) bool{
		func(g *v1alpha1.KisiGroup) bool { return g.Name == word },
		func(g *v1alpha1.KisiGroup) bool { return slices.Contains(DoorsOf(g), word) },
		func(g *v1alpha1.KisiGroup) bool { return InKisi(g) == word },
	} {
		var found []*v1alpha1.KisiGroup
		for _, g := range in.Groups {
			if fits(g) {
				found = append(found, g)
			}
		}
		if len(found) > 0 {
			slices.SortFunc(found, objects.ByName)
			return found, nil
		}
	}
	return nil, fmt.Errorf("there is no KisiGroup, door or group in Kisi called %q in namespace %s; `kubectl get kisigroups` lists the groups", word, in.Namespace)
}
