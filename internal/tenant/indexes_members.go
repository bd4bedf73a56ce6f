package tenant

import (
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// memberIndexes are the field indexes of Members.
var memberIndexes = map[string]client.IndexerFunc{
	ByAddress:      MemberAddress,
	ByFormer:       memberFormerAddresses,
	ByGroup:        memberGroups,
	ByLedgerGroup:  MemberLedgerGroups,
	ByOrganization: MemberOrganizations,
	ByAssignment:   memberAssignments,
	ByUser:         MemberUsers,
	byTeam:         memberTeams,
	byPlace:        memberPlaces,
	byExternalID:   memberExternalID,
}

// MemberAddress is what a Member is indexed under in ByAddress.
func MemberAddress(object client.Object) []string {
	return []string{string(entitlement.Fold(object.(*v1alpha1.Member).Spec.Email))}
}

func memberFormerAddresses(object client.Object) []string {
	addresses := sets.New[string]()
	for _, account := range FormerAccounts(object.(*v1alpha1.Member)) {
		addresses.Insert(string(entitlement.Fold(account.Email)))
	}
	return sets.List(addresses)
}

// FormerAccounts are the Member's accounts under other addresses than its own.
func FormerAccounts(member *v1alpha1.Member) []v1alpha1.MemberAccount {
	var former []v1alpha1.MemberAccount
	for _, account := range member.Status.Accounts {
		if account.Email != "" && entitlement.Fold(account.Email) != entitlement.Fold(member.Spec.Email) {
			former = append(former, account)
		}
	}
	return former
}

func memberGroups(object client.Object) []string {
	var names []string
	for _, ref := range object.(*v1alpha1.Member).Spec.GroupRefs {
		names = append(names, string(ref.Name))
	}
	return names
}

// MemberLedgerGroups is what a Member is indexed under in ByLedgerGroup.
func MemberLedgerGroups(object client.Object) []string {
	names := sets.New[string]()
	for _, row := range object.(*v1alpha1.Member).Status.Grants {
		names.Insert(string(row.Group))
	}
	return sets.List(names)
}

// MemberOrganizations is what a Member is indexed under in ByOrganization.
func MemberOrganizations(object client.Object) []string {
	organizations := sets.New[string]()
	member := object.(*v1alpha1.Member)
	for _, row := range member.Status.Grants {
		organizations.Insert(IDText(row.OrganizationID))
	}
	for _, account := range member.Status.Accounts {
		organizations.Insert(IDText(account.OrganizationID))
	}
	for _, login := range member.Status.Logins {
		organizations.Insert(IDText(login.OrganizationID))
	}
	return sets.List(organizations)
}

func memberAssignments(object client.Object) []string {
	var values []string
	for _, row := range object.(*v1alpha1.Member).Status.Grants {
		if row.RoleAssignmentID != 0 {
			values = append(values, AssignmentIndex(row.OrganizationID, row.RoleAssignmentID))
		}
	}
	return values
}

// AssignmentIndex is the value in ByAssignment for a role assignment of an organization.
func AssignmentIndex(organizationID, assignmentID v1alpha1.KisiID) string {
	return IDText(organizationID) + "/" + IDText(assignmentID)
}

// MemberUsers is what a Member is indexed under in ByUser.
func MemberUsers(object client.Object) []string {
	users := sets.New[string]()
	member := object.(*v1alpha1.Member)
	for _, account := range member.Status.Accounts {
		users.Insert(UserIndex(account.OrganizationID, account.UserID))
	}
	for _, row := range member.Status.Grants {
		if row.UserID != 0 {
			users.Insert(UserIndex(row.OrganizationID, row.UserID))
		}
	}
	return sets.List(users)
}

// UserIndex is the value in ByUser for a Kisi user of an organization.
func UserIndex(organizationID, userID v1alpha1.KisiID) string {
	return IDText(organizationID) + "/" + IDText(userID)
}

func memberTeams(object client.Object) []string {
	var teams []string
	for _, team := range object.(*v1alpha1.Member).Spec.Teams {
		teams = append(teams, string(team))
	}
	return teams
}

func memberPlaces(object client.Object) []string {
	places := sets.New[string]()
	for _, entry := range object.(*v1alpha1.Member).Spec.Places {
		places.Insert(referenceIndexes(string(entry.PlaceRef.Name), entry.PlaceRef.ExternalID)...)
	}
	return sets.List(places)
}

func memberExternalID(object client.Object) []string {
	return unlessEmpty(string(object.(*v1alpha1.Member).Spec.ExternalID))
}
