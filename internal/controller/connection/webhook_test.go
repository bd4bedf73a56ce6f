package connection

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const hookURL = "https://hooks.example.com/kisi/gym/default"

// hookWorld is an organization in Kisi, and the key of its owner.
type hookWorld struct {
	*testing.T
	*simulator.Server
	client *kisi.Client
}

func newHookWorld(t *testing.T) *hookWorld {
	t.Helper()
	world, err := simulator.New(simulator.Options{RequestsPerSecond: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := world.LoadSeed([]byte(`organizations: [{name: Gym, domain: gym, owner: olga@gym.example, users: [{email: olga@gym.example}], keys: [{user: olga@gym.example, secret: olgas-key-0123456789}]}]`)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(world)
	t.Cleanup(func() { server.Close(); _ = world.Close() })
	key, err := kisi.NewAPIKey([]byte("olgas-key-0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := kisi.NewClient(kisi.Config{Endpoint: server.URL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return &hookWorld{t, world, client}
}

func (w *hookWorld) ensure(h hook, writeKey bool) hookFound {
	w.Helper()
	found, err := h.ensure(w.Context(), w.client, writeKey)
	if err != nil {
		w.Fatal(err)
	}
	return found
}

// make makes a webhook by hand.
func (w *hookWorld) make(name string) int64 {
	w.Helper()
	made, err := w.client.CreateEventWebhook(w.Context(), kisi.EventWebhookCreate{Name: name, URL: hookURL, EnabledEvents: []string{"lock.unlock"}, SignatureKey: kisi.NewSecret("an admin's key")})
	if err != nil {
		w.Fatal(err)
	}
	return made.ID
}

func (w *hookWorld) named() map[string]int64 {
	w.Helper()
	listing, err := w.client.ListIntegrations(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	names := map[string]int64{}
	for _, i := range listing.Items {
		names[i.Name] = i.ID
	}
	return names
}

func (w *hookWorld) writes() int {
	writes := 0
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		writes += w.CountRequests(simulator.RequestFilter{Method: method, Path: "/integrations*"})
	}
	return writes
}

func hookNamed(name, uid string) hook {
	connection := &v1alpha1.KisiConnection{}
	connection.Namespace, connection.Name, connection.UID = "gym", name, types.UID(uid)
	return hookOf(connection, hookURL, kisi.NewSecret("key of "+uid))
}

// Each of them would sign with its own key, and refuse what the other has Kisi sign.
func TestConnectionsOfOneURLDoNotTakeEachOthersWebhook(t *testing.T) {
	for name, other := range map[string]hook{"another": hookNamed("other", "7f0a-2"), "an earlier one of the name": hookNamed("default", "7f0a-2")} {
		t.Run(name, func(t *testing.T) {
			w := newHookWorld(t)
			own := hookNamed("default", "7f0a-1")
			id := w.ensure(own, true).id
			written := w.writes()
			for range 3 {
				if theirs := w.ensure(other, true); theirs != (hookFound{taken: id}) {
					t.Errorf("%+v, want that %d has the URL", theirs, id)
				}
				if again := w.ensure(own, false); again.id != id || again.reenabled {
					t.Errorf("%+v, want %d", again, id)
				}
			}
			if _, err := other.remove(t.Context(), w.client); err != nil {
				t.Error(err)
			}
			if now := w.named(); len(now) != 1 || now[own.name] != id || w.writes() != written {
				t.Errorf("%v, and %d writes instead of %d", now, w.writes(), written)
			}
		})
	}
}

func TestAnAdminsWebhookOfTheSameURLIsLeftAlone(t *testing.T) {
	w := newHookWorld(t)
	own := hookNamed("default", "7f0a-1")
	admins := w.make("Door log")
	written := w.writes()
	for range 3 {
		if found := w.ensure(own, true); found != (hookFound{taken: admins}) {
			t.Errorf("%+v, want that %d has the URL", found, admins)
		}
	}
	if _, err := own.remove(t.Context(), w.client); err != nil {
		t.Error(err)
	}
	if now := w.named(); len(now) != 1 || now["Door log"] != admins || w.writes() != written {
		t.Errorf("%v, and %d writes instead of %d", now, w.writes(), written)
	}
}

func TestAWebhookOfOnesOwnIsKeptRightBesideAnother(t *testing.T) {
	w := newHookWorld(t)
	own := hookNamed("default", "7f0a-1")
	id := w.ensure(own, true).id
	admins := w.make("Door log")
	renamed := "gym " + own.mark + " (do not delete)"
	if err := w.client.UpdateEventWebhook(t.Context(), id, kisi.EventWebhookUpdate{Name: &renamed}); err != nil {
		t.Fatal(err)
	}
	if found := w.ensure(own, false); found != (hookFound{id: id}) {
		t.Errorf("%+v, want %d", found, id)
	}
	written := w.writes()
	w.ensure(own, false)
	if now := w.named(); len(now) != 2 || now[own.name] != id || now["Door log"] != admins || w.writes() != written {
		t.Errorf("%v, and %d writes instead of %d", now, w.writes(), written)
	}
	if _, err := own.remove(t.Context(), w.client); err != nil {
		t.Error(err)
	}
	if now := w.named(); len(now) != 1 || now["Door log"] != admins {
		t.Errorf("%v is left", now)
	}
}
