package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/operator"
)

// place is a PlaceMapping for bookings without lead and lag, with further lines in its spec.
func place(name, group string, lines ...string) string {
	return fmt.Sprintf(`
kind: PlaceMapping
metadata: {name: %s}
spec:
  kind: Room
  bookings: {groupRefs: [{name: %s}], leadTime: 0s, lagTime: 0s, nonMembers: Allow}
  %s
`, name, group, strings.Join(lines, "\n  "))
}

var _ = Describe("A PlaceMapping", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
	})

	It("is resolved when all that it names is there", Label("K2", "S6", "B3"), func() {
		t.apply(place("p1", "boardroom", "kisiPlace: {name: Downtown}"))
		t.apply(place("p2", "members", fmt.Sprintf("kisiPlace: {id: %d}", t.placeID("Uptown"))))
		p := &v1alpha1.PlaceMapping{}
		t.eventually(p, "p1", "True", "Resolved")
		Expect(p.Status.KisiPlaceID).To(BeEquivalentTo(t.placeID("Downtown")))
		t.eventually(p, "p2", "True", "Resolved")
	})

	It("waits for a group that is not there, and so does what is booked", func() {
		t.apply(place("p1", "annex"))
		t.notReady(&v1alpha1.PlaceMapping{}, "p1", v1alpha1.ReasonGroupNotFound, `"annex"`, "groupRefs")
		t.apply(booking("b1", "placeRef: {name: p1}", "ana@example.com"))
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonGroupNotFound, `"annex"`)
		t.apply("kind: KisiGroup\nmetadata: {name: annex}\nspec: {existing: {id: " + fmt.Sprint(t.groupID("Boardroom")) + "}}")
		t.delete(&v1alpha1.KisiGroup{}, "boardroom") // who is bound keeps it
		t.eventually(&v1alpha1.PlaceMapping{}, "p1", "True", "Resolved")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
	})

	It("waits for a place that Kisi does not have", func() {
		t.apply(place("p1", "members", "kisiPlace: {name: Nowhere}"))
		t.apply(place("p2", "members", "kisiPlace: {id: 999999}"))
		p := &v1alpha1.PlaceMapping{}
		t.notReady(p, "p1", v1alpha1.ReasonPlaceNotFound, "spec.kisiPlace", `"Nowhere"`)
		Expect(isStalled(p)).To(BeFalse())
		t.notReady(p, "p2", v1alpha1.ReasonPlaceNotFound, "spec.kisiPlace", "999999")
		t.makePlace("Nowhere")
		t.eventually(p, "p1", "True", "Resolved")
	})

	It("is not resolved on a guess: two places of one name", func() {
		t.makePlace("Downtown")
		t.apply(place("p1", "members", "kisiPlace: {name: Downtown}"))
		p := &v1alpha1.PlaceMapping{}
		t.notReady(p, "p1", v1alpha1.ReasonAmbiguousName, "spec.kisiPlace", "2 places", `"Downtown"`, "id")
		Expect(isStalled(p)).To(BeTrue())
		edit(t, "p1", p, func(p *v1alpha1.PlaceMapping) {
			p.Spec.KisiPlace = &v1alpha1.KisiPlaceReference{ID: v1alpha1.KisiID(t.placeID("Downtown"))}
		})
		t.eventually(p, "p1", "True", "Resolved")
	})

	DescribeTable("lets nobody in before its place in Kisi is known",
		func(kisiPlace, reason string) {
			t.makePlace("Twice")
			t.makePlace("Twice")
			before := t.writes()
			t.apply(place("p1", "members", "kisiPlace: "+kisiPlace))
			t.apply(booking("b1", "placeRef: {name: p1}", "ana@example.com"))
			t.notReady(&v1alpha1.PlaceMapping{}, "p1", reason)
			t.notReady(&v1alpha1.BookingGrant{}, "b1", reason, "p1")
			Expect(t.writes()).To(Equal(before))
			edit(t, "p1", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) {
				p.Spec.KisiPlace = &v1alpha1.KisiPlaceReference{Name: "Uptown"}
			})
			t.eventually(&v1alpha1.PlaceMapping{}, "p1", "True", "Resolved")
			t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		},
		Entry("because there is none of that name", "{name: Nowhere}", v1alpha1.ReasonPlaceNotFound),
		Entry("because there are two of that name", "{name: Twice}", v1alpha1.ReasonAmbiguousName),
		Entry("because there is none of that id", "{id: 999999}", v1alpha1.ReasonPlaceNotFound),
	)

	It("freezes under a group of another place: who is in stays in, nobody new comes in", func() {
		t.apply(place("p1", "boardroom"))
		t.apply(booking("b1", "placeRef: {name: p1}", "ana@example.com"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		before := t.writes()
		p := &v1alpha1.PlaceMapping{}
		edit(t, "p1", p, func(p *v1alpha1.PlaceMapping) { p.Spec.KisiPlace = &v1alpha1.KisiPlaceReference{Name: "Uptown"} })
		t.notReady(p, "p1", v1alpha1.ReasonPlaceMismatch, `"boardroom"`, fmt.Sprint(t.placeID("Downtown")), fmt.Sprint(t.placeID("Uptown")))
		Expect(isStalled(p)).To(BeTrue())
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonPlaceMismatch)
		t.apply(booking("b2", "placeRef: {name: p1}", "gil@example.com"))
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonPlaceMismatch)
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.writes()).To(Equal(before))

		edit(t, "p1", p, func(p *v1alpha1.PlaceMapping) { p.Spec.KisiPlace.Name = "Downtown" })
		t.eventually(p, "p1", "True", "Resolved")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
	})

	It("lets nobody in through a group of another place that an edit adds, however late its own verdict comes", func(ctx SpecContext) {
		t.apply(place("p1", "boardroom", "kisiPlace: {name: Downtown}", "access: [{groupRefs: [{name: boardroom}]}]"))
		for _, name := range []string{"ana", "ben", "gil"} {
			t.apply(fmt.Sprintf("kind: Member\nmetadata: {name: %s}\nspec: {email: %s@example.com, places: [{placeRef: {name: p1}}]}", name, name))
		}
		for _, name := range []string{"ana", "ben", "gil"} {
			t.granted(name)
		}
		p := &v1alpha1.PlaceMapping{}
		t.eventually(p, "p1", "True", "Resolved")
		allow := t.denyStatus(ctx, p, "p1")
		before := t.writes()
		edit(t, "p1", p, func(p *v1alpha1.PlaceMapping) {
			p.Spec.Access[0].GroupRefs = append(p.Spec.Access[0].GroupRefs, v1alpha1.GroupReference{Name: "uptown"})
		})
		for _, name := range []string{"ana", "ben", "gil"} {
			t.eventually(&v1alpha1.Member{}, name, "False", "PlaceMismatch")
		}
		Consistently(t.writes).Should(Equal(before))
		var said []string
		watched, stop := context.WithCancel(ctx)
		defer stop()
		all, err := client.NewWithWatch(plane.AdminConfig(), client.Options{Scheme: operator.Scheme()})
		Expect(err).NotTo(HaveOccurred())
		changes, err := all.Watch(watched, &v1alpha1.PlaceMappingList{}, client.InNamespace(t.namespace))
		Expect(err).NotTo(HaveOccurred())
		allow()
		Eventually(func() []string {
			for {
				select {
				case change := <-changes.ResultChan():
					if p, is := change.Object.(*v1alpha1.PlaceMapping); is && condition(p, v1alpha1.ConditionReady).ObservedGeneration == p.Generation {
						said = append(said, readyOf(p))
					}
				default:
					return said
				}
			}
		}).Should(ContainElement("False PlaceMismatch"))
		Expect(said).To(HaveEach("False PlaceMismatch"), "never Ready for a generation that is not verified")
		Expect(t.writes()).To(Equal(before))

		edit(t, "p1", p, func(p *v1alpha1.PlaceMapping) { p.Spec.Access[0].GroupRefs = p.Spec.Access[0].GroupRefs[:1] })
		t.granted("ana")
		Expect(t.writes()).To(Equal(before), "nothing had to be taken back")
	})

	It("keeps everybody as they are while its place in Kisi is looked up again after an edit", func() {
		t.apply(place("p1", "boardroom", "kisiPlace: {name: Downtown}", "access: [{groupRefs: [{name: boardroom}]}]"))
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, places: [{placeRef: {name: p1}}]}")
		t.granted("ana")
		p := &v1alpha1.PlaceMapping{}
		t.eventually(p, "p1", "True", "Resolved")
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Method: "GET", Path: "/places", Status: 503})
		before := t.writes()
		edit(t, "p1", p, func(p *v1alpha1.PlaceMapping) {
			p.Spec.KisiPlace = &v1alpha1.KisiPlaceReference{Name: "Uptown"}
			p.Spec.Access[0].GroupRefs = []v1alpha1.GroupReference{{Name: "uptown"}}
			p.Spec.Bookings = nil
		})
		t.apply("kind: Member\nmetadata: {name: gil}\nspec: {email: gil@example.com, places: [{placeRef: {name: p1}}]}")
		t.notReady(&v1alpha1.Member{}, "ana", v1alpha1.ReasonPlaceNotFound, "p1", "kisiPlace")
		t.notReady(&v1alpha1.Member{}, "gil", v1alpha1.ReasonPlaceNotFound, "p1", "kisiPlace")
		Consistently(t.writes).Should(Equal(before))
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse(), "what the person's own object says is obeyed all the same")
		t.kisi.ClearFaults()
		t.eventually(p, "p1", "True", "Resolved")
		t.granted("gil")
		Expect(t.opens("gil@example.com", "Uptown Door", 0)).To(BeTrue())
	})

	It("freezes under a group of another connection, ready or not", func() {
		t.apply("kind: KisiGroup\nmetadata: {name: elsewhere}\nspec: {connectionRef: {name: other}, existing: {name: Members}}")
		t.apply(place("p1", "elsewhere"))
		p := &v1alpha1.PlaceMapping{}
		t.notReady(p, "p1", v1alpha1.ReasonConnectionMismatch, `"elsewhere"`, `"other"`, `"default"`)
		Expect(isStalled(p)).To(BeTrue())
		t.apply(booking("b1", "placeRef: {name: p1}", "ana@example.com"))
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonConnectionMismatch)
		Expect(t.writes()).To(BeEmpty())
		edit(t, "p1", p, func(p *v1alpha1.PlaceMapping) { p.Spec.Bookings.GroupRefs[0].Name = "boardroom" })
		t.eventually(p, "p1", "True", "Resolved")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
	})

	It("waits for its connection", func() {
		t.apply(place("p1", "members", "connectionRef: {name: hq}"))
		t.notReady(&v1alpha1.PlaceMapping{}, "p1", v1alpha1.ReasonConnectionNotFound, "spec.connectionRef", `"hq"`)
		t.apply(place("p2", "members"))
		t.eventually(&v1alpha1.PlaceMapping{}, "p2", "True", "Resolved")
		t.delete(secretNamed("kisi"), "kisi")
		t.notReady(&v1alpha1.PlaceMapping{}, "p2", v1alpha1.ReasonConnectionNotReady, `"default"`)
		t.secret("kisi", "apiKey", ownerKey)
		t.eventually(&v1alpha1.PlaceMapping{}, "p2", "True", "Resolved")
	})

	It("says when the key's owner may not read places", func() {
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Path: "/places"})
		t.apply(place("p1", "boardroom", "kisiPlace: {name: Downtown}"))
		t.notReady(&v1alpha1.PlaceMapping{}, "p1", v1alpha1.ReasonInsufficientRole, "403", "role")
		end()
		annotate(t, "p1", &v1alpha1.PlaceMapping{}, v1alpha1.ReconcileAtAnnotation, "again")
		t.eventually(&v1alpha1.PlaceMapping{}, "p1", "True", "Resolved")
	})

	It("knows its place in Kisi by id, once found, though it is renamed and another one takes its name", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(place("p1", "boardroom", "kisiPlace: {name: Downtown}"))
		p := &v1alpha1.PlaceMapping{}
		t.eventually(p, "p1", "True", "Resolved")
		id := p.Status.KisiPlaceID
		t.apply(booking("b1", "placeRef: {name: p1}", "ana@example.com"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")

		t.renamePlace("Downtown", "Old Town")
		t.renamePlace("Uptown", "Downtown")
		annotate(t, "p1", p, v1alpha1.ReconcileAtAnnotation, "1")
		t.says(p, "p1", v1alpha1.ConditionReady, "True Resolved", `"Old Town"`, `"Downtown"`)
		Expect(p.Status.KisiPlaceID).To(Equal(id))
		t.apply(booking("b2", "placeRef: {name: p1}", "gil@example.com"))
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse())
	})
})

