package health

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func conditions(pairs ...string) (all []metav1.Condition) {
	for _, pair := range pairs {
		kind, rest, _ := strings.Cut(pair, "=")
		status, reason, _ := strings.Cut(rest, " ")
		all = append(all, metav1.Condition{Type: kind, Status: metav1.ConditionStatus(status), Reason: reason, Message: "because of " + reason})
	}
	return all
}

func connection(pairs ...string) *v1alpha1.KisiConnection {
	c := &v1alpha1.KisiConnection{}
	c.Name, c.Namespace, c.Spec.RequestsPerSecond = "hq", "cowork", 5
	c.Spec.ResyncInterval = &metav1.Duration{Duration: 6 * time.Hour}
	c.Status.Conditions = conditions(pairs...)
	return c
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	restricted := &v1alpha1.KisiGroup{}
	restricted.Name, restricted.Status.Conditions = "gym", conditions("Ready=True Bound", "PartnerAppCompatible=False RestrictionsInTheWay")
	refused := func(n int, reason string) (all []*v1alpha1.Member) {
		for i := range n {
			m := &v1alpha1.Member{}
			m.Name, m.Status.Conditions = fmt.Sprint("m", i), conditions("Ready=False "+reason)
			all = append(all, m)
		}
		return all
	}
	loginless := &v1alpha1.Member{}
	loginless.Name, loginless.Status.Conditions = "ana", conditions("Ready=True Granted", "LoginReady=False LoginRefused")
	old := connection("Ready=True Connected")
	old.Status.LastSyncTime = &metav1.Time{Time: now.Add(-13 * time.Hour)}
	busy := connection("Ready=True Connected")
	busy.Status.Counts = &v1alpha1.ConnectionCounts{PendingGrants: 301}
	for _, test := range []struct {
		name   string
		set    objects.Set
		server time.Time
		want   string // severity check
		says   string
	}{
		{"nothing there", objects.Set{}, now, "Broken Key", "there is no KisiConnection"},
		{"not looked at", objects.Set{Connections: []*v1alpha1.KisiConnection{connection()}}, now, "Broken Operator", "--namespaces"},
		{"a dead key", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=False Unauthorized", "Authenticated=False Unauthorized")}}, now, "Broken Key", "make a new API key"},
		{"too small a role", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=False InsufficientRole", "Authorized=False InsufficientRole")}}, now, "Broken Role", "organization administrator"},
		{"not the owner", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected", "OwnerKey=False KeyOwnerIsNotOrganizationOwner")}}, now, "Advice Owner", "owner's key"},
		{"out of reach", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=False Unreachable")}}, now, "Broken Connection", "429"},
		{"no audit trail", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected", "Synced=True WithoutAuditTrail")}}, now, "Advice Reads", "read events"},
		{"no webhook", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected", "WebhookReady=False NotServed")}}, now, "Advice Webhook", "--webhook-bind-address"},
		{"an old read", objects.Set{Connections: []*v1alpha1.KisiConnection{old}}, now, "Advice Reads", "13h0m0s ago"},
		{"a long queue", objects.Set{Connections: []*v1alpha1.KisiConnection{busy}}, now, "Advice Throttling", "301 changes wait"},
		{"restrictions", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected")}, Groups: []*v1alpha1.KisiGroup{restricted}}, now, "Advice Restrictions", "because of RestrictionsInTheWay"},
		{"seats", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected")}, Members: refused(3, "KisiLimitReached")}, now, "Broken Limits", "API logins"},
		{"logins", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected")}, Members: []*v1alpha1.Member{loginless}}, now, "Broken Logins", "LoginRefused"},
		{"a wrong clock", objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected")}}, now.Add(-time.Minute), "Advice Clock", "1m0s apart"},
	} {
		e := Examine(test.set.Index(), now, test.server)
		found := false
		for _, f := range e.Findings {
			found = found || string(f.Severity)+" "+f.Check == test.want && strings.Contains(f.Text+f.WayOut, test.says)
			if f.Severity != Fine && f.WayOut == "" {
				t.Errorf("%s: no way out of %+v", test.name, f)
			}
		}
		if !found {
			t.Errorf("%s: %+v", test.name, e.Findings)
		}
	}
	well := objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected", "Authenticated=True Authenticated", "Synced=True Synced")}}
	if e := Examine(well.Index(), now, now); e.Worst() != Fine || len(e.Findings) != 2 {
		t.Errorf("all is well: %+v", e.Findings)
	}
}

func TestStatusTellsOfManyAsOfOne(t *testing.T) {
	set := objects.Set{Namespace: "cowork", Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected")}}
	for i := range 7 {
		m := &v1alpha1.Member{}
		m.Name, m.Status.Conditions = fmt.Sprint("m", i), conditions("Ready=False GroupNotFound")
		set.Members = append(set.Members, m)
	}
	r := Status(set.Index(), now)
	if len(r.Problems) != 1 || r.Problems[0].Object != "7 Members" || r.Problems[0].Next == nil {
		t.Errorf("%+v", r.Problems)
	}
}

// The operator writes its counts seconds after a grant; whoever has just let somebody in would be told that nobody is.
func TestStatusCountsTheLedgers(t *testing.T) {
	c := connection("Ready=True Connected")
	c.Status.Organization = &v1alpha1.ConnectedOrganization{ID: 7}
	c.Status.Counts = &v1alpha1.ConnectionCounts{PendingGrants: 3}
	m := &v1alpha1.Member{}
	for _, state := range []v1alpha1.GrantState{v1alpha1.GrantActive, v1alpha1.GrantScheduled, v1alpha1.GrantHeld, v1alpha1.GrantRevoking, v1alpha1.GrantPending, v1alpha1.GrantEnded} {
		m.Status.Grants = append(m.Status.Grants, v1alpha1.MemberGrant{State: state, OrganizationID: 7}, v1alpha1.MemberGrant{State: state, OrganizationID: 8})
	}
	set := objects.Set{Connections: []*v1alpha1.KisiConnection{c}, Members: []*v1alpha1.Member{m}}
	if counts := Status(set.Index(), now).Connections[0].Counts; counts.Grants != 4 || counts.PendingGrants != 3 {
		t.Errorf("%+v", counts)
	}
	set.Unreadable = map[string]error{entitlement.KindMember: errors.New("forbidden")}
	if counts := Status(set.Index(), now).Connections[0].Counts; counts.Grants != 0 {
		t.Errorf("without a look at the Members: %+v", counts)
	}
}

// Whoever asks the doctor first is told that the trouble may be elsewhere.
func TestDoctorCountsWhatItDoesNotLookAt(t *testing.T) {
	lost := &v1alpha1.BookingGrant{}
	lost.Name, lost.Status.Conditions = "b1", conditions("Ready=False PlaceNotFound")
	unbound := &v1alpha1.KisiGroup{}
	unbound.Name, unbound.Status.Conditions = "gym", conditions("Ready=False GroupNotFound")
	set := objects.Set{Connections: []*v1alpha1.KisiConnection{connection("Ready=True Connected")}, Groups: []*v1alpha1.KisiGroup{unbound}, Bookings: []*v1alpha1.BookingGrant{lost}}
	if e := Examine(set.Index(), now, now); e.Problems != 1 {
		t.Errorf("%d problems besides %+v", e.Problems, e.Findings)
	}
}
