package kisi

import (
	"cmp"
	"context"
	"net/http"
	"strings"
)

// UserFilter narrows ListUsers.
type UserFilter struct {
	IDs []int64
	// Email filters by address; whether Kisi compares exactly is not documented, so compare again.
	Email string
	// Query is free text over e-mail, name and notes, not equality.
	Query   string
	GroupID int64
}

// ListUsers reads users (GET /users). An item does not show whether it has the address or the group that was asked for:
// a list by either may hold more than that.
func (c *Client) ListUsers(ctx context.Context, filter UserFilter) (Listing[User], error) {
	query := newQuery().ids(filter.IDs).text("email", filter.Email).text("query", filter.Query).number("group_id", filter.GroupID)
	return listAll(ctx, c, "list users", "/users", query, 100, func(u *User) int64 { return u.ID }, nil)
}

// User reads one user (GET /users/{id}).
func (c *Client) User(ctx context.Context, id int64) (*User, error) {
	user := &User{}
	_, err := c.call(ctx, reading("read user", "users", id), user)
	if err != nil {
		return nil, err
	}
	return user, nil
}

// CreateUser makes a user (POST /users). See IsDuplicate for a taken address.
func (c *Client) CreateUser(ctx context.Context, create UserCreate) (*User, error) {
	user := &User{}
	call := request{op: "create user", method: http.MethodPost, path: "/users", body: rooted("user", create)}
	call.strays = func() string {
		if strings.EqualFold(user.Email, create.Email) {
			return ""
		}
		return "it has another address than the one asked for"
	}
	if _, err := c.call(ctx, call, user); err != nil {
		return nil, err
	}
	return user, nil
}

// UpdateUser changes a user (PATCH /users/{id}). Suspending the owner of the key in use is refused with ErrProtected, and
// suspending anybody before CurrentLogin has told who that is.
func (c *Client) UpdateUser(ctx context.Context, id int64, update UserUpdate) error {
	call := changing("update user", "users", id, rooted("user", update))
	if update.AccessEnabled != nil && !*update.AccessEnabled {
		if err := c.protect(call, func(own *Login) bool { return own.UserID == id }); err != nil {
			return err
		}
	}
	return c.write(ctx, call)
}

// DeleteUser removes a user and all their access (DELETE /users/{id}). The owner of the key in use is refused with
// ErrProtected, and everybody before CurrentLogin has told who that is.
func (c *Client) DeleteUser(ctx context.Context, id int64) error {
	call := deleting("delete user", "users", id)
	if err := c.protect(call, func(own *Login) bool { return own.UserID == id }); err != nil {
		return err
	}
	return c.write(ctx, call)
}

// ListLogins reads the logins of a user (GET /logins).
func (c *Client) ListLogins(ctx context.Context, userID int64) (Listing[Login], error) {
	query := newQuery().number("user_id", userID)
	return listAll(ctx, c, "list logins", "/logins", query, 250, func(l *Login) int64 { return l.ID },
		func(l *Login) string { return other("user", l.UserID, userID) })
}

// CreateLogin makes a device login on behalf of a user (POST /logins). Kisi answers 404 if nobody has that address.
func (c *Client) CreateLogin(ctx context.Context, create LoginCreate) (*CreatedLogin, error) {
	login := &CreatedLogin{}
	call := request{op: "create login", method: http.MethodPost, path: "/logins"}
	call.body = rooted("login", struct {
		Type        string `json:"type"`
		Email       string `json:"email"`
		Expire      bool   `json:"expire"`
		Name        string `json:"name,omitempty"`
		DeviceBrand string `json:"device_brand,omitempty"`
		DeviceModel string `json:"device_model,omitempty"`
		OSName      string `json:"os_name,omitempty"`
	}{"device", create.Email, false, create.Name, create.DeviceBrand, create.DeviceModel, create.OSName})
	if _, err := c.call(ctx, call, login); err != nil {
		return nil, err
	}
	return login, nil
}

// DeleteLogin removes a login (DELETE /logins/{id}). The key in use is refused with ErrProtected, and every login before
// CurrentLogin has told which that is.
func (c *Client) DeleteLogin(ctx context.Context, id int64) error {
	call := deleting("delete login", "logins", id)
	if err := c.protect(call, func(own *Login) bool { return own.ID == id }); err != nil {
		return err
	}
	return c.write(ctx, call)
}

// TeamMembershipFilter narrows ListTeamMemberships. MemberType and MemberID go together.
type TeamMembershipFilter struct {
	TeamID     int64
	MemberType string
	MemberID   int64
}

// ListTeamMemberships reads who is in which team (GET /team_memberships).
func (c *Client) ListTeamMemberships(ctx context.Context, filter TeamMembershipFilter) (Listing[TeamMembership], error) {
	query := newQuery().number("team_id", filter.TeamID).pair("member", filter.MemberType, filter.MemberID)
	return listAll(ctx, c, "list team memberships", "/team_memberships", query, 250, func(m *TeamMembership) int64 { return m.ID },
		func(m *TeamMembership) string {
			return cmp.Or(other("team", m.TeamID, filter.TeamID), other("member_type", m.MemberType, filter.MemberType), other("member_id", m.MemberID, filter.MemberID))
		})
}
