package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("A venue's plan", func() {
	mailsTo := func(t *tenant, email string) int {
		count := 0
		for _, mail := range t.kisi.Mails() {
			if mail.To == email {
				count++
			}
		}
		return count
	}

	It("brings Kisi's invitation with the first access, no earlier than grantAhead, and nothing while it is an offer", Label("P5"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture("grantAhead: 3s")
		t.apply(plans)
		t.kisi.ResetRequests()
		t.apply(subscriptionOf("offer", "hot-desk", "{email: eli@example.com}", "state: Pending"))
		t.apply(subscriptionOf("later", "hot-desk", "{email: fritz@example.com}", `startTime: '{{time "8s"}}'`))
		offer, later := &v1alpha1.AccessSubscription{}, &v1alpha1.AccessSubscription{}
		t.eventually(offer, "offer", "True", "Pending")
		t.eventually(later, "later", "True", "Scheduled")
		t.quiet()
		Expect(t.writes()).To(BeEmpty(), "no user, no row, no mail")

		Eventually(func() int { return mailsTo(t, "fritz@example.com") }).Should(BeNumerically(">", 0))
		Expect(time.Now()).To(BeTemporally(">=", later.Spec.StartTime.Add(-3*time.Second)), "at most grantAhead before it starts")
		Expect(t.opens("fritz@example.com", "Entrance", -time.Since(later.Spec.StartTime.Time)-time.Second)).To(BeFalse())
		t.eventually(later, "later", "True", "Granted")
		Expect(t.opens("fritz@example.com", "Entrance", 0)).To(BeTrue())
		Expect(t.bodies("POST", "/users", "user")).To(HaveExactElements(HaveKeyWithValue("send_emails", true)))
		Expect(t.bodies("POST", "/role_assignments", "role_assignment")).To(HaveExactElements(HaveKeyWithValue("notify", true)))
		invited := mailsTo(t, "fritz@example.com")

		t.apply(subscriptionOf("more", "premium", "{email: fritz@example.com}"))
		Eventually(func() bool { return t.opens("fritz@example.com", "Uptown Door", 0) }).Should(BeTrue())
		Expect(mailsTo(t, "fritz@example.com")).To(Equal(invited), "only the first access is announced")

		edit(t, "offer", offer, func(s *v1alpha1.AccessSubscription) { s.Spec.State = v1alpha1.SubscriptionActive })
		t.eventually(offer, "offer", "True", "Granted")
		Expect(mailsTo(t, "eli@example.com")).To(BeNumerically(">", 0), "when it is accepted")
	})
})
