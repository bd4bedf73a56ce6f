package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind is what goes wrong with a request.
type FaultKind string

const (
	// FaultStatus answers with Status (and Body, if given) and does nothing.
	FaultStatus FaultKind = "Status"
	// FaultLatency waits for Latency and then answers as usual. Every other
	// kind may carry a latency too.
	FaultLatency FaultKind = "Latency"
	// FaultDropBefore closes the connection; the request was not carried out.
	FaultDropBefore FaultKind = "DropBefore"
	// FaultDropAfter carries the request out and closes the connection: the
	// answer is lost.
	FaultDropAfter FaultKind = "DropAfter"
	// FaultDelayBefore carries the request out when Latency has passed, also if
	// the client has given up by then.
	FaultDelayBefore FaultKind = "DelayBefore"
	// FaultShortPage leaves the last row out of a listing's page.
	FaultShortPage FaultKind = "ShortPage"
	// FaultRepeatedRow puts the first row of a page in place of its last; a
	// page of one row gets it twice.
	FaultRepeatedRow FaultKind = "RepeatedRow"
	// FaultMovingTotal gives a total that grows with every page.
	FaultMovingTotal FaultKind = "MovingTotal"
	// FaultNoRange leaves X-Collection-Range out of a listing's answer.
	FaultNoRange FaultKind = "NoRange"
	// FaultIgnoredFilters answers a listing as if it had been asked without
	// any filter: a whole, well-marked list of something else.
	FaultIgnoredFilters FaultKind = "IgnoredFilters"
	// FaultWrongRange gives the X-Collection-Range of the page one row on.
	FaultWrongRange FaultKind = "WrongRange"
	// FaultRedirect answers 307 with the request's own address, so that whoever
	// follows it gets the right answer.
	FaultRedirect FaultKind = "Redirect"
	// FaultGarbage answers 200 with something that is not JSON (or Body).
	FaultGarbage FaultKind = "Garbage"
	// FaultEmptyPage gives no rows, with the true total.
	FaultEmptyPage FaultKind = "EmptyPage"
	// FaultTooManyRequests answers 429 as the rate limit would.
	FaultTooManyRequests FaultKind = "TooManyRequests"
	// FaultRevokedKey answers 401 as if the key did not exist.
	FaultRevokedKey FaultKind = "RevokedKey"
	// FaultDemotedOwner treats the key's person as one without any role: the
	// key still works where no permission is needed. Under the switch
	// demotedOwnerKey=Unauthorized401 it answers 401.
	FaultDemotedOwner FaultKind = "DemotedOwner"
	// FaultDeletedUser deletes the user named by User just before the request
	// is carried out, as somebody else might.
	FaultDeletedUser FaultKind = "DeletedUser"
	// FaultDeletedGroup does so with the group named by Group.
	FaultDeletedGroup FaultKind = "DeletedGroup"
)

var faultKinds = []FaultKind{
	FaultStatus, FaultLatency, FaultDropBefore, FaultDropAfter, FaultDelayBefore, FaultShortPage, FaultRepeatedRow,
	FaultMovingTotal, FaultNoRange, FaultWrongRange, FaultIgnoredFilters, FaultRedirect,
	FaultGarbage, FaultEmptyPage, FaultTooManyRequests, FaultRevokedKey, FaultDemotedOwner, FaultDeletedUser, FaultDeletedGroup,
}

// listFaults change only listings; other requests do not use them up.
var listFaults = []FaultKind{FaultShortPage, FaultRepeatedRow, FaultMovingTotal, FaultEmptyPage, FaultNoRange, FaultWrongRange, FaultIgnoredFilters}

// Fault makes matching requests go wrong. Of several that match, the oldest
// applies.
type Fault struct {
	ID   int       `json:"id"`
	Kind FaultKind `json:"kind"`

	// Which requests; empty means all. Path and Query may contain * for any
	// run of characters.
	Method       string `json:"method,omitempty"`
	Path         string `json:"path,omitempty"`
	Query        string `json:"query,omitempty"`
	Organization string `json:"organization,omitempty"` // domain of the key's organization
	Contains     string `json:"contains,omitempty"`     // text that is in the request's body

	// Count is how many requests; 0 means until the fault is removed. Skip
	// lets so many matching requests pass first.
	Count int `json:"count,omitempty"`
	Skip  int `json:"skip,omitempty"`

	// Chance is how likely a matching request meets the fault, from 0 to 1; 0
	// means always, as 1 does. The same Seed draws the same lots.
	Chance float64 `json:"chance,omitempty"`
	Seed   uint64  `json:"seed,omitempty"`
	// Every and For make the fault come in bursts: only requests in the first
	// For of each Every meet it, counted from when it was added. Real time.
	Every Duration `json:"every,omitempty"`
	For   Duration `json:"for,omitempty"`

	Status  int      `json:"status,omitempty"`  // for Status
	Body    string   `json:"body,omitempty"`    // for Status and Garbage
	Latency Duration `json:"latency,omitempty"` // real time
	User    string   `json:"user,omitempty"`    // for DeletedUser: an address
	Group   string   `json:"group,omitempty"`   // for DeletedGroup: a name

	Hits int `json:"hits"` // how many requests it has met so far

	lots  *rand.Rand
	added time.Time
}

