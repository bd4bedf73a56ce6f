package simulator

import (
	"slices"
	"strconv"
	"time"
)

type lockPlaceJSON struct {
	ID        int      `json:"id"`
	Name      string   `json:"name"`
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
}

type lockJSON struct {
	ID                         int           `json:"id"`
	ResourceType               string        `json:"resource_type"`
	CreatedAt                  instant       `json:"created_at"`
	UpdatedAt                  instant       `json:"updated_at"`
	Configured                 bool          `json:"configured"`
	Description                *string       `json:"description"`
	FirstToArriveRequiredUntil *instant      `json:"first_to_arrive_required_until"`
	FirstToArriveSatisfied     bool          `json:"first_to_arrive_satisfied"`
	Latitude                   *float64      `json:"latitude"`
	LockedDown                 bool          `json:"locked_down"`
	LockedDownSince            *instant      `json:"locked_down_since"`
	Longitude                  *float64      `json:"longitude"`
	Name                       string        `json:"name"`
	OnScheduledUnlock          bool          `json:"on_scheduled_unlock"`
	Online                     *bool         `json:"online"`
	Open                       bool          `json:"open"`
	OrderID                    *int          `json:"order_id"`
	Unlocked                   bool          `json:"unlocked"`
	GeofenceRestrictionEnabled *bool         `json:"geofence_restriction_enabled"`
	GeofenceRestrictionRadius  float64       `json:"geofence_restriction_radius"`
	ReaderRestrictionEnabled   *bool         `json:"reader_restriction_enabled"`
	TimeRestrictionEnabled     *bool         `json:"time_restriction_enabled"`
	TimeRestrictionTimeZone    *string       `json:"time_restriction_time_zone"`
	PlaceID                    int           `json:"place_id"`
	Place                      lockPlaceJSON `json:"place"`
	FloorID                    *int          `json:"floor_id"`
	GroupsCount                int           `json:"groups_count"`
	UnlockedUntil              *instant      `json:"unlocked_until"`
}

func (s *Server) lockJSON(l lock) lockJSON {
	p, _ := s.places.get(l.PlaceID)
	out := lockJSON{
		ID: l.ID, ResourceType: "Lock", CreatedAt: seconds(l.CreatedAt), UpdatedAt: seconds(l.UpdatedAt),
		Configured: l.Configured, Description: l.Description, FirstToArriveSatisfied: true,
		Latitude: l.Latitude, Longitude: l.Longitude,
		LockedDown: l.LockedDownSince != nil, LockedDownSince: secondsOf(l.LockedDownSince),
		Name: l.Name, GeofenceRestrictionEnabled: &l.Geofence, GeofenceRestrictionRadius: l.GeofenceRadius,
		ReaderRestrictionEnabled: &l.Reader, TimeRestrictionEnabled: &l.Time,
		PlaceID: p.ID, Place: lockPlaceJSON{p.ID, p.Name, p.Latitude, p.Longitude},
		GroupsCount: len(s.groupLocksByLock.live[l.ID]),
	}
	if l.Configured {
		out.Online = &l.Online // Kisi knows nothing of a lock without a controller
	}
	return out
}

func lockTarget(l lock) target { return target{placeID: l.PlaceID} }

// listLocks shows an administrator the organization's locks, and everybody
// else the locks that they may open.
func listLocks(c *call) answer {
	s := c.s
	list := &lister[lock]{size: doorsPage, table: &s.locks, ids: s.locksIn.live[c.org.ID],
		sortKey: map[string]func(lock) string{
			"name":     func(l lock) string { return l.Name },
			"favorite": func(l lock) string { return l.Name },
		},
		render: func(l lock) any { return s.lockJSON(l) }}
	if !c.may("locks_read", target{}) {
		list.where(func(l lock) bool {
			return c.may("locks_read", lockTarget(l)) || s.decideAt(c.user.ID, l.ID, Attempt{AtTheDoor: true}, c.now).Allowed
		})
	}
	if id := c.query.Get("place_id"); id != "" {
		list.ids = intersect(list.ids, s.locksByPlace.live[atoi(id)])
	}
	if c.query.Get("floor_id") != "" || c.query.Get("favorite") == "true" {
		list.ids = nil // the simulator keeps neither floors nor favorites
	}
	for name, of := range map[string]func(lock) bool{
		"configured":  func(l lock) bool { return l.Configured },
		"online":      func(l lock) bool { return l.Configured && l.Online },
		"unlocked":    func(lock) bool { return false },
		"locked_down": func(l lock) bool { return l.LockedDownSince != nil },
	} {
		if text := c.query.Get(name); text != "" {
			wanted, err := strconv.ParseBool(text)
			if err != nil {
				return badRequest(name + " is invalid: must be true or false")
			}
			list.where(func(l lock) bool { return of(l) == wanted })
		}
	}
	list.whereIDs(c)
	list.whereText(c, func(l lock) []string { return []string{l.Name} })
	return list.answer(c)
}

