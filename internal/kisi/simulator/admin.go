package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The simulator's own API under /_simulator/. It asks for no key: whoever can
// reach it may do anything. Bad input is 400 {"error": "..."}.

type adminRoute struct {
	pattern, says string
	handle        func(*Server, *http.Request) (any, error)
}

var adminTable = []adminRoute{
	{"GET /_simulator/state", "everything there is now, without secrets", func(s *Server, _ *http.Request) (any, error) { return s.State(), nil }},
	{"POST /_simulator/seed", "add organizations and set switches from a YAML document", adminSeed},
	{"GET /_simulator/switches", "all switches with their questions, values and current values", adminSwitches},
	{"PATCH /_simulator/switches", `set switches: {"duplicates": "AlwaysNew"}`, adminSetSwitches},
	{"DELETE /_simulator/switches", "set all switches to their defaults", adminResetSwitches},
	{"GET /_simulator/faults", "faults still to come", func(s *Server, _ *http.Request) (any, error) { return s.Faults(), nil }},
	{"POST /_simulator/faults", `add one: {"kind": "DropAfter", "method": "POST", "path": "/role_assignments", "count": 1}`, adminAddFault},
	{"DELETE /_simulator/faults", "remove all", func(s *Server, _ *http.Request) (any, error) { s.ClearFaults(); return nil, nil }},
	{"DELETE /_simulator/faults/{id}", "remove one", func(s *Server, r *http.Request) (any, error) {
		s.RemoveFault(atoi(r.PathValue("id")))
		return nil, nil
	}},
	{"GET /_simulator/clock", "the simulated time", func(s *Server, _ *http.Request) (any, error) { return s.clock.State(), nil }},
	{"PATCH /_simulator/clock", `any of {"freeze": true, "set": "2026-12-01T12:00:00Z", "advance": "1h", "speed": 60}`, adminClock},
	{"GET /_simulator/requests", "the request log; ?method= path= organization= user= status= writes=true after=<id> count=true", adminRequests},
	{"DELETE /_simulator/requests", "empty the request log", func(s *Server, _ *http.Request) (any, error) { s.ResetRequests(); return nil, nil }},
	{"GET /_simulator/history", "every change and unlock; ?organization= from= to=", adminHistory},
	{"GET /_simulator/access", "when somebody could open a door; ?organization= user= lock= from= to=", adminAccess},
	{"GET /_simulator/access/snapshot", "who could open what at an instant; ?organization= at=", adminSnapshot},
	{"GET /_simulator/try-unlock", "what the door would say; ?organization= user= lock= at= atTheDoor=true", adminTryUnlock},
	{"GET /_simulator/assignments", "role assignments of a group; ?organization= group=", adminAssignments},
	{"POST /_simulator/actions", `something done in the dashboard: {"action": "SuspendUser", "user": "ana@example.com"}`, adminAct},
	{"GET /_simulator/mails", "e-mails that Kisi would have sent", func(s *Server, _ *http.Request) (any, error) { return s.Mails(), nil }},
	{"GET /_simulator/deliveries", "webhook calls made", func(s *Server, _ *http.Request) (any, error) { return s.Deliveries(), nil }},
}

func adminIndex() map[string]string {
	index := map[string]string{"* /_simulator/as/{domain}/{email}/...": "any call of Kisi's API as that person in the dashboard"}
	for _, r := range adminTable {
		index[r.pattern] = r.says
	}
	return index
}

func (s *Server) adminRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range adminTable {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, request *http.Request) {
			request.Body = http.MaxBytesReader(w, request.Body, 64<<20) // seeds may be large
			out, err := r.handle(s, request)
			s.sendAdmin(w, out, err)
		})
	}
	mux.HandleFunc("GET /_simulator/{$}", func(w http.ResponseWriter, _ *http.Request) { s.sendAdmin(w, adminIndex(), nil) })
	mux.HandleFunc("/_simulator/as/{domain}/{email}/", s.serveAs)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		s.encode(w, map[string]string{"error": fmt.Sprintf("there is no %s %s: GET /_simulator/ lists what there is", r.Method, r.URL.Path)})
	})
	return mux
}

func (s *Server) sendAdmin(w http.ResponseWriter, out any, err error) {
	s.setDate(w)
	switch {
	case err != nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		s.encode(w, map[string]string{"error": err.Error()})
	case out == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		s.encode(w, out)
	}
}

func (s *Server) encode(w io.Writer, value any) {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
}

// decodeStrict reads a JSON body and refuses members that it does not know: a
// misspelt one would otherwise silently do nothing.
func decodeStrict(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("request body: %w", err)
	}
	return nil
}

// parameters refuses query parameters that the call does not know.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	query := r.URL.Query()
	for name := range query {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			return nil, fmt.Errorf("%s: is not a parameter here: there is %s", name, strings.Join(known, ", "))
		}
	}
	return query, nil
}

// timeParameter reads a time; absent is the zero time.
func timeParameter(query url.Values, name string) (time.Time, error) {
	text := query.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s: %q is not a time like 2026-12-01T12:00:00Z", name, text)
	}
	return t, nil
}

