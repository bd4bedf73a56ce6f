package simulator

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// event is one entry of an organization's audit trail, and what webhooks send.
type event struct {
	uuid           string
	kind           string // "role_assignment.create"
	actor          actor
	objectType     string
	objectID       int
	objectName     string
	object         map[string]any
	organizationID int
	placeID        int
	at             time.Time
	refused        *Decision // nil: success
	sequence       int
}

func (e event) action() string {
	_, action, _ := strings.Cut(e.kind, ".")
	return action
}

// eventLog keeps the events of each organization in the order of time.
type eventLog struct {
	byOrganization map[int][]event
	sequence       int
	sets           map[int]*eventSet
	lastSet        int
}

func newEventLog() eventLog {
	return eventLog{byOrganization: map[int][]event{}, sets: map[int]*eventSet{}, lastSet: 120000}
}

// eventTypes are the types that Kisi publishes and the simulator can cause.
var eventTypes = []string{
	"group.create", "group.destroy", "group.update",
	"group_lock.create", "group_lock.destroy",
	"integration.create", "integration.destroy", "integration.disable_due_to_error", "integration.update", "integration.warn_due_to_error",
	"lock.cancel_lockdown", "lock.create", "lock.destroy", "lock.lock_down", "lock.unlock", "lock.update",
	"login.create", "login.destroy",
	"organization.update",
	"place.cancel_lockdown", "place.create", "place.destroy", "place.lock_down",
	"role_assignment.create", "role_assignment.destroy", "role_assignment.update",
	"team.create", "team.destroy", "team.update",
	"team_membership.create", "team_membership.destroy",
	"user.create", "user.destroy", "user.update",
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// emit records an event and hands it to the webhooks that want it.
func (s *Server) emit(e event) {
	s.events.sequence++
	e.uuid, e.sequence = newUUID(), s.events.sequence
	list := s.events.byOrganization[e.organizationID]
	s.events.byOrganization[e.organizationID] = append(list, e)
	s.webhooks.announce(e)
}

// between lists events in [from, until], oldest first.
func (l *eventLog) between(organizationID int, from, until time.Time) []event {
	all := l.byOrganization[organizationID]
	first := sort.Search(len(all), func(i int) bool { return !all[i].at.Before(from) })
	last := sort.Search(len(all), func(i int) bool { return all[i].at.After(until) })
	if first >= last {
		return nil
	}
	return slices.Clone(all[first:last])
}

type eventJSON struct {
	UUID                string         `json:"uuid"`
	Type                string         `json:"type"`
	ActorType           *string        `json:"actor_type"`
	ActorID             *int           `json:"actor_id"`
	ActorName           *string        `json:"actor_name"`
	ActorEmail          *string        `json:"actor_email"`
	AuthenticatedByType *string        `json:"authenticated_by_type"`
	AuthenticatedByID   *int           `json:"authenticated_by_id"`
	AuthorizedByType    *string        `json:"authorized_by_type"`
	AuthorizedByID      *int           `json:"authorized_by_id"`
	AuthorizedByRoleID  *string        `json:"authorized_by_role_id"`
	ObjectType          string         `json:"object_type"`
	ObjectID            int            `json:"object_id"`
	ObjectName          string         `json:"object_name"`
	Object              map[string]any `json:"object,omitempty"`
	Action              string         `json:"action"`
	CreatedAt           instant        `json:"created_at"`
	Message             *string        `json:"message"`
	Success             bool           `json:"success"`
	Code                *string        `json:"code"`
	Sequence            string         `json:"sequence"`
	OrganizationID      int            `json:"organization_id"`
	PlaceID             *int           `json:"place_id"`
	ErrorCode           *string        `json:"error_code"`
	ErrorMessage        *string        `json:"error_message"`
	Details             map[string]any `json:"details"`
	Via                 map[string]any `json:"via"`
}

func (s *Server) eventJSON(e event) eventJSON {
	out := eventJSON{
		UUID: e.uuid, Type: e.kind, ObjectType: e.objectType, ObjectID: e.objectID, ObjectName: e.objectName,
		Action: e.action(), CreatedAt: seconds(e.at), Success: e.refused == nil, Sequence: strconv.Itoa(e.sequence),
		OrganizationID: e.organizationID, PlaceID: nullable(e.placeID),
		Details: map[string]any{}, Via: map[string]any{},
	}
	if u := e.actor.user; u.ID != 0 {
		userKind := kindUser
		out.ActorType, out.ActorID, out.ActorName, out.ActorEmail = &userKind, &u.ID, &u.Name, &u.Email
		// In the dashboard a person is signed in too, but that login is not simulated.
		loginKind := "Login"
		out.AuthenticatedByType, out.AuthenticatedByID = &loginKind, nullable(e.actor.loginID)
	}
	if e.refused != nil {
		out.Code, out.ErrorCode, out.ErrorMessage = &e.refused.Code, &e.refused.Code, &e.refused.Reason
	}
	if s.switches.EventObject == EventObjectPresent {
		out.Object = e.object
	}
	return out
}
