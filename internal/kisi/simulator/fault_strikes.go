package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// faultBefore applies faults that answer in the place of Kisi, and those that
// change the organization under the request.
func (s *Server) faultBefore(c *call, f *Fault) (outcome, bool) {
	if f == nil {
		return outcome{}, false
	}
	switch f.Kind {
	case FaultStatus:
		if f.Body != "" {
			return outcome{answer: answer{status: f.Status, body: json.RawMessage(quoteUnlessJSON(f.Body))}}, true
		}
		return outcome{answer: refuse(f.Status, fmt.Sprintf("%06d", f.Status), http.StatusText(f.Status))}, true
	case FaultRedirect:
		redirect := answer{status: http.StatusTemporaryRedirect, header: map[string]string{"Location": c.request.URL.RequestURI()}}
		return outcome{answer: redirect}, true
	case FaultDropBefore:
		return outcome{drop: true}, true
	case FaultTooManyRequests:
		return outcome{answer: s.limited(0)}, true
	case FaultRevokedKey:
		return outcome{answer: unauthorized()}, true
	case FaultDemotedOwner:
		if s.switches.DemotedOwnerKey == DemotedOwnerKeyUnauthorized401 {
			return outcome{answer: unauthorized()}, true
		}
		c.demoted = true
	case FaultIgnoredFilters:
		c.ignoreFilters()
	case FaultDeletedUser:
		if u, ok := s.userByEmail(c.org.ID, f.User); ok {
			s.destroyUser(c.now, actor{}, u)
		}
	case FaultDeletedGroup:
		for _, g := range rowsOf(&s.groups, slices.Clone(s.groupsIn.live[c.org.ID])) {
			if g.Name == f.Group {
				s.destroyGroup(c.now, actor{}, g)
			}
		}
	}
	return outcome{}, false
}

// ignoreFilters leaves of the query what pages and sorts.
func (c *call) ignoreFilters() {
	c.unfiltered = true
	for name := range c.query {
		if !slices.Contains([]string{"limit", "offset", "sort"}, name) {
			c.query.Del(name)
		}
	}
}

func quoteUnlessJSON(body string) string {
	if json.Valid([]byte(body)) {
		return body
	}
	quoted, _ := json.Marshal(body)
	return string(quoted)
}

// faultAfter applies faults that spoil a good answer.
func faultAfter(f *Fault, o *outcome) {
	if f == nil {
		return
	}
	switch f.Kind {
	case FaultDropAfter:
		o.drop = true
	case FaultGarbage:
		garbage := f.Body
		if garbage == "" {
			garbage = `[{"id":1,"resource_ty`
		}
		o.answer.status, o.raw = http.StatusOK, &garbage
	}
	l := o.answer.list
	if l == nil {
		return
	}
	switch f.Kind {
	case FaultShortPage:
		l.rows = l.rows[:max(0, len(l.rows)-1)]
	case FaultRepeatedRow:
		if len(l.rows) == 1 {
			l.rows = append(l.rows, l.rows[0])
		} else if len(l.rows) > 1 {
			l.rows[len(l.rows)-1] = l.rows[0]
		}
	case FaultMovingTotal:
		l.total += f.Hits
	case FaultNoRange:
		l.unmarked = true
	case FaultWrongRange:
		l.offset++
	case FaultEmptyPage:
		l.rows = []any{}
	}
}
