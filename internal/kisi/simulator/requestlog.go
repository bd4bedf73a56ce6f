package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Request is one request to Kisi's API as the simulator saw it. The
// Authorization header is never kept, and secrets in the body are masked.
type Request struct {
	ID                    int             `json:"id"`
	Time                  time.Time       `json:"time"` // simulated
	Method                string          `json:"method"`
	Path                  string          `json:"path"`
	Query                 string          `json:"query,omitempty"`
	Status                int             `json:"status"`
	Dropped               bool            `json:"dropped,omitempty"` // no answer reached the client
	Fault                 string          `json:"fault,omitempty"`
	Organization          string          `json:"organization,omitempty"` // its domain
	User                  string          `json:"user,omitempty"`         // the key's owner
	IntegrationIdentifier string          `json:"integrationIdentifier,omitempty"`
	IntegrationContact    string          `json:"integrationContact,omitempty"`
	Body                  json.RawMessage `json:"body,omitempty"`
}

// Write says whether the request was meant to change something. POST
// /event_sets is a read in Kisi's clothing and POST /locks/{id}/unlock changes
// a door, not the organization; neither counts.
func (r Request) Write() bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	return r.Path != "/event_sets" && !strings.HasSuffix(r.Path, "/unlock")
}

// RequestFilter selects from the log; zero fields select everything.
type RequestFilter struct {
	Method       string // exact
	Path         string // with * for any run of characters
	Organization string // domain
	User         string // address of the key's owner
	Status       int
	WritesOnly   bool
	AfterID      int // only requests after this one
}

func (f RequestFilter) matches(r Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Path == "" || wildcard(f.Path, r.Path)) &&
		(f.Organization == "" || f.Organization == r.Organization) &&
		(f.User == "" || foldEmail(f.User) == foldEmail(r.User)) &&
		(f.Status == 0 || f.Status == r.Status) &&
		(!f.WritesOnly || r.Write()) &&
		r.ID > f.AfterID
}

// maxLogged bounds the log; the oldest half goes when it is full.
const maxLogged = 200_000

type requestLog struct {
	entries   []*Request
	lastID    int
	onRequest func(Request)
}

func (l *requestLog) start(c *call, known bool) *Request {
	l.lastID++
	entry := &Request{
		ID: l.lastID, Time: c.now, Method: c.request.Method, Path: c.request.URL.Path, Query: c.request.URL.RawQuery,
		IntegrationIdentifier: c.request.Header.Get("X-Kisi-Integration-Identifier"),
		IntegrationContact:    c.request.Header.Get("X-Kisi-Integration-Contact"),
		Body:                  maskedBody(c.body),
	}
	if known {
		entry.Organization, entry.User = c.org.Domain, c.user.Email
	}
	if len(l.entries) >= maxLogged {
		l.entries = append([]*Request(nil), l.entries[maxLogged/2:]...)
	}
	l.entries = append(l.entries, entry)
	return entry
}

func (l *requestLog) finish(entry *Request) {
	if l.onRequest != nil {
		l.onRequest(*entry)
	}
}

// maskedBody is a body that may be shown: JSON without secrets, or nothing.
func maskedBody(body []byte) json.RawMessage {
	var value any
	if len(body) == 0 || json.Unmarshal(body, &value) != nil {
		return nil
	}
	mask(value)
	masked, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return masked
}

func mask(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			switch key {
			case "password", "signature_key", "secret", "otp_attempt", "authentication_info", "push_token":
				v[key] = "***"
			default:
				mask(member)
			}
		}
	case []any:
		for _, member := range v {
			mask(member)
		}
	}
}

// Requests lists what was asked of Kisi's API, oldest first.
func (s *Server) Requests(filter RequestFilter) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Request
	for _, entry := range s.log.entries {
		if filter.matches(*entry) {
			out = append(out, *entry)
		}
	}
	return out
}

// CountRequests is the length of what Requests would list.
func (s *Server) CountRequests(filter RequestFilter) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, entry := range s.log.entries {
		if filter.matches(*entry) {
			n++
		}
	}
	return n
}

// ResetRequests empties the log; ids go on from where they were.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.entries = nil
}

// wildcard matches text against a pattern in which * stands for any run of
// characters, slashes too.
func wildcard(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, last)
}
