package simulator

import (
	"slices"
	"time"
)

type placeJSON struct {
	ID                int                 `json:"id"`
	ResourceType      string              `json:"resource_type"`
	Name              string              `json:"name"`
	Description       *string             `json:"description"`
	CreatedAt         instant             `json:"created_at"`
	UpdatedAt         instant             `json:"updated_at"`
	Latitude          *float64            `json:"latitude"`
	Longitude         *float64            `json:"longitude"`
	Address           string              `json:"address"`
	Image             *string             `json:"image"`
	TimeZone          *string             `json:"time_zone"`
	TZTimeZone        *string             `json:"tz_time_zone"`
	LocksCount        int                 `json:"locks_count"`
	IntegrationsCount int                 `json:"integrations_count"`
	LockedDown        bool                `json:"locked_down"`
	LockedDownSince   *instant            `json:"locked_down_since"`
	OccupancyRate     *float64            `json:"occupancy_rate"`
	OrganizationID    int                 `json:"organization_id"`
	Organization      refOrganizationJSON `json:"organization"`
	Color             *string             `json:"color"`
	Logo              *string             `json:"logo"`
	UserID            *int                `json:"user_id"`
	MembersCount      int                 `json:"members_count"`
}

func (s *Server) placeJSON(p place) placeJSON {
	o, _ := s.organizations.get(p.OrganizationID)
	out := placeJSON{
		ID: p.ID, ResourceType: kindPlace, Name: p.Name, Description: p.Description,
		CreatedAt: seconds(p.CreatedAt), UpdatedAt: seconds(p.UpdatedAt), Latitude: p.Latitude, Longitude: p.Longitude,
		Address: p.Address, Image: p.Image, LocksCount: len(s.locksByPlace.live[p.ID]),
		LockedDown: p.LockedDownSince != nil, LockedDownSince: secondsOf(p.LockedDownSince),
		OrganizationID: o.ID, Organization: refOrganization(o),
	}
	if p.TimeZone != "" {
		out.TimeZone, out.TZTimeZone = &p.TimeZone, &p.TimeZone
	}
	return out
}

func placeTarget(p place) target { return target{placeID: p.ID} }

func listPlaces(c *call) answer {
	s := c.s
	list := &lister[place]{size: doorsPage, table: &s.places, ids: s.placesIn.live[c.org.ID],
		sortKey: map[string]func(place) string{
			"name":     func(p place) string { return p.Name },
			"favorite": func(p place) string { return p.Name }, // the simulator keeps no favorites
		},
		render: func(p place) any { return s.placeJSON(p) }}
	if refused := scopeList(c, list, "places_read", placeTarget); refused != nil {
		return *refused
	}
	if c.query.Get("favorite") == "true" {
		list.ids = nil
	}
	list.whereIDs(c)
	list.whereText(c, func(p place) []string { return []string{p.Name} })
	return list.answer(c)
}

// getPlace is not in Kisi's published document as transcribed here; it is
// inferred from the other resources.
func getPlace(c *call) answer {
	p, found := c.s.places.get(c.id())
	if !found || p.OrganizationID != c.org.ID {
		return notFound()
	}
	if !c.may("places_read", placeTarget(p)) {
		return forbidden()
	}
	return ok(c.s.placeJSON(p))
}

func createPlace(c *call) answer {
	f, refused := c.root("place")
	if refused != nil {
		return *refused
	}
	if !c.may("places_write", target{}) {
		return forbidden()
	}
	f.required("name", "address")
	p := place{OrganizationID: c.org.ID, Name: f.text("name"), Address: f.text("address"), TimeZone: f.text("time_zone")}
	setNullable(f, "description", &p.Description)
	setNullable(f, "image", &p.Image)
	setNullable(f, "latitude", &p.Latitude)
	setNullable(f, "longitude", &p.Longitude)
	if len([]rune(p.Address)) > 500 {
		f.fail("address", "is too long (maximum is 500 characters)")
	}
	if _, err := time.LoadLocation(p.TimeZone); err != nil {
		f.fail("time_zone", "is not a time zone")
	}
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	p = c.s.addPlace(c.now, p)
	c.s.emitPlace(c.now, c.actor(), "place.create", p)
	return ok(c.s.placeJSON(p))
}

// destroyPlace deletes a place with its locks, its groups and the roles in it.
func (s *Server) destroyPlace(now time.Time, by actor, p place) {
	for _, g := range rowsOf(&s.groups, slices.Clone(s.groupsByPlace.live[p.ID])) {
		s.destroyGroup(now, by, g)
	}
	for _, l := range rowsOf(&s.locks, slices.Clone(s.locksByPlace.live[p.ID])) {
		s.destroyLock(now, by, l)
	}
	for _, a := range rowsOf(&s.assignments, slices.Clone(s.assignmentsByTarget.live[reference{kindPlace, p.ID}])) {
		s.destroyAssignment(now, by, a)
	}
	s.removePlace(now, p)
	s.emitPlace(now, by, "place.destroy", p)
}

func (s *Server) emitPlace(now time.Time, by actor, kind string, p place) {
	s.emit(event{kind: kind, actor: by, objectType: kindPlace, objectID: p.ID, objectName: p.Name,
		object: map[string]any{"id": p.ID, "name": p.Name}, placeID: p.ID, organizationID: p.OrganizationID, at: now})
}

// setPlaceLockdown locks a whole place down, or lifts that.
func (s *Server) setPlaceLockdown(now time.Time, by actor, p place, down bool) {
	kind := "place.cancel_lockdown"
	p.LockedDownSince, p.UpdatedAt = nil, now
	if down {
		kind, p.LockedDownSince = "place.lock_down", &now
	}
	s.places.put(now, p.ID, p)
	s.emitPlace(now, by, kind, p)
}
