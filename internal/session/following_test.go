package session

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// Kisi counts what each user asks: one question for events a second. Many owners in one cluster, each of whose connections
// polls once a minute, must not wait for each other.
func TestQuestionsForEventsAreSpacedForEachOwnerAlone(t *testing.T) {
	const owners, each = 4, 3
	world, err := simulator.New(simulator.Options{RequestsPerSecond: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = world.Close() }()
	seed := "organizations:\n"
	for i := range owners {
		seed += fmt.Sprintf("  - {name: Gym %[1]d, domain: gym%[1]d, owner: o@gym%[1]d.example, users: [{email: o@gym%[1]d.example}], keys: [{user: o@gym%[1]d.example, secret: owners-key-%[1]d}]}\n", i)
	}
	if err := world.LoadSeed([]byte(seed)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	asked := map[string][]time.Time{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/event_sets" {
			mu.Lock()
			by := strings.TrimPrefix(r.Header.Get("Authorization"), "KISI-LOGIN ")
			asked[by] = append(asked[by], time.Now())
			mu.Unlock()
		}
		world.ServeHTTP(w, r)
	}))
	defer server.Close()
	pool := NewPool(t.Context(), Options{RowOf: func(kisi.RoleAssignment) mirror.Row { return mirror.Row{} }})
	defer pool.Shutdown(t.Context())
	for i := range owners {
		key, err := kisi.NewAPIKey(fmt.Appendf(nil, "owners-key-%d", i))
		if err != nil {
			t.Fatal(err)
		}
		settings := Settings{Endpoint: server.URL, Key: key, RequestsPerSecond: 500, ChangePollInterval: time.Millisecond}
		if _, err := pool.Ensure(types.NamespacedName{Name: fmt.Sprint(i)}, settings); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	everyone := func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, times := range asked {
			if len(times) < each {
				return false
			}
		}
		return len(asked) == owners
	}
	for deadline := time.Now().Add(60 * time.Second); !everyone(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for three questions of each owner: %v", asked)
		}
	}
	took := time.Since(began)
	mu.Lock()
	defer mu.Unlock()
	for by, times := range asked {
		for i := 1; i < len(times); i++ {
			if apart := times[i].Sub(times[i-1]); apart < time.Second {
				t.Errorf("%s asked twice within %s", by, apart)
			}
		}
	}
	if inLine := (owners*each - 1) * eventSetSpacing; took > inLine*3/4 {
		t.Errorf("it took %s; in one line it takes %s", took, inLine)
	}
}
