package simulator

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Start serves the simulator on a random port of the loopback interface until
// Close. It may be called once.
func (s *Server) Start() error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("simulator: listen: %w", err)
	}
	s.address = listener.Addr().String()
	s.listener = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.listener.Serve(listener) }()
	return nil
}

// URL is where a started simulator answers, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.address }

// Close stops serving and delivering webhooks.
func (s *Server) Close() error {
	s.webhooks.close()
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

// SetSwitch changes one switch; the error lists what would have been right.
func (s *Server) SetSwitch(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switches := s.switches
	if err := switches.Set(name, value); err != nil {
		return err
	}
	s.applySwitches(switches)
	return nil
}

// Switches is a copy of all switches as they stand.
func (s *Server) Switches() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.switches
}

// SetSwitches changes all switches at once.
func (s *Server) SetSwitches(to Switches) error {
	checked := DefaultSwitches()
	for _, info := range to.Describe() {
		if err := checked.Set(info.Name, info.Value); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applySwitches(checked)
	return nil
}

func (s *Server) organizationByDomain(domain string) (organization, bool) {
	for _, o := range rowsOf(&s.organizations, s.organizationIDs) {
		if o.Domain == domain {
			return o, true
		}
	}
	return organization{}, false
}

// organizationNamed finds one by domain; without a name it is the only one.
func (s *Server) organizationNamed(domain string) (organization, error) {
	if domain != "" {
		if o, found := s.organizationByDomain(domain); found {
			return o, nil
		}
		return organization{}, fmt.Errorf("organization: no organization has the domain %q", domain)
	}
	if len(s.organizationIDs) != 1 {
		return organization{}, fmt.Errorf("organization: there are %d: say which by its domain", len(s.organizationIDs))
	}
	o, _ := s.organizations.get(s.organizationIDs[0])
	return o, nil
}

// lockNamed finds a lock that exists or did, by its name or Place/name.
func (s *Server) lockNamed(org organization, name string) (lock, error) {
	var found []lock
	for _, live := range []bool{true, false} {
		ids := s.locksIn.live[org.ID]
		if !live {
			ids = s.locksIn.ever[org.ID]
		}
		for _, id := range ids {
			l, _ := s.locks.everKnown(id)
			p, _ := s.places.everKnown(l.PlaceID)
			if l.Name == name || p.Name+"/"+l.Name == name {
				found = append(found, l)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			return lock{}, fmt.Errorf("lock: %d locks of %s are called %q: write Place/Lock", len(found), org.Name, name)
		}
	}
	return lock{}, fmt.Errorf("lock: %s has no lock called %q", org.Name, name)
}

// groupNamed finds a group that exists, by its name or Place/name.
func (s *Server) groupNamed(org organization, name string) (group, error) {
	var found []group
	for _, g := range rowsOf(&s.groups, s.groupsIn.live[org.ID]) {
		p, _ := s.places.get(g.PlaceID)
		if g.Name == name || p.Name+"/"+g.Name == name {
			found = append(found, g)
		}
	}
	switch len(found) {
	case 0:
		return group{}, fmt.Errorf("group: %s has no group called %q", org.Name, name)
	case 1:
		return found[0], nil
	}
	return group{}, fmt.Errorf("group: %d groups of %s are called %q: write Place/Group", len(found), org.Name, name)
}

// userIDsEver lists the users who have, or once had, an address.
func (s *Server) userIDsEver(org organization, email string) []int {
	return s.usersByEmail.ever[emailKey{org.ID, foldEmail(email)}]
}

// Assignment is a role assignment in the words of people.
type Assignment struct {
	ID         int        `json:"id"`
	User       string     `json:"user,omitempty"` // address
	Team       string     `json:"team,omitempty"`
	Guest      string     `json:"guest,omitempty"`
	UserID     int        `json:"userID,omitempty"`
	Role       string     `json:"role"`
	AppliesTo  string     `json:"appliesTo"` // Group, Place or Organization
	Name       string     `json:"name"`      // of the group, place or organization
	ValidFrom  *time.Time `json:"validFrom,omitempty"`
	ValidUntil *time.Time `json:"validUntil,omitempty"`
	Notify     bool       `json:"notify"`
	CreatedBy  string     `json:"createdBy,omitempty"` // address
}

func (s *Server) assignmentInWords(a assignment) Assignment {
	out := Assignment{ID: a.ID, Role: a.RoleID, AppliesTo: a.AppliesTo.Kind, Name: s.targetName(a.AppliesTo),
		ValidFrom: a.ValidFrom, ValidUntil: a.ValidUntil, Notify: a.Notify}
	switch a.Assignee.Kind {
	case kindUser:
		u, _ := s.users.everKnown(a.Assignee.ID)
		out.User, out.UserID = u.Email, u.ID
	case kindTeam:
		out.Team = s.assigneeName(a)
	default:
		out.Guest = s.assigneeName(a)
	}
	if by, found := s.users.everKnown(a.CreatedByID); found {
		out.CreatedBy = by.Email
	}
	return out
}
