package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestLogins(t *testing.T) {
	const organization, user, login v1alpha1.KisiID = 3289, 1804, 77
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	row := func(state v1alpha1.GrantState, of v1alpha1.KisiID) v1alpha1.MemberGrant {
		return v1alpha1.MemberGrant{OrganizationID: organization, KisiGroupID: 1, UserID: of, State: state, RoleAssignmentID: 9}
	}
	made := v1alpha1.MemberLogin{Connection: "hq", OrganizationID: organization, UserID: user, LoginID: login, SecretName: "ana-hq-kisi-login"}
	asked := made
	asked.LoginID = 0
	others := made
	others.UserID, others.LoginID = 5, 78
	tests := []struct {
		shows     string
		rows      []v1alpha1.MemberGrant
		logins    []v1alpha1.MemberLogin
		noAccount bool
		asks      v1alpha1.ObjectName // the connection that wants logins
		lost      bool                // the Secret
		mode      v1alpha1.Mode
		notReady  bool
		want      []string
	}{
		{shows: "no login without a connection that asks", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}},
		{shows: "no login without access", asks: "hq"},
		{shows: "no login without a user", asks: "hq", noAccount: true, rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}},
		{shows: "one for an open window", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, want: []string{"CreateLogin/0"}},
		{shows: "one for a scheduled window", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantScheduled, user)}, want: []string{"CreateLogin/0"}},
		{shows: "one where somebody else's row lets in", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantCovered, user)}, want: []string{"CreateLogin/0"}},
		{shows: "none before Kisi has answered", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantPending, user)}},
		{shows: "none for a window that has ended", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantEnded, user)}},
		{shows: "none while withheld", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantWithheld, user)}},
		{shows: "none for the rows of another user", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, 5)}},
		{shows: "one is enough", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, logins: []v1alpha1.MemberLogin{made}},
		{shows: "it stays while a row is held", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantHeld, user)}, logins: []v1alpha1.MemberLogin{made}},
		{shows: "it stays while the last row is not gone yet", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantRevoking, user)}, logins: []v1alpha1.MemberLogin{made}},
		{shows: "it goes with the last grant", asks: "hq", logins: []v1alpha1.MemberLogin{made}, want: []string{"DeleteLogin/77"}},
		{shows: "it goes when the last window has ended", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantEnded, user)}, logins: []v1alpha1.MemberLogin{made}, want: []string{"DeleteLogin/77"}},
		{shows: "it goes when nobody asks for it", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, logins: []v1alpha1.MemberLogin{made}, want: []string{"DeleteLogin/77"}},
		{shows: "one whose Secret is lost goes before the next is made", asks: "hq", lost: true, rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, logins: []v1alpha1.MemberLogin{made}, want: []string{"DeleteLogin/77"}},
		{shows: "that of the user before goes before the next is made", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, logins: []v1alpha1.MemberLogin{others}, want: []string{"DeleteLogin/78"}},
		{shows: "one of two goes", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, logins: []v1alpha1.MemberLogin{made, others}, want: []string{"DeleteLogin/78"}},
		{shows: "one in doubt is settled, not asked for again", asks: "hq", rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, logins: []v1alpha1.MemberLogin{asked}, want: []string{"ResolveLogin/0"}},
		{shows: "one in doubt is settled also when nobody wants it", logins: []v1alpha1.MemberLogin{asked}, want: []string{"ResolveLogin/0"}},
		{shows: "nothing while the connection is not Ready", asks: "hq", notReady: true, logins: []v1alpha1.MemberLogin{made}},
		{shows: "nothing in Observe", asks: "hq", mode: v1alpha1.ModeObserve, rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}},
		{shows: "nothing in Paused", asks: "hq", mode: v1alpha1.ModePaused, logins: []v1alpha1.MemberLogin{made}},
		{shows: "GrantOnly takes none back", asks: "hq", mode: v1alpha1.ModeGrantOnly, logins: []v1alpha1.MemberLogin{made}},
		{shows: "GrantOnly makes one", asks: "hq", mode: v1alpha1.ModeGrantOnly, rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, want: []string{"CreateLogin/0"}},
		{shows: "GrantOnly replaces one that is lost", asks: "hq", mode: v1alpha1.ModeGrantOnly, lost: true, rows: []v1alpha1.MemberGrant{row(v1alpha1.GrantActive, user)}, logins: []v1alpha1.MemberLogin{made}, want: []string{"DeleteLogin/77"}},
	}
	for _, test := range tests {
		t.Run(test.shows, func(t *testing.T) {
			ledger := Ledger{Grants: test.rows, Logins: test.logins}
			if !test.noAccount {
				ledger.SetAccount(v1alpha1.MemberAccount{Connection: "hq", OrganizationID: organization, UserID: user})
			}
			connections := map[v1alpha1.KisiID]Connection{organization: {Name: "hq", Ready: !test.notReady, Mode: test.mode}}
			terms := map[v1alpha1.KisiID]LoginTerms{organization: {Connection: test.asks}}
			var got []string
			for _, o := range Logins(ledger, now, connections, terms, func(v1alpha1.MemberLogin) bool { return !test.lost }) {
				got = append(got, fmt.Sprintf("%s/%d", o.Kind, o.Login.LoginID))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestALoginIsAsUrgentAsTheWindowThatItServes(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	ledger := Ledger{}
	ledger.SetAccount(v1alpha1.MemberAccount{Connection: "hq", OrganizationID: 1, UserID: 2})
	urgency := func() Urgency {
		operations := Logins(ledger, now, map[v1alpha1.KisiID]Connection{1: {Ready: true}}, map[v1alpha1.KisiID]LoginTerms{1: {Connection: "hq"}}, nil)
		return operations[0].Urgency
	}
	ledger.Grants = []v1alpha1.MemberGrant{{OrganizationID: 1, UserID: 2, State: v1alpha1.GrantActive}}
	if urgency() != New {
		t.Errorf("for good: %v", urgency())
	}
	ledger.Grants = append(ledger.Grants, v1alpha1.MemberGrant{OrganizationID: 1, UserID: 2, State: v1alpha1.GrantActive, ValidUntil: &metav1.Time{Time: now.Add(time.Hour)}})
	if urgency() != Urgent {
		t.Errorf("for a booking that is open: %v", urgency())
	}
}

func TestALoginIsHandedOverAndHeldByOneMemberOnly(t *testing.T) {
	login := v1alpha1.MemberLogin{Connection: "hq", OrganizationID: 1, UserID: 2, LoginID: 3, SecretName: "p-hq-kisi-login"}
	giver, receiver := Ledger{Logins: []v1alpha1.MemberLogin{login}}, Ledger{}
	if giver.Empty() {
		t.Error("a Member with a login is let go")
	}
	if !Take(&receiver, giver, "ana@example.com") || !receiver.HasLogin(login) || Take(&receiver, giver, "ana@example.com") {
		t.Errorf("taken: %v", receiver.Logins)
	}
	operation := Operation{Kind: DeleteLogin, Login: login}
	if !HeldElsewhere(operation, giver) {
		t.Error("acted on while the giver has it")
	}
	receiver.Logins[0].SecretName = "ana-hq-kisi-login"
	if !Release(&giver, receiver, "ana@example.com") || !giver.Empty() || HeldElsewhere(operation, giver) {
		t.Errorf("not released: %v", giver.Logins)
	}
}
