package simulator

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options configure a [Server]. The zero value is a simulator on real time,
// with Kisi's rate limit and the most plausible switches.
type Options struct {
	// Clock is the simulated time; nil follows real time.
	Clock *Clock
	// RequestsPerSecond is the rate limit per user; 0 means Kisi's 5, a
	// negative number no limit. It is measured in real time, whatever the
	// clock says, and so is the rule of one event set a second.
	RequestsPerSecond float64
	// Switches to change from their defaults, by name.
	Switches map[string]string
	// WebhookClient delivers event webhooks; nil is a client with a time-out
	// of five seconds.
	WebhookClient *http.Client
	// OnRequest, if set, is called with every request to Kisi's API once its
	// answer is decided.
	OnRequest func(Request)
}

// KisiRequestsPerSecond is the limit that Kisi documents per user.
const KisiRequestsPerSecond = 5

// Server simulates one Kisi with any number of organizations. It implements
// [http.Handler]; its methods may be called at any time from any goroutine.
type Server struct {
	clock *Clock
	mux   *http.ServeMux
	admin *http.ServeMux

	mu sync.Mutex
	store
	switches Switches
	faults   faultList
	pace     pace
	shuffles map[string]int // by listing; see call.shuffled
	events   eventLog
	log      requestLog
	mails    []Mail

	webhooks *webhooks
	listener *http.Server
	address  string
}

// New makes a simulator without any organization; see [Server.LoadSeed]. It
// fails if an option names an unknown switch or value.
func New(options Options) (*Server, error) {
	s := &Server{
		clock:    options.Clock,
		store:    newStore(),
		switches: DefaultSwitches(),
		shuffles: map[string]int{},
		events:   newEventLog(),
		pace:     newPace(options.RequestsPerSecond),
	}
	s.log.onRequest = options.OnRequest
	if s.clock == nil {
		s.clock = NewClock(time.Time{})
	}
	for name, value := range options.Switches {
		if err := s.switches.Set(name, value); err != nil {
			return nil, err
		}
	}
	s.webhooks = newWebhooks(s, options.WebhookClient)
	s.mux = s.routes()
	s.admin = s.adminRoutes()
	return s, nil
}

// Clock is the simulated time, to be set, advanced or frozen.
func (s *Server) Clock() *Clock { return s.clock }

// ServeHTTP answers Kisi's API, and the simulator's own under /_simulator/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_simulator" || strings.HasPrefix(r.URL.Path, "/_simulator/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// call is one request on its way through a handler. Handlers run under
// Server.mu and must not block.
type call struct {
	s       *Server
	now     time.Time
	request *http.Request
	query   url.Values
	body    []byte

	org   organization
	user  user
	login login // zero for a person at the dashboard
	roles []held
	// demoted is set by a fault: the person's roles do not count.
	demoted bool
	// unfiltered is set by a fault: what a listing is narrowed to does not count.
	unfiltered bool
}

func (c *call) cloneQuery() url.Values {
	query := url.Values{}
	for key, values := range c.query {
		query[key] = values
	}
	return query
}

// actor is who did something; the zero value is Kisi itself.
type actor struct {
	user    user
	loginID int
}

func (c *call) actor() actor { return actor{c.user, c.login.ID} }

// id reads the id in the path; what is not a number names nothing.
func (c *call) id() int { return atoi(c.request.PathValue("id")) }

// maxBody bounds a request's body; Kisi's own limit is not known.
const maxBody = 1 << 20

// dashboardUser marks requests made by a person in Kisi's dashboard: they need
// no key, are not limited, not logged, and meet no faults.
type dashboardUser struct{}

// endpoint wraps a handler with everything that surrounds every call: log,
// faults, rate limit, authentication, and sending the answer.
func (s *Server) endpoint(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "request body: "+err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		if userID, ok := r.Context().Value(dashboardUser{}).(int); ok {
			s.mu.Lock()
			out := s.asDashboardUser(route, r, body, userID)
			s.mu.Unlock()
			s.send(w, out)
			return
		}
		entry, outcome := s.handle(route, r, body)
		s.log.finish(entry)
		outcome.deliver(s, w, r) // last: it may abort the connection
	}
}

// outcome is an answer together with what happens to it on the way back.
type outcome struct {
	answer  answer
	latency time.Duration
	drop    bool
	raw     *string // sent instead of the answer
}

