package entitlement_test

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func TestCausesNameTheWayFromASourceToTheGroup(t *testing.T) {
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	ana := &v1alpha1.Member{ObjectMeta: named("ana"), Spec: v1alpha1.MemberSpec{Email: "ana@example.com", Teams: []v1alpha1.Team{"yoga"}}}
	person := v1alpha1.Person{Email: "Ana@example.com"}
	lab, gym := []v1alpha1.GroupReference{{Name: "lab"}}, []v1alpha1.GroupReference{{Name: "gym"}}
	w := &world{
		members: []*v1alpha1.Member{ana},
		places: []*v1alpha1.PlaceMapping{{ObjectMeta: named("boardroom"), Spec: v1alpha1.PlaceMappingSpec{
			Bookings: &v1alpha1.PlaceBookings{GroupRefs: lab},
		}}},
		plans: []*v1alpha1.AccessPlan{{ObjectMeta: named("gold"), Spec: v1alpha1.AccessPlanSpec{GroupRefs: gym}}},
		bookings: []*v1alpha1.BookingGrant{
			{ObjectMeta: named("placed"), Spec: v1alpha1.BookingGrantSpec{Organizer: person, PlaceRef: &v1alpha1.PlaceReference{Name: "boardroom"}}},
			{ObjectMeta: named("direct"), Spec: v1alpha1.BookingGrantSpec{Organizer: person, GroupRefs: lab}},
		},
		subscriptions: []*v1alpha1.AccessSubscription{
			{ObjectMeta: named("planned"), Spec: v1alpha1.AccessSubscriptionSpec{Subject: v1alpha1.Subject{Email: "ana@example.com"}, PlanRef: &v1alpha1.PlanReference{Name: "gold"}}},
			{ObjectMeta: named("team"), Spec: v1alpha1.AccessSubscriptionSpec{Subject: v1alpha1.Subject{Team: "yoga"}, PlanRef: &v1alpha1.PlanReference{Name: "gold"}, PlaceRef: &v1alpha1.PlaceReference{Name: "boardroom"}}},
		},
	}
	for _, test := range []struct {
		source string
		group  v1alpha1.ObjectName
		want   []string
	}{
		{"Member/ana", "lab", []string{"Member/ana", "KisiGroup/lab"}},
		{"BookingGrant/placed", "lab", []string{"BookingGrant/placed", "PlaceMapping/boardroom", "KisiGroup/lab"}},
		{"BookingGrant/direct", "lab", []string{"BookingGrant/direct", "KisiGroup/lab"}},
		{"BookingGrant/gone", "lab", []string{"BookingGrant/gone", "KisiGroup/lab"}},
		{"AccessSubscription/planned", "gym", []string{"AccessSubscription/planned", "AccessPlan/gold", "KisiGroup/gym"}},
		{"AccessSubscription/team", "gym", []string{"AccessSubscription/team", "AccessPlan/gold", "KisiGroup/gym"}},
		{"AccessSubscription/team", "lab", []string{"AccessSubscription/team", "PlaceMapping/boardroom", "KisiGroup/lab"}},
		{"PlaceMapping/boardroom", "lab", []string{"PlaceMapping/boardroom", "KisiGroup/lab"}},
	} {
		t.Run(fmt.Sprintf("%s, %s", test.source, test.group), func(t *testing.T) {
			causes, err := entitlement.Causes(w, ana, []string{test.source}, test.group)
			if err != nil || len(causes) != 1 || !slices.Equal(causes[0], test.want) {
				t.Errorf("got %v, %v, want %v", causes, err, test.want)
			}
		})
	}
}
