package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A KisiGroup of an existing group", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
	})

	// makeGroup makes a group in Kisi by hand, in a place or (empty) in the whole organization.
	makeGroup := func(name, place string) {
		GinkgoHelper()
		group := map[string]any{"name": name}
		if place != "" {
			group["place_id"] = t.placeID(place)
		}
		t.kisi.as("adam@acme.example", http.MethodPost, "/groups", map[string]any{"group": group})
	}

	group := func(name, spec string) string {
		return fmt.Sprintf("kind: KisiGroup\nmetadata: {name: %s}\nspec: %s", name, spec)
	}

	It("is bound by name, and knows its place and restrictions", func() {
		t.connect()
		t.apply(group("g", "{existing: {name: Boardroom}}"))
		g := &v1alpha1.KisiGroup{}
		t.eventually(g, "g", "True", "Bound")
		Expect(g.Status.KisiGroupID).To(BeEquivalentTo(t.groupID("Boardroom")))
		Expect(g.Status.PlaceID).To(BeEquivalentTo(t.placeID("Downtown")))
		Expect(g.Status.Restrictions.Reader).To(Equal(v1alpha1.RestrictionDisabled))
		Expect(t.writes()).To(BeEmpty())
	})

	It("is bound by id", func() {
		t.connect()
		t.apply(group("g", fmt.Sprintf("{existing: {id: %d}}", t.groupID("Uptown"))))
		t.eventually(&v1alpha1.KisiGroup{}, "g", "True", "Bound")
	})

	It("is bound by a name that only its place makes unique", func() {
		makeGroup("Boardroom", "Uptown")
		t.connect()
		t.apply(group("g", "{existing: {name: Boardroom, place: {name: Uptown}}}") + "\n---\n" +
			group("h", fmt.Sprintf("{existing: {name: Boardroom, place: {id: %d}}}", t.placeID("Downtown"))))
		g, h := &v1alpha1.KisiGroup{}, &v1alpha1.KisiGroup{}
		t.eventually(g, "g", "True", "Bound")
		t.eventually(h, "h", "True", "Bound")
		Expect(g.Status.PlaceID).To(BeEquivalentTo(t.placeID("Uptown")))
		Expect(h.Status.KisiGroupID).To(BeEquivalentTo(t.groupID("Boardroom")), "the one that was there before")
	})

	It("waits for a name that Kisi does not know, and for an id", func() {
		t.connect()
		t.apply(group("g", "{existing: {name: Annex}}") + "\n---\n" + group("h", "{existing: {id: 999999}}"))
		g := &v1alpha1.KisiGroup{}
		t.notReady(g, "g", v1alpha1.ReasonGroupNotFound, "spec.existing.name", `"Annex"`, "make the group")
		Expect(isStalled(g)).To(BeFalse())
		t.notReady(&v1alpha1.KisiGroup{}, "h", v1alpha1.ReasonGroupNotFound, "spec.existing.id", "999999")
		makeGroup("Annex", "")
		t.eventually(g, "g", "True", "Bound")
	})

	It("is not bound on a guess: two groups of one name", func() {
		makeGroup("Boardroom", "Uptown")
		t.connect()
		t.apply(group("g", "{existing: {name: Boardroom}}"))
		g := &v1alpha1.KisiGroup{}
		t.notReady(g, "g", v1alpha1.ReasonAmbiguousName, "spec.existing.name", "2 groups", `"Boardroom"`, "place", "id")
		Expect(isStalled(g)).To(BeTrue())
		Expect(g.Status.KisiGroupID).To(BeZero())
		t.apply(boardroom)
		t.apply(group("boardroom", "{existing: {name: Boardroom}}"))
		t.book("b1", "ana@example.com")
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonGroupNotFound, `"boardroom"`)
		Expect(t.writes()).To(BeEmpty())

		t.delete(&v1alpha1.KisiGroup{}, "boardroom") // or it may be the first to look again, and be the one that is bound
		t.gone(&v1alpha1.KisiGroup{}, "boardroom")
		t.kisi.act(simulator.Action{Action: simulator.ActionDeletePlace, Place: "Uptown"})
		annotate(t, "g", g, v1alpha1.ReconcileAtAnnotation, "again") // or wait for the next look
		t.eventually(g, "g", "True", "Bound")
	})

	It("says that the place in which it is to be is not there, or not one", func() {
		t.connect()
		t.apply(group("g", "{existing: {name: Boardroom, place: {name: Nowhere}}}") + "\n---\n" +
			group("h", "{existing: {name: Boardroom, place: {id: 999999}}}"))
		t.notReady(&v1alpha1.KisiGroup{}, "g", v1alpha1.ReasonPlaceNotFound, "spec.existing.place", `"Nowhere"`)
		t.notReady(&v1alpha1.KisiGroup{}, "h", v1alpha1.ReasonPlaceNotFound, "spec.existing.place", "999999")
	})

	It("waits for its connection, and says which", func() {
		t.apply(group("g", "{existing: {name: Boardroom}, connectionRef: {name: hq}}"))
		t.notReady(&v1alpha1.KisiGroup{}, "g", v1alpha1.ReasonConnectionNotFound, "spec.connectionRef", `"hq"`)
		t.apply(group("h", "{existing: {name: Members}}"))
		t.notReady(&v1alpha1.KisiGroup{}, "h", v1alpha1.ReasonConnectionNotFound, "spec.connectionRef", `"default"`)
		t.connectWith("")
		t.notReady(&v1alpha1.KisiGroup{}, "h", v1alpha1.ReasonConnectionNotReady, `"default"`)
		t.secret("kisi", "apiKey", ownerKey)
		t.eventually(&v1alpha1.KisiGroup{}, "h", "True", "Bound")
	})

	It("is the only one bound to its Kisi group; the other one takes over when it goes", func() {
		t.connect()
		t.apply(group("the-first-one", "{existing: {name: Boardroom}}"))
		t.eventually(&v1alpha1.KisiGroup{}, "the-first-one", "True", "Bound")
		t.apply(group("g2", fmt.Sprintf("{existing: {id: %d}}", t.groupID("Boardroom"))))
		g := &v1alpha1.KisiGroup{}
		t.notReady(g, "g2", v1alpha1.ReasonGroupAlreadyBound, fmt.Sprint(t.groupID("Boardroom")), "delete")
		Expect(isStalled(g)).To(BeTrue())
		Expect(messageOf(g)).NotTo(ContainSubstring("the-first-one"))
		Expect(messageOf(g)).NotTo(ContainSubstring(t.namespace))
		Expect(g.Status.KisiGroupID).To(BeZero())
		t.stays(&v1alpha1.KisiGroup{}, "the-first-one", "True Bound")
		t.delete(&v1alpha1.KisiGroup{}, "the-first-one")
		t.eventually(g, "g2", "True", "Bound")
	})

	It("is the only one bound however many are applied at once: the oldest, by name among equals", func() {
		for i := range 8 {
			t.apply(group(fmt.Sprintf("g%d", i), "{existing: {name: Boardroom}}"))
		}
		t.connect()
		t.eventually(&v1alpha1.KisiGroup{}, "g0", "True", "Bound")
		for i := 1; i < 8; i++ {
			t.notReady(&v1alpha1.KisiGroup{}, fmt.Sprintf("g%d", i), v1alpha1.ReasonGroupAlreadyBound)
		}
	})

	It("is the only one bound after a restore that says so of two: the older keeps it", func() {
		t.connect()
		t.apply(group("older", "{existing: {name: Boardroom}}"))
		t.eventually(&v1alpha1.KisiGroup{}, "older", "True", "Bound")
		t.apply(group("younger", "{existing: {name: Boardroom}}"))
		younger := &v1alpha1.KisiGroup{}
		t.notReady(younger, "younger", v1alpha1.ReasonGroupAlreadyBound)
		younger.Status.KisiGroupID = v1alpha1.KisiID(t.groupID("Boardroom"))
		Expect(admin.Status().Update(t.ctx, younger)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(get(g, t, "younger", younger).Status.KisiGroupID).To(BeZero())
		}).Should(Succeed())
		Expect(readyOf(younger)).To(Equal("False GroupAlreadyBound"))
		t.stays(&v1alpha1.KisiGroup{}, "older", "True Bound")
	})

	It("freezes when its group is deleted in Kisi: nothing is revoked, nothing granted, and it heals with a new group that it is rebound to", func() {
		t.connect()
		t.apply(groups + "\n---\n" + boardroom)
		t.book("b1", "ana@example.com")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.kisi.act(simulator.Action{Action: simulator.ActionDeleteGroup, Group: "Boardroom"})
		before := t.writes()

		t.book("b2", "gil@example.com") // the first to notice
		t.notReady(&v1alpha1.KisiGroup{}, "boardroom", v1alpha1.ReasonGroupNotFound, "spec.existing.name", `"Boardroom"`)
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonGroupNotFound, `"boardroom"`)
		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonGroupNotFound, `"boardroom"`)
		t.notReady(&v1alpha1.Member{}, implicit("ana@example.com"), v1alpha1.ReasonGroupNotFound, `"boardroom"`)
		t.stays(&v1alpha1.Member{}, implicit("ana@example.com"), "False GroupNotFound")
		ana := get(Default, t, implicit("ana@example.com"), &v1alpha1.Member{})
		Expect(ana.Status.Grants).To(HaveLen(1), "the ledger stays as it is")
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Method: http.MethodDelete})).To(BeZero())
		Expect(len(t.writes())-len(before)).To(BeNumerically("<=", 2), "a user and one refused row: %v", t.writes())

		makeGroup("Boardroom", "Downtown")
		annotate(t, "boardroom", &v1alpha1.KisiGroup{}, v1alpha1.RebindAnnotation, "1") // a group of the name is another one
		t.eventually(&v1alpha1.KisiGroup{}, "boardroom", "True", "Bound")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Canceled")
		Expect(t.kisi.Assignments("Boardroom")).To(HaveLen(1))
	})

	It("says so when the key's owner may not read groups, and heals", func() {
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Path: "/groups*"})
		t.connect()
		t.apply(group("g", "{existing: {name: Boardroom}}"))
		g := &v1alpha1.KisiGroup{}
		t.notReady(g, "g", v1alpha1.ReasonInsufficientRole, "403", "role")
		Expect(isStalled(g)).To(BeTrue())
		end()
		annotate(t, "g", g, v1alpha1.ReconcileAtAnnotation, time.Now().Format(time.RFC3339Nano))
		t.eventually(g, "g", "True", "Bound")
	})

	DescribeTable("is not said to be missing because of a list that fell short",
		func(kind simulator.FaultKind) {
			end := t.kisi.fault(simulator.Fault{Kind: kind, Path: "/groups"})
			t.connect()
			t.apply(group("g", "{existing: {name: Boardroom}}"))
			g := &v1alpha1.KisiGroup{}
			t.notReady(g, "g", v1alpha1.ReasonConnecting, "usable answer")
			Expect(isReconciling(g)).To(BeTrue())
			end()
			annotate(t, "g", g, v1alpha1.ReconcileAtAnnotation, time.Now().Format(time.RFC3339Nano))
			t.eventually(g, "g", "True", "Bound")
		},
		Entry("of its rows", simulator.FaultEmptyPage),
		Entry("of its sense", simulator.FaultGarbage),
	)
})

// groupID finds a group in Kisi by its name; of several the oldest.
func (t *tenant) groupID(name string) int {
	GinkgoHelper()
	for _, g := range t.kisi.State().Organizations[0].Groups {
		if g.Name == name {
			return g.ID
		}
	}
	Fail("there is no group " + name)
	return 0
}

// placeID finds a place in Kisi by its name.
func (t *tenant) placeID(name string) int {
	GinkgoHelper()
	status, answer, err := t.kisi.CallAs("acme", "adam@acme.example", http.MethodGet, "/places", nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(status).To(Equal(http.StatusOK))
	var places []struct {
		ID   int
		Name string
	}
	Expect(json.Unmarshal(answer, &places)).To(Succeed())
	for _, p := range places {
		if p.Name == name {
			return p.ID
		}
	}
	Fail("there is no place " + name)
	return 0
}