func (o outcome) deliver(s *Server, w http.ResponseWriter, r *http.Request) {
	if o.latency > 0 {
		wait, cancel := context.WithTimeout(r.Context(), o.latency)
		<-wait.Done()
		cancel()
	}
	if o.drop {
		// net/http closes the connection without a word for this panic.
		panic(http.ErrAbortHandler)
	}
	if o.raw != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		s.setDate(w)
		w.WriteHeader(o.answer.status)
		_, _ = io.WriteString(w, *o.raw)
		return
	}
	s.send(w, o.answer)
}

func (s *Server) setDate(w http.ResponseWriter) {
	w.Header().Set("Date", s.clock.Now().Format(http.TimeFormat))
}

func (s *Server) send(w http.ResponseWriter, a answer) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	s.setDate(w)
	if a.status == http.StatusNoContent {
		w.WriteHeader(a.status)
		return
	}
	body := a.body
	if a.list != nil {
		body = a.list.rows
	}
	if text, isText := body.(string); isText {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, text)
		return
	}
	if body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(body)
}

// handle carries out one request under the lock.
func (s *Server) handle(route route, r *http.Request, body []byte) (*Request, outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	s.purgeExpired(now)
	c := &call{s: s, now: now, request: r, query: r.URL.Query(), body: body}
	known := s.authenticate(c)
	entry := s.log.start(c, known)

	fault := s.faults.match(c)
	out := outcome{}
	if fault != nil {
		entry.Fault = string(fault.Kind)
		out.latency = time.Duration(fault.Latency)
	}
	if fault != nil && fault.Kind == FaultDelayBefore {
		s.hold(c, out.latency)
		out.latency = 0
	}
	if answered, ok := s.faultBefore(c, fault); ok {
		out.answer, out.drop = answered.answer, answered.drop
	} else {
		out.answer = s.process(c, route, known)
	}
	faultAfter(fault, &out)
	s.dressUp(&out.answer)
	entry.Status = out.answer.status
	if out.drop {
		entry.Dropped = true
	}
	return entry, out
}

// hold lets time pass before a request is carried out, whatever its client does
// meanwhile. s.mu is held before and after.
func (s *Server) hold(c *call, delay time.Duration) {
	s.mu.Unlock()
	<-time.After(delay)
	s.mu.Lock()
	c.now = s.clock.Now()
	s.purgeExpired(c.now)
}

func (s *Server) process(c *call, route route, known bool) answer {
	if limited := s.pace.take(s, c, known); limited != nil {
		return *limited
	}
	if !known && !route.public {
		return unauthorized()
	}
	s.refreshCaller(c)
	if !route.public && !c.demoted {
		c.roles = s.rolesOf(c.org, c.user.ID, c.now)
	}
	return route.handle(c)
}

// refreshCaller reads the caller anew: a fault may just have changed it.
func (s *Server) refreshCaller(c *call) {
	if c.user.ID == 0 {
		return
	}
	c.user, _ = s.users.get(c.user.ID)
	c.org, _ = s.organizations.get(c.org.ID)
}

// asDashboardUser carries out a call as a person who is signed in to Kisi's
// dashboard.
func (s *Server) asDashboardUser(route route, r *http.Request, body []byte, userID int) answer {
	now := s.clock.Now()
	s.purgeExpired(now)
	c := &call{s: s, now: now, request: r, query: r.URL.Query(), body: body}
	c.user, _ = s.users.get(userID)
	c.org, _ = s.organizations.get(c.user.OrganizationID)
	c.roles = s.rolesOf(c.org, userID, now)
	out := route.handle(c)
	if out.list != nil {
		out.header = map[string]string{"X-Collection-Range": s.rangeHeader(out.list)}
	}
	return out
}

// dressUp adds what the switches say about headers and error bodies.
func (s *Server) dressUp(a *answer) {
	if a.list != nil && !a.list.unmarked && s.switches.RangeHeader == RangeHeaderPresent {
		if a.header == nil {
			a.header = map[string]string{}
		}
		a.header["X-Collection-Range"] = s.rangeHeader(a.list)
	}
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		switch s.switches.ErrorBody {
		case ErrorBodyEmpty:
			a.body = nil
		case ErrorBodyHTML:
			a.body = "<html><body><h1>" + http.StatusText(a.status) + "</h1></body></html>\n"
		}
	}
}
