package kisi

import (
	"net/http"
	"time"
)

// answer is what came back with a 2xx status.
type answer struct {
	status int
	header http.Header
	body   []byte
	// bodyErr says that the body did not arrive whole.
	bodyErr error
	at      time.Time // Kisi's clock, zero if it did not say
}

// identified is a resource that must have an id: an answer without one, "null" or "{}", is no answer.
type identified interface{ hasID() bool }

// numbered is an identified resource whose id is a number.
type numbered interface{ number() int64 }

func (u *User) number() int64           { return u.ID }
func (g *Group) number() int64          { return g.ID }
func (l *GroupLock) number() int64      { return l.ID }
func (l *Lock) number() int64           { return l.ID }
func (a *RoleAssignment) number() int64 { return a.ID }
func (s *EventSet) number() int64       { return s.ID }

func (u *User) hasID() bool           { return IsID(u.ID) }
func (g *Group) hasID() bool          { return IsID(g.ID) }
func (l *GroupLock) hasID() bool      { return IsID(l.ID) }
func (l *Lock) hasID() bool           { return IsID(l.ID) }
func (o *Organization) hasID() bool   { return IsID(o.ID) }
func (r *Role) hasID() bool           { return r.ID != "" }
func (a *RoleAssignment) hasID() bool { return IsID(a.ID) }
func (l *Login) hasID() bool          { return IsID(l.ID) && IsID(l.UserID) }
func (l *CreatedLogin) hasID() bool   { return IsID(l.ID) && !l.Secret.IsZero() }
func (s *EventSet) hasID() bool       { return IsID(s.ID) }
func (i *Integration) hasID() bool    { return IsID(i.ID) }

// stray says in which way an answer is not what was asked for; empty if it is.
func (r request) stray(out any) string {
	if thing, ok := out.(numbered); ok {
		if why := other("id", thing.number(), r.id); why != "" {
			return why
		}
	}
	if r.strays == nil {
		return ""
	}
	return r.strays()
}

// doubtful makes the error of a success that is not what Kisi answers to such a request.
func (r request) doubtful(a answer, cause error) *Error {
	return &Error{Op: r.op, Method: r.method, Path: r.path, Status: a.status, Err: cause}
}
