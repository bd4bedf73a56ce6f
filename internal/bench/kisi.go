package bench

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const (
	domain   = "bench"
	owner    = "owner@bench.example"
	admin    = "admin@bench.example"
	ownerKey = "owner-key-0123456789"
)

// groupNames are Kisi's groups, and the names of the KisiGroups.
var groupNames = []string{"alpha", "beta"}

// kisi is a simulator that counts what is asked of it.
type kisi struct {
	*simulator.Server

	mu     sync.Mutex
	counts map[string]int // by method and kind of path
	watch  func(simulator.Request)
}

// Kinds of requests: those that look for changes, and those about people.
var (
	lookingForChanges = []string{"POST /event_sets", "GET /event_sets/*", "GET /groups"}
	aboutPeople       = []string{
		"GET /users", "GET /users/*", "POST /users",
		"GET /role_assignments", "GET /role_assignments/*", "POST /role_assignments", "DELETE /role_assignments/*",
	}
)

var ids = regexp.MustCompile(`/\d+`)

// newKisi starts a simulator that allows each user so many requests a second; -1: any number. People are those of the
// organization that have an assignment in a group already.
func newKisi(perSecond float64, groups map[string][]string) (*kisi, error) {
	k := &kisi{counts: map[string]int{}}
	var err error
	k.Server, err = simulator.New(simulator.Options{RequestsPerSecond: perSecond, OnRequest: k.note})
	if err != nil {
		return nil, err
	}
	organization := simulator.SeedOrganization{
		Name: "Bench", Domain: domain, Owner: owner,
		Users:  []simulator.SeedUser{{Email: owner}, {Email: admin}},
		Places: []simulator.SeedPlace{{Name: "House"}},
		Locks:  []simulator.SeedLock{{Name: "Door", Place: "House"}},
		Keys:   []simulator.SeedKey{{User: owner, Secret: ownerKey}},
		RoleAssignments: []simulator.SeedAssignment{
			{User: admin, Role: "organization_administrator"},
		},
	}
	for _, name := range groupNames {
		organization.Groups = append(organization.Groups, simulator.SeedGroup{Name: name, Locks: []string{"Door"}})
		for _, person := range groups[name] {
			organization.Users = append(organization.Users, simulator.SeedUser{Email: person})
			organization.RoleAssignments = append(organization.RoleAssignments, simulator.SeedAssignment{User: person, Group: name})
		}
	}
	if err := k.Load(simulator.Seed{Organizations: []simulator.SeedOrganization{organization}}); err != nil {
		return nil, fmt.Errorf("making up an organization: %w", err)
	}
	return k, k.Start()
}

func (k *kisi) note(request simulator.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts[request.Method+" "+ids.ReplaceAllString(request.Path, "/*")]++
	if request.Status == 429 {
		k.counts["429"]++
	}
	if k.watch != nil {
		k.watch(request)
	}
}

// watching has every request shown to a function from now on.
func (k *kisi) watching(watch func(simulator.Request)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.watch = watch
}

// asked counts the requests of some kinds, such as "POST /users"; without any, all.
func (k *kisi) asked(kinds ...string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	count := 0
	if len(kinds) == 0 {
		for kind, n := range k.counts {
			if kind != "429" {
				count += n
			}
		}
		return count
	}
	for _, kind := range kinds {
		count += k.counts[kind]
	}
	return count
}

// kinds says what was asked, for the log.
func (k *kisi) kinds() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var texts []string
	for _, kind := range slices.Sorted(maps.Keys(k.counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", k.counts[kind], kind))
	}
	return strings.Join(texts, ", ")
}
