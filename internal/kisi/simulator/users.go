package simulator

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
)

type userJSON struct {
	ID                  int            `json:"id"`
	ResourceType        string         `json:"resource_type"`
	Name                string         `json:"name"`
	Email               string         `json:"email"`
	CreatedAt           instant        `json:"created_at"`
	UpdatedAt           instant        `json:"updated_at"`
	Metadata            map[string]any `json:"metadata"`
	Image               *string        `json:"image"`
	OTPRequiredForLogin bool           `json:"otp_required_for_login"`
	PasswordFlowEnabled bool           `json:"password_flow_enabled"`
	AccessEnabled       bool           `json:"access_enabled"`
	LastAccessedAt      *instant       `json:"last_accessed_at"`
	ScimAccessEnabled   bool           `json:"scim_access_enabled"`
	Notes               *string        `json:"notes"`
	OrganizationID      int            `json:"organization_id"`
	Confirmed           bool           `json:"confirmed"`
	GroupsCount         int            `json:"groups_count"`
}

func (s *Server) userJSON(u user) userJSON {
	return userJSON{
		ID: u.ID, ResourceType: kindUser, Name: u.Name, Email: u.Email,
		CreatedAt: seconds(u.CreatedAt), UpdatedAt: seconds(u.UpdatedAt), Metadata: u.Metadata, Image: u.Image,
		PasswordFlowEnabled: u.PasswordFlow, AccessEnabled: u.AccessEnabled, LastAccessedAt: secondsOf(u.LastAccessedAt),
		ScimAccessEnabled: u.ScimAccessEnabled, Notes: u.Notes, OrganizationID: u.OrganizationID,
		Confirmed: u.Confirmed, GroupsCount: s.groupsCount(u),
	}
}

func (s *Server) groupsCount(u user) int {
	groups := map[int]bool{}
	for _, a := range s.assignmentsOfUser(u.ID, false) {
		if a.AppliesTo.Kind == kindGroup {
			groups[a.AppliesTo.ID] = true
		}
	}
	return len(groups)
}

func getUser(c *call) answer {
	u, found := c.organizationUser(c.id())
	if !found {
		return notFound()
	}
	if u.ID != c.user.ID && !c.mayAnywhere("users_read") {
		return forbidden()
	}
	return ok(c.s.userJSON(u))
}

// organizationUser finds a user of the caller's organization only: another
// organization's user does not exist for the caller.
func (c *call) organizationUser(id int) (user, bool) {
	u, found := c.s.users.get(id)
	return u, found && u.OrganizationID == c.org.ID && !c.hides(u.ID == c.user.ID || c.mayAnywhere("users_read"))
}

func createUser(c *call) answer {
	u, refused := c.newUser("user")
	if refused != nil {
		return *refused
	}
	return ok(c.s.userJSON(u))
}

// newUser creates a user from the root object that /users or /members name.
func (c *call) newUser(root string) (user, *answer) {
	s := c.s
	reject := func(a answer) (user, *answer) { return user{}, &a }
	f, refused := c.root(root)
	if refused != nil {
		return reject(*refused)
	}
	if !c.may("users_write", target{}) {
		return reject(forbidden())
	}
	f.required("email")
	email := strings.TrimSpace(f.text("email"))
	if address, err := mail.ParseAddress(email); email != "" && (err != nil || address.Address != email) {
		f.fail("email", "is invalid")
	}
	if s.switches.EmailCase == EmailCaseLowered {
		email = strings.ToLower(email)
	}
	u := user{
		OrganizationID: c.org.ID, Email: email, Metadata: map[string]any{},
		PasswordFlow: true, AccessEnabled: true, ScimAccessEnabled: true, SendEmails: true,
	}
	set(f, "send_emails", &u.SendEmails)
	set(f, "confirm", &u.Confirmed)
	changeUser(f, &u)
	if refused := f.refusal(); refused != nil {
		return reject(*refused)
	}
	if _, taken := s.userByEmail(c.org.ID, email); taken {
		if s.switches.ExistingEmail == ExistingEmailInvalid422 {
			return reject(invalid("email", "has already been taken"))
		}
		return reject(conflict("A user with this email already exists."))
	}
	u = s.addUser(c.now, u)
	s.emitUser(c.now, c.actor(), "user.create", u)
	if u.SendEmails {
		s.mail(c.now, u, "You have been invited to "+c.org.Name)
	}
	return u, nil
}

// changeUser reads the fields that create and update share.
func changeUser(f *fields, u *user) {
	set(f, "name", &u.Name)
	setNullable(f, "image", &u.Image)
	setNullable(f, "notes", &u.Notes)
	set(f, "access_enabled", &u.AccessEnabled)
	set(f, "password_flow_enabled", &u.PasswordFlow)
	if f.has("metadata") {
		metadata := map[string]any{}
		if err := json.Unmarshal(f.raw["metadata"], &metadata); err != nil {
			f.fail("metadata", "is invalid")
			return
		}
		checkMetadata(f, metadata)
		if metadata == nil {
			metadata = map[string]any{}
		}
		u.Metadata = metadata
	}
}

