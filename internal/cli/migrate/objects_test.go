package migrate

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func in(hours int) *time.Time {
	t := now.Add(time.Duration(hours) * time.Hour)
	return &t
}

func assignment(id, user, group int64, from, until *time.Time) kisi.RoleAssignment {
	return kisi.RoleAssignment{ID: id, RoleID: kisi.RoleGroupBasic, AssigneeType: kisi.TypeUser, AssigneeID: user, AppliesToType: kisi.TypeGroup, AppliesToID: group, ValidFrom: from, ValidUntil: until}
}

func written(t *testing.T, o *Organization) (*Result, string) {
	t.Helper()
	o.Organization.ID, o.Organization.Name = 3289, "Acme"
	r := Objects(context.Background(), o, Settings{Connection: "default", Secret: "kisi", SecretKey: "apiKey", Endpoint: v1alpha1.DefaultEndpoint, Now: now})
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		all.WriteString("== " + file.Name + "\n" + string(file.Content))
	}
	return r, all.String()
}

func TestPeopleGetTheTimesThatTheyHave(t *testing.T) {
	r, text := written(t, &Organization{
		Groups: []kisi.Group{{ID: 1, Name: "Members"}, {ID: 2, Name: "Members"}, {ID: 3, Name: "Gold", Description: "[kisi-operator x/gold 1]"}},
		Users: []kisi.User{
			{ID: 11, Email: "ana@example.com", Name: "Ana", AccessEnabled: true}, {ID: 12, Email: "ana@example.org", Name: "ana@example.org", AccessEnabled: true},
			{ID: 13, Email: "off@example.com", AccessEnabled: false}, {ID: 14, Email: "no address", AccessEnabled: true},
		},
		Assignments: []kisi.RoleAssignment{
			assignment(101, 11, 1, in(-9), in(1)), assignment(102, 11, 1, in(1), in(5)), // touching: one
			assignment(103, 11, 1, in(8), in(9)), assignment(104, 11, 1, in(-5), in(-1)), // another time, and one that is over
			assignment(105, 11, 2, nil, nil), assignment(106, 12, 3, nil, nil),
			{ID: 107, RoleID: kisi.RoleGroupBasic, AssigneeType: kisi.TypeTeam, AssigneeID: 5, Assignee: kisi.Reference{Name: "Night # shift\nkind: Secret"}, AppliesToID: 1},
		},
	})
	if len(r.Groups) != 2 || r.Groups[1].Object.GetName() != "members-2" {
		t.Errorf("groups: %+v", r.Groups)
	}
	ana := r.Members[0].Object.(*v1alpha1.Member)
	if refs := ana.Spec.GroupRefs; len(refs) != 2 || refs[0].StartTime != nil || !refs[0].EndTime.Time.Equal(*in(5)) || refs[1].StartTime != nil || refs[1].EndTime != nil {
		t.Errorf("Ana: %+v", refs)
	}
	if len(r.Subscriptions) != 1 || !r.Subscriptions[0].Object.(*v1alpha1.AccessSubscription).Spec.StartTime.Time.Equal(*in(8)) {
		t.Errorf("her other time: %+v", r.Subscriptions)
	}
	if other := r.Members[1].Object.(*v1alpha1.Member); other.Name != "ana-12" || other.Spec.FullName != "" || len(other.Spec.GroupRefs) != 0 {
		t.Errorf("the other Ana: %+v", other)
	}
	if off := r.Members[2]; !strings.Contains(off.Comment, "stays out") {
		t.Errorf("who is suspended: %+v", off)
	}
	if len(r.LeftOut) != 1 || !strings.Contains(r.LeftOut[0], "spec.email") {
		t.Errorf("left out: %q", r.LeftOut)
	}
	if len(r.Stays) != 2 || !slices.ContainsFunc(r.Stays, func(s string) bool { return strings.Contains(s, "made by an operator") }) {
		t.Errorf("stays: %q", r.Stays)
	}
	for _, want := range []string{"mode: Observe", "organizationID: 3289", "atBinding: TakeOver", "- 10-groups.yaml"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\nkind: Secret") {
		t.Error("a name ends a line of the files")
	}
}

func TestNamesAreThoseOfObjects(t *testing.T) {
	r := &Result{names: map[string]bool{}}
	for called, want := range map[string]string{
		"Hot Desk": "hot-desk", "  Éclair & Co. ": "clair-co", "北": "n7", "42": "42", strings.Repeat("long ", 20): "long-long-long-long-long-long-long-long",
	} {
		if got := r.name("KisiGroup", called, 7); got != want {
			t.Errorf("%q: %s, not %s", called, got, want)
		}
	}
	if got := r.name("KisiGroup", "hot desk", 8); got != "hot-desk-8" {
		t.Error(got)
	}
}
