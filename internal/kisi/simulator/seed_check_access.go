package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

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