// Duration is written like 1.5s in JSON.
type Duration time.Duration

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("duration %s: write it like \"1.5s\"", text)
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("duration %q: write it like \"1.5s\"", s)
	}
	*d = Duration(parsed)
	return nil
}

func (f Fault) validate() error {
	if !slices.Contains(faultKinds, f.Kind) {
		names := make([]string, len(faultKinds))
		for i, k := range faultKinds {
			names[i] = string(k)
		}
		return fmt.Errorf("kind: %q is not one of %s", f.Kind, strings.Join(names, ", "))
	}
	switch {
	case f.Kind == FaultStatus && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status: %d: a fault of kind Status needs a status from 200 to 599", f.Status)
	case (f.Kind == FaultLatency || f.Kind == FaultDelayBefore) && f.Latency <= 0:
		return fmt.Errorf("latency: a fault of kind %s needs one, for example \"2s\"", f.Kind)
	case f.Latency < 0:
		return fmt.Errorf("latency: %s is negative", time.Duration(f.Latency))
	case f.Count < 0 || f.Skip < 0:
		return errors.New("count and skip must not be negative")
	case f.Chance < 0 || f.Chance > 1:
		return fmt.Errorf("chance: %v is not from 0 to 1", f.Chance)
	case f.Every < 0 || f.For < 0 || (f.Every > 0) != (f.For > 0) || f.For > f.Every:
		return errors.New("every and for: give both, for no longer than every, for example every \"20s\", for \"2s\"")
	case f.Kind == FaultDeletedUser && f.User == "":
		return errors.New("user: a fault of kind DeletedUser needs an address")
	case f.Kind == FaultDeletedGroup && f.Group == "":
		return errors.New("group: a fault of kind DeletedGroup needs a name")
	}
	return nil
}

type faultList struct {
	faults []*Fault
	lastID int
}

func (f *Fault) matches(c *call) bool {
	if slices.Contains(listFaults, f.Kind) && c.request.Method != http.MethodGet {
		return false
	}
	return (f.Method == "" || strings.EqualFold(f.Method, c.request.Method)) &&
		(f.Path == "" || wildcard(f.Path, c.request.URL.Path)) &&
		(f.Query == "" || wildcard(f.Query, c.request.URL.RawQuery)) &&
		(f.Organization == "" || f.Organization == c.org.Domain) &&
		(f.Contains == "" || bytes.Contains(c.body, []byte(f.Contains)))
}

// strikes reports whether a request that matches meets the fault, by its
// bursts and by lot.
func (f *Fault) strikes(now time.Time) bool {
	if f.Every > 0 && now.Sub(f.added)%time.Duration(f.Every) >= time.Duration(f.For) {
		return false
	}
	return f.Chance == 0 || f.lots.Float64() < f.Chance
}

// match finds the fault for a request and uses it up.
func (l *faultList) match(c *call) *Fault {
	for i, f := range l.faults {
		if !f.matches(c) || !f.strikes(time.Now()) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.Hits++
		if f.Count > 0 && f.Hits >= f.Count {
			l.faults = slices.Delete(l.faults, i, i+1)
		}
		return f
	}
	return nil
}

// AddFault makes requests go wrong from now on and returns the fault's id.
func (s *Server) AddFault(f Fault) (int, error) {
	if err := f.validate(); err != nil {
		return 0, fmt.Errorf("fault: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.lastID++
	f.ID, f.Hits = s.faults.lastID, 0
	f.lots, f.added = rand.New(rand.NewPCG(f.Seed, 0)), time.Now() // #nosec G404 -- repeatable
	s.faults.faults = append(s.faults.faults, &f)
	return f.ID, nil
}

// Faults lists the faults that are still to come.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Fault{}
	for _, f := range s.faults.faults {
		out = append(out, *f)
	}
	return out
}

// RemoveFault takes one fault away; an unknown id is no error.
func (s *Server) RemoveFault(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.faults = slices.DeleteFunc(s.faults.faults, func(f *Fault) bool { return f.ID == id })
}

// ClearFaults takes all faults away.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.faults = nil
}
