package simulator

import (
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Seed is the file that a simulator starts from. Names stand for ids: a lock,
// group, team or place is named by its name, a person by an address.
type Seed struct {
	// Switches by name; see the list of switches.
	Switches      map[string]string  `json:"switches,omitempty"`
	Organizations []SeedOrganization `json:"organizations"`
}

// SeedOrganization is one organization with everything in it. Ids are
// optional everywhere; what has none gets one.
type SeedOrganization struct {
	ID       int    `json:"id,omitempty"`
	Name     string `json:"name"`
	Domain   string `json:"domain"`             // unique in the simulator
	TimeZone string `json:"timeZone,omitempty"` // default UTC
	Owner    string `json:"owner"`              // the address of one of users
	// DeviceLoginsExpireAfter is idle seconds; default two weeks, -1 never.
	DeviceLoginsExpireAfter *int `json:"deviceLoginsExpireAfter,omitempty"`
	// ScimEnabled is whether a directory decides who may open doors; default: whether one of users has scimAccessEnabled.
	ScimEnabled *bool `json:"scimEnabled,omitempty"`

	Users           []SeedUser       `json:"users,omitempty"`
	Guests          []SeedGuest      `json:"guests,omitempty"`
	Places          []SeedPlace      `json:"places,omitempty"`
	Locks           []SeedLock       `json:"locks,omitempty"`
	Groups          []SeedGroup      `json:"groups,omitempty"`
	Teams           []SeedTeam       `json:"teams,omitempty"`
	Roles           []SeedRole       `json:"roles,omitempty"` // custom ones
	RoleAssignments []SeedAssignment `json:"roleAssignments,omitempty"`
	Keys            []SeedKey        `json:"keys,omitempty"`
}

// SeedUser is a person with a Kisi user.
type SeedUser struct {
	ID                int            `json:"id,omitempty"`
	Email             string         `json:"email"`
	Name              string         `json:"name,omitempty"`
	AccessEnabled     *bool          `json:"accessEnabled,omitempty"`     // default true
	ScimAccessEnabled *bool          `json:"scimAccessEnabled,omitempty"` // default true
	SendEmails        *bool          `json:"sendEmails,omitempty"`        // default true; false is a managed user
	Notes             *string        `json:"notes,omitempty"`
	Metadata          map[string]any `json:"metadata,omitempty"`
}

// SeedGuest is a person without one.
type SeedGuest struct {
	ID    int     `json:"id,omitempty"`
	Name  string  `json:"name"`
	Email *string `json:"email,omitempty"`
	Phone *string `json:"phone,omitempty"`
}

// SeedPlace is a building.
type SeedPlace struct {
	ID        int      `json:"id,omitempty"`
	Name      string   `json:"name"`
	Address   string   `json:"address,omitempty"` // default: the name
	TimeZone  string   `json:"timeZone,omitempty"`
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
}

// SeedRestrictions say how a door may be unlocked. Locks know geofence, reader
// and time; groups know all.
type SeedRestrictions struct {
	Geofence       bool    `json:"geofence,omitempty"`
	GeofenceRadius float64 `json:"geofenceRadius,omitempty"` // metres, default 100
	Reader         bool    `json:"reader,omitempty"`
	PrimaryDevice  bool    `json:"primaryDevice,omitempty"`
	ManagedDevice  bool    `json:"managedDevice,omitempty"`
	TapToAccess    bool    `json:"tapToAccess,omitempty"`
	// Time means that the time is never right: schedules are not simulated.
	Time bool `json:"time,omitempty"`
}

// SeedLock is a door.
type SeedLock struct {
	ID           int              `json:"id,omitempty"`
	Name         string           `json:"name"`
	Place        string           `json:"place"`
	Configured   *bool            `json:"configured,omitempty"` // default true
	Online       *bool            `json:"online,omitempty"`     // default true
	Latitude     *float64         `json:"latitude,omitempty"`
	Longitude    *float64         `json:"longitude,omitempty"`
	Restrictions SeedRestrictions `json:"restrictions,omitempty"`
}

// SeedGroup is a set of doors, and who may open them.
type SeedGroup struct {
	ID           int              `json:"id,omitempty"`
	Name         string           `json:"name"`
	Description  *string          `json:"description,omitempty"`
	Place        string           `json:"place,omitempty"`        // none: the whole organization
	Locks        []string         `json:"locks,omitempty"`        // by name, or Place/Lock where the name is not unique
	LoginEnabled *bool            `json:"loginEnabled,omitempty"` // default true; false: no apps
	Restrictions SeedRestrictions `json:"restrictions,omitempty"`
}

// SeedTeam is a set of people.
type SeedTeam struct {
	ID      int      `json:"id,omitempty"`
	Name    string   `json:"name"`
	Members []string `json:"members,omitempty"` // addresses
}

// SeedRole is a role that an organization made for itself.
type SeedRole struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	AppliesTo   string   `json:"appliesTo"`   // Organization, Place or Group
	Permissions []string `json:"permissions"` // as Kisi's Role schema spells them
}

// SeedAssignment gives exactly one of user, team and guest a role in a group,
// a place, or (neither given) the organization.
type SeedAssignment struct {
	ID         int        `json:"id,omitempty"`
	User       string     `json:"user,omitempty"`
	Team       string     `json:"team,omitempty"`
	Guest      string     `json:"guest,omitempty"`
	Group      string     `json:"group,omitempty"` // by name, or Place/Group where the name is not unique
	Place      string     `json:"place,omitempty"`
	Role       string     `json:"role,omitempty"` // default group_basic for a group
	ValidFrom  *time.Time `json:"validFrom,omitempty"`
	ValidUntil *time.Time `json:"validUntil,omitempty"`
	CreatedBy  string     `json:"createdBy,omitempty"` // default the owner
}

// SeedKey is a login whose secret is known beforehand.
type SeedKey struct {
	User   string `json:"user"`
	Secret string `json:"secret"`
	Name   string `json:"name,omitempty"`
	Type   string `json:"type,omitempty"`   // api (default) or device
	Expire bool   `json:"expire,omitempty"` // default false: never for idleness
}

// LoadSeed adds the organizations of a YAML document and sets its switches.
// Nothing is changed if anything in it is wrong; the error names field and
// value.
func (s *Server) LoadSeed(document []byte) error {
	var seed Seed
	converted, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	// This decoder, unlike the YAML package's own, says where an unknown field is.
	unknown, err := json.UnmarshalStrict(converted, &seed)
	if err := errors.Join(append(unknown, err)...); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return s.Load(seed)
}

// Load is LoadSeed for a seed made in Go.
func (s *Server) Load(seed Seed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switches := s.switches
	for name, value := range seed.Switches {
		if err := switches.Set(name, value); err != nil {
			return fmt.Errorf("seed: switches: %w", err)
		}
	}
	planned := &seedCheck{server: s, domains: map[string]bool{}, ids: map[string]map[int]bool{}, secrets: map[string]bool{}}
	for i, o := range seed.Organizations {
		if err := planned.organization(o); err != nil {
			return fmt.Errorf("seed: organizations[%d]%w", i, err)
		}
	}
	s.applySwitches(switches)
	for _, o := range seed.Organizations {
		s.plant(o)
	}
	return nil
}
