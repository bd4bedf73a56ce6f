package kisi

import "time"

// Types of assignees and of what a role applies to, as Kisi spells them.
const (
	TypeUser  = "User"
	TypeTeam  = "Team"
	TypeGuest = "Guest"
	TypeGroup = "Group"
)

// Roles that Kisi documents by id. A custom one has to be read.
const (
	RoleGroupBasic   = "group_basic"
	RoleGroupManager = "group_manager"
)

// Reference is the short form in which Kisi embeds one resource in another.
type Reference struct {
	ID           int64  `json:"id"`
	ResourceType string `json:"resource_type,omitempty"`
	Name         string `json:"name"`
	Email        string `json:"email,omitempty"`
	Domain       string `json:"domain,omitempty"`
}

// User is a person in the organization (GET /users).
type User struct {
	ID                  int64          `json:"id"`
	Name                string         `json:"name"`
	Email               string         `json:"email"`
	CreatedAt           time.Time      `json:"created_at"`
	UpdatedAt           time.Time      `json:"updated_at"`
	Metadata            map[string]any `json:"metadata"`
	Notes               string         `json:"notes"`
	AccessEnabled       bool           `json:"access_enabled"`
	SCIMAccessEnabled   bool           `json:"scim_access_enabled"`
	PasswordFlowEnabled bool           `json:"password_flow_enabled"`
	LastAccessedAt      *time.Time     `json:"last_accessed_at"`
	OrganizationID      int64          `json:"organization_id"`
}

// UserCreate is the body of POST /users. Only Email is required by Kisi.
type UserCreate struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
	// SendEmails decides whether Kisi writes e-mails to the person, ever. Nil leaves Kisi's default, which is to write.
	// It can be set at creation only.
	SendEmails *bool `json:"send_emails,omitempty"`
	// Confirm marks the user as confirmed without the person doing anything. Settable at creation only.
	Confirm             *bool          `json:"confirm,omitempty"`
	AccessEnabled       *bool          `json:"access_enabled,omitempty"`
	PasswordFlowEnabled *bool          `json:"password_flow_enabled,omitempty"`
	Metadata            map[string]any `json:"metadata,omitempty"`
	Notes               string         `json:"notes,omitempty"`
}

// UserUpdate is the body of PATCH /users/{id}: nil fields stay as they are. Kisi cannot change an e-mail address.
type UserUpdate struct {
	Name                *string         `json:"name,omitempty"`
	AccessEnabled       *bool           `json:"access_enabled,omitempty"`
	PasswordFlowEnabled *bool           `json:"password_flow_enabled,omitempty"`
	Metadata            *map[string]any `json:"metadata,omitempty"`
	Notes               *string         `json:"notes,omitempty"`
}

// Group is a Kisi group: locks on one side, role assignments on the other.
type Group struct {
	ID                              int64      `json:"id"`
	Name                            string     `json:"name"`
	Description                     string     `json:"description"`
	CreatedAt                       time.Time  `json:"created_at"`
	UpdatedAt                       time.Time  `json:"updated_at"`
	LoginEnabled                    bool       `json:"login_enabled"`
	GeofenceRestrictionEnabled      bool       `json:"geofence_restriction_enabled"`
	GeofenceRestrictionRadius       float64    `json:"geofence_restriction_radius"`
	PrimaryDeviceRestrictionEnabled bool       `json:"primary_device_restriction_enabled"`
	ManagedDeviceRestrictionEnabled bool       `json:"managed_device_restriction_enabled"`
	ReaderRestrictionEnabled        bool       `json:"reader_restriction_enabled"`
	TimeRestrictionEnabled          bool       `json:"time_restriction_enabled"`
	TapToAccessRestrictionEnabled   bool       `json:"tap_to_access_restriction_enabled"`
	UsersCount                      int        `json:"users_count"`
	LocksCount                      int        `json:"locks_count"`
	PlaceID                         *int64     `json:"place_id"` // nil for a group of the organization
	Place                           *Reference `json:"place"`
}

// GroupCreate is the body of POST /groups. Only Name is required.
type GroupCreate struct {
	Name                            string `json:"name"`
	Description                     string `json:"description,omitempty"`
	PlaceID                         *int64 `json:"place_id,omitempty"`
	LoginEnabled                    *bool  `json:"login_enabled,omitempty"`
	GeofenceRestrictionEnabled      *bool  `json:"geofence_restriction_enabled,omitempty"`
	PrimaryDeviceRestrictionEnabled *bool  `json:"primary_device_restriction_enabled,omitempty"`
	ManagedDeviceRestrictionEnabled *bool  `json:"managed_device_restriction_enabled,omitempty"`
	ReaderRestrictionEnabled        *bool  `json:"reader_restriction_enabled,omitempty"`
	TimeRestrictionEnabled          *bool  `json:"time_restriction_enabled,omitempty"`
	TapToAccessRestrictionEnabled   *bool  `json:"tap_to_access_restriction_enabled,omitempty"`
}

// GroupUpdate is the body of PATCH /groups/{id}: nil fields stay as they are. A group cannot move to another place.
type GroupUpdate struct {
	Name                            *string `json:"name,omitempty"`
	Description                     *string `json:"description,omitempty"`
	LoginEnabled                    *bool   `json:"login_enabled,omitempty"`
	GeofenceRestrictionEnabled      *bool   `json:"geofence_restriction_enabled,omitempty"`
	PrimaryDeviceRestrictionEnabled *bool   `json:"primary_device_restriction_enabled,omitempty"`
	ManagedDeviceRestrictionEnabled *bool   `json:"managed_device_restriction_enabled,omitempty"`
	ReaderRestrictionEnabled        *bool   `json:"reader_restriction_enabled,omitempty"`
	TimeRestrictionEnabled          *bool   `json:"time_restriction_enabled,omitempty"`
	TapToAccessRestrictionEnabled   *bool   `json:"tap_to_access_restriction_enabled,omitempty"`
}

