package simulator

import (
	"fmt"
	"slices"
	"time"
)

// Interval is a time [From, Until) in which somebody could open a door.
type Interval struct {
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Through []string  `json:"through"` // the groups and roles that open the door
}

// TryUnlock asks the door without spending a login and without leaving a
// trace. At may lie in the past, which is answered as it was, or in the
// future, which is answered as it will be if nothing changes; the zero time is
// now. The error says that there is no such organization or lock.
func (s *Server) TryUnlock(domain, email, lockName string, attempt Attempt, at time.Time) (Decision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	org, err := s.organizationNamed(domain)
	if err != nil {
		return Decision{}, err
	}
	l, err := s.lockNamed(org, lockName)
	if err != nil {
		return Decision{}, err
	}
	if at.IsZero() {
		at = s.clock.Now()
	}
	return s.decideFor(org, email, l, attempt, at), nil
}

// decideFor decides for whoever had an address at an instant.
func (s *Server) decideFor(org organization, email string, l lock, attempt Attempt, at time.Time) Decision {
	decision := Decision{Status: 401, Code: "000401", Reason: "There was no such user."}
	for _, id := range s.userIDsEver(org, email) {
		u, existed := s.users.at(id, at.Add(-s.propagation()))
		if !existed || foldEmail(u.Email) != foldEmail(email) {
			continue
		}
		decision = s.decideAt(id, l.ID, attempt, at)
		if decision.Allowed {
			return decision
		}
	}
	return decision
}

// CanOpen says whether a person who stands at a door gets in at an instant;
// see TryUnlock for instants. The lock is looked up in the organization that
// knows both the address and the lock's name; Reason says if there is none.
func (s *Server) CanOpen(email, lockName string, at time.Time) Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	org, l, err := s.whereBoth(email, lockName)
	if err != nil {
		return Decision{Status: 404, Code: "000404", Reason: err.Error()}
	}
	return s.decideFor(org, email, l, Attempt{AtTheDoor: true}, at)
}

func (s *Server) whereBoth(email, lockName string) (organization, lock, error) {
	if len(s.organizationIDs) == 1 {
		org, _ := s.organizations.get(s.organizationIDs[0])
		l, err := s.lockNamed(org, lockName)
		return org, l, err
	}
	var org organization
	var found lock
	matches := 0
	for _, o := range rowsOf(&s.organizations, s.organizationIDs) {
		l, err := s.lockNamed(o, lockName)
		if err == nil && len(s.userIDsEver(o, email)) > 0 {
			org, found, matches = o, l, matches+1
		}
	}
	if matches != 1 {
		return org, found, fmt.Errorf("%d organizations know both %q and a lock called %q: use TryUnlock with a domain", matches, email, lockName)
	}
	return org, found, nil
}

// AccessIntervals lists when a person who stands at a door could open it
// within [from, until), past and future alike. An empty domain means the only
// organization.
func (s *Server) AccessIntervals(domain, email, lockName string, from, until time.Time) ([]Interval, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	org, err := s.organizationNamed(domain)
	if err != nil {
		return nil, err
	}
	l, err := s.lockNamed(org, lockName)
	if err != nil {
		return nil, err
	}
	if !from.Before(until) {
		return nil, fmt.Errorf("until: %s is not after from", until.Format(time.RFC3339))
	}
	return s.accessIntervals(org, email, l, from, until), nil
}

// accessIntervals asks the door once after every instant at which the answer
// could have changed, which is all that the answer depends on.
func (s *Server) accessIntervals(org organization, email string, l lock, from, until time.Time) []Interval {
	intervals := []Interval{}
	instants := s.turningPoints(org, email, l, from, until)
	for i, at := range instants {
		end := until
		if i+1 < len(instants) {
			end = instants[i+1]
		}
		decision := s.decideFor(org, email, l, Attempt{AtTheDoor: true}, at)
		if !decision.Allowed {
			continue
		}
		if n := len(intervals); n > 0 && intervals[n-1].Until.Equal(at) && slices.Equal(intervals[n-1].Through, decision.Through) {
			intervals[n-1].Until = end
			continue
		}
		intervals = append(intervals, Interval{at, end, decision.Through})
	}
	return intervals
}

