// Package webhook takes the calls by which Kisi tells of events. It believes nothing that is not signed, and knows nothing
// of what an event means.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

const (
	// maxBody bounds one call. Kisi's sample has half a kibibyte.
	maxBody = 64 << 10
	// maxEvents bounds the events of one call. Kisi's sample has one.
	maxEvents = 100
	// maxCalls bounds the calls that are dealt with at a time, each with a body of at most maxBody bytes.
	maxCalls = 64
	// maxConnections bounds the connections that are open, each with a header of at most maxHeader bytes.
	maxConnections = 256
	maxHeader      = 16 << 10
)

var errTooMany = fmt.Errorf("a call brings at most %d events", maxEvents)

// Receiver takes the events of one connection.
type Receiver struct {
	// URL under which Kisi calls; its path tells one connection from another.
	URL string
	// Key signs Kisi's calls.
	Key kisi.Secret
	// OrganizationID is whose events these are; 0 takes any.
	OrganizationID int64
	// Deliver takes events, and reports whether it did.
	Deliver func(...kisi.Event) bool
}

// Server answers Kisi's calls. It is safe for concurrent use.
//
// It runs in every replica, and only the leader has receivers: another one answers 503, so that whoever calls tries again
// or, at worst, the next poll finds what the call would have told.
type Server struct {
	// Address to listen on, such as ":9443".
	Address string
	// OnCall, if set, is told how each call ended, and of which connection; none, where that cannot be told.
	OnCall func(types.NamespacedName, Result)

	mu        sync.RWMutex
	receivers map[types.NamespacedName]Receiver
	calls     *crowd
	once      sync.Once
}

// Result is how a call ended.
type Result string

// The results of calls.
const (
	Accepted     Result = "Accepted"
	BadSignature Result = "BadSignature"
	BadRequest   Result = "BadRequest" // it is no POST, too large, not JSON, or did not arrive
	Overloaded   Result = "Overloaded" // there were too many calls or events at a time
	NotServed    Result = "NotServed"  // no connection takes calls at its path
)

// named is a receiver and its connection.
type named struct {
	Receiver
	connection types.NamespacedName
}

// Receive has a connection's calls taken from now on.
func (s *Server) Receive(connection types.NamespacedName, receiver Receiver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receivers == nil {
		s.receivers = map[types.NamespacedName]Receiver{}
	}
	s.receivers[connection] = receiver
}

// Ignore ends that.
func (s *Server) Ignore(connection types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.receivers, connection)
}

// at finds the receivers whose URL has a path. Two connections may share one: then the signature decides.
func (s *Server) at(path string) []named {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []named
	for connection, receiver := range s.receivers {
		if pathOf(receiver.URL) == path {
			found = append(found, named{receiver, connection})
		}
	}
	return found
}

func pathOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return path.Clean("/" + parsed.Path)
}

// ServeHTTP answers 200 only for what was taken. Before a signature fits, nothing is said of what is known here.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	connection, result := s.serve(w, r)
	if s.OnCall != nil {
		s.OnCall(connection, result)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) (connection types.NamespacedName, result Result) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return connection, BadRequest
	}
	receivers := s.at(path.Clean("/" + r.URL.Path))
	switch len(receivers) {
	case 0:
		http.Error(w, "nobody takes this here now", http.StatusServiceUnavailable)
		return connection, NotServed
	case 1:
		connection = receivers[0].connection
	}
	s.once.Do(func() { s.calls = newCrowd(maxCalls) })
	arriving := s.calls.enter(cutter(w))
	defer s.calls.leave()
	body, result := s.read(w, r, arriving)
	if result != Accepted {
		return connection, result
	}
	for _, receiver := range receivers {
		if signed(body, r.Header.Get(signatureHeader), receiver.Key) {
			return receiver.connection, receiver.take(w, body)
		}
	}
	http.Error(w, "the signature does not fit", http.StatusUnauthorized)
	return connection, BadSignature
}

// read reads the body of a call, or answers why it was not.
func (s *Server) read(w http.ResponseWriter, r *http.Request, arriving *arrival) ([]byte, Result) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	tooMany := s.calls.arrived(arriving)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
		return nil, BadRequest
	case err != nil && tooMany:
		http.Error(w, "too many calls at a time, and this one takes long", http.StatusServiceUnavailable)
		return nil, Overloaded
	case err != nil:
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return nil, BadRequest
	}
	return body, Accepted
}

func (r Receiver) take(w http.ResponseWriter, body []byte) Result {
	events, err := eventsIn(body)
	switch {
	case errors.Is(err, errTooMany):
		http.Error(w, errTooMany.Error(), http.StatusRequestEntityTooLarge)
		return BadRequest
	case err != nil:
		http.Error(w, "the body is not JSON", http.StatusBadRequest)
		return BadRequest
	}
	var ours []kisi.Event
	for _, event := range events {
		if event.OrganizationID == 0 || r.OrganizationID == 0 || event.OrganizationID == r.OrganizationID {
			ours = append(ours, event)
		}
	}
	if len(ours) > 0 && !r.Deliver(ours...) {
		http.Error(w, "too many events at a time", http.StatusServiceUnavailable)
		return Overloaded
	}
	w.WriteHeader(http.StatusOK)
	return Accepted
}

// eventsIn reads one event, as Kisi's sample has it, or a list of them. An event takes far more room than the two bytes in
// which one can be written, so they are counted first.
func eventsIn(body []byte) ([]kisi.Event, error) {
	var written []json.RawMessage
	if json.Unmarshal(body, &written) != nil {
		var one kisi.Event
		if err := json.Unmarshal(body, &one); err != nil {
			return nil, err
		}
		return []kisi.Event{one}, nil
	}
	if len(written) > maxEvents {
		return nil, errTooMany
	}
	events := make([]kisi.Event, len(written))
	for i := range written {
		if err := json.Unmarshal(written[i], &events[i]); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// Start listens until ctx ends.
func (s *Server) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("--webhook-bind-address: %w", err)
	}
	open := &connections{most: maxConnections}
	server := manager.Server{
		Name: "webhook calls", Listener: listener, ShutdownTimeout: ptr.To(5 * time.Second),
		Server: &http.Server{
			Handler: s, MaxHeaderBytes: maxHeader, ConnState: open.state,
			ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		},
	}
	if err := server.Start(ctx); err != nil {
		return fmt.Errorf("serving Kisi's webhook calls: %w", err)
	}
	return nil
}

// NeedLeaderElection says that every replica listens.
func (s *Server) NeedLeaderElection() bool { return false }
