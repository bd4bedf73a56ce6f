package plan_test

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// A whole organization is taken over without a look at each of its people: a list of a group's users has shown most of them.
func TestWhoIsSeenOnAListIsTakenOverWithoutALook(t *testing.T) {
	always := entitlement.Window{}
	row := plan.ObservedRow{ID: 2, UserID: me, Window: always, Basic: true}
	for name, test := range map[string]struct {
		sound    bool
		doubted  bool
		accounts []v1alpha1.MemberAccount
		does     []plan.OperationKind
	}{
		"sound":                        {sound: true},
		"not seen":                     {does: []plan.OperationKind{plan.CheckUser}},
		"sound, and doubted since":     {sound: true, doubted: true, does: []plan.OperationKind{plan.CheckUser}},
		"sound, and taken over before": {sound: true, accounts: []v1alpha1.MemberAccount{neverLookedAt(me)}},
		"another user was taken over":  {sound: true, accounts: []v1alpha1.MemberAccount{neverLookedAt(me + 1)}, does: []plan.OperationKind{plan.CheckUser}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.claims = []claim{{"Member/ana", "g1", always}}
			target := s.bound(1)
			target.Ownership = plan.OwnsAll
			s.targets = map[v1alpha1.ObjectName]plan.Target{"g1": target}
			s.ledger.Accounts = test.accounts
			in := s.input()
			in.Address = "ana@example.com"
			in.Observed = map[plan.Pair]plan.Observation{pair1: {UserID: me, Sound: test.sound, Rows: []plan.ObservedRow{row}}}
			if test.doubted {
				in.Doubted = map[v1alpha1.KisiID]bool{organization: true}
			}
			p := plan.Make(in)
			var does []plan.OperationKind
			for _, o := range p.Operations {
				does = append(does, o.Kind)
			}
			if len(does) != len(test.does) || len(does) > 0 && does[0] != test.does[0] {
				t.Errorf("does %v, want %v", does, test.does)
			}
			account := p.Ledger.Account(organization)
			if account == nil {
				t.Fatal("nobody is known to have the assignment")
			}
			if looked := account.EmailMatches == v1alpha1.AddressMatches; looked != (test.does == nil || test.doubted) {
				t.Errorf("the account says %q of its address", account.EmailMatches)
			}
		})
	}
}

func neverLookedAt(user v1alpha1.KisiID) v1alpha1.MemberAccount {
	return v1alpha1.MemberAccount{
		OrganizationID: organization, Email: "ana@example.com", UserID: user, Origin: v1alpha1.AccountFound, Access: v1alpha1.AccountEnabled,
	}
}
