package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Outcome is what a probe of an API key has found.
type Outcome int

const (
	// Unprobed: no probe has been answered yet.
	Unprobed Outcome = iota
	// Accepted: the key works, and its owner may do what is needed.
	Accepted
	// Refused: Kisi does not know the key (401).
	Refused
	// Insufficient: Kisi knows the key, and its owner may not do what is needed.
	Insufficient
	// Unreachable: no usable answer came.
	Unreachable
)

// Identity is whose key it is, and where.
type Identity struct {
	OrganizationID     int64
	OrganizationName   string
	OrganizationDomain string
	UserID             int64
	// Owner reports whether the user owns the organization.
	Owner bool
	// Directory reports whether a directory (SCIM) decides, beside Kisi, who of the organization may open doors.
	Directory bool
}

// Verdict is what is known of a key.
type Verdict struct {
	Outcome  Outcome
	Identity Identity
	// Message says what is wrong and what to do about it; empty when Accepted.
	Message string
	// roles are those that the key's owner was seen to have, for a glance to compare.
	roles string
}

// rolesHidden stands for roles that the key's owner may not read.
const rolesHidden = "hidden"

// requiredPermissions are what granting and revoking takes, as Kisi names permissions in its roles. Making users takes
// users_write, which place administrators lack: they can still let in whoever is a user already.
var requiredPermissions = []string{"role_assignments_write"}

// errNobody keeps a key whose owner or organization has no id from sharing the queue of the probes, and from passing for the
// owner's of an organization that names none.
var errNobody = errors.New("the answer does not say whose key it is")

// probe asks Kisi whose key it is and what its owner may do. A request that Kisi answers badly, though it is there, is asked
// for in another way: else one that it always fails would leave open for ever what waits for a probe.
func (s *Session) probe(ctx context.Context, client *kisi.Client) Verdict {
	ctx = context.WithValue(ctx, probingKey{}, true)
	login, err := client.CurrentLogin(ctx)
	if known := client.KnownLogin(); known != nil && s.stumbled(err) {
		login, err = known, nil // whether the key is still taken the next answer tells as well
	}
	if err != nil {
		return failure("checking the API key with Kisi", err)
	}
	organization, err := client.Organization(ctx)
	if s.stumbled(err) {
		if listed, other := client.OnlyOrganization(ctx); other == nil || kisi.IsUnauthorized(other) {
			organization, err = listed, other
		}
	}
	if err == nil && (!kisi.IsID(login.UserID) || !kisi.IsID(organization.ID)) {
		err = errNobody
	}
	if err != nil {
		return failure("reading the key's organization", err)
	}
	verdict := Verdict{Outcome: Accepted, Identity: Identity{
		OrganizationID:     organization.ID,
		OrganizationName:   organization.Name,
		OrganizationDomain: organization.Domain,
		UserID:             login.UserID,
		Directory:          organization.SCIMEnabled,
		// That organization.user_id is the owner is inferred from Kisi's schema, which does not say so.
		Owner: organization.OwnerID != nil && *organization.OwnerID == login.UserID,
	}}
	if verdict.Identity.Owner {
		return verdict // the owner may do everything, with or without a role assignment
	}
	missing, roles, err := missingPermissions(ctx, client, login.UserID)
	switch {
	case kisi.IsForbidden(err):
		verdict.Outcome, verdict.roles = Insufficient, rolesHidden
		verdict.Message = "the key's owner may not read roles in Kisi; create the key as the organization's owner or an administrator"
	case err != nil:
		return failure("reading what the key's owner may do", err)
	case len(missing) > 0:
		verdict.Outcome, verdict.roles = Insufficient, roles
		verdict.Message = fmt.Sprintf("the key's owner lacks %s in Kisi; create the key as the organization's owner or an administrator, or give its owner such a role",
			strings.Join(missing, " and "))
	}
	return verdict
}

// stumbled reports whether Kisi has answered a request with a 5xx and is there all the same.
func (s *Session) stumbled(err error) bool {
	return kisi.IsUnavailable(err) && kisi.Answered(err) && !s.breakerNow().outage()
}

// heldRoles are the roles of a user that may let it administer something.
type heldRoles struct {
	ids        []string
	Incomplete string
}

func (r heldRoles) text() string { return "roles " + strings.Join(r.ids, " ") }

func rolesOf(ctx context.Context, client *kisi.Client, userID int64) (heldRoles, error) {
	assignments, err := client.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{AssigneeType: kisi.TypeUser, AssigneeID: userID, WithTeams: true})
	if err != nil {
		return heldRoles{}, err
	}
	roles := heldRoles{Incomplete: assignments.Incomplete}
	for _, assignment := range assignments.Items {
		if assignment.AppliesToType != kisi.TypeGroup || assignment.RoleID != kisi.RoleGroupBasic { // which opens doors, administers nothing
			roles.ids = append(roles.ids, assignment.RoleID)
		}
	}
	slices.Sort(roles.ids)
	roles.ids = slices.Compact(roles.ids)
	return roles, nil
}

// missingPermissions looks at permissions, not at names of roles: a place administrator may do what is needed in the
// place, and custom roles exist. It returns the roles that were seen, too.
func missingPermissions(ctx context.Context, client *kisi.Client, userID int64) (missing []string, seen string, err error) {
	roles, err := rolesOf(ctx, client, userID)
	if err != nil {
		return nil, "", err
	}
	missing = slices.Clone(requiredPermissions)
	for _, id := range roles.ids {
		role, err := client.Role(ctx, id)
		if err != nil {
			return nil, "", err
		}
		missing = slices.DeleteFunc(missing, func(permission string) bool { return role.Permissions[permission] })
	}
	if len(missing) > 0 && roles.Incomplete != "" {
		return nil, "", fmt.Errorf("the list of the key owner's roles is incomplete: %s", roles.Incomplete)
	}
	return missing, roles.text(), nil
}

func failure(doing string, err error) Verdict {
	switch {
	case kisi.IsUnauthorized(err):
		return Verdict{Outcome: Refused, Message: "Kisi does not accept the API key (401): it was deleted, has expired, was pushed out because its owner made more API keys than Kisi keeps, or its owner lost the right to have one; delete keys that nobody uses, create a new key and put it into the Secret"}
	case kisi.IsForbidden(err):
		return Verdict{Outcome: Insufficient, Message: "Kisi does not let the key's owner do this (403) while " + doing + "; create the key as the organization's owner or an administrator"}
	}
	return Verdict{Outcome: Unreachable, Message: fmt.Sprintf("Kisi cannot be reached: %s: %s", doing, brief(err))}
}

// brief leaves out what differs from one attempt to the next, so that a condition that says nothing new is not written.
func brief(err error) string {
	switch {
	case kisi.IsRateLimited(err):
		return "Kisi answers 429, too many requests; something else uses up the key owner's quota"
	case kisi.IsUnavailable(err):
		return "no answer, or a server error; trying again at growing intervals"
	}
	return "an answer that could not be understood; trying again at growing intervals"
}
