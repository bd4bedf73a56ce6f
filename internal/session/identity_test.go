package session

import (
	"errors"
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
