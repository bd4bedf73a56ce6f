package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// apiServer lists what it has, and sends what is put to whoever watches.
type apiServer struct {
	*httptest.Server

	mu      sync.Mutex
	kinds   map[string]string // by resource, as all of these
	items   map[string][]any
	refused map[string]bool // "list members"
	events  map[string]chan any
}

func serve(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{kinds: map[string]string{}, items: map[string][]any{}, refused: map[string]bool{}, events: map[string]chan any{}}
	for _, kind := range objects.Kinds {
		s.kinds[objects.Resource(kind)], s.events[objects.Resource(kind)] = kind, make(chan any)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	watching := r.URL.Query().Get("watch") != ""
	w.Header().Set("Content-Type", "application/json")
	s.mu.Lock()
	refused := s.refused["list "+resource] && !watching || s.refused["watch "+resource] && watching
	items := s.items[resource]
	s.mu.Unlock()
	switch {
	case refused:
		status(w, http.StatusForbidden, "Forbidden")
	case r.URL.Query().Get("sendInitialEvents") != "":
		status(w, http.StatusUnprocessableEntity, "Invalid") // as API servers that cannot do it
	case watching:
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case <-r.Context().Done():
				return
			case event := <-s.events[resource]:
				_ = json.NewEncoder(w).Encode(event)
				_ = http.NewResponseController(w).Flush()
			}
		}
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": v1alpha1.GroupVersion.String(), "kind": s.kinds[resource] + "List", "metadata": map[string]any{"resourceVersion": "1"}, "items": items})
	}
}

func status(w http.ResponseWriter, code int, reason string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "code": code})
}

func member(name, version string) map[string]any {
	return map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": entitlement.KindMember,
		"metadata": map[string]any{"namespace": "acme", "name": name, "resourceVersion": version},
		"spec":     map[string]any{"email": name + "@example.com"},
	}
}

// watching starts to watch, and returns how to wait until something holds.
func (s *apiServer) watching(t *testing.T) (w *Watch, until func(what string, holds func() bool)) {
	t.Helper()
	client, err := NewClient(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{}, 1)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	w, err = client.Watch(ctx, "acme", func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, func(what string, holds func() bool) {
		t.Helper()
		for !holds() {
			select {
			case <-ctx.Done():
				t.Fatalf("nothing changes, and not yet: %s", what)
			case <-changed:
			}
		}
	}
}

func TestWatchFollowsTheCluster(t *testing.T) {
	s := serve(t)
	s.items["members"] = []any{member("ana", "1")}
	w, until := s.watching(t)
	if err := w.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := w.Indexed()
	if err := in.Readable(objects.Kinds...); err != nil || len(in.Set.Members) != 1 || in.Named("Member", "ana") == nil {
		t.Fatalf("%v %v", err, in.Set.Members)
	}
	if w.Indexed() != in {
		t.Error("nothing has changed, and everything was indexed again")
	}
	s.events["members"] <- map[string]any{"type": "ADDED", "object": member("bob", "2")}
	until("bob is there", func() bool { return w.Indexed().Named("Member", "bob") != nil })
	s.events["members"] <- map[string]any{"type": "DELETED", "object": member("ana", "3")}
	until("ana has gone", func() bool { return w.Indexed().Named("Member", "ana") == nil })
	if _, err := w.Late(); err != nil {
		t.Error(err)
	}
}

func TestWatchSaysWhichRightIsMissing(t *testing.T) {
	s := serve(t)
	s.refused["list members"], s.refused["watch members"], s.refused["watch kisigroups"] = true, true, true
	w, until := s.watching(t)
	if err := w.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := w.Indexed().Readable(entitlement.KindMember)
	if err == nil || !strings.Contains(err.Error(), "you may not list members.access.kisi-operator.dev in namespace acme") {
		t.Error(err)
	}
	if err := w.Indexed().Readable(entitlement.KindBookingGrant); err != nil {
		t.Error(err)
	}
	until("the groups are listed, though not watched", func() bool {
		_, late := w.Late()
		return w.Indexed().Readable(entitlement.KindKisiGroup) == nil && late != nil && strings.Contains(late.Error(), "you may not watch kisigroups")
	})
	// Who is given the right does not have to start again.
	s.mu.Lock()
	clear(s.refused)
	s.mu.Unlock()
	until("the Members are read", func() bool { return w.Indexed().Readable(entitlement.KindMember) == nil })
}

func TestWatchFailsWhereThereIsNoCluster(t *testing.T) {
	s := serve(t)
	s.Close()
	w, _ := s.watching(t)
	if err := w.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
}

// Objects that cannot be read anew stay, and are told to be old.
func TestWatchKeepsWhatItHasWhenTheClusterDoesNotAnswer(t *testing.T) {
	s := serve(t)
	s.items["members"] = []any{member("ana", "1")}
	w, until := s.watching(t)
	if err := w.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.CloseClientConnections()
	s.Close()
	until("it is told", func() bool { since, err := w.Late(); return err != nil && time.Since(since) < time.Minute })
	if w.Indexed().Named("Member", "ana") == nil {
		t.Error(fmt.Errorf("ana is forgotten: %v", w.Indexed().Set.Members))
	}
}
