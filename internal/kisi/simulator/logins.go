package simulator

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// The caps that Kisi documents, per user.
const (
	maxAPILogins    = 10
	maxDeviceLogins = 40
	maxAPIKeysOther = 40 // by the page that contradicts the cap of ten
)

type loginJSON struct {
	ID          int            `json:"id"`
	CreatedAt   instant        `json:"created_at"`
	UpdatedAt   instant        `json:"updated_at"`
	Type        string         `json:"type"`
	Name        *string        `json:"name"`
	Primary     bool           `json:"primary"`
	Expire      bool           `json:"expire"`
	LastUsedAt  *instant       `json:"last_used_at"`
	DeviceBrand *string        `json:"device_brand"`
	DeviceModel *string        `json:"device_model"`
	OSName      *string        `json:"os_name"`
	UserID      int            `json:"user_id"`
	User        refUserJSON    `json:"user"`
	App         map[string]any `json:"app"`
	UserAgent   map[string]any `json:"user_agent"`
	Device      map[string]any `json:"device"`
	OS          map[string]any `json:"os"`
}

type currentLoginJSON struct {
	loginJSON
	ScramCredentials map[string]any `json:"scram_credentials"`
}

type createdLoginJSON struct {
	currentLoginJSON
	Secret                   string   `json:"secret"`
	AuthenticationToken      string   `json:"authentication_token"`
	HasPrimaryDevice         bool     `json:"has_primary_device"`
	Email                    string   `json:"email"`
	NotificationsUnreadCount int      `json:"notifications_unread_count"`
	OTPRequiredForLogin      bool     `json:"otp_required_for_login"`
	OTPEnabledAt             *instant `json:"otp_enabled_at"`
	Image                    *string  `json:"image"`
	PrimaryLoginExists       bool     `json:"primary_login_exists"`
}

func (s *Server) loginJSON(l login) loginJSON {
	u, _ := s.users.everKnown(l.UserID)
	nothing := map[string]any{}
	return loginJSON{
		ID: l.ID, CreatedAt: seconds(l.CreatedAt), UpdatedAt: seconds(l.UpdatedAt), Type: l.Type, Name: l.Name,
		Primary: l.Primary, Expire: l.Expire, LastUsedAt: secondsOf(l.LastUsedAt),
		DeviceBrand: l.DeviceBrand, DeviceModel: l.DeviceModel, OSName: l.OSName, UserID: u.ID, User: refUser(u),
		App: nothing, UserAgent: nothing, Device: nothing, OS: nothing,
	}
}

func getCurrentLogin(c *call) answer {
	l, _ := c.s.logins.get(c.login.ID)
	return ok(currentLoginJSON{loginJSON: c.s.loginJSON(l)})
}

func listLogins(c *call) answer {
	s := c.s
	userID := c.user.ID
	if id := c.query.Get("user_id"); id != "" {
		userID = c.userIDFrom(id)
	}
	if _, found := c.organizationUser(userID); !found {
		userID = 0
	} else if userID != c.user.ID && !c.may("logins_read", target{}) {
		if s.switches.ListsForbidden == ListsForbidden403 {
			return forbidden()
		}
		userID = 0
	}
	list := &lister[login]{size: rowsPage, table: &s.logins, ids: s.loginsByUser.live[userID],
		render: func(l login) any { return s.loginJSON(l) }}
	list.whereIDs(c)
	return list.answer(c)
}

