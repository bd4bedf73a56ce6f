package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

const boardroom = `
kind: PlaceMapping
metadata: {name: boardroom}
spec:
  kind: Room
  externalID: room-1
  bookings:
    groupRefs: [{name: boardroom}]
    leadTime: 0s
    lagTime: 0s
    nonMembers: Allow
`

var _ = Describe("A booking", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
	})

	It("lets organizer and attendees in during its window and not outside it", Label("S13", "S14"), func() {
		t.apply(`
kind: BookingGrant
metadata: {name: b1}
spec:
  placeRef: {name: boardroom}
  organizer: {email: Ana@Example.com, fullName: Ana Pop}
  attendees: [{email: gil@example.com, fullName: Gil}]
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
`)
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, "b1", "True", "Granted")
		Expect(booking.Status.State).To(Equal(v1alpha1.BookingPhaseActive))
		Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 2, Granted: 2}))
		for _, email := range []string{"ana@example.com", "gil@example.com"} {
			Expect(t.opens(email, "Boardroom", 0)).To(BeTrue(), "%s now", email)
			Expect(t.opens(email, "Boardroom", 59*time.Minute)).To(BeTrue(), "%s just before the end", email)
			Expect(t.opens(email, "Boardroom", time.Hour+time.Second)).To(BeFalse(), "%s after the end", email)
			Expect(t.opens(email, "Uptown Door", 0)).To(BeFalse(), "%s at another door", email)
		}
		Expect(t.writes()).To(ConsistOf("POST /users", "POST /users", "POST /role_assignments", "POST /role_assignments"))

		member := get(Default, t, access.ImplicitName("ana@example.com"), &v1alpha1.Member{})
		Expect(member.Labels).To(HaveKeyWithValue(v1alpha1.ImplicitLabel, "true"))
		Expect(member.Status.Grants).To(HaveLen(1))
		Expect(member.Status.Grants[0].Sources).To(Equal([]string{"BookingGrant/b1"}))
		Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantActive))
		Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountCreated))
	})

	It("takes access back when it is canceled, and when it is deleted", func() {
		t.apply(`
kind: BookingGrant
metadata: {name: b1}
spec:
  placeRef: {name: boardroom}
  organizer: {email: ana@example.com}
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
---
kind: BookingGrant
metadata: {name: b2}
spec:
  placeRef: {kind: Room, externalID: room-1}
  organizer: {email: gil@example.com}
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
`)
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")

		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Canceled")
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse())

		t.delete(&v1alpha1.BookingGrant{}, "b2")
		Eventually(func() bool { return t.opens("gil@example.com", "Boardroom", 0) }).Should(BeFalse())
		Eventually(func() error {
			return admin.Get(t.ctx, t.key(access.ImplicitName("gil@example.com")), &v1alpha1.Member{})
		}).Should(MatchError(ContainSubstring("not found")), "nothing names Gil any more")
		Expect(t.kisi.Assignments("Members")).To(HaveLen(1), "what an admin granted by hand stays")
	})
})