// turningPoints are the instants in [from, until) at which something changed
// or a window opens or ends, from itself first.
func (s *Server) turningPoints(org organization, email string, l lock, from, until time.Time) []time.Time {
	points := []time.Time{from}
	add := func(t time.Time) {
		if t.After(from) && t.Before(until) {
			points = append(points, t)
		}
	}
	delay := s.propagation()
	changed := func(t time.Time) { add(t.Add(delay)) }
	eachVersion(&s.organizations, org.ID, changed, nil)
	eachVersion(&s.locks, l.ID, changed, nil)
	eachVersion(&s.places, l.PlaceID, changed, nil)
	for _, id := range s.groupLocksByLock.ever[l.ID] {
		eachVersion(&s.groupLocks, id, changed, nil)
		gl, _ := s.groupLocks.everKnown(id)
		eachVersion(&s.groups, gl.GroupID, changed, nil)
	}
	rows := func(assignee reference) {
		for _, id := range s.assignmentsByAssignee.ever[assignee] {
			eachVersion(&s.assignments, id, changed, func(a assignment) {
				w := s.rules().window(a.ValidFrom, a.ValidUntil)
				if w.from != nil {
					add(*w.from)
				}
				if w.until != nil {
					add(*w.until)
				}
			})
		}
	}
	for _, userID := range s.userIDsEver(org, email) {
		person := reference{kindUser, userID}
		eachVersion(&s.users, userID, changed, nil)
		rows(person)
		for _, id := range s.membershipsByMember.ever[person] {
			eachVersion(&s.memberships, id, changed, nil)
			m, _ := s.memberships.everKnown(id)
			rows(reference{kindTeam, m.TeamID})
		}
	}
	slices.SortFunc(points, time.Time.Compare)
	return slices.CompactFunc(points, time.Time.Equal)
}

func eachVersion[T any](t *table[T], id int, changed func(time.Time), value func(T)) {
	for _, v := range t.versions(id) {
		changed(v.since)
		if value != nil {
			value(v.value)
		}
	}
}

// Access is one door that one person could open at an instant.
type Access struct {
	User    string   `json:"user"`
	Lock    string   `json:"lock"`
	Through []string `json:"through"`
}

// Snapshot lists who could open what at an instant, standing at the door.
func (s *Server) Snapshot(domain string, at time.Time) ([]Access, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	org, err := s.organizationNamed(domain)
	if err != nil {
		return nil, err
	}
	out := []Access{}
	known := at.Add(-s.propagation())
	for _, userID := range s.usersIn.ever[org.ID] {
		u, existed := s.users.at(userID, known)
		if !existed {
			continue
		}
		for _, lockID := range s.locksIn.ever[org.ID] {
			if d := s.decideAt(userID, lockID, Attempt{AtTheDoor: true}, at); d.Allowed {
				l, _ := s.locks.everKnown(lockID)
				out = append(out, Access{u.Email, l.Name, d.Through})
			}
		}
	}
	return out, nil
}

// Change is one entry of an organization's audit trail in the words of people.
type Change struct {
	Time       time.Time      `json:"time"`
	Type       string         `json:"type"`
	By         string         `json:"by,omitempty"` // address; empty for Kisi itself
	ObjectType string         `json:"objectType"`
	ObjectID   int            `json:"objectID"`
	ObjectName string         `json:"objectName"`
	Object     map[string]any `json:"object,omitempty"`
	Success    bool           `json:"success"`
	Code       string         `json:"code,omitempty"`
}

// History lists every change and every unlock in [from, until], oldest first.
// Zero times leave the side open.
func (s *Server) History(domain string, from, until time.Time) ([]Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	org, err := s.organizationNamed(domain)
	if err != nil {
		return nil, err
	}
	if until.IsZero() {
		until = s.clock.Now()
	}
	out := []Change{}
	for _, e := range s.events.between(org.ID, from, until) {
		change := Change{Time: e.at, Type: e.kind, By: e.actor.user.Email, ObjectType: e.objectType, ObjectID: e.objectID,
			ObjectName: e.objectName, Object: e.object, Success: e.refused == nil}
		if e.refused != nil {
			change.Code = e.refused.Code
		}
		out = append(out, change)
	}
	return out, nil
}