// GroupLock puts a lock into a group.
type GroupLock struct {
	ID      int64     `json:"id"`
	GroupID int64     `json:"group_id"`
	Group   Reference `json:"group"`
	LockID  int64     `json:"lock_id"`
	Lock    Reference `json:"lock"`
	PlaceID int64     `json:"place_id"`
	Place   Reference `json:"place"`
}

// Lock is a door.
type Lock struct {
	ID                      int64  `json:"id"`
	Name                    string `json:"name"`
	Description             string `json:"description"`
	PlaceID                 int64  `json:"place_id"`
	Configured              bool   `json:"configured"`
	Online                  *bool  `json:"online"` // nil: Kisi does not know
	LockedDown              bool   `json:"locked_down"`
	Unlocked                bool   `json:"unlocked"`
	OnScheduledUnlock       bool   `json:"on_scheduled_unlock"`
	TimeRestrictionEnabled  *bool  `json:"time_restriction_enabled"`
	TimeRestrictionTimeZone string `json:"time_restriction_time_zone"`
	// The door's own restrictions, beside those of its groups; nil: Kisi does not say.
	GeofenceRestrictionEnabled *bool `json:"geofence_restriction_enabled"`
	ReaderRestrictionEnabled   *bool `json:"reader_restriction_enabled"`
}

// Place is a site of the organization.
type Place struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	Address    string `json:"address"`
	TimeZone   string `json:"time_zone"`
	TZTimeZone string `json:"tz_time_zone"`
	LocksCount int    `json:"locks_count"`
	LockedDown bool   `json:"locked_down"`
}

// Organization is the tenant a key belongs to.
type Organization struct {
	ID              int64  `json:"id"`
	Name            string `json:"name"`
	Domain          string `json:"domain"`
	PlacesCount     int    `json:"places_count"`
	SCIMEnabled     bool   `json:"scim_enabled"`
	SSOFlowEnabled  bool   `json:"sso_flow_enabled"`
	TimeZone        string `json:"time_zone"`
	DeviceLoginIdle *int64 `json:"device_logins_expire_after"` // seconds; nil: never
	// OwnerID is the owner's user id by inference: Kisi names the field user_id and says no more.
	OwnerID *int64 `json:"user_id"`
}

// Role is a set of permissions on an organization, a place or a group.
type Role struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	AppliesTo    string          `json:"applies_to"`
	Custom       bool            `json:"custom"`
	Permissions  map[string]bool `json:"permissions"`
	CustomRoleID *int64          `json:"custom_role_id"`
}

// RoleAssignment gives a user, team or guest a role on a group, place or organization.
type RoleAssignment struct {
	ID            int64     `json:"id"`
	RoleID        string    `json:"role_id"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	Notify        bool      `json:"notify"`
	AppliesToType string    `json:"applies_to_type"`
	AppliesToID   int64     `json:"applies_to_id"`
	AppliesTo     Reference `json:"applies_to"`
	AssigneeType  string    `json:"assignee_type"`
	AssigneeID    int64     `json:"assignee_id"`
	Assignee      Reference `json:"assignee"`
	// CreatedByType is "", "User" or "MarketplaceInstallation".
	CreatedByType string     `json:"created_by_type"`
	CreatedByID   *int64     `json:"created_by_id"`
	ValidFrom     *time.Time `json:"valid_from"`
	ValidUntil    *time.Time `json:"valid_until"`
}

// RoleAssignmentCreate is the body of POST /role_assignments. Bounds are allowed for groups only, are sent in UTC, and
// must be whole seconds: Kisi does not say what it does with fractions, and a row that reads back differently from
// what was sent could never be recognized.
type RoleAssignmentCreate struct {
	AppliesToType string
	AppliesToID   int64
	AssigneeType  string
	AssigneeID    int64
	RoleID        string
	ValidFrom     *time.Time
	ValidUntil    *time.Time
	// Notify decides whether Kisi e-mails the person; what it does for nil is not documented, so always set it.
	Notify *bool
}

// RoleAssignmentUpdate is the body of PATCH /role_assignments/{id}; nil fields stay as they are, and a bound of the zero
// time is taken away (null). Only RoleID and Notify are documented: Kisi may answer 204 and ignore the bounds, so read the
// row back and compare.
type RoleAssignmentUpdate struct {
	RoleID     *string
	Notify     *bool
	ValidFrom  *time.Time
	ValidUntil *time.Time
}

// TeamMembership puts a user or guest into a team.
type TeamMembership struct {
	ID         int64     `json:"id"`
	TeamID     int64     `json:"team_id"`
	MemberType string    `json:"member_type"`
	MemberID   int64     `json:"member_id"`
	Member     Reference `json:"member"`
}

// Login is one credential of one user: a device or an API key.
type Login struct {
	ID         int64      `json:"id"`
	Type       string     `json:"type"` // "api" or "device"
	Name       string     `json:"name"`
	Expire     bool       `json:"expire"`
	LastUsedAt *time.Time `json:"last_used_at"`
	CreatedAt  time.Time  `json:"created_at"`
	UserID     int64      `json:"user_id"`
	User       Reference  `json:"user"`
}

// CreatedLogin is a Login together with its secret, which Kisi shows only once.
type CreatedLogin struct {
	Login
	Secret Secret `json:"secret"`
}

// LoginCreate makes a device login on behalf of the user with this address (POST /logins). The login does not expire
// when idle.
type LoginCreate struct {
	Email       string
	Name        string
	DeviceBrand string
	DeviceModel string
	OSName      string
}
