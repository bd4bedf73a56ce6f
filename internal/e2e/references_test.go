package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("A reference by externalID", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(plans)
		t.apply(`
kind: PlaceMapping
metadata: {name: office}
spec: {kind: Office, externalID: "1", access: [{groupRefs: [{name: boardroom}]}]}
---
kind: PlaceMapping
metadata: {name: floor}
spec: {kind: Floor, externalID: "1", access: [{groupRefs: [{name: uptown}]}]}
---
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, externalID: "77", places: [{placeRef: {kind: Floor, externalID: "1"}}]}
---
kind: AccessSubscription
metadata: {name: s1}
spec:
  planRef: {externalID: plan_9}
  placeRef: {kind: Office, externalID: "1"}
  subject: {memberRef: {externalID: "77"}}
`)
		t.eventually(&v1alpha1.AccessSubscription{}, "s1", "True", "Granted")
		t.granted("ana")
	})

	// in lists the groups in Kisi that let Ana in.
	in := func() (groups []string) {
		for _, group := range []string{"Members", "Boardroom", "Uptown"} {
			if len(t.rows("ana@example.com", group)) > 0 {
				groups = append(groups, group)
			}
		}
		return groups
	}

	// frozen says that the objects contradict themselves until the function given is called, and that nothing changes for Ana.
	frozen := func(heal func(), said func()) {
		GinkgoHelper()
		before := t.writes()
		said()
		t.quiet()
		Expect(t.writes()).To(Equal(before))
		Expect(in()).To(ConsistOf("Members", "Boardroom", "Uptown"))
		heal()
		t.eventually(&v1alpha1.AccessSubscription{}, "s1", "True", "Granted")
		t.granted("ana")
		Expect(t.writes()).To(Equal(before))
	}
	ambiguous := func(words ...string) {
		GinkgoHelper()
		s := &v1alpha1.AccessSubscription{}
		t.notReady(s, "s1", v1alpha1.ReasonAmbiguousReference, words...)
		Expect(isStalled(s)).To(BeTrue())
	}

	It("finds plan, place and Member, the place by its kind, too", Label("O1", "O4", "P2"), func() {
		Expect(in()).To(ConsistOf("Members", "Boardroom", "Uptown"))
		member := t.member(Default, "ana")
		sources := map[v1alpha1.ObjectName][]string{}
		for _, row := range member.Status.Grants {
			sources[row.Group] = row.Sources
		}
		Expect(sources).To(Equal(map[v1alpha1.ObjectName][]string{
			"members": {"AccessSubscription/s1"}, "boardroom": {"AccessSubscription/s1"}, "uptown": {"PlaceMapping/floor"},
		}))
	})

	It("that fits two plans freezes what they gave", func() {
		t.apply("kind: AccessPlan\nmetadata: {name: twin}\nspec: {externalID: plan_9, groupRefs: [{name: uptown}]}")
		frozen(func() { t.delete(&v1alpha1.AccessPlan{}, "twin") }, func() { ambiguous("planRef", `"plan_9"`, "hot-desk", "twin") })
	})

	It("that fits two places freezes what they gave, to subscriptions and to Members", func() {
		t.apply("kind: PlaceMapping\nmetadata: {name: twin}\nspec: {kind: Office, externalID: '1'}\n---\n" +
			"kind: PlaceMapping\nmetadata: {name: ground}\nspec: {kind: Floor, externalID: '1'}")
		frozen(func() {
			t.delete(&v1alpha1.PlaceMapping{}, "twin")
			t.delete(&v1alpha1.PlaceMapping{}, "ground")
		}, func() {
			ambiguous("placeRef", "Office", "office", "twin")
			member := &v1alpha1.Member{}
			t.notReady(member, "ana", v1alpha1.ReasonAmbiguousReference, "places[0].placeRef", "Floor", "floor", "ground")
			Expect(isStalled(member)).To(BeTrue())
		})
	})

	It("that fits two people freezes what it gave; two Members of one person are one", func() {
		t.apply("kind: Member\nmetadata: {name: same}\nspec: {email: ANA@example.com, externalID: '77'}")
		t.eventually(&v1alpha1.Member{}, "same", "False", "DuplicateEmail")
		t.stays(&v1alpha1.AccessSubscription{}, "s1", "True Granted")
		t.delete(&v1alpha1.Member{}, "same")
		t.apply("kind: Member\nmetadata: {name: other}\nspec: {email: other@example.com, externalID: '77'}")
		frozen(func() { t.delete(&v1alpha1.Member{}, "other") }, func() {
			ambiguous("subject.memberRef", `"77"`, "ana", "other")
			Expect(t.opens("other@example.com", "Entrance", 0)).To(BeFalse())
		})
	})

	It("follows the id when it moves to another object", func() {
		edit(t, "hot-desk", &v1alpha1.AccessPlan{}, func(p *v1alpha1.AccessPlan) { p.Spec.ExternalID = "plan_8" })
		t.notReady(&v1alpha1.AccessSubscription{}, "s1", v1alpha1.ReasonPlanNotFound, "planRef", `"plan_9"`)
		Eventually(in).Should(ConsistOf("Boardroom", "Uptown"))
		edit(t, "premium", &v1alpha1.AccessPlan{}, func(p *v1alpha1.AccessPlan) { p.Spec.ExternalID = "plan_9" })
		t.eventually(&v1alpha1.AccessSubscription{}, "s1", "True", "Granted")
		Expect(in()).To(ConsistOf("Members", "Boardroom", "Uptown"))

		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.ExternalID = "78" })
		t.notReady(&v1alpha1.AccessSubscription{}, "s1", v1alpha1.ReasonMemberNotFound, "subject.memberRef", `"77"`)
		Eventually(in).Should(ConsistOf("Uptown"))
		edit(t, "floor", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) { p.Spec.Kind = v1alpha1.PlaceKindLocation })
		t.notReady(&v1alpha1.Member{}, "ana", v1alpha1.ReasonPlaceNotFound, "places[0].placeRef", "Floor")
		Eventually(in).Should(BeEmpty())
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.ExternalID = "77"
			m.Spec.Places[0].PlaceRef.Kind = v1alpha1.PlaceKindLocation
		})
		t.eventually(&v1alpha1.AccessSubscription{}, "s1", "True", "Granted")
		t.granted("ana")
		Expect(in()).To(ConsistOf("Members", "Boardroom", "Uptown"))
	})

	It("of a plan that is missing leaves the subscription's own groups", Label("S8"), func() {
		edit(t, "s1", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) {
			s.Spec.PlanRef.ExternalID = "plan_0"
			s.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: "uptown"}}
		})
		t.notReady(&v1alpha1.AccessSubscription{}, "s1", v1alpha1.ReasonPlanNotFound, `"plan_0"`)
		Eventually(in).Should(ConsistOf("Boardroom", "Uptown"))
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Places = nil })
		t.quiet()
		Expect(in()).To(ConsistOf("Boardroom", "Uptown"), "the group that the subscription names itself stays")
	})

	It("with an audience that the place does not know gives nothing of the place", func() {
		edit(t, "s1", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.Audience = "staff" })
		t.notReady(&v1alpha1.AccessSubscription{}, "s1", v1alpha1.ReasonAudienceNotFound, `"office"`, `"staff"`)
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Places[0].Audience = "staff" })
		t.notReady(&v1alpha1.Member{}, "ana", v1alpha1.ReasonAudienceNotFound, `"floor"`, `"staff"`)
		Eventually(in).Should(ConsistOf("Members"))
		edit(t, "floor", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) { p.Spec.Access[0].Audience = "staff" })
		t.granted("ana")
		Expect(in()).To(ConsistOf("Members", "Uptown"))
	})
})