// checkMetadata applies Kisi's documented bounds: flat, at most 50 keys of at
// most 50 characters, values of at most 500.
func checkMetadata(f *fields, metadata map[string]any) {
	if len(metadata) > 50 {
		f.fail("metadata", "must have at most 50 keys")
	}
	for key, value := range metadata {
		if len([]rune(key)) > 50 {
			f.fail("metadata", fmt.Sprintf("key %q is too long (maximum is 50 characters)", key))
		}
		switch v := value.(type) {
		case string:
			if len([]rune(v)) > 500 {
				f.fail("metadata", fmt.Sprintf("value of %q is too long (maximum is 500 characters)", key))
			}
		case map[string]any, []any:
			f.fail("metadata", fmt.Sprintf("value of %q must not be nested", key))
		}
	}
}

func updateUser(c *call) answer {
	f, refused := c.root("user")
	if refused != nil {
		return *refused
	}
	u, found := c.organizationUser(c.id())
	if !found {
		return notFound()
	}
	if !c.may("users_write", target{}) || c.s.highestRank(c.org, u.ID, c.now) > c.rankAt(target{}) {
		return forbidden()
	}
	changeUser(f, &u)
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	c.s.changeUser(c.now, u)
	c.s.emitUser(c.now, c.actor(), "user.update", u)
	return noContent()
}

// highestRank is the highest role that a user holds anywhere.
func (s *Server) highestRank(org organization, userID int, now time.Time) int {
	rank := 0
	for _, h := range s.rolesOf(org, userID, now) {
		rank = max(rank, h.role.Rank)
	}
	return rank
}

func deleteUser(c *call) answer {
	s := c.s
	u, found := c.organizationUser(c.id())
	if !found {
		return notFound()
	}
	if !c.may("users_write", target{}) || s.highestRank(c.org, u.ID, c.now) > c.rankAt(target{}) {
		return forbidden()
	}
	if u.ID == c.org.OwnerID && s.switches.DeleteUser != DeleteUserAccepts {
		return invalid("base", "The organization owner cannot be deleted.")
	}
	if s.switches.DeleteUser == DeleteUserRefusesHolders && len(s.assignmentIDsOfUser(u.ID, false)) > 0 {
		return invalid("base", "The user still has access rights.")
	}
	s.destroyUser(c.now, c.actor(), u)
	return noContent()
}

// destroyUser deletes a user with everything that hangs on it.
func (s *Server) destroyUser(now time.Time, by actor, u user) {
	person := reference{kindUser, u.ID}
	for _, a := range rowsOf(&s.assignments, slices.Clone(s.assignmentsByAssignee.live[person])) {
		s.destroyAssignment(now, by, a)
	}
	for _, m := range rowsOf(&s.memberships, slices.Clone(s.membershipsByMember.live[person])) {
		s.destroyMembership(now, by, m)
	}
	for _, l := range rowsOf(&s.logins, slices.Clone(s.loginsByUser.live[u.ID])) {
		s.destroyLogin(now, by, l)
	}
	if org, _ := s.organizations.get(u.OrganizationID); org.OwnerID == u.ID {
		s.setOwner(now, by, org, 0)
	}
	s.removeUser(now, u)
	s.emitUser(now, by, "user.destroy", u)
}

func (s *Server) emitUser(now time.Time, by actor, kind string, u user) {
	s.emit(event{kind: kind, actor: by, objectType: kindUser, objectID: u.ID, objectName: u.Name,
		object: map[string]any{"id": u.ID, "email": u.Email}, organizationID: u.OrganizationID, at: now})
}

type currentUserJSON struct {
	ID                       int                 `json:"id"`
	ResourceType             string              `json:"resource_type"`
	Name                     string              `json:"name"`
	Email                    string              `json:"email"`
	Image                    *string             `json:"image"`
	Locale                   *string             `json:"locale"`
	NotificationsUnreadCount int                 `json:"notifications_unread_count"`
	OTPRequiredForLogin      bool                `json:"otp_required_for_login"`
	OTPEnabledAt             *instant            `json:"otp_enabled_at"`
	PrimaryLoginExists       bool                `json:"primary_login_exists"`
	CreatedAt                instant             `json:"created_at"`
	UpdatedAt                instant             `json:"updated_at"`
	AnnouncementsLastSeenAt  *instant            `json:"announcements_last_seen_at"`
	LastReadAt               map[string]any      `json:"last_read_at"`
	Notes                    *string             `json:"notes"`
	OrganizationID           int                 `json:"organization_id"`
	Organization             refOrganizationJSON `json:"organization"`
}

func getCurrentUser(c *call) answer {
	u := c.user
	return ok(currentUserJSON{
		ID: u.ID, ResourceType: kindUser, Name: u.Name, Email: u.Email, Image: u.Image,
		PrimaryLoginExists: c.s.hasPrimaryLogin(u.ID),
		CreatedAt:          seconds(u.CreatedAt), UpdatedAt: seconds(u.UpdatedAt), Notes: u.Notes,
		OrganizationID: c.org.ID, Organization: refOrganization(c.org),
	})
}