// booking is a booking that is open now, for one person. target is its placeRef or groupRefs.
func booking(name, target, email string) string {
	return bookingBetween(name, target, email, "-1m", "1h")
}

// bookingBetween is booking from and until so far from now.
func bookingBetween(name, target, email, from, until string) string {
	return fmt.Sprintf(`
kind: BookingGrant
metadata: {name: %s}
spec:
  %s
  organizer: {email: %s}
  startTime: '{{time %q}}'
  endTime: '{{time %q}}'
`, name, target, email, from, until)
}

// makePlace makes a place in Kisi by hand.
func (t *tenant) makePlace(name string) {
	GinkgoHelper()
	t.kisi.as("adam@acme.example", http.MethodPost, "/places", map[string]any{"place": map[string]any{"name": name, "address": "3 New Street"}})
}

var _ = Describe("A place that is booked", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture("grantAhead: 1000h")
	})

	It("opens so long before and after the booking as it says, to the second", Label("S14"), func() {
		t.apply(`
kind: PlaceMapping
metadata: {name: boardroom}
spec:
  kind: Room
  bookings: {groupRefs: [{name: boardroom}], leadTime: 30m, lagTime: 15m30s, nonMembers: Allow}
---
kind: BookingGrant
metadata: {name: b1}
spec:
  placeRef: {name: boardroom}
  organizer: {email: ana@example.com}
  startTime: '{{time "24h"}}'
  endTime: '{{time "28h"}}'
`)
		b := &v1alpha1.BookingGrant{}
		t.eventually(b, "b1", "True", "Scheduled")
		from, until := b.Spec.StartTime.Add(-30*time.Minute), b.Spec.EndTime.Add(15*time.Minute+30*time.Second)
		Expect(b.Status.Window.From.Time).To(BeTemporally("==", from))
		Expect(b.Status.Window.Until.Time).To(BeTemporally("==", until))
		rows := t.kisi.Assignments("Boardroom")
		Expect(rows).To(HaveLen(1))
		Expect(*rows[0].ValidFrom).To(BeTemporally("==", from))
		Expect(*rows[0].ValidUntil).To(BeTemporally("==", until))
		for instant, open := range map[time.Time]bool{
			from.Add(-time.Second): false, from: true, until.Add(-time.Second): true, until: false,
		} {
			Expect(t.kisi.CanOpen("ana@example.com", "Boardroom", instant).Allowed).To(Equal(open), "at %s", instant)
		}
	})

	It("opens half an hour before and after where nothing else is said", Label("S14"), func() {
		t.apply(`
kind: PlaceMapping
metadata: {name: boardroom}
spec:
  kind: Room
  bookings: {groupRefs: [{name: boardroom}], nonMembers: Allow}
`)
		for name, target := range map[string]string{"b1": "placeRef: {name: boardroom}", "b2": "groupRefs: [{name: boardroom}]"} {
			t.apply(booking(name, target, name+"@example.com"))
			b := &v1alpha1.BookingGrant{}
			t.eventually(b, name, "True", "Granted")
			Expect(b.Status.Window.From.Time).To(BeTemporally("==", b.Spec.StartTime.Add(-30*time.Minute)))
			Expect(b.Status.Window.Until.Time).To(BeTemporally("==", b.Spec.EndTime.Add(30*time.Minute)))
		}
	})

	It("lets in nobody whom a non-member invites, unless it says so", Label("S15"), func() {
		t.apply(strings.ReplaceAll(place("p1", "boardroom"), "nonMembers: Allow", "nonMembers: Deny"))
		t.apply(strings.Replace(booking("b1", "placeRef: {name: p1}", "ana@example.com"), "  startTime", "  attendees: [{email: gil@example.com}]\n  startTime", 1))
		b := &v1alpha1.BookingGrant{}
		t.eventually(b, "b1", "True", "OrganizerNotMember")
		Expect(*b.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 2, Excluded: 2}))
		Expect(messageOf(b)).To(ContainSubstring("nonMembers"))
		Expect(t.writes()).To(BeEmpty())

		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: Ana@example.com}")
		t.eventually(b, "b1", "True", "Granted")
		Expect(t.opens("gil@example.com", "Boardroom", 0)).To(BeTrue(), "whom a member invites")
		t.delete(&v1alpha1.Member{}, "ana")
		t.eventually(b, "b1", "True", "OrganizerNotMember")
		Eventually(func() bool { return t.opens("gil@example.com", "Boardroom", 0) }).Should(BeFalse())

		edit(t, "p1", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) { p.Spec.Bookings.NonMembers = v1alpha1.NonMembersAllow })
		t.eventually(b, "b1", "True", "Granted")
	})

	It("gives nothing to a booking of what is not there, not bookable, or not one", func() {
		b := &v1alpha1.BookingGrant{}
		t.apply(booking("b1", "placeRef: {kind: Room, externalID: r7}", "ana@example.com"))
		t.notReady(b, "b1", v1alpha1.ReasonPlaceNotFound, "placeRef", "Room", `"r7"`)
		t.apply("kind: PlaceMapping\nmetadata: {name: p1}\nspec: {kind: Room, externalID: r7}")
		t.notReady(b, "b1", v1alpha1.ReasonPlaceNotBookable, "placeRef", `"p1"`, "spec.bookings")
		Expect(t.writes()).To(BeEmpty())

		t.apply(place("p1", "boardroom", "externalID: r7"))
		t.eventually(b, "b1", "True", "Granted")
		before := t.writes()
		t.apply(place("p2", "uptown", "externalID: r7"))
		t.notReady(b, "b1", v1alpha1.ReasonAmbiguousReference, "placeRef", `"r7"`, "p1", "p2")
		Expect(isStalled(b)).To(BeTrue())
		t.apply(booking("b2", "placeRef: {externalID: r7, kind: Room}", "gil@example.com"))
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonAmbiguousReference)
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue(), "who is in stays in")
		Expect(t.writes()).To(Equal(before))

		t.delete(&v1alpha1.PlaceMapping{}, "p2")
		t.eventually(b, "b1", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")

		t.delete(&v1alpha1.PlaceMapping{}, "p1")
		t.notReady(b, "b1", v1alpha1.ReasonPlaceNotFound, "placeRef", `"r7"`)
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse(), "what is not there gives nothing")
	})
})

