package simulator

// The deprecated /members: the same people as /users under other ids.

type memberUserJSON struct {
	refUserJSON
	OTPRequiredForLogin bool `json:"otp_required_for_login"`
}

type memberJSON struct {
	ID                  int            `json:"id"`
	ResourceType        string         `json:"resource_type"`
	Name                string         `json:"name"`
	Image               *string        `json:"image"`
	PasswordFlowEnabled bool           `json:"password_flow_enabled"`
	AccessEnabled       bool           `json:"access_enabled"`
	ScimAccessEnabled   bool           `json:"scim_access_enabled"`
	LastAccessedAt      *instant       `json:"last_accessed_at"`
	CreatedAt           instant        `json:"created_at"`
	UpdatedAt           instant        `json:"updated_at"`
	RoleID              string         `json:"role_id"`
	Notes               *string        `json:"notes"`
	Metadata            map[string]any `json:"metadata"`
	OrganizationID      *int           `json:"organization_id"`
	UserID              int            `json:"user_id"`
	User                memberUserJSON `json:"user"`
	PlaceID             *int           `json:"place_id"`
	SharesCount         int            `json:"shares_count"`
	Confirmed           bool           `json:"confirmed"`
}

func (c *call) memberJSON(u user) memberJSON {
	highest := role{ID: "basic"}
	for _, h := range c.s.rolesOf(c.org, u.ID, c.now) {
		if h.at.Kind == kindOrganization && h.role.Rank > highest.Rank {
			highest = h.role
		}
	}
	return memberJSON{
		ID: u.MemberID, ResourceType: "Member", Name: u.Name, Image: u.Image,
		PasswordFlowEnabled: u.PasswordFlow, AccessEnabled: u.AccessEnabled, ScimAccessEnabled: u.ScimAccessEnabled,
		LastAccessedAt: secondsOf(u.LastAccessedAt), CreatedAt: seconds(u.CreatedAt), UpdatedAt: seconds(u.UpdatedAt),
		RoleID: c.s.shownRoleID(highest.ID), Notes: u.Notes, Metadata: u.Metadata, OrganizationID: &u.OrganizationID,
		UserID: u.ID, User: memberUserJSON{refUserJSON: refUser(u)}, SharesCount: c.s.groupsCount(u), Confirmed: u.Confirmed,
	}
}

func listMembers(c *call) answer {
	list, refused := c.userLister()
	if refused != nil {
		return *refused
	}
	list.render = func(u user) any { return c.memberJSON(u) }
	return list.answer(c)
}

func createMember(c *call) answer {
	if f, refused := c.root("member"); refused != nil {
		return *refused
	} else if f.has("place_id") && !f.isNull("place_id") {
		return invalid("place_id", "is not supported by organizations")
	}
	u, refused := c.newUser("member")
	if refused != nil {
		return *refused
	}
	return ok(c.memberJSON(u))
}

func getMember(c *call) answer {
	u, found := c.organizationUser(c.s.userByMember[c.id()])
	if !found {
		return notFound()
	}
	if u.ID != c.user.ID && !c.mayAnywhere("users_read") {
		return forbidden()
	}
	return ok(c.memberJSON(u))
}
