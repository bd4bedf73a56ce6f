package simulator

import (
	"strconv"
	"strings"
	"time"
)

const (
	day              = 24 * time.Hour
	idleSixMonths    = 180 * day
	idleFourteenDays = 14 * day
	keyScheme        = "KISI-LOGIN"
)

// authenticate finds whose key a request carries and says whether it is good.
func (s *Server) authenticate(c *call) bool {
	scheme, secret, _ := strings.Cut(c.request.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, keyScheme) {
		return false
	}
	id, known := s.loginBySecret[strings.TrimSpace(secret)]
	if !known {
		return false
	}
	l, exists := s.logins.get(id)
	if !exists {
		return false
	}
	u, exists := s.users.get(l.UserID)
	if !exists {
		return false
	}
	org, _ := s.organizations.get(l.OrganizationID)
	if s.loginExpired(org, l, c.now) {
		return false
	}
	if l.Type == loginAPI && s.switches.DemotedOwnerKey == DemotedOwnerKeyUnauthorized401 &&
		!s.isAdministrator(org, u.ID, c.now) {
		return false
	}
	now := c.now
	s.logins.touch(l.ID, func(l *login) { l.LastUsedAt = &now })
	c.login, c.user, c.org = l, u, org
	return true
}

// loginExpired applies the idle expiry of keys and devices.
func (s *Server) loginExpired(org organization, l login, now time.Time) bool {
	if !l.Expire {
		return false
	}
	last := l.CreatedAt
	if l.LastUsedAt != nil {
		last = *l.LastUsedAt
	}
	idle := now.Sub(last)
	if l.Type == loginDevice {
		after := org.DeviceLoginsExpireAfter
		return after != nil && idle > time.Duration(*after)*time.Second
	}
	switch s.switches.APIKeyIdle {
	case APIKeyIdleSixMonths:
		return idle > idleSixMonths
	case APIKeyIdleFourteenDays:
		return idle > idleFourteenDays
	}
	return false
}

// atoi reads a positive id; what is none becomes 0, which names nothing.
func atoi(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