var _ = Describe("An AccessPlan", func() {
	It("is resolved when its groups are there", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.apply("kind: AccessPlan\nmetadata: {name: hot-desk}\nspec: {groupRefs: [{name: members}]}")
		t.notReady(&v1alpha1.AccessPlan{}, "hot-desk", v1alpha1.ReasonGroupNotFound, "groupRefs", `"members"`)
		t.apply(groups)
		t.eventually(&v1alpha1.AccessPlan{}, "hot-desk", "True", "Resolved")
	})

	It("waits for the connections of its groups, which may be several", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.apply(groups + `---
kind: KisiGroup
metadata: {name: elsewhere}
spec: {connectionRef: {name: branch}, existing: {name: Late}}
---
kind: AccessPlan
metadata: {name: everywhere}
spec: {groupRefs: [{name: members}, {name: elsewhere}]}
---
kind: AccessPlan
metadata: {name: here}
spec: {groupRefs: [{name: members}]}
`)
		t.notReady(&v1alpha1.AccessPlan{}, "here", v1alpha1.ReasonConnectionNotFound, `"members"`, `"default"`)
		t.connectWith("not-a-key-of-anybody")
		t.notReady(&v1alpha1.AccessPlan{}, "here", v1alpha1.ReasonConnectionNotReady, `"members"`, `"default"`)
		t.secret("kisi", "apiKey", ownerKey)
		t.eventually(&v1alpha1.AccessPlan{}, "here", "True", "Resolved")
		t.notReady(&v1alpha1.AccessPlan{}, "everywhere", v1alpha1.ReasonConnectionNotFound, `"elsewhere"`, `"branch"`)
		t.kisi.act(simulator.Action{Action: simulator.ActionRevokeKeys, User: "olga@acme.example"})
		t.lookAgain("default")
		t.notReady(&v1alpha1.AccessPlan{}, "here", v1alpha1.ReasonConnectionNotReady, `"default"`)
	})
})

