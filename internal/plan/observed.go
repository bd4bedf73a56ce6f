package plan

import (
	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

// Pair is one Kisi group of one organization: the unit in which windows and rows of a person are compared.
type Pair struct {
	OrganizationID, KisiGroupID v1alpha1.KisiID
}

// Observation is what Kisi is known to hold of a person in one pair: all of it, as far as the last complete read, own
// writes and the changes heard of since tell.
type Observation struct {
	// UserID is the person's user in the organization.
	UserID v1alpha1.KisiID
	// Rows are the person's, by id.
	Rows []ObservedRow
}

// ObservedRow is one role assignment in Kisi.
type ObservedRow struct {
	ID, UserID v1alpha1.KisiID
	Window     access.Window
	// Basic is set for the plain membership of a user; what is not basic is never touched.
	Basic bool
	// ByKeyOwner is set where the owner of the connection's key made the row.
	ByKeyOwner bool
	// Claimed is set where another ledger has the row.
	Claimed bool
}
