package simulator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Meant for the race detector; without it, it still shows that no two requests
// make the same user and that none is lost.
func TestManyAtOnce(t *testing.T) {
	s := simulated(t, "duplicates=AlwaysNew")
	group, mara := groupID(t, s, "Yard"), userID(t, s, "mara@acme.example")
	call := func(method, path, body string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "KISI-LOGIN "+ownerKey)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for worker := range 8 {
		all.Go(func() {
			for i := range 25 {
				status := call("POST", "/users", fmt.Sprintf(`{"user":{"email":"u%d@acme.example"}}`, i)) // all want the same 25
				mu.Lock()
				statuses[status]++
				mu.Unlock()
				call("POST", "/role_assignments", grantBody(mara, group, ""))
				call("GET", "/users?limit=100", "")
				_, _ = s.AccessIntervals("acme", "mara@acme.example", "Gate", epoch, at(time.Hour))
				if worker == 0 {
					_ = s.Clock().Advance(time.Second)
					_ = s.SetSwitch("listOrder", "ShuffledPerListing")
					s.State()
				}
			}
		})
	}
	all.Wait()
	if statuses[http.StatusOK] != 25 || statuses[http.StatusConflict] != 175 {
		t.Errorf("statuses %v", statuses)
	}
	if got := len(s.Assignments("Yard")); got != 200 {
		t.Errorf("%d rows, want 200", got)
	}
}
