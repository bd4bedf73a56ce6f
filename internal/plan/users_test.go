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
			connections := map[v1alpha1.KisiID]Connection{organization: {Name: "default", Ready: !test.unready, Mode: test.mode, Users: UserRules{Always: test.always}}}
			got := Plan{Ledger: Ledger{Accounts: test.accounts}}.Users(test.profile, connections, func(v1alpha1.MemberAccount) bool { return false })
			if (len(got) == 0) != (test.want == "") || (len(got) > 0 && got[0].Kind != test.want) {
				t.Errorf("got %+v, want %q", got, test.want)
			}
		})
	}
}

func TestSee(t *testing.T) {
	const us, admin, gone = v1alpha1.AccountSuspendedByUs, v1alpha1.AccountSuspendedInKisi, v1alpha1.AccountRemovedInKisi
	enabled, suspended := &UserSeen{Enabled: true, Address: "ana@example.com"}, &UserSeen{Address: "ana@example.com"}
	off, offAndSuspended := &UserSeen{Enabled: true, OffInDirectory: true, Address: "ana@example.com"}, &UserSeen{OffInDirectory: true, Address: "ana@example.com"}
	for _, test := range []struct {
		shows  string
		access v1alpha1.AccountAccess
		found  bool // not created here
		seen   *UserSeen
		ours   bool
		want   v1alpha1.AccountAccess // empty: the account does not stay
	}{
		{shows: "an enabled user is enabled", access: v1alpha1.AccountEnabled, seen: enabled, want: v1alpha1.AccountEnabled},
		{shows: "a suspension without an intent of ours is an admin's", access: v1alpha1.AccountEnabled, seen: suspended, want: admin},
		{shows: "and stays one", access: admin, seen: suspended, want: admin},
		{shows: "until the admin enables the user", access: admin, seen: enabled, want: v1alpha1.AccountEnabled},
		{shows: "a suspension that we recorded is ours", access: us, seen: suspended, want: us},
		{shows: "one that another ledger recorded is ours too", access: v1alpha1.AccountEnabled, found: true, seen: suspended, ours: true, want: us},
		{shows: "an intent to suspend that was carried out", access: v1alpha1.AccountSuspending, seen: suspended, want: us},
		{shows: "an intent to suspend that was not carried out", access: v1alpha1.AccountSuspending, seen: enabled, want: v1alpha1.AccountEnabled},
		{shows: "an admin may enable what we suspended", access: us, seen: enabled, want: v1alpha1.AccountEnabled},
		{shows: "an intent to delete that was not carried out", access: v1alpha1.AccountDeleting, seen: enabled, want: v1alpha1.AccountEnabled},
		{shows: "nor one after we had suspended", access: v1alpha1.AccountDeleting, seen: suspended, want: us},
		{shows: "a directory's decision is an admin's", access: v1alpha1.AccountEnabled, seen: off, want: admin},
		{shows: "until the directory takes it back", access: admin, seen: enabled, want: v1alpha1.AccountEnabled},
		{shows: "and does not hide that we suspended the user", access: us, seen: offAndSuspended, want: us},
		{shows: "nor an intent to", access: v1alpha1.AccountSuspending, seen: offAndSuspended, want: us},
		{shows: "a user whom nobody here deleted", access: v1alpha1.AccountEnabled, want: gone},
		{shows: "an admin may delete what we suspended", access: us, want: gone},
		{shows: "a user whom we deleted", access: v1alpha1.AccountDeleting},
	} {
		t.Run(test.shows, func(t *testing.T) {
			account := v1alpha1.MemberAccount{Email: "Ana@example.com", Origin: v1alpha1.AccountCreated, Access: test.access}
			if test.found {
				account.Origin = v1alpha1.AccountFound
			}
			got, stays := See(account, test.seen, test.ours)
			if stays != (test.want != "") || stays && got.Access != test.want {
				t.Errorf("got %q, stays %v; want %q", got.Access, stays, test.want)
			}
			if byDirectory := test.seen != nil && test.seen.OffInDirectory; byDirectory != (got.SuspendedBy == v1alpha1.SuspendedByDirectory) || byDirectory && !Withholds(got) {
				t.Errorf("suspended by %q", got.SuspendedBy)
			}
		})
	}
	renamed, _ := See(v1alpha1.MemberAccount{Email: "Ana@example.com"}, &UserSeen{Enabled: true, Address: "ana@other.example"}, false)
	if renamed.EmailMatches != v1alpha1.AddressDiffers {
		t.Errorf("another address: emailMatches %q", renamed.EmailMatches)
	}
}

// In a namespace that is being deleted nothing that goes is what anybody asked for: whoever takes something away looks for that
// first, and a user who is suspended or deleted is something taken away.
func TestAPlanThatDisposesOfAUserTakesSomethingAway(t *testing.T) {
	t.Parallel()
	for kind, takes := range map[OperationKind]bool{
		SuspendUser: true, DeleteUser: true, Revoke: true, Update: true, Replace: true, DeleteLogin: true,
		Grant: false, Resolve: false, Verify: false, CheckUser: false, EnableUser: false, CreateUser: false, Rename: false,
	} {
		if got := (Plan{Operations: []Operation{{Kind: kind}}}).Revokes(); got != takes {
			t.Errorf("%s: %t", kind, got)
		}
	}
}