// denyStatus has the API server refuse every write of the status of the object's kind in the tenant's namespace, as if its
// controller were late, until the returned function is called.
func (t *tenant) denyStatus(ctx context.Context, object client.Object, name string) (allow func()) {
	GinkgoHelper()
	kinds, err := admin.GroupVersionKindFor(object)
	Expect(err).NotTo(HaveOccurred())
	mapped, err := admin.RESTMapper().RESTMapping(kinds.GroupKind(), kinds.Version)
	Expect(err).NotTo(HaveOccurred())
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}}
	policy.Spec.MatchConstraints = &admissionv1.MatchResources{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": t.namespace}},
		ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
			Operations: []admissionv1.OperationType{admissionv1.Update},
			Rule:       admissionv1.Rule{APIGroups: []string{kinds.Group}, APIVersions: []string{"*"}, Resources: []string{mapped.Resource.Resource + "/status"}},
		}}},
	}
	policy.Spec.Validations = []admissionv1.Validation{{Expression: "false", Message: "held by the spec"}}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}}
	binding.Spec = admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: t.namespace, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}}
	Expect(admin.Create(ctx, policy)).To(Succeed())
	DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(context.Background(), policy))).To(Succeed()) })
	Expect(admin.Create(ctx, binding)).To(Succeed())
	allow = func() { Expect(client.IgnoreNotFound(admin.Delete(context.Background(), binding))).To(Succeed()) }
	DeferCleanup(allow)
	Eventually(func() error { // the API server takes a moment to heed it
		Expect(admin.Get(ctx, t.key(name), object)).To(Succeed())
		return admin.Status().Update(ctx, object, client.DryRunAll)
	}).Should(MatchError(ContainSubstring("held by the spec")))
	return allow
}