func adminSeed(s *Server, r *http.Request) (any, error) {
	document, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("request body: %w", err)
	}
	return nil, s.LoadSeed(document)
}

func adminSwitches(s *Server, _ *http.Request) (any, error) { return s.Switches().Describe(), nil }

func adminSetSwitches(s *Server, r *http.Request) (any, error) {
	var wanted map[string]string
	if err := decodeStrict(r, &wanted); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switches := s.switches
	for name, value := range wanted {
		if err := switches.Set(name, value); err != nil {
			return nil, err
		}
	}
	s.applySwitches(switches) // all or nothing
	return nil, nil
}

func adminResetSwitches(s *Server, _ *http.Request) (any, error) {
	return nil, s.SetSwitches(DefaultSwitches())
}

func adminAddFault(s *Server, r *http.Request) (any, error) {
	var f Fault
	if err := decodeStrict(r, &f); err != nil {
		return nil, err
	}
	id, err := s.AddFault(f)
	return map[string]int{"id": id}, err
}

func adminClock(s *Server, r *http.Request) (any, error) {
	var change struct {
		Freeze  *bool      `json:"freeze"`
		Set     *time.Time `json:"set"`
		Advance *Duration  `json:"advance"`
		Speed   *float64   `json:"speed"`
	}
	if err := decodeStrict(r, &change); err != nil {
		return nil, err
	}
	if change.Freeze != nil && *change.Freeze {
		s.clock.Freeze()
	}
	if change.Set != nil {
		if err := s.clock.Set(*change.Set); err != nil {
			return nil, err
		}
	}
	if change.Advance != nil {
		if err := s.clock.Advance(time.Duration(*change.Advance)); err != nil {
			return nil, err
		}
	}
	if change.Speed != nil {
		if err := s.clock.SetSpeed(*change.Speed); err != nil {
			return nil, err
		}
	}
	if change.Freeze != nil && !*change.Freeze {
		s.clock.Resume()
	}
	return s.clock.State(), nil
}

func adminRequests(s *Server, r *http.Request) (any, error) {
	q, err := parameters(r, "method", "path", "organization", "user", "status", "writes", "after", "count")
	if err != nil {
		return nil, err
	}
	filter := RequestFilter{Method: q.Get("method"), Path: q.Get("path"), Organization: q.Get("organization"), User: q.Get("user"),
		WritesOnly: q.Get("writes") == "true"}
	for name, into := range map[string]*int{"status": &filter.Status, "after": &filter.AfterID} {
		if q.Has(name) {
			if *into, err = strconv.Atoi(q.Get(name)); err != nil {
				return nil, fmt.Errorf("%s: %q is not a number", name, q.Get(name))
			}
		}
	}
	if q.Get("count") == "true" {
		return map[string]int{"count": s.CountRequests(filter)}, nil
	}
	return append([]Request{}, s.Requests(filter)...), nil
}

func adminHistory(s *Server, r *http.Request) (any, error) {
	q, err := parameters(r, "organization", "from", "to")
	if err != nil {
		return nil, err
	}
	from, errFrom := timeParameter(q, "from")
	to, errTo := timeParameter(q, "to")
	if err := errors.Join(errFrom, errTo); err != nil {
		return nil, err
	}
	return s.History(q.Get("organization"), from, to)
}

func adminAccess(s *Server, r *http.Request) (any, error) {
	q, err := parameters(r, "organization", "user", "lock", "from", "to")
	if err != nil {
		return nil, err
	}
	from, errFrom := timeParameter(q, "from")
	to, errTo := timeParameter(q, "to")
	if err := errors.Join(errFrom, errTo); err != nil {
		return nil, err
	}
	if to.IsZero() {
		to = s.clock.Now()
	}
	return s.AccessIntervals(q.Get("organization"), q.Get("user"), q.Get("lock"), from, to)
}

func adminSnapshot(s *Server, r *http.Request) (any, error) {
	q, err := parameters(r, "organization", "at")
	if err != nil {
		return nil, err
	}
	at, err := timeParameter(q, "at")
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = s.clock.Now()
	}
	return s.Snapshot(q.Get("organization"), at)
}

func adminTryUnlock(s *Server, r *http.Request) (any, error) {
	q, err := parameters(r, "organization", "user", "lock", "at", "atTheDoor")
	if err != nil {
		return nil, err
	}
	at, err := timeParameter(q, "at")
	if err != nil {
		return nil, err
	}
	return s.TryUnlock(q.Get("organization"), q.Get("user"), q.Get("lock"), Attempt{AtTheDoor: q.Get("atTheDoor") == "true"}, at)
}

func adminAssignments(s *Server, r *http.Request) (any, error) {
	q, err := parameters(r, "organization", "group")
	if err != nil {
		return nil, err
	}
	rows, err := s.AssignmentsIn(q.Get("organization"), q.Get("group"))
	return append([]Assignment{}, rows...), err
}

func adminAct(s *Server, r *http.Request) (any, error) {
	var action Action
	if err := decodeStrict(r, &action); err != nil {
		return nil, err
	}
	id, err := s.Act(action)
	return map[string]int{"id": id}, err
}
