package simulator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// large has 100,000 people, each with a row in one of 50 groups.
func large(b *testing.B) *Server {
	b.Helper()
	s, err := New(Options{RequestsPerSecond: -1, Clock: newFrozenClock(epoch)})
	if err != nil {
		b.Fatal(err)
	}
	o := SeedOrganization{Name: "Large", Domain: "large", Owner: "p0@large.example", Places: []SeedPlace{{Name: "P"}},
		Locks: []SeedLock{{Name: "Door", Place: "P"}}, Keys: []SeedKey{{User: "p0@large.example", Secret: ownerKey}}}
	for i := range 50 {
		o.Groups = append(o.Groups, SeedGroup{ID: i + 1, Name: fmt.Sprint("g", i), Locks: []string{"Door"}})
	}
	for i := range 100_000 {
		email := fmt.Sprintf("p%d@large.example", i)
		o.Users = append(o.Users, SeedUser{Email: email})
		o.RoleAssignments = append(o.RoleAssignments, SeedAssignment{User: email, Group: fmt.Sprint("g", i%50)})
	}
	if err := s.Load(Seed{Organizations: []SeedOrganization{o}}); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkRequestsWithAHundredThousandRows(b *testing.B) {
	s := large(b)
	n := 0
	for name, request := range map[string]func() (string, string, string){
		"page of a group": func() (string, string, string) {
			return "GET", "/role_assignments?group_id=7&limit=250&offset=1500", ""
		},
		"page of everything": func() (string, string, string) { return "GET", "/role_assignments?limit=250&offset=20000", "" },
		"rows of one user":   func() (string, string, string) { return "GET", "/role_assignments?user_id=2000", "" },
		"page of users":      func() (string, string, string) { return "GET", "/users?limit=100&offset=20000", "" },
		"user by address":    func() (string, string, string) { return "GET", "/users?email=p77777@large.example", "" },
		"all groups":         func() (string, string, string) { return "GET", "/groups?limit=250", "" },
		"free text over all": func() (string, string, string) { return "GET", "/users?query=p77777", "" },
		"unlock":             func() (string, string, string) { return "POST", "/locks/6001/unlock", "" },
		"a new person's user": func() (string, string, string) {
			n++
			return "POST", "/users", fmt.Sprintf(`{"user":{"email":"n%d@large.example"}}`, n)
		},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				method, path, body := request()
				r := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
				r.Header.Set("Authorization", "KISI-LOGIN "+ownerKey)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}
