package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// centers are two childcare centres, each with a place and a parents' group of its own in Kisi.
const centers = `
kind: PlaceMapping
metadata: {name: downtown}
spec:
  kind: Center
  externalID: "101"
  kisiPlace: {name: Downtown}
  access: [{audience: parents, groupRefs: [{name: boardroom}]}]
---
kind: PlaceMapping
metadata: {name: uptown}
spec:
  kind: Center
  externalID: "102"
  kisiPlace: {name: Uptown}
  access: [{audience: parents, groupRefs: [{name: uptown}]}]
`

var _ = Describe("A childcare", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(centers)
		t.kisi.ResetRequests()
	})

	It("maps each centre to a place in Kisi, and has its parents in its group as long as their contracts run", Label("K2", "K3"), func() {
		for center, place := range map[string]string{"downtown": "Downtown", "uptown": "Uptown"} {
			mapping := &v1alpha1.PlaceMapping{}
			t.eventually(mapping, center, "True", "Resolved")
			Expect(mapping.Status.KisiPlaceID).To(BeEquivalentTo(t.placeID(place)))
		}
		t.apply(`
kind: Member
metadata: {name: ana}
spec:
  email: ana@example.com
  places: [{placeRef: {kind: Center, externalID: "101"}, audience: parents, startTime: '{{time "-1h"}}', endTime: '{{time "2h"}}'}]
---
kind: Member
metadata: {name: ben}
spec:
  email: ben@example.com
  places: [{placeRef: {name: uptown}, audience: parents, startTime: '{{time "1h"}}'}]
---
kind: Member
metadata: {name: dev}
spec:
  email: dev@example.com
  places: [{placeRef: {name: downtown}, audience: parents, endTime: '{{time "-1h"}}'}]
`)
		ana := t.granted("ana")
		Expect(ana.Status.Grants).To(HaveLen(1))
		Expect(ana.Status.Grants[0].Sources).To(Equal([]string{"PlaceMapping/downtown"}))
		rows := t.rows("ana@example.com", "Boardroom")
		Expect(rows).To(HaveLen(1))
		Expect(*rows[0].ValidUntil).To(BeTemporally("==", ana.Spec.Places[0].EndTime.Time), "Kisi itself ends it")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.opens("ana@example.com", "Boardroom", 2*time.Hour+time.Second)).To(BeFalse())
		Expect(t.rows("ana@example.com", "Uptown")).To(BeEmpty(), "the other centre")

		ben := &v1alpha1.Member{}
		t.eventually(ben, "ben", "True", "Scheduled")
		Expect(*t.rows("ben@example.com", "Uptown")[0].ValidFrom).To(BeTemporally("==", ben.Spec.Places[0].StartTime.Time))
		Expect(t.opens("ben@example.com", "Uptown Door", 0)).To(BeFalse())

		t.eventually(&v1alpha1.Member{}, "dev", "True", "NoAccess")
		t.quiet()
		Expect(t.writes()).To(HaveLen(4), "two users with a row each; a contract that is over makes nobody a user")

		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Places[0].EndTime = timeIn(-time.Minute) })
		t.eventually(ana, "ana", "True", "NoAccess")
		Expect(t.rows("ana@example.com", "Boardroom")).To(BeEmpty(), "a contract cut short")
	})

	It("keeps out the parent of a child who is not enrolled yet, in that centre alone", Label("K6"), func() {
		t.apply(`
kind: Member
metadata: {name: ben}
spec:
  email: ben@example.com
  places:
    - {placeRef: {name: downtown}, audience: parents}
    - {placeRef: {name: uptown}, audience: parents, state: Pending}
---
kind: Member
metadata: {name: chloe}
spec:
  email: chloe@example.com
  state: Pending
  places: [{placeRef: {name: downtown}, audience: parents}]
---
kind: AccessSubscription
metadata: {name: enrolment-1}
spec:
  placeRef: {name: uptown}
  audience: parents
  subject: {email: eva@example.com}
  state: Pending
`)
		ben := t.granted("ben")
		Expect(ben.Status.Grants).To(HaveEach(HaveField("Group", BeEquivalentTo("boardroom"))))
		t.eventually(&v1alpha1.Member{}, "chloe", "True", "NotActive")
		enrolment := &v1alpha1.AccessSubscription{}
		t.eventually(enrolment, "enrolment-1", "True", "Pending")
		Expect(enrolment.Status.State).To(Equal(v1alpha1.SubscriptionPhasePending))
		t.quiet()
		Expect(t.opens("ben@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.kisi.Assignments("Uptown")).To(BeEmpty())
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}), "nobody else is known to Kisi")

		edit(t, "ben", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Places[1].State = v1alpha1.MemberPlaceActive })
		edit(t, "chloe", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberActive })
		edit(t, "enrolment-1", enrolment, func(s *v1alpha1.AccessSubscription) { s.Spec.State = v1alpha1.SubscriptionActive })
		t.eventually(enrolment, "enrolment-1", "True", "Granted")
		t.granted("chloe")
		Eventually(func() bool { return t.opens("ben@example.com", "Uptown Door", 0) }).Should(BeTrue())
		Expect(t.opens("chloe@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.opens("eva@example.com", "Uptown Door", 0)).To(BeTrue())
	})
})