// createLogin makes a key for oneself, or a device login on behalf of another
// user of the organization. Signing in with a password is not simulated:
// the simulator keeps no passwords.
func createLogin(c *call) answer {
	s := c.s
	f, refused := c.root("login")
	if refused != nil {
		return *refused
	}
	l := login{OrganizationID: c.org.ID, UserID: c.user.ID, Type: loginDevice, Expire: true}
	set(f, "type", &l.Type)
	if l.Type != loginAPI && l.Type != loginDevice {
		f.fail("type", "is not included in the list")
	}
	setNullable(f, "name", &l.Name)
	setNullable(f, "device_brand", &l.DeviceBrand)
	setNullable(f, "device_model", &l.DeviceModel)
	setNullable(f, "os_name", &l.OSName)
	f.expire(&l.Expire)
	email := f.text("email")
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	owner := c.user
	if email != "" && foldEmail(email) != foldEmail(c.user.Email) {
		if !c.may("logins_write", target{}) {
			return forbidden()
		}
		if l.Type == loginAPI {
			return forbidden() // API logins cannot be made for others
		}
		other, found := s.userByEmail(c.org.ID, email)
		if !found {
			return notFound()
		}
		owner, l.UserID = other, other.ID
	}
	if refused := s.makeRoomForLogin(c, l); refused != nil {
		return *refused
	}
	l.Secret = newSecret()
	l.Primary = l.Type == loginDevice && !s.hasPrimaryLogin(owner.ID)
	l = s.addLogin(c.now, l)
	s.emitLogin(c.now, c.actor(), "login.create", l)
	primary := s.hasPrimaryLogin(owner.ID)
	return ok(createdLoginJSON{
		currentLoginJSON: currentLoginJSON{loginJSON: s.loginJSON(l)},
		Secret:           l.Secret, AuthenticationToken: l.Secret, Email: owner.Email, Image: owner.Image,
		HasPrimaryDevice: primary, PrimaryLoginExists: primary,
	})
}

// expire reads a boolean that one of Kisi's guides shows as a string.
func (f *fields) expire(into *bool) {
	if raw := strings.Trim(string(f.raw["expire"]), `"`); raw == "true" || raw == "false" {
		*into = raw == "true"
		return
	}
	set(f, "expire", into)
}

// makeRoomForLogin applies the caps: devices beyond forty push out the one
// unused the longest; for API keys two pages of Kisi disagree (apiKeyCap).
func (s *Server) makeRoomForLogin(c *call, l login) *answer {
	limit := maxDeviceLogins
	if l.Type == loginAPI {
		limit = maxAPILogins
		if s.switches.APIKeyCap == APIKeyCapFortyOldest {
			limit = maxAPIKeysOther
		}
	}
	same := rowsOf(&s.logins, s.loginsByUser.live[l.UserID])
	same = slices.DeleteFunc(same, func(other login) bool { return other.Type != l.Type })
	if len(same) < limit {
		return nil
	}
	if l.Type == loginAPI && s.switches.APIKeyCap == APIKeyCapTenError {
		a := refuse(403, "000403", "The maximum number of API keys has been reached.")
		return &a
	}
	oldest := slices.MinFunc(same, func(a, b login) int { return lastUsed(a).Compare(lastUsed(b)) })
	s.destroyLogin(c.now, actor{}, oldest)
	return nil
}

func lastUsed(l login) time.Time {
	if l.LastUsedAt != nil {
		return *l.LastUsedAt
	}
	return l.CreatedAt
}

func (s *Server) hasPrimaryLogin(userID int) bool {
	return slices.ContainsFunc(rowsOf(&s.logins, s.loginsByUser.live[userID]), func(l login) bool { return l.Primary })
}

func newSecret() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func deleteLogin(c *call) answer {
	l, found := c.s.logins.get(c.id())
	if !found || l.OrganizationID != c.org.ID || c.hides(l.UserID == c.user.ID || c.may("logins_read", target{})) {
		return notFound()
	}
	if l.UserID != c.user.ID && !c.may("logins_write", target{}) {
		return forbidden()
	}
	c.s.destroyLogin(c.now, c.actor(), l)
	return noContent()
}

// deleteCurrentLogin destroys the very key of the request, as Kisi does.
func deleteCurrentLogin(c *call) answer {
	c.s.destroyLogin(c.now, c.actor(), c.login)
	return noContent()
}

func (s *Server) destroyLogin(now time.Time, by actor, l login) {
	s.removeLogin(now, l)
	s.emitLogin(now, by, "login.destroy", l)
}

func (s *Server) emitLogin(now time.Time, by actor, kind string, l login) {
	u, _ := s.users.everKnown(l.UserID)
	s.emit(event{kind: kind, actor: by, objectType: "Login", objectID: l.ID, objectName: u.Name,
		object: map[string]any{"id": l.ID, "user_id": l.UserID}, organizationID: l.OrganizationID, at: now})
}
