package simulator

import (
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// seedCheck finds everything that could go wrong with a seed before anything
// is stored. Paths in errors start with the separator that follows
// "organizations[0]".
type seedCheck struct {
	server  *Server
	domains map[string]bool
	ids     map[string]map[int]bool
	secrets map[string]bool

	// Of the organization being checked; counted once, since a seed may hold
	// a hundred thousand rows that refer to them.
	people                               map[string]bool
	places, locks, groups, teams, guests nameCounts
}

// nameCounts counts how many things each name stands for.
type nameCounts map[string]int

// largestSeedID leaves room for the ids of what is made later, which readers of JSON take for what they are up to twice as much.
const largestSeedID = 1 << 52

func wrong(path, format string, args ...any) error {
	return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
}

func (k *seedCheck) id(kind, path string, id int, taken func(int) bool) error {
	switch {
	case id < 0:
		return wrong(path+".id", "%d: must be positive", id)
	case int64(id) > largestSeedID:
		return wrong(path+".id", "%d: must be at most %d", id, int64(largestSeedID))
	case id == 0:
		return nil
	case k.ids[kind][id] || taken(id):
		return wrong(path+".id", "%d is already the id of another %s", id, kind)
	}
	if k.ids[kind] == nil {
		k.ids[kind] = map[int]bool{}
	}
	k.ids[kind][id] = true
	return nil
}

func takenIn[T any](t *table[T]) func(int) bool {
	return func(id int) bool { return t.versions(id) != nil }
}

func (k *seedCheck) organization(o SeedOrganization) error {
	s := k.server
	if o.Name == "" {
		return wrong(".name", "is required")
	}
	if o.Domain == "" {
		return wrong(".domain", "is required")
	}
	if _, exists := s.organizationByDomain(o.Domain); exists || k.domains[o.Domain] {
		return wrong(".domain", "%q is already another organization's", o.Domain)
	}
	k.domains[o.Domain] = true
	if _, err := time.LoadLocation(o.TimeZone); err != nil {
		return wrong(".timeZone", "%q is not an IANA time zone", o.TimeZone)
	}
	if err := k.id("organization", "", o.ID, takenIn(&s.organizations)); err != nil {
		return err
	}
	k.countNames(o)
	for _, check := range []func(SeedOrganization) error{
		k.checkPeople, k.checkPlacesAndLocks, k.checkGroups, k.checkTeams, k.checkRoles, k.checkAssignments, k.checkKeys,
	} {
		if err := check(o); err != nil {
			return err
		}
	}
	return nil
}

func (k *seedCheck) checkPeople(o SeedOrganization) error {
	seen := map[string]bool{}
	for i, u := range o.Users {
		path := fmt.Sprintf(".users[%d]", i)
		if address, err := mail.ParseAddress(u.Email); err != nil || address.Address != u.Email {
			return wrong(path+".email", "%q is not an e-mail address", u.Email)
		}
		if seen[foldEmail(u.Email)] {
			return wrong(path+".email", "%q is there twice", u.Email)
		}
		seen[foldEmail(u.Email)] = true
		if err := k.id("user", path, u.ID, takenIn(&k.server.users)); err != nil {
			return err
		}
	}
	if o.Owner == "" {
		return wrong(".owner", "is required: the address of one of users")
	}
	for i, g := range o.Guests {
		if g.Name == "" {
			return wrong(fmt.Sprintf(".guests[%d].name", i), "is required")
		}
		if err := k.id("guest", fmt.Sprintf(".guests[%d]", i), g.ID, takenIn(&k.server.guests)); err != nil {
			return err
		}
	}
	return k.user(o, ".owner", o.Owner)
}

func (k *seedCheck) user(o SeedOrganization, path, email string) error {
	if k.people[foldEmail(email)] {
		return nil
	}
	return wrong(path, "%q is none of the users of %s", email, o.Name)
}

func (k *seedCheck) checkPlacesAndLocks(o SeedOrganization) error {
	for i, p := range o.Places {
		path := fmt.Sprintf(".places[%d]", i)
		if p.Name == "" {
			return wrong(path+".name", "is required")
		}
		if _, err := time.LoadLocation(p.TimeZone); err != nil {
			return wrong(path+".timeZone", "%q is not an IANA time zone", p.TimeZone)
		}
		if err := k.id("place", path, p.ID, takenIn(&k.server.places)); err != nil {
			return err
		}
	}
	for i, l := range o.Locks {
		path := fmt.Sprintf(".locks[%d]", i)
		if l.Name == "" {
			return wrong(path+".name", "is required")
		}
		if err := oneNamed(path+".place", "place", l.Place, k.places); err != nil {
			return err
		}
		if r := l.Restrictions; r.PrimaryDevice || r.ManagedDevice || r.TapToAccess {
			return wrong(path+".restrictions", "a lock knows only geofence, reader and time; the others belong to groups")
		}
		if err := k.id("lock", path, l.ID, takenIn(&k.server.locks)); err != nil {
			return err
		}
	}
	return nil
}

// countNames counts every name; locks and groups count as Place/Name too.
func (k *seedCheck) countNames(o SeedOrganization) {
	k.people = map[string]bool{}
	for _, u := range o.Users {
		k.people[foldEmail(u.Email)] = true
	}
	k.places, k.locks, k.groups, k.teams, k.guests = nameCounts{}, nameCounts{}, nameCounts{}, nameCounts{}, nameCounts{}
	for _, p := range o.Places {
		k.places[p.Name]++
	}
	for _, l := range o.Locks {
		k.locks[l.Name]++
		k.locks[l.Place+"/"+l.Name]++
	}
	for _, g := range o.Groups {
		k.groups[g.Name]++
		if g.Place != "" {
			k.groups[g.Place+"/"+g.Name]++
		}
	}
	for _, t := range o.Teams {
		k.teams[t.Name]++
	}
	for _, g := range o.Guests {
		k.guests[g.Name]++
	}
}

// oneNamed checks that a name stands for exactly one thing.
func oneNamed(path, kind, name string, names nameCounts) error {
	n := names[name]
	switch {
	case name == "":
		return wrong(path, "is required: the name of a %s", kind)
	case n == 0:
		return wrong(path, "%q is the name of no %s (there is %s)", name, kind, strings.Join(quoted(names), ", "))
	case n > 1:
		return wrong(path, "%q is the name of %d %ss: write Place/Name, or give them different names", name, n, kind)
	}
	return nil
}

// quoted lists at most ten names for an error.
func quoted(names nameCounts) []string {
	if len(names) == 0 {
		return []string{"none"}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if len(out) == 10 {
			return append(out, "…")
		}
		out = append(out, fmt.Sprintf("%q", name))
	}
	return out
}
