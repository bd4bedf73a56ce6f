package simulator

import "encoding/json"

// unlockBody is optional as a whole; if lock is sent, proximity_proof is
// required, and may be null.
type unlockBody struct {
	Context struct {
		Location *struct {
			Latitude  *float64 `json:"latitude"`
			Longitude *float64 `json:"longitude"`
		} `json:"location"`
	} `json:"context"`
	Lock *struct {
		ProximityProof json.RawMessage `json:"proximity_proof"`
	} `json:"lock"`
}

func (c *call) attempt() (Attempt, *answer) {
	attempt := Attempt{PrimaryDevice: c.login.Primary}
	if len(c.body) == 0 {
		return attempt, nil
	}
	var body unlockBody
	if err := json.Unmarshal(c.body, &body); err != nil {
		a := badRequest("The request body is not as documented.")
		return attempt, &a
	}
	if at := body.Context.Location; at != nil {
		if at.Latitude == nil || at.Longitude == nil {
			a := badRequest("context.location needs latitude and longitude")
			return attempt, &a
		}
		attempt.Location = &Point{*at.Latitude, *at.Longitude}
	}
	if body.Lock != nil {
		if body.Lock.ProximityProof == nil {
			a := badRequest("param is missing or the value is empty: proximity_proof")
			return attempt, &a
		}
		attempt.ProximityProof = string(body.Lock.ProximityProof) != "null"
	}
	return attempt, nil
}

// unlock opens a door for the key's user, and leaves a lock.unlock event that
// names that person whether the door opened or not.
func unlock(c *call) answer {
	s := c.s
	attempt, refused := c.attempt()
	if refused != nil {
		return *refused
	}
	l, found := c.organizationLock(c.id())
	if !found {
		return refuse(refusedNoDoor.Status, refusedNoDoor.Code, refusedNoDoor.Reason)
	}
	decision := s.decideAt(c.user.ID, l.ID, attempt, c.now)
	if c.demoted && decision.Allowed {
		decision = refusedDenied
	}
	if !decision.Allowed {
		s.emitLock(c.now, c.actor(), "lock.unlock", l, &decision)
		return refuse(decision.Status, decision.Code, decision.Reason)
	}
	now := c.now
	s.users.touch(c.user.ID, func(u *user) { u.LastAccessedAt = &now })
	s.emitLock(c.now, c.actor(), "lock.unlock", l, nil)
	return ok(struct {
		Message string `json:"message"`
	}{"Unlocked!"})
}
