package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ActionKind is something that a person does in Kisi's dashboard.
type ActionKind string

const (
	ActionGrant          ActionKind = "Grant"          // User or Team, Group (none: the organization, with Role), ValidFrom, ValidUntil
	ActionRevoke         ActionKind = "Revoke"         // AssignmentID, or every row of User in Group, or every role Role of User above groups
	ActionSetWindow      ActionKind = "SetWindow"      // AssignmentID, ValidFrom, ValidUntil (absent: unbounded)
	ActionCreateUser     ActionKind = "CreateUser"     // Email, Name
	ActionDeleteUser     ActionKind = "DeleteUser"     // User
	ActionSuspendUser    ActionKind = "SuspendUser"    // User: access_enabled false
	ActionResumeUser     ActionKind = "ResumeUser"     // User
	ActionScimSuspend    ActionKind = "ScimSuspend"    // User: scim_access_enabled false; the organization has a directory from then on
	ActionScimResume     ActionKind = "ScimResume"     // User
	ActionChangeEmail    ActionKind = "ChangeEmail"    // User, Email
	ActionDeleteGroup    ActionKind = "DeleteGroup"    // Group
	ActionChangeGroup    ActionKind = "ChangeGroup"    // Group, and Name, Restrictions or LoginEnabled
	ActionAddLock        ActionKind = "AddLock"        // Group, Lock
	ActionRemoveLock     ActionKind = "RemoveLock"     // Group, Lock
	ActionDeleteLock     ActionKind = "DeleteLock"     // Lock
	ActionChangeLock     ActionKind = "ChangeLock"     // Lock, Name
	ActionLockDown       ActionKind = "LockDown"       // Lock, or Place
	ActionCancelLockdown ActionKind = "CancelLockdown" // Lock, or Place
	ActionLockOffline    ActionKind = "LockOffline"    // Lock
	ActionLockOnline     ActionKind = "LockOnline"     // Lock
	ActionDeletePlace    ActionKind = "DeletePlace"    // Place
	ActionChangePlace    ActionKind = "ChangePlace"    // Place, Name
	ActionAddToTeam      ActionKind = "AddToTeam"      // Team, User; the team is made if there is none
	ActionRemoveFromTeam ActionKind = "RemoveFromTeam" // Team, User
	ActionCreateKey      ActionKind = "CreateKey"      // User, Secret
	ActionRevokeKeys     ActionKind = "RevokeKeys"     // User: all API keys
	ActionSetOwner       ActionKind = "SetOwner"       // User becomes the owner; the owner before keeps other roles
	ActionDemoteOwner    ActionKind = "DemoteOwner"    // As becomes the owner; the owner before loses every role
)

// Action is done at once, by somebody else than the owner of the key under
// test: rows it makes carry that person in created_by, and the audit trail and
// the webhooks tell of it.
type Action struct {
	Action       ActionKind `json:"action"`
	Organization string     `json:"organization,omitempty"` // domain; default the only one
	// As is the address of who does it; default the first administrator who
	// is not the owner.
	As string `json:"as,omitempty"`

	User         string            `json:"user,omitempty"` // address
	Group        string            `json:"group,omitempty"`
	Lock         string            `json:"lock,omitempty"`
	Place        string            `json:"place,omitempty"`
	Team         string            `json:"team,omitempty"`
	Email        string            `json:"email,omitempty"`
	Name         string            `json:"name,omitempty"`
	Role         string            `json:"role,omitempty"` // default group_basic
	Secret       string            `json:"secret,omitempty"`
	AssignmentID int               `json:"assignmentID,omitempty"`
	ValidFrom    *time.Time        `json:"validFrom,omitempty"`
	ValidUntil   *time.Time        `json:"validUntil,omitempty"`
	Restrictions *SeedRestrictions `json:"restrictions,omitempty"`
	LoginEnabled *bool             `json:"loginEnabled,omitempty"`
}

// acting is an action with its names looked up.
type acting struct {
	Action
	s   *Server
	now time.Time
	org organization
	by  actor
}

var actions = map[ActionKind]func(*acting) (int, error){
	ActionGrant: (*acting).grantAccess, ActionRevoke: (*acting).revoke, ActionSetWindow: (*acting).setWindow,
	ActionCreateUser: (*acting).createUser, ActionDeleteUser: (*acting).deleteUser,
	ActionSuspendUser:    changeUserAction(func(u *user) { u.AccessEnabled = false }),
	ActionResumeUser:     changeUserAction(func(u *user) { u.AccessEnabled = true }),
	ActionScimSuspend:    directoryAction(func(u *user) { u.ScimAccessEnabled = false }),
	ActionScimResume:     directoryAction(func(u *user) { u.ScimAccessEnabled = true }),
	ActionChangeEmail:    (*acting).changeEmail,
	ActionDeleteGroup:    (*acting).deleteGroup,
	ActionChangeGroup:    (*acting).changeGroup,
	ActionAddLock:        (*acting).addLock,
	ActionRemoveLock:     (*acting).removeLock,
	ActionDeleteLock:     lockAction(func(a *acting, l lock) { a.s.destroyLock(a.now, a.by, l) }),
	ActionChangeLock:     (*acting).changeLock,
	ActionLockOffline:    lockAction(func(a *acting, l lock) { a.setOnline(l, false) }),
	ActionLockOnline:     lockAction(func(a *acting, l lock) { a.setOnline(l, true) }),
	ActionLockDown:       func(a *acting) (int, error) { return a.lockdown(true) },
	ActionCancelLockdown: func(a *acting) (int, error) { return a.lockdown(false) },
	ActionDeletePlace:    (*acting).deletePlace,
	ActionChangePlace:    (*acting).changePlace,
	ActionAddToTeam:      (*acting).addToTeam, ActionRemoveFromTeam: (*acting).removeFromTeam,
	ActionCreateKey: (*acting).createKey, ActionRevokeKeys: (*acting).revokeKeys,
	ActionSetOwner: (*acting).setOwner, ActionDemoteOwner: (*acting).demoteOwner,
}

// Act does something in Kisi's dashboard. It returns the id of what was made
// or changed, or an error that names the field that is wrong.
func (s *Server) Act(action Action) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do, known := actions[action.Action]
	if !known {
		var names []string
		for kind := range actions {
			names = append(names, string(kind))
		}
		slices.Sort(names)
		return 0, fmt.Errorf("action: %q is not one of %s", action.Action, strings.Join(names, ", "))
	}
	org, err := s.organizationNamed(action.Organization)
	if err != nil {
		return 0, err
	}
	a := &acting{Action: action, s: s, now: s.clock.Now(), org: org}
	if a.by, err = s.somebodyElse(org, action.As, a.now); err != nil {
		return 0, err
	}
	s.purgeExpired(a.now)
	id, err := do(a)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", action.Action, err)
	}
	return id, nil
}

func (s *Server) somebodyElse(org organization, as string, now time.Time) (actor, error) {
	if as != "" {
		u, found := s.userByEmail(org.ID, as)
		if !found {
			return actor{}, fmt.Errorf("as: %s has no user %q", org.Name, as)
		}
		return actor{user: u}, nil
	}
	for _, id := range s.assignmentsByTarget.live[reference{kindOrganization, org.ID}] {
		a, _ := s.assignments.get(id)
		if a.Assignee.Kind == kindUser && a.Assignee.ID != org.OwnerID && s.isAdministrator(org, a.Assignee.ID, now) {
			u, _ := s.users.get(a.Assignee.ID)
			return actor{user: u}, nil
		}
	}
	return actor{}, fmt.Errorf("as: %s has no administrator besides its owner: say who does it", org.Name)
}
