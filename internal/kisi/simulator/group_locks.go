package simulator

import (
	"fmt"
	"time"
)

type groupLockLockJSON struct {
	ID          int     `json:"id"`
	Description *string `json:"description"`
	Name        string  `json:"name"`
}

type groupLockJSON struct {
	ID           int               `json:"id"`
	ResourceType string            `json:"resource_type"`
	CreatedAt    instant           `json:"created_at"`
	UpdatedAt    instant           `json:"updated_at"`
	GroupID      int               `json:"group_id"`
	Group        refJSON           `json:"group"`
	LockID       int               `json:"lock_id"`
	Lock         groupLockLockJSON `json:"lock"`
	PlaceID      int               `json:"place_id"`
	Place        refJSON           `json:"place"`
}

func (s *Server) groupLockJSON(gl groupLock) groupLockJSON {
	g, _ := s.groups.get(gl.GroupID)
	l, _ := s.locks.get(gl.LockID)
	p, _ := s.places.get(l.PlaceID)
	return groupLockJSON{
		ID: gl.ID, ResourceType: "GroupLock", CreatedAt: seconds(gl.CreatedAt), UpdatedAt: seconds(gl.UpdatedAt),
		GroupID: g.ID, Group: refGroup(g), LockID: l.ID, Lock: groupLockLockJSON{l.ID, l.Description, l.Name},
		PlaceID: p.ID, Place: refPlace(p),
	}
}

func listGroupLocks(c *call) answer {
	s := c.s
	if c.unfiltered {
		return s.everyGroupLock(c)
	}
	groupID := c.query.Get("group_id")
	if groupID == "" {
		return badRequest("param is missing or the value is empty: group_id")
	}
	g, found := c.organizationGroup(atoi(groupID))
	if !found {
		return notFound()
	}
	list := &lister[groupLock]{size: rowsPage, table: &s.groupLocks, ids: s.groupLocksByGroup.live[g.ID],
		render: func(gl groupLock) any { return s.groupLockJSON(gl) }}
	if refused := scopeList(c, list, "group_locks_read", func(groupLock) target { return groupTarget(g) }); refused != nil {
		return *refused
	}
	if id := c.query.Get("lock_id"); id != "" {
		list.ids = intersect(list.ids, s.groupLocksByLock.live[atoi(id)])
	}
	list.whereIDs(c)
	list.whereText(c, func(gl groupLock) []string {
		l, _ := s.locks.get(gl.LockID)
		return []string{l.Name}
	})
	return list.answer(c)
}

// everyGroupLock lists those of all groups, as only a fault makes Kisi do.
func (s *Server) everyGroupLock(c *call) answer {
	list := &lister[groupLock]{size: rowsPage, table: &s.groupLocks, render: func(gl groupLock) any { return s.groupLockJSON(gl) }}
	for _, id := range s.groupsIn.live[c.org.ID] {
		for _, lockID := range s.groupLocksByGroup.live[id] {
			list.ids = insertSorted(list.ids, lockID)
		}
	}
	return list.answer(c)
}

// groupLock finds one by the path's id, with its group, for the caller.
func (c *call) groupLock(permission string) (groupLock, *answer) {
	gl, found := c.s.groupLocks.get(c.id())
	g, _ := c.s.groups.get(gl.GroupID)
	if !found || gl.OrganizationID != c.org.ID {
		a := notFound()
		return gl, &a
	}
	if !c.may(permission, groupTarget(g)) {
		a := forbidden()
		return gl, &a
	}
	return gl, nil
}

func getGroupLock(c *call) answer {
	gl, refused := c.groupLock("group_locks_read")
	if refused != nil {
		return *refused
	}
	return ok(c.s.groupLockJSON(gl))
}

func createGroupLock(c *call) answer {
	s := c.s
	f, refused := c.root("group_lock")
	if refused != nil {
		return *refused
	}
	f.required("group_id", "lock_id")
	g, groupFound := c.organizationGroup(f.number("group_id"))
	l, lockFound := c.organizationLock(f.number("lock_id"))
	if f.refusal() == nil {
		switch {
		case !groupFound:
			f.fail("group", "must exist")
		case !lockFound:
			f.fail("lock", "must exist")
		case g.PlaceID != 0 && g.PlaceID != l.PlaceID:
			f.fail("lock", fmt.Sprintf("must belong to the group's place (%d)", g.PlaceID))
		}
	}
	if groupFound && !c.may("group_locks_write", groupTarget(g)) || !c.mayAnywhere("group_locks_write") {
		return forbidden()
	}
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	if s.switches.DuplicateGroupLock == DuplicateGroupLockInvalid &&
		len(intersect(s.groupLocksByGroup.live[g.ID], s.groupLocksByLock.live[l.ID])) > 0 {
		return invalid("lock_id", "has already been taken")
	}
	gl := s.addGroupLock(c.now, groupLock{OrganizationID: c.org.ID, GroupID: g.ID, LockID: l.ID})
	s.emitGroupLock(c.now, c.actor(), "group_lock.create", gl)
	return ok(s.groupLockJSON(gl))
}

func deleteGroupLock(c *call) answer {
	gl, refused := c.groupLock("group_locks_write")
	if refused != nil {
		return *refused
	}
	c.s.destroyGroupLock(c.now, c.actor(), gl)
	return noContent()
}

func (s *Server) destroyGroupLock(now time.Time, by actor, gl groupLock) {
	s.emitGroupLock(now, by, "group_lock.destroy", gl) // while its group and lock still have names
	s.removeGroupLock(now, gl)
}

func (s *Server) emitGroupLock(now time.Time, by actor, kind string, gl groupLock) {
	g, _ := s.groups.everKnown(gl.GroupID)
	l, _ := s.locks.everKnown(gl.LockID)
	s.emit(event{kind: kind, actor: by, objectType: "GroupLock", objectID: gl.ID, objectName: g.Name + " – " + l.Name,
		object:  map[string]any{"id": gl.ID, "group_id": gl.GroupID, "lock_id": gl.LockID},
		placeID: l.PlaceID, organizationID: gl.OrganizationID, at: now})
}
