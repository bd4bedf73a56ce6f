package member

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// imported reports whether a Member that nobody names stays because a connection imports its user: one that Kisi is known
// to have, or has had as long as the users have not been read since the operator started.
func (r *Reconciler) imported(p *person) bool {
	address := entitlement.Fold(p.member.Spec.Email)
	for _, connection := range p.snapshot.ByName {
		if !imports.Wanted(connection) {
			continue
		}
		_, found, read := r.Imports.User(client.ObjectKeyFromObject(connection), address)
		if found || !read && entitlement.IsImported(p.member) {
			return true
		}
	}
	return false
}

// withImported adds the accounts of users whom a connection has imported to the ledger of the Member who stands for them.
func (r *Reconciler) withImported(p *person, accounts []v1alpha1.MemberAccount) []v1alpha1.MemberAccount {
	if !p.member.DeletionTimestamp.IsZero() || p.primary == nil || p.primary.UID != p.member.UID {
		return accounts
	}
	for organization, connected := range p.snapshot.Connections {
		connection := p.snapshot.ByName[connected.Name]
		known := false
		for _, account := range accounts {
			known = known || account.OrganizationID == organization
		}
		if known || connection == nil || !imports.Wanted(connection) {
			continue
		}
		user, found, _ := r.Imports.User(client.ObjectKeyFromObject(connection), entitlement.Fold(p.member.Spec.Email))
		if found {
			s := p.snapshot.SessionFor(v1alpha1.MemberGrant{Connection: connected.Name, OrganizationID: organization})
			directory := s != nil && s.Verdict().Identity.Directory
			accounts = append(accounts, user.Account(connected.Name, organization, directory))
		}
	}
	return accounts
}
