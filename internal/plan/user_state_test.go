package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

const (
	usersOrganization = v1alpha1.KisiID(3289)
	usersGroup        = v1alpha1.KisiID(45274)
	usersPerson       = v1alpha1.KisiID(7)
)

// userScene is one person with one account in one organization.
type userScene struct {
	account   v1alpha1.MemberAccount
	rules     UserRules
	mode      v1alpha1.Mode
	unready   bool
	inactive  bool
	opens     time.Duration // from now, of the only window; negative: there is none
	row       bool          // the ledger has a row, in Kisi
	frozen    bool          // a source contradicts itself
	elsewhere bool
	doubted   bool
	reinstate bool
	leaving   bool
}

const never = -time.Hour

func (s userScene) plan() Plan {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	in := Input{
		Now: now, Address: "ana@example.com", Doubted: map[v1alpha1.KisiID]bool{usersOrganization: s.doubted},
		Reinstate: s.reinstate, Leaving: s.leaving,
		Targets: map[v1alpha1.ObjectName]Target{"members": {
			State: TargetBound, Connection: "default", OrganizationID: usersOrganization, KisiGroupID: usersGroup,
		}},
		Connections: map[v1alpha1.KisiID]Connection{usersOrganization: {
			Name: "default", Ready: !s.unready, Mode: s.mode, GrantAhead: time.Hour, Unlimited: true, Users: s.rules,
		}},
		Ledger: Ledger{Accounts: []v1alpha1.MemberAccount{s.account}},
	}
	if s.opens >= 0 {
		in.Entitlements.Groups = []entitlement.Entitlement{{Group: "members", Windows: []entitlement.Sourced{
			{Window: entitlement.Window{From: now.Add(s.opens)}, Sources: []string{"Member/ana"}},
		}}}
	}
	if s.frozen {
		in.Entitlements.Frozen = map[string]entitlement.Problem{"Member/ana": {Freezes: true}}
	}
	if s.row {
		in.Ledger.Grants = []v1alpha1.MemberGrant{{
			Group: "members", Connection: "default", OrganizationID: usersOrganization, KisiGroupID: usersGroup,
			UserID: usersPerson, RoleAssignmentID: 9001, State: v1alpha1.GrantActive, Sources: []string{"Member/ana"}, SourceCount: 1,
		}}
	}
	p := Make(in)
	profile := Profile{Address: "ana@example.com", Name: "Ana", Active: !s.inactive && !s.leaving}
	p.Operations = append(p.Operations, p.Users(profile, in.Connections, func(v1alpha1.MemberAccount) bool { return s.elsewhere })...)
	return p
}

func (s userScene) kinds() []OperationKind {
	var kinds []OperationKind
	for _, o := range s.plan().Operations {
		kinds = append(kinds, o.Kind)
	}
	return kinds
}

