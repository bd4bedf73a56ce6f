package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

const (
	// CreateLogin makes a login on the person's behalf, for an app that unlocks in their name.
	CreateLogin OperationKind = "CreateLogin"
	// ResolveLogin looks whether a login whose request was not answered was made. Its secret is lost then, so it goes.
	ResolveLogin OperationKind = "ResolveLogin"
	// DeleteLogin takes a login back: nothing asks for it any more, or its Secret is lost and another one follows
	// (Replaces).
	DeleteLogin OperationKind = "DeleteLogin"
)

// LoginTerms say, for one organization, whether the person is to have a login.
type LoginTerms struct {
	// Connection that asks for logins; empty if none does.
	Connection v1alpha1.ObjectName
}

// Logins returns what is to do about the person's logins: one in each organization that asks for them, as long as a
// window of the person is open or scheduled there. stored reports whether the Secret of a login is there and holds it.
//
// The ledger, not Kisi, says which logins are ours; no other one is touched.
func Logins(ledger Ledger, now time.Time, connections map[v1alpha1.KisiID]Connection, terms map[v1alpha1.KisiID]LoginTerms, stored func(v1alpha1.MemberLogin) bool) []Operation {
	var operations []Operation
	for organization, connection := range connections {
		if !connection.Ready || connection.Mode == v1alpha1.ModeObserve || connection.Mode == v1alpha1.ModePaused {
			continue
		}
		operations = append(operations, loginsIn(organization, ledger, now, connection, terms[organization], stored)...)
	}
	slices.SortFunc(operations, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Row.OrganizationID, b.Row.OrganizationID), cmp.Compare(a.Login.LoginID, b.Login.LoginID))
	})
	return operations
}

func loginsIn(organization v1alpha1.KisiID, ledger Ledger, now time.Time, connection Connection, terms LoginTerms, stored func(v1alpha1.MemberLogin) bool) []Operation {
	var operations []Operation
	do := func(kind OperationKind, login v1alpha1.MemberLogin, urgency Urgency, replaces bool) {
		operations = append(operations, Operation{
			Kind: kind, Login: login, Urgency: urgency, Replaces: replaces,
			Row: v1alpha1.MemberGrant{Connection: connection.Name, OrganizationID: organization, UserID: login.UserID},
		})
	}
	user, serves := loginUser(ledger, organization, terms)
	has := false
	for _, login := range ledger.Logins {
		if login.OrganizationID != organization {
			continue
		}
		switch {
		case login.LoginID == 0:
			do(ResolveLogin, login, Change, false)
			has = true
		case serves && login.UserID == user && !has && stored(login):
			has = true
		case serves:
			// Whoever deleted the Secret may have done so because it got into wrong hands: this one ends before the next.
			do(DeleteLogin, login, Revocation, true)
			has = true
		case connection.Mode != v1alpha1.ModeGrantOnly:
			do(DeleteLogin, login, Change, false)
		}
	}
	if serves && !has && beginsLogin(ledger, organization, user) {
		wanted := v1alpha1.MemberLogin{Connection: terms.Connection, OrganizationID: organization, UserID: user}
		do(CreateLogin, wanted, loginUrgency(ledger, organization, user, now), false)
	}
	return operations
}

// WantsLogin reports whether the person is to have a login in the organization, or keep the one there is.
func WantsLogin(ledger Ledger, organization v1alpha1.KisiID, terms LoginTerms) bool {
	user, serves := loginUser(ledger, organization, terms)
	return serves && (beginsLogin(ledger, organization, user) || slices.ContainsFunc(ledger.Logins, func(login v1alpha1.MemberLogin) bool {
		return login.OrganizationID == organization
	}))
}

// loginUser returns the user who has a login in the organization, or is to have one.
func loginUser(ledger Ledger, organization v1alpha1.KisiID, terms LoginTerms) (user v1alpha1.KisiID, serves bool) {
	account := ledger.Account(organization)
	if account == nil || terms.Connection == "" {
		return 0, false
	}
	return account.UserID, slices.ContainsFunc(ledger.Grants, func(row v1alpha1.MemberGrant) bool {
		return row.OrganizationID == organization && row.UserID == account.UserID && (letsIn(row) || mayLetIn(row))
	})
}

// beginsLogin reports whether a window of the user is open or scheduled in Kisi: until then nobody needs a login.
func beginsLogin(ledger Ledger, organization, user v1alpha1.KisiID) bool {
	return slices.ContainsFunc(ledger.Grants, func(row v1alpha1.MemberGrant) bool {
		return row.OrganizationID == organization && row.UserID == user && letsIn(row)
	})
}

// letsIn reports whether the person may enter by the row, now or from its opening on.
func letsIn(row v1alpha1.MemberGrant) bool {
	switch row.State {
	case v1alpha1.GrantActive, v1alpha1.GrantScheduled, v1alpha1.GrantCovered:
		return true
	}
	return false
}

// mayLetIn reports whether the person may still enter by the row, or may do so any moment: no reason to make a login, but
// one to keep it.
func mayLetIn(row v1alpha1.MemberGrant) bool {
	switch row.State {
	case v1alpha1.GrantPending, v1alpha1.GrantQueued, v1alpha1.GrantRevoking, v1alpha1.GrantHeld:
		return true
	}
	return false
}

// loginUrgency is that of the most urgent window that the login serves.
func loginUrgency(ledger Ledger, organization, user v1alpha1.KisiID, now time.Time) Urgency {
	urgency := New
	for _, row := range ledger.Grants {
		if row.OrganizationID == organization && row.UserID == user && letsIn(row) {
			urgency = min(urgency, urgencyOf(RowWindow(row), now))
		}
	}
	return urgency
}

// SameLogin reports whether two records speak of one login: by id where Kisi has given one, else of one request that was
// not answered.
func SameLogin(a, b v1alpha1.MemberLogin) bool {
	return a.OrganizationID == b.OrganizationID && a.UserID == b.UserID && a.LoginID == b.LoginID
}

// HasLogin reports whether the ledger has the login.
func (l Ledger) HasLogin(login v1alpha1.MemberLogin) bool {
	return slices.ContainsFunc(l.Logins, func(known v1alpha1.MemberLogin) bool { return SameLogin(known, login) })
}

// RemoveLogin takes the login out.
func (l *Ledger) RemoveLogin(login v1alpha1.MemberLogin) {
	l.Logins = slices.DeleteFunc(slices.Clone(l.Logins), func(known v1alpha1.MemberLogin) bool { return SameLogin(known, login) })
}

// PutLogin adds the login, in place of the request that made it.
func (l *Ledger) PutLogin(login v1alpha1.MemberLogin) {
	asked := login
	asked.LoginID = 0
	l.RemoveLogin(asked)
	l.RemoveLogin(login)
	l.Logins = append(l.Logins, login)
}
