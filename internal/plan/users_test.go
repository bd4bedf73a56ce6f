package plan

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestUsers(t *testing.T) {
	const organization = v1alpha1.KisiID(3289)
	ana := Profile{Address: "ana@example.com", Name: "Ana Pop", Active: true}
	account := func(change func(*v1alpha1.MemberAccount)) []v1alpha1.MemberAccount {
		a := v1alpha1.MemberAccount{
			OrganizationID: organization, Email: "Ana@example.com", UserID: 7, FullName: "Ana Pop",
			Origin: v1alpha1.AccountCreated, Access: v1alpha1.AccountEnabled,
		}
		change(&a)
		return []v1alpha1.MemberAccount{a}
	}
	same := func(*v1alpha1.MemberAccount) {}
	renamed := func(a *v1alpha1.MemberAccount) { a.FullName = "Ana" }
	for _, test := range []struct {
		shows    string
		profile  Profile
		accounts []v1alpha1.MemberAccount
		mode     v1alpha1.Mode
		unready  bool
		always   bool
		want     OperationKind
	}{
		{shows: "create: Always makes a user for an Active Member", profile: ana, always: true, want: CreateUser},
		{shows: "WhenNeeded leaves it to the first access", profile: ana},
		{shows: "a Member that is not Active gets no user", profile: Profile{Address: ana.Address}, always: true},
		{shows: "one user is enough", profile: ana, accounts: account(same), always: true},
		{shows: "another address is another user", profile: ana, accounts: account(func(a *v1alpha1.MemberAccount) { a.Email = "old@example.com" }), always: true, want: CreateUser},
		{shows: "a changed name is written to a user created here", profile: ana, accounts: account(renamed), want: Rename},
		{shows: "and to nobody else's", profile: ana, accounts: account(func(a *v1alpha1.MemberAccount) { renamed(a); a.Origin = v1alpha1.AccountFound })},
		{shows: "nor to one that an admin removed", profile: ana, accounts: account(func(a *v1alpha1.MemberAccount) { renamed(a); a.Access = v1alpha1.AccountRemovedInKisi })},
		{shows: "Observe writes nothing", profile: ana, accounts: account(renamed), mode: v1alpha1.ModeObserve},
		{shows: "Paused asks nothing", profile: ana, always: true, mode: v1alpha1.ModePaused},
		{shows: "GrantOnly revokes nothing, and this is no revocation", profile: ana, accounts: account(renamed), mode: v1alpha1.ModeGrantOnly, want: Rename},
		{shows: "a connection that is not Ready is left alone", profile: ana, always: true, unready: true},
	} {
		t.Run(test.shows, func(t *testing.T) {
			if test.mode == "" {
				test.mode = v1alpha1.ModeEnforce
			}
			connections := map[v1alpha1.KisiID]Connection{organization: {Name: "default", Ready: !test.unready, Mode: test.mode}}
			got := Users(test.profile, Ledger{Accounts: test.accounts}, connections, func(v1alpha1.KisiID) bool { return test.always })
			if (len(got) == 0) != (test.want == "") || (len(got) > 0 && got[0].Kind != test.want) {
				t.Errorf("got %+v, want %q", got, test.want)
			}
		})
	}
}
