package feed

import (
	"maps"
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// EventTypes are the types of events that are followed, as Kisi spells them. A webhook is registered for the same.
var EventTypes = []string{
	"role_assignment.create", "role_assignment.update", "role_assignment.destroy",
	"user.create", "user.update", "user.destroy",
	"group.create", "group.update", "group.destroy",
	"group_lock.create", "group_lock.destroy",
	"integration.disable_due_to_error",
}

// fate is what became of a thing, as far as its events say. Of several events about one thing the order does not matter:
// ids are not used again, so what is gone stays gone, and what has changed is read as it is by now.
type fate int

const (
	made fate = iota
	changed
	gone
)

// digest is what a number of events ask to be looked at: each thing once, however many events there are about it.
type digest struct {
	assignments map[int64]fate
	users       map[int64]fate
	groups      map[int64]fate
	groupLocks  map[int64]fate
	// rowsOfGroups and rowsOfUsers are where an event about a role assignment tells no more than that.
	rowsOfGroups, rowsOfUsers map[int64]bool
	webhookDisabled           bool
	// obscure is set by an event that does not say what it is about.
	obscure bool
}

func digestOf(events []kisi.Event) digest {
	d := digest{
		assignments: map[int64]fate{}, users: map[int64]fate{}, groups: map[int64]fate{}, groupLocks: map[int64]fate{},
		rowsOfGroups: map[int64]bool{}, rowsOfUsers: map[int64]bool{},
	}
	for _, event := range events {
		if event.Success {
			d.add(event)
		}
	}
	return d
}

func (d *digest) add(e kisi.Event) {
	kind, action, _ := strings.Cut(e.Type, ".")
	became := changed
	switch action {
	case "create":
		became = made
	case "destroy":
		became = gone
	}
	switch kind {
	case "role_assignment":
		d.addAssignment(e, became)
	case "user":
		d.note(d.users, e, "User", became)
	case "group":
		d.note(d.groups, e, "Group", became)
	case "group_lock":
		if e.Object.GroupID != 0 {
			d.groups[e.Object.GroupID] = max(d.groups[e.Object.GroupID], changed)
			return
		}
		d.note(d.groupLocks, e, "GroupLock", became)
	case "integration":
		d.webhookDisabled = d.webhookDisabled || action == "disable_due_to_error"
	case "":
		d.obscure = true
	}
}

// addAssignment takes in an event about a role assignment. Whether Kisi names the assignment itself as the object, or
// the person or group that it is about, is not documented.
func (d *digest) addAssignment(e kisi.Event, became fate) {
	switch {
	case e.ObjectID != 0 && (e.ObjectType == "RoleAssignment" || e.ObjectType == ""):
		d.note(d.assignments, e, "RoleAssignment", became)
	case e.Object.AppliesToType == kisi.TypeGroup && e.Object.AppliesToID != 0:
		d.rowsOfGroups[e.Object.AppliesToID] = true
	case e.Object.AssigneeType == kisi.TypeUser && e.Object.AssigneeID != 0:
		d.rowsOfUsers[e.Object.AssigneeID] = true
	case e.Object.AppliesToType != "":
		// a role on a place or on the organization opens no group
	case e.ObjectType == kisi.TypeGroup && e.ObjectID != 0:
		d.rowsOfGroups[e.ObjectID] = true
	case e.ObjectType == kisi.TypeUser && e.ObjectID != 0:
		d.rowsOfUsers[e.ObjectID] = true
	default:
		d.obscure = true
	}
}

func (d *digest) note(fates map[int64]fate, e kisi.Event, objectType string, became fate) {
	if e.ObjectID == 0 || (e.ObjectType != objectType && e.ObjectType != "") {
		d.obscure = true
		return
	}
	fates[e.ObjectID] = max(fates[e.ObjectID], became)
}

// of lists the things that came to a fate, in order.
func of(fates map[int64]fate, wanted ...fate) []int64 {
	var ids []int64
	for _, id := range slices.Sorted(maps.Keys(fates)) {
		if slices.Contains(wanted, fates[id]) {
			ids = append(ids, id)
		}
	}
	return ids
}

// noteActors tells the mirror who did what.
func noteActors(m *mirror.Mirror, events []kisi.Event) {
	for _, e := range events {
		if !e.Success || e.ActorID == nil || e.ActorType != kisi.TypeUser || e.ObjectID == 0 {
			continue
		}
		switch kind := mirror.Kind(e.ObjectType); kind {
		case mirror.Assignment, mirror.User, mirror.Group:
			m.NoteActor(mirror.Subject{Kind: kind, ID: e.ObjectID}, *e.ActorID)
		}
	}
}
