package session

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

func TestTheClientOfAnAcceptedKeyRefusesToDestroyTheKeyAndItsOwner(t *testing.T) {
	w := newWorld(t)
	s := w.connect("a", "olgas-key-0123456789")
	w.all(Accepted, s)
	client, _ := s.Client()
	owner := s.Verdict().Identity.UserID
	listing, err := client.ListLogins(t.Context(), owner)
	if err != nil || len(listing.Items) == 0 {
		t.Fatalf("logins: %v, %v", listing, err)
	}
	refused := 0
	for _, login := range listing.Items {
		if login.LastUsedAt == nil {
			continue // the other key of the same owner
		}
		if err := client.DeleteLogin(t.Context(), login.ID); errors.Is(err, kisi.ErrProtected) {
			refused++
		}
	}
	if err := client.DeleteUser(t.Context(), owner); !errors.Is(err, kisi.ErrProtected) || refused != 1 {
		t.Errorf("deleting the owner: %v; %d logins were refused, want the one in use", err, refused)
	}
	if sent := w.kisi.CountRequests(simulator.RequestFilter{Method: "DELETE"}); sent != 0 {
		t.Errorf("%d deletions were sent", sent)
	}
}

// What has no id is nobody: a key of such an owner would share the queue of the probes, and no status could hold it.
func TestAnOwnerOrOrganizationWithoutAnIDIsNoAnswer(t *testing.T) {
	for name, test := range map[string]struct{ login, organization string }{
		"an owner without":                    {`{"id":7,"type":"api"}`, `{"id":3289,"name":"Acme","user_id":0}`},
		"an owner below one":                  {`{"id":7,"type":"api","user_id":-3}`, `{"id":3289,"name":"Acme","user_id":-3}`},
		"an organization below one":           {`{"id":7,"type":"api","user_id":3}`, `{"id":-3289,"name":"Acme","user_id":3}`},
		"an organization beyond every number": {`{"id":7,"type":"api","user_id":3}`, `{"id":9007199254740992,"name":"Acme","user_id":3}`},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, map[string]string{"/login": test.login, "/organization": test.organization}[r.URL.Path])
			}))
			defer server.Close()
			key, err := kisi.NewAPIKey([]byte("olgas-key-0123456789"))
			if err != nil {
				t.Fatal(err)
			}
			client, err := kisi.NewClient(kisi.Config{Endpoint: server.URL, Key: key})
			if err != nil {
				t.Fatal(err)
			}
			verdict := (&Session{breaker: &breaker{}}).probe(t.Context(), client)
			if verdict.Outcome != Unreachable || verdict.Identity.UserID != 0 || verdict.Message == "" {
				t.Errorf("%+v", verdict)
			}
		})
	}
}
