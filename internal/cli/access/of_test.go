package access

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func in(hours int) *metav1.Time { return &metav1.Time{Time: now.Add(time.Duration(hours) * time.Hour)} }

// set is a namespace with one group, and one Member whose own reference gives it from hour 1 to 3.
func set(rows ...v1alpha1.MemberGrant) *objects.Set {
	connection := &v1alpha1.KisiConnection{ObjectMeta: metav1.ObjectMeta{Name: "hq"}}
	connection.Spec.Mode = v1alpha1.ModeEnforce
	connection.Status.Organization = &v1alpha1.ConnectedOrganization{ID: 3289}
	group := &v1alpha1.KisiGroup{ObjectMeta: metav1.ObjectMeta{Name: "members"}}
	group.Spec.ConnectionRef.Name = "hq"
	group.Spec.Existing = &v1alpha1.ExistingGroup{Name: "Members"}
	member := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Name: "ana"}}
	member.Spec.Email, member.Spec.State = "ana@example.com", v1alpha1.MemberActive
	member.Spec.GroupRefs = []v1alpha1.MemberGroupReference{{Name: "members", StartTime: in(1), EndTime: in(3)}}
	member.Status.Accounts = []v1alpha1.MemberAccount{{OrganizationID: 3289, Email: "ana@example.com", UserID: 7, Access: v1alpha1.AccountEnabled}}
	for _, row := range rows {
		row.Group, row.Connection, row.OrganizationID = "members", "hq", 3289
		member.Status.Grants = append(member.Status.Grants, row)
	}
	return &objects.Set{
		Namespace: "acme", Connections: []*v1alpha1.KisiConnection{connection}, Groups: []*v1alpha1.KisiGroup{group}, Members: []*v1alpha1.Member{member},
	}
}

func row(id int64, state v1alpha1.GrantState, from, until *metav1.Time) v1alpha1.MemberGrant {
	return v1alpha1.MemberGrant{RoleAssignmentID: v1alpha1.KisiID(id), State: state, ValidFrom: from, ValidUntil: until, Sources: []string{"Member/ana"}, SourceCount: 1}
}

func TestAnswers(t *testing.T) {
	suspended := set(row(0, v1alpha1.GrantWithheld, in(1), in(3)))
	suspended.Members[0].Status.Accounts[0].Access = v1alpha1.AccountSuspendedInKisi
	observing := set()
	observing.Connections[0].Spec.Mode = v1alpha1.ModeObserve
	for _, test := range []struct {
		name    string
		objects *objects.Set
		at      int // hours from now
		want    Answer
	}{
		{"before", set(row(9, v1alpha1.GrantScheduled, in(1), in(3))), 0, AnswerLater},
		{"within", set(row(9, v1alpha1.GrantScheduled, in(1), in(3))), 2, AnswerOpen},
		{"at its end", set(row(9, v1alpha1.GrantScheduled, in(1), in(3))), 3, AnswerNo},
		{"not written yet", set(), 2, AnswerExpected},
		{"never to be written", observing, 2, AnswerWaiting},
		{"blocked", set(row(0, v1alpha1.GrantBlocked, in(1), in(3))), 2, AnswerWaiting},
		{"by others", set(row(0, v1alpha1.GrantCovered, in(1), in(3))), 2, AnswerCovered},
		{"suspended in Kisi", suspended, 2, AnswerWithheld},
		{"held, longer than anything gives", set(row(9, v1alpha1.GrantHeld, in(-5), nil)), 5, AnswerStillOpen},
		{"longer than anything gives, beside what serves", set(row(9, v1alpha1.GrantScheduled, in(1), in(6)), row(8, v1alpha1.GrantScheduled, in(1), in(3))), 5, AnswerStillOpen},
		{"sooner than anything gives", set(row(9, v1alpha1.GrantActive, in(-1), in(3))), 0, AnswerStillOpen},
		{"ended", set(row(9, v1alpha1.GrantEnded, in(-5), in(-4))), 5, AnswerNo},
	} {
		q := Question{In: test.objects.Index(), Now: now, At: in(test.at).Time}
		report, err := q.Of("ana@example.com")
		if err != nil {
			t.Fatal(err)
		}
		got := AnswerNo
		for _, g := range report.Groups {
			got = g.Answer
			if g.Opens != g.Answer.Opens() {
				t.Errorf("%s: opens %v, %s", test.name, g.Opens, g.Answer)
			}
			if g.Answer == AnswerStillOpen && (len(g.Leftover) != 1 || g.Leftover[0].Next == nil || g.Leftover[0].RoleAssignmentID != 9) {
				t.Errorf("%s: what is left over, and what becomes of it? %+v", test.name, g.Leftover)
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, not %s", test.name, got, test.want)
		}
	}
}

// What a source gave before it contradicted itself stays as it is, and is told with the reason.
func TestWhatAContradictionLeaves(t *testing.T) {
	objects := set(v1alpha1.MemberGrant{RoleAssignmentID: 9, State: v1alpha1.GrantScheduled, ValidFrom: in(1), ValidUntil: in(8), Sources: []string{"AccessSubscription/s1"}, SourceCount: 1})
	for _, name := range []string{"a", "b"} {
		plan := &v1alpha1.AccessPlan{ObjectMeta: metav1.ObjectMeta{Name: name}}
		plan.Spec.ExternalID, plan.Spec.GroupRefs = "x", []v1alpha1.GroupReference{{Name: "members"}}
		objects.Plans = append(objects.Plans, plan)
	}
	subscription := &v1alpha1.AccessSubscription{ObjectMeta: metav1.ObjectMeta{Name: "s1"}}
	subscription.Spec.PlanRef, subscription.Spec.State = &v1alpha1.PlanReference{ExternalID: "x"}, v1alpha1.SubscriptionActive
	subscription.Spec.Subject.Email = "ana@example.com"
	subscription.Spec.StartTime, subscription.Spec.EndTime = in(1), in(8)
	objects.Subscriptions = append(objects.Subscriptions, subscription)
	report, err := Question{In: objects.Index(), Now: now, At: in(5).Time}.Of(entitlement.Fold("Ana@Example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if g := report.Groups[0]; g.Answer != AnswerStillOpen || len(g.Leftover) != 1 || !strings.Contains(g.Leftover[0].Next.Text, `AccessSubscription/s1 contradicts itself`) {
		t.Errorf("%+v", g)
	}
}

// Groups that were imported are bound by their ids, which no reader knows.
func TestAGroupBoundByItsIDIsCalledByItsName(t *testing.T) {
	objects := set(row(9, v1alpha1.GrantScheduled, in(1), in(3)))
	objects.Groups[0].Spec.Existing = &v1alpha1.ExistingGroup{ID: 45003}
	report, err := Question{In: objects.Index(), Now: now, At: now.Add(2 * time.Hour)}.Of("ana@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if doors := report.Doors; len(doors) != 1 || doors[0].Name != "members (45003)" {
		t.Errorf("%+v", doors)
	}
}