func (c *call) organizationLock(id int) (lock, bool) {
	l, found := c.s.locks.get(id)
	return l, found && l.OrganizationID == c.org.ID
}

func getLock(c *call) answer {
	l, found := c.organizationLock(c.id())
	if !found {
		return notFound()
	}
	if !c.may("locks_read", lockTarget(l)) && !c.s.decideAt(c.user.ID, l.ID, Attempt{AtTheDoor: true}, c.now).Allowed {
		return forbidden()
	}
	return ok(c.s.lockJSON(l))
}

func createLock(c *call) answer {
	f, refused := c.root("lock")
	if refused != nil {
		return *refused
	}
	f.required("name", "place_id")
	l := lock{OrganizationID: c.org.ID, PlaceID: f.number("place_id"), GeofenceRadius: standardGeofenceRadius}
	changeLock(f, &l)
	if p, found := c.s.places.get(l.PlaceID); l.PlaceID != 0 && (!found || p.OrganizationID != c.org.ID) {
		f.fail("place", "must exist")
	}
	if !c.may("locks_write", lockTarget(l)) {
		return forbidden()
	}
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	l = c.s.addLock(c.now, l)
	c.s.emitLock(c.now, c.actor(), "lock.create", l, nil)
	return ok(c.s.lockJSON(l))
}

func changeLock(f *fields, l *lock) {
	set(f, "name", &l.Name)
	setNullable(f, "description", &l.Description)
	setNullable(f, "latitude", &l.Latitude)
	setNullable(f, "longitude", &l.Longitude)
	set(f, "geofence_restriction_enabled", &l.Geofence)
	set(f, "geofence_restriction_radius", &l.GeofenceRadius)
	set(f, "reader_restriction_enabled", &l.Reader)
	set(f, "time_restriction_enabled", &l.Time)
}

// lockFor finds the lock of the path for somebody who needs a permission.
func (c *call) lockFor(permission string) (lock, *answer) {
	l, found := c.organizationLock(c.id())
	if !found {
		a := notFound()
		return l, &a
	}
	if !c.may(permission, lockTarget(l)) {
		a := forbidden()
		return l, &a
	}
	return l, nil
}

func updateLock(c *call) answer {
	f, refused := c.root("lock")
	if refused != nil {
		return *refused
	}
	l, refused := c.lockFor("locks_write")
	if refused != nil {
		return *refused
	}
	changeLock(f, &l)
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	l.UpdatedAt = c.now
	c.s.locks.put(c.now, l.ID, l)
	c.s.emitLock(c.now, c.actor(), "lock.update", l, nil)
	return noContent()
}

func deleteLock(c *call) answer {
	l, refused := c.lockFor("locks_write")
	if refused != nil {
		return *refused
	}
	c.s.destroyLock(c.now, c.actor(), l)
	return noContent()
}

func (s *Server) destroyLock(now time.Time, by actor, l lock) {
	for _, gl := range rowsOf(&s.groupLocks, slices.Clone(s.groupLocksByLock.live[l.ID])) {
		s.destroyGroupLock(now, by, gl)
	}
	s.removeLock(now, l)
	s.emitLock(now, by, "lock.destroy", l, nil)
}

func lockDown(c *call) answer       { return c.setLockdown(true) }
func cancelLockdown(c *call) answer { return c.setLockdown(false) }

func (c *call) setLockdown(down bool) answer {
	l, refused := c.lockFor("locks_write")
	if refused != nil {
		return *refused
	}
	c.s.setLockdown(c.now, c.actor(), l, down)
	return noContent()
}

func (s *Server) setLockdown(now time.Time, by actor, l lock, down bool) {
	kind := "lock.cancel_lockdown"
	l.LockedDownSince, l.UpdatedAt = nil, now
	if down {
		kind, l.LockedDownSince = "lock.lock_down", &now
	}
	s.locks.put(now, l.ID, l)
	s.emitLock(now, by, kind, l, nil)
}

func (s *Server) emitLock(now time.Time, by actor, kind string, l lock, refused *Decision) {
	s.emit(event{kind: kind, actor: by, objectType: "Lock", objectID: l.ID, objectName: l.Name, refused: refused,
		object: map[string]any{"id": l.ID, "name": l.Name}, placeID: l.PlaceID, organizationID: l.OrganizationID, at: now})
}