func TestWhatIsDoneAboutAUser(t *testing.T) {
	suspend := UserRules{OnUnused: v1alpha1.UnusedUsersSuspend}
	remove := UserRules{OnUnused: v1alpha1.UnusedUsersDelete}
	restore := UserRules{Restore: true}
	in := func(access v1alpha1.AccountAccess) func(*userScene) {
		return func(s *userScene) { s.account.Access = access }
	}
	found := func(s *userScene) { s.account.Origin = v1alpha1.AccountFound }
	unread := func(s *userScene) { s.account.EmailMatches = "" }
	wanted := func(s *userScene) { s.opens = 0 }
	later := func(s *userScene) { s.opens = 2 * time.Hour }
	under := func(rules UserRules) func(*userScene) { return func(s *userScene) { s.rules = rules } }
	for _, test := range []struct {
		shows string
		is    []func(*userScene)
		want  []OperationKind
	}{
		{"Retain leaves an unused user alone", nil, nil},
		{"Suspend suspends one", []func(*userScene){under(suspend)}, []OperationKind{SuspendUser}},
		{"Delete deletes one", []func(*userScene){under(remove)}, []OperationKind{DeleteUser}},
		{"but not one whom Kisi had anyway", []func(*userScene){under(remove), found}, nil},
		{"nor one who is wanted now", []func(*userScene){under(remove), wanted}, []OperationKind{Grant}},
		{"nor one who is wanted later than grantAhead", []func(*userScene){under(remove), later}, nil},
		{"nor one with a row left in the ledger", []func(*userScene){under(remove), func(s *userScene) { s.row = true }}, []OperationKind{Revoke}},
		{"nor one who is wanted in another namespace", []func(*userScene){under(remove), func(s *userScene) { s.elsewhere = true }}, nil},
		{"nor one of whom a contradiction keeps from telling", []func(*userScene){under(remove), func(s *userScene) { s.frozen = true }}, nil},
		{"nor one whom an admin suspended", []func(*userScene){under(remove), in(v1alpha1.AccountSuspendedInKisi)}, nil},
		{"GrantOnly neither suspends nor deletes", []func(*userScene){under(remove), func(s *userScene) { s.mode = v1alpha1.ModeGrantOnly }}, nil},
		{"Observe neither", []func(*userScene){under(suspend), func(s *userScene) { s.mode = v1alpha1.ModeObserve }}, nil},
		{"create: Always keeps the user of an Active Member", []func(*userScene){under(UserRules{OnUnused: v1alpha1.UnusedUsersDelete, Always: true})}, nil},
		{"and of no other", []func(*userScene){under(UserRules{OnUnused: v1alpha1.UnusedUsersDelete, Always: true}), func(s *userScene) { s.inactive = true }}, []OperationKind{DeleteUser}},
		{"one suspended already is left", []func(*userScene){under(suspend), in(v1alpha1.AccountSuspendedByUs)}, nil},
		{"and deleted when the rule says so by now", []func(*userScene){under(remove), in(v1alpha1.AccountSuspendedByUs)}, []OperationKind{DeleteUser}},
		{"an intent without an answer is carried out again", []func(*userScene){under(suspend), in(v1alpha1.AccountSuspending)}, []OperationKind{SuspendUser}},
		{"or looked at where the rule has changed", []func(*userScene){in(v1alpha1.AccountDeleting)}, []OperationKind{CheckUser}},
		{"one whom we suspended is enabled before the next row", []func(*userScene){under(suspend), in(v1alpha1.AccountSuspendedByUs), wanted}, []OperationKind{EnableUser}},
		{"not long before", []func(*userScene){under(suspend), in(v1alpha1.AccountSuspendedByUs), later}, nil},
		{"and where another namespace wants the user", []func(*userScene){under(suspend), in(v1alpha1.AccountSuspendedByUs), func(s *userScene) { s.elsewhere = true }}, []OperationKind{EnableUser}},
		{"one whom we were deleting is looked at before the next row", []func(*userScene){under(remove), in(v1alpha1.AccountDeleting), wanted}, []OperationKind{CheckUser}},
		{"a doubted user is read before anything is granted", []func(*userScene){wanted, func(s *userScene) { s.doubted = true }}, []OperationKind{CheckUser}},
		{"and so is one who is known by assignments alone", []func(*userScene){wanted, found, unread}, []OperationKind{CheckUser}},
		{"but only where something is wanted", []func(*userScene){found, unread}, nil},
		{"an admin's suspension is respected", []func(*userScene){wanted, in(v1alpha1.AccountSuspendedInKisi)}, nil},
		{"until reinstate", []func(*userScene){wanted, in(v1alpha1.AccountSuspendedInKisi), func(s *userScene) { s.reinstate = true }}, []OperationKind{EnableUser}},
		{"or Restore", []func(*userScene){under(restore), wanted, in(v1alpha1.AccountSuspendedInKisi)}, []OperationKind{EnableUser}},
		{"neither of which enables a user whom Kisi had anyway", []func(*userScene){under(restore), wanted, found, in(v1alpha1.AccountSuspendedInKisi), func(s *userScene) { s.reinstate = true }}, nil},
		{"an admin's deletion is respected", []func(*userScene){wanted, in(v1alpha1.AccountRemovedInKisi)}, nil},
		{"until reinstate makes the user again", []func(*userScene){wanted, found, in(v1alpha1.AccountRemovedInKisi), func(s *userScene) { s.reinstate = true }}, []OperationKind{Grant}},
		{"whose rows are looked for first", []func(*userScene){wanted, in(v1alpha1.AccountRemovedInKisi), func(s *userScene) { s.reinstate, s.row = true, true }}, []OperationKind{Resolve}},
		{"and revocations go on meanwhile", []func(*userScene){in(v1alpha1.AccountSuspendedInKisi), func(s *userScene) { s.row = true }}, []OperationKind{Revoke}},
	} {
		t.Run(test.shows, func(t *testing.T) {
			s := userScene{mode: v1alpha1.ModeEnforce, opens: never, account: v1alpha1.MemberAccount{
				Connection: "default", OrganizationID: usersOrganization, UserID: usersPerson, Email: "ana@example.com", FullName: "Ana",
				Origin: v1alpha1.AccountCreated, Access: v1alpha1.AccountEnabled, EmailMatches: v1alpha1.AddressMatches,
			}}
			for _, is := range test.is {
				is(&s)
			}
			if got := s.kinds(); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestWithheldWindowsAreInTheLedger(t *testing.T) {
	s := userScene{mode: v1alpha1.ModeEnforce, account: v1alpha1.MemberAccount{
		Connection: "default", OrganizationID: usersOrganization, UserID: usersPerson, Email: "ana@example.com",
		Origin: v1alpha1.AccountCreated, Access: v1alpha1.AccountRemovedInKisi,
	}}
	p := s.plan()
	if len(p.Ledger.Grants) != 1 || p.Ledger.Grants[0].State != v1alpha1.GrantWithheld || p.Withheld != 1 {
		t.Errorf("got %+v, withheld %d", p.Ledger.Grants, p.Withheld)
	}
	s.mode = v1alpha1.ModeObserve
	if p := s.plan(); len(p.Ledger.Grants) != 0 {
		t.Errorf("Observe writes %+v", p.Ledger.Grants)
	}
}

func TestNobodyIsSuspendedDeletedOrEnabledWhoMustNotBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := userScene{
			account: v1alpha1.MemberAccount{
				Connection: "default", OrganizationID: usersOrganization, UserID: usersPerson, Email: "ana@example.com", FullName: "Ana",
				Origin: rapid.SampledFrom([]v1alpha1.AccountOrigin{v1alpha1.AccountCreated, v1alpha1.AccountFound, ""}).Draw(t, "origin"),
				Access: rapid.SampledFrom([]v1alpha1.AccountAccess{
					v1alpha1.AccountEnabled, v1alpha1.AccountSuspending, v1alpha1.AccountSuspendedByUs, v1alpha1.AccountDeleting,
					v1alpha1.AccountSuspendedInKisi, v1alpha1.AccountRemovedInKisi, "",
				}).Draw(t, "access"),
			},
			rules: UserRules{
				Always: rapid.Bool().Draw(t, "always"), Restore: rapid.Bool().Draw(t, "restore"),
				OnUnused: rapid.SampledFrom([]v1alpha1.UnusedUserPolicy{"", v1alpha1.UnusedUsersRetain, v1alpha1.UnusedUsersSuspend, v1alpha1.UnusedUsersDelete}).Draw(t, "onUnused"),
			},
			mode:    rapid.SampledFrom([]v1alpha1.Mode{v1alpha1.ModeEnforce, v1alpha1.ModeGrantOnly, v1alpha1.ModeObserve, v1alpha1.ModePaused}).Draw(t, "mode"),
			unready: rapid.Bool().Draw(t, "unready"), inactive: rapid.Bool().Draw(t, "inactive"),
			opens: rapid.SampledFrom([]time.Duration{never, 0, time.Minute, 48 * time.Hour}).Draw(t, "opens"),
			row:   rapid.Bool().Draw(t, "row"), frozen: rapid.Bool().Draw(t, "frozen"), elsewhere: rapid.Bool().Draw(t, "elsewhere"),
			doubted: rapid.Bool().Draw(t, "doubted"), reinstate: rapid.Bool().Draw(t, "reinstate"), leaving: rapid.Bool().Draw(t, "leaving"),
		}
		if s.account.Access == v1alpha1.AccountSuspendedByUs || s.account.Access == v1alpha1.AccountSuspendedInKisi {
			s.account.SuspendedBy = rapid.SampledFrom([]v1alpha1.AccountSuspender{"", v1alpha1.SuspendedByDirectory}).Draw(t, "suspended by")
		}
		before := s.account
		p := s.plan()
		settled := 0
		for _, o := range p.Operations {
			switch o.Kind {
			case SuspendUser, DeleteUser:
				if before.Origin != v1alpha1.AccountCreated || s.opens >= 0 || s.elsewhere || s.row || s.frozen || s.mode != v1alpha1.ModeEnforce || s.unready {
					t.Fatalf("%s of %+v", o.Kind, s)
				}
				if before.Access == v1alpha1.AccountRemovedInKisi {
					t.Fatalf("%s of a user whom an admin removed: %+v", o.Kind, s)
				}
			case EnableUser:
				asked := before.Access == v1alpha1.AccountSuspendedInKisi && before.Origin == v1alpha1.AccountCreated && (s.reinstate || s.rules.Restore)
				if !Intended(before) && !asked || before.SuspendedBy != "" {
					t.Fatalf("enables %+v", s)
				}
				settled++
			case CheckUser:
				settled++
			case Grant:
				if s.doubted && before.Access != v1alpha1.AccountRemovedInKisi || Intended(before) || before.SuspendedBy != "" {
					t.Fatalf("grants before the user is settled: %+v", s)
				}
			}
		}
		if settled > 1 {
			t.Fatalf("settles the user %d times: %v", settled, p.Operations)
		}
	})
}

func TestWhatAnAdminDidIsNeverTakenForOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		account := v1alpha1.MemberAccount{Email: "ana@example.com", Access: v1alpha1.AccountEnabled}
		for i := range rapid.IntRange(1, 10).Draw(t, "reads") {
			var seen *UserSeen
			if rapid.Bool().Draw(t, fmt.Sprint("exists", i)) {
				seen = &UserSeen{
					Enabled: rapid.Bool().Draw(t, fmt.Sprint("enabled", i)), OffInDirectory: rapid.Bool().Draw(t, fmt.Sprint("off", i)),
					Address: "ana@example.com",
				}
			}
			var stays bool
			account, stays = See(account, seen, false)
			if !stays || Intended(account) || Withholds(account) != (seen == nil || !seen.Enabled || seen.OffInDirectory) || Differs(account, seen) {
				t.Fatalf("%+v after %+v", account, seen)
			}
		}
	})
}
