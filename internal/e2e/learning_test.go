package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// learned is what the connection says that it has learned of Kisi.
func (t *tenant) learned(g Gomega) v1alpha1.APIBehaviour {
	connection := get(g, t, "default", &v1alpha1.KisiConnection{})
	g.Expect(connection.Status.API).NotTo(BeNil())
	return *connection.Status.API
}

var _ = Describe("What is learned of Kisi", Label("K7"), func() {
	booked := func(ctx SpecContext, switches ...string) *tenant {
		GinkgoHelper()
		t := newTenant(ctx, switches...)
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-30m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.kisi.ResetRequests()
		return t
	}

	DescribeTable("is not learned from a refusal that may mean something else", func(ctx SpecContext, fault simulator.Fault) {
		t := booked(ctx, "duplicates=AlwaysNew")
		fault.Method, fault.Path, fault.Count = "POST", "/role_assignments", 1
		t.fault(fault)
		t.apply(bookingOf("b1", "-30m", "70m"))
		t.settledOn(t.bookedWindows())
		Eventually(func(g Gomega) { g.Expect(t.learned(g).OverlappingAssignments).To(Equal(v1alpha1.OverlapAccepted)) }).Should(Succeed(), "the connection says it later than the booking")
	},
		Entry("of the window", simulator.Fault{Kind: simulator.FaultStatus, Status: 422, Body: `{"errors":{"valid_until":["is invalid"]}}`}),
		Entry("that says nothing", simulator.Fault{Kind: simulator.FaultStatus, Status: 422, Body: `{}`}),
		Entry("of something else", simulator.Fault{Kind: simulator.FaultStatus, Status: 422, Body: `{"errors":{"base":["Please try again"]}}`}),
	)

	It("is not learned from one window that Kisi does not take", func(ctx SpecContext) {
		t := booked(ctx, "duplicates=AlwaysConflict", "windowUpdate=Accepted")
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 422, Body: `{"errors":{"valid_until":["is invalid"]}}`, Method: "PATCH", Path: oneAssignment, Count: 1})
		t.apply(bookingOf("b1", "-30m", "70m"))
		t.settledOn(t.bookedWindows())
		Eventually(func(g Gomega) { g.Expect(t.learned(g).WindowUpdate).To(Equal(v1alpha1.WindowUpdateAccepted)) }).Should(Succeed(), "the connection says it later than the booking")
		for _, write := range t.writes() {
			Expect(write).NotTo(HavePrefix("DELETE"), "nobody is locked out for it: %v", t.writes())
		}
	})

	for _, switches := range [][]string{{"duplicates=AlwaysConflict", "windowUpdate=Invalid"}, {"duplicates=Invalid", "windowUpdate=IgnoredWith204"}, {"duplicates=Invalid", "windowUpdate=Invalid"}} {
		It("is doubted with a new key and after a day "+switches[0]+" "+switches[1], func(ctx SpecContext) {
			t := booked(ctx, switches...)
			t.apply(bookingOf("b1", "-30m", "70m"))
			t.settledOn(t.bookedWindows())
			learned := func(overlap v1alpha1.OverlapBehaviour, update v1alpha1.WindowUpdateBehaviour) {
				GinkgoHelper()
				Eventually(func(g Gomega) {
					api := t.learned(g)
					g.Expect(api.OverlappingAssignments).To(Equal(overlap))
					g.Expect(api.WindowUpdate).To(Equal(update))
				}).Should(Succeed())
			}
			learned(v1alpha1.OverlapRejected, v1alpha1.WindowUpdateIgnored)

			By("a new key")
			t.newKey("olga@acme.example", "another-key-0123456789")
			t.secret("kisi", "apiKey", "another-key-0123456789")
			learned(v1alpha1.OverlapUnknown, v1alpha1.WindowUpdateUnknown)
			Expect(t.kisi.SetSwitch("duplicates", "AlwaysNew")).To(Succeed())
			t.apply(bookingOf("b1", "-30m", "80m"))
			t.settledOn(t.bookedWindows())
			learned(v1alpha1.OverlapAccepted, v1alpha1.WindowUpdateUnknown)

			By("a day")
			t.stop()
			connection := get(Default, t, "default", &v1alpha1.KisiConnection{})
			connection.Status.API = &v1alpha1.APIBehaviour{
				OverlappingAssignments: v1alpha1.OverlapRejected, WindowUpdate: v1alpha1.WindowUpdateIgnored,
				RefusedTime: &metav1.Time{Time: time.Now().Add(-25 * time.Hour).UTC().Truncate(time.Second)},
			}
			Expect(admin.Status().Update(t.ctx, connection)).To(Succeed())
			t.start()
			learned(v1alpha1.OverlapUnknown, v1alpha1.WindowUpdateUnknown)
			t.kisi.ResetRequests()
			t.apply(bookingOf("b1", "-30m", "90m"))
			t.settledOn(t.bookedWindows())
			Expect(t.writes()).To(HaveExactElements("POST /role_assignments", HavePrefix("DELETE /role_assignments/")), "the new one first, again")
		})
	}
})
