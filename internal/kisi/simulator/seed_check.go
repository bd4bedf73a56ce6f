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

func wrong(path, format string, args ...any) error {
	return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
}

func (k *seedCheck) id(kind, path string, id int, taken func(int) bool) error {
	switch {
	case id < 0:
		return wrong(path+".id", "%d: must be positive", id)
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

func (k *seedCheck) checkGroups(o SeedOrganization) error {
	for i, g := range o.Groups {
		path := fmt.Sprintf(".groups[%d]", i)
		if g.Name == "" {
			return wrong(path+".name", "is required")
		}
		if g.Place != "" {
			if err := oneNamed(path+".place", "place", g.Place, k.places); err != nil {
				return err
			}
		}
		for j, name := range g.Locks {
			lockPath := fmt.Sprintf("%s.locks[%d]", path, j)
			if err := oneNamed(lockPath, "lock", name, k.locks); err != nil {
				return err
			}
			if slices.Index(g.Locks, name) != j {
				return wrong(lockPath, "%q is there twice", name)
			}
			if l := seedLockNamed(o, name); g.Place != "" && l.Place != g.Place {
				return wrong(lockPath, "%q is at %s, but the group is at %s", name, l.Place, g.Place)
			}
		}
		if err := k.id("group", path, g.ID, takenIn(&k.server.groups)); err != nil {
			return err
		}
	}
	return nil
}

func seedLockNamed(o SeedOrganization, name string) SeedLock {
	for _, l := range o.Locks {
		if l.Name == name || l.Place+"/"+l.Name == name {
			return l
		}
	}
	return SeedLock{}
}

func (k *seedCheck) checkTeams(o SeedOrganization) error {
	var names []string
	for i, t := range o.Teams {
		path := fmt.Sprintf(".teams[%d]", i)
		if t.Name == "" || slices.Contains(names, t.Name) {
			return wrong(path+".name", "%q: is required and must be unique", t.Name)
		}
		names = append(names, t.Name)
		for j, email := range t.Members {
			if err := k.user(o, fmt.Sprintf("%s.members[%d]", path, j), email); err != nil {
				return err
			}
		}
		if err := k.id("team", path, t.ID, takenIn(&k.server.teams)); err != nil {
			return err
		}
	}
	return nil
}

func (k *seedCheck) checkRoles(o SeedOrganization) error {
	for i, r := range o.Roles {
		path := fmt.Sprintf(".roles[%d]", i)
		if _, builtin := builtinRoles[r.ID]; builtin || r.ID == "" {
			return wrong(path+".id", "%q: is required and must not be a built-in role", r.ID)
		}
		if !slices.Contains([]string{kindOrganization, kindPlace, kindGroup}, r.AppliesTo) {
			return wrong(path+".appliesTo", "%q is not one of Organization, Place, Group", r.AppliesTo)
		}
		for j, p := range r.Permissions {
			if !slices.Contains(permissionNames, p) {
				return wrong(fmt.Sprintf("%s.permissions[%d]", path, j), "%q is no permission of Kisi's", p)
			}
		}
	}
	return nil
}

func (k *seedCheck) checkAssignments(o SeedOrganization) error {
	for i, a := range o.RoleAssignments {
		if err := k.assignment(o, fmt.Sprintf(".roleAssignments[%d]", i), a); err != nil {
			return err
		}
	}
	return nil
}

func (k *seedCheck) assignment(o SeedOrganization, path string, a SeedAssignment) error {
	assignees := 0
	for _, name := range []string{a.User, a.Team, a.Guest} {
		if name != "" {
			assignees++
		}
	}
	if assignees != 1 {
		return wrong(path, "exactly one of user, team and guest is required")
	}
	var err error
	switch {
	case a.User != "":
		err = k.user(o, path+".user", a.User)
	case a.Team != "":
		err = oneNamed(path+".team", "team", a.Team, k.teams)
	default:
		err = oneNamed(path+".guest", "guest", a.Guest, k.guests)
	}
	if err != nil {
		return err
	}
	appliesTo := kindOrganization
	switch {
	case a.Group != "" && a.Place != "":
		return wrong(path, "group and place exclude each other")
	case a.Group != "":
		appliesTo, err = kindGroup, oneNamed(path+".group", "group", a.Group, k.groups)
	case a.Place != "":
		appliesTo, err = kindPlace, oneNamed(path+".place", "place", a.Place, k.places)
	}
	if err != nil {
		return err
	}
	if err := k.role(o, path+".role", a.Role, appliesTo); err != nil {
		return err
	}
	switch {
	case appliesTo != kindGroup && (a.ValidFrom != nil || a.ValidUntil != nil):
		return wrong(path, "validFrom and validUntil are only possible for groups")
	case a.ValidFrom != nil && a.ValidUntil != nil && !a.ValidFrom.Before(*a.ValidUntil):
		return wrong(path+".validUntil", "%s is not after validFrom", a.ValidUntil.Format(time.RFC3339))
	case a.CreatedBy != "":
		if err := k.user(o, path+".createdBy", a.CreatedBy); err != nil {
			return err
		}
	}
	return k.id("role assignment", path, a.ID, takenIn(&k.server.assignments))
}

func (k *seedCheck) role(o SeedOrganization, path, id, appliesTo string) error {
	if id == "" && appliesTo == kindGroup {
		return nil
	}
	r, found := builtinRoles[id]
	for _, custom := range o.Roles {
		if custom.ID == id {
			r, found = role{ID: custom.ID, AppliesTo: custom.AppliesTo}, true
		}
	}
	switch {
	case !found:
		return wrong(path, "%q is no role", id)
	case r.ID == roleOrgOwner:
		return wrong(path, "%q is not assigned: name the person as owner", id)
	case r.AppliesTo != appliesTo:
		return wrong(path, "%q applies to %s, not to %s", id, r.AppliesTo, appliesTo)
	}
	return nil
}

func (k *seedCheck) checkKeys(o SeedOrganization) error {
	for i, key := range o.Keys {
		path := fmt.Sprintf(".keys[%d]", i)
		if err := k.user(o, path+".user", key.User); err != nil {
			return err
		}
		_, taken := k.server.loginBySecret[key.Secret]
		switch {
		case key.Secret == "" || strings.TrimSpace(key.Secret) != key.Secret:
			return wrong(path+".secret", "is required, without spaces around it")
		case taken || k.secrets[key.Secret]:
			return wrong(path+".secret", "is already another key's")
		case key.Type != "" && key.Type != loginAPI && key.Type != loginDevice:
			return wrong(path+".type", "%q is not one of api, device", key.Type)
		}
		k.secrets[key.Secret] = true
	}
	return nil
}
