package simulator

import "time"

// The rows of the store. What Kisi shows of them is in the file of each
// resource; these are what Kisi must remember.

type stamps struct{ CreatedAt, UpdatedAt time.Time }

type organization struct {
	stamps
	ID                      int
	Name, Domain, TimeZone  string
	OwnerID                 int // 0: nobody
	DeviceLoginsExpireAfter *int
	ScimEnabled             bool // a directory decides, beside Kisi, who may open doors
}

type user struct {
	stamps
	ID, OrganizationID int
	MemberID           int // the id of the same person under the deprecated /members
	Name, Email        string
	Image, Notes       *string
	Metadata           map[string]any
	PasswordFlow       bool
	AccessEnabled      bool
	ScimAccessEnabled  bool
	SendEmails         bool // false: a managed user, never mailed by Kisi
	Confirmed          bool
	LastAccessedAt     *time.Time
}

type guest struct {
	stamps
	ID, OrganizationID int
	Name               string
	Email, Phone       *string
}

type place struct {
	stamps
	ID, OrganizationID  int
	Name, Address       string
	Description, Image  *string
	Latitude, Longitude *float64
	TimeZone            string
	LockedDownSince     *time.Time
}

type lock struct {
	stamps
	ID, OrganizationID, PlaceID int
	Name                        string
	Description                 *string
	Latitude, Longitude         *float64
	Configured, Online          bool
	LockedDownSince             *time.Time
	Geofence, Reader, Time      bool // restrictions that bind everybody at this door
	GeofenceRadius              float64
}

type restrictions struct {
	Geofence, PrimaryDevice, ManagedDevice, Reader, Time, TapToAccess bool
	GeofenceRadius                                                    float64 // metres
}

type group struct {
	stamps
	ID, OrganizationID int
	PlaceID            int // 0: the whole organization
	Name               string
	Description        *string
	TimeZone           *string
	LoginEnabled       bool // false: the group's rights do not include apps
	Restrictions       restrictions
}

type groupLock struct {
	stamps
	ID, OrganizationID, GroupID, LockID int
}

const (
	kindUser  = "User"
	kindTeam  = "Team"
	kindGuest = "Guest"

	kindOrganization = "Organization"
	kindPlace        = "Place"
	kindGroup        = "Group"
)

type reference struct {
	Kind string
	ID   int
}

type assignment struct {
	stamps
	ID, OrganizationID    int
	RoleID                string
	Assignee, AppliesTo   reference
	ValidFrom, ValidUntil *time.Time
	Notify                bool
	CreatedByID           int // 0: Kisi itself
}

type team struct {
	stamps
	ID, OrganizationID int
	Name               string
}

type teamMembership struct {
	stamps
	ID, OrganizationID, TeamID int
	Member                     reference
}

const (
	loginAPI    = "api"
	loginDevice = "device"
)

type login struct {
	stamps
	ID, OrganizationID, UserID       int
	Type                             string
	Name                             *string
	Primary, Expire                  bool
	LastUsedAt                       *time.Time
	DeviceBrand, DeviceModel, OSName *string
	Secret                           string
}

type integration struct {
	stamps
	ID, OrganizationID  int
	Name, Type, URL     string
	Enabled             bool
	EnabledEvents       []string
	SignatureKey        string
	ConsecutiveFailures int
	DisabledAt          *time.Time
}
