package e2e

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
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

		member := get(Default, t, entitlement.ImplicitName("ana@example.com"), &v1alpha1.Member{})
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
			return admin.Get(t.ctx, t.key(entitlement.ImplicitName("gil@example.com")), &v1alpha1.Member{})
		}).Should(MatchError(ContainSubstring("not found")), "nothing names Gil any more")
		Expect(t.kisi.Assignments("Members")).To(HaveLen(1), "what an admin granted by hand stays")
	})

	It("follows its attendees", Label("S13"), func() {
		const template = `
kind: BookingGrant
metadata: {name: b1}
spec:
  placeRef: {name: boardroom}
  organizer: {email: ana@example.com}
  attendees: [ATTENDEES]
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
`
		t.apply(strings.Replace(template, "ATTENDEES", "{email: gil@example.com}, {email: GIL@example.com}", 1))
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, "b1", "True", "Granted")
		Expect(booking.Status.People.Total).To(BeEquivalentTo(2), "each address once")
		edit(t, "b1", booking, func(b *v1alpha1.BookingGrant) {
			b.Spec.Attendees = []v1alpha1.Person{{Email: "dan@example.com", FullName: "Dan"}}
		})
		t.eventually(booking, "b1", "True", "Granted")
		Expect(t.opens("dan@example.com", "Boardroom", 0)).To(BeTrue())
		Eventually(func() bool { return t.opens("gil@example.com", "Boardroom", 0) }).Should(BeFalse())
		t.gone(&v1alpha1.Member{}, implicitName("gil@example.com"))
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
	})

	It("lets in all of a hundred attendees", func() {
		attendees := make([]v1alpha1.Person, 100)
		for i := range attendees {
			attendees[i].Email = v1alpha1.EmailAddress(fmt.Sprintf("guest%d@example.com", i))
		}
		Expect(admin.Create(t.ctx, &v1alpha1.BookingGrant{
			ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "all-hands"},
			Spec: v1alpha1.BookingGrantSpec{
				PlaceRef:  &v1alpha1.PlaceReference{Name: "boardroom"},
				Organizer: v1alpha1.Person{Email: "ana@example.com"}, Attendees: attendees,
				StartTime: *timeIn(-time.Minute), EndTime: *timeIn(time.Hour),
			},
		})).To(Succeed())
		booking := &v1alpha1.BookingGrant{}
		Eventually(func(g Gomega) {
			get(g, t, "all-hands", booking)
			g.Expect(readyOf(booking)).To(Equal("True Granted"), messageOf(booking))
			g.Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 101, Granted: 101}))
		}, "30s").Should(Succeed())
		Expect(t.kisi.Assignments("Boardroom")).To(HaveLen(101))
		Expect(t.writes()).To(HaveLen(202))
		t.nothingDoubled()
	})

	It("moves to another place", func() {
		t.apply(`
kind: PlaceMapping
metadata: {name: uptown}
spec:
  kind: Room
  externalID: room-2
  bookings: {groupRefs: [{name: uptown}], leadTime: 0s, lagTime: 0s, nonMembers: Allow}
`)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.PlaceRef.Name = "uptown" })
		Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeTrue())
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse())
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, "b1", "True", "Granted")
		Expect(booking.Status.Groups).To(Equal([]v1alpha1.ObjectName{"uptown"}))
	})

	DescribeTable("that has started when its place changes", Label("S9"), func(changes v1alpha1.BookingChangePolicy, moves bool) {
		edit(t, "boardroom", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) { p.Spec.Bookings.Changes = changes })
		t.apply(bookingOf("started", "2s", "1h"))
		t.apply(strings.ReplaceAll(bookingOf("later", "30m", "1h"), "ana@", "gil@"))
		booking := &v1alpha1.BookingGrant{}
		Eventually(func(g Gomega) {
			g.Expect(get(g, t, "started", booking).Status.State).To(Equal(v1alpha1.BookingPhaseActive))
			g.Expect(readyOf(booking)).To(Equal("True Granted"))
		}).Should(Succeed())
		edit(t, "boardroom", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) {
			p.Spec.Bookings.GroupRefs = []v1alpha1.GroupReference{{Name: "uptown"}}
		})
		Eventually(func() bool { return t.opens("gil@example.com", "Uptown Door", 45*time.Minute) }).Should(BeTrue(), "a booking that is to come moves")
		Eventually(func() bool { return t.opens("gil@example.com", "Boardroom", 45*time.Minute) }).Should(BeFalse())
		if moves {
			Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeTrue())
			Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse())
			return
		}
		t.delete(&v1alpha1.PlaceMapping{}, "boardroom")
		Eventually(func() bool { return t.opens("gil@example.com", "Uptown Door", 45*time.Minute) }).Should(BeFalse(), "a place that is gone gives nothing to what is to come")
		t.quiet()
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeFalse())
		t.eventually(booking, "started", "True", "Granted")
		edit(t, "started", booking, func(b *v1alpha1.BookingGrant) { b.Spec.EndTime = *timeIn(2 * time.Hour) })
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 90*time.Minute) }).Should(BeTrue(), "edits of the booking itself count")
	},
		Entry("moves under changes: Immediate", v1alpha1.BookingChangesImmediate, true),
		Entry("keeps what it had under changes: BeforeStart", v1alpha1.BookingChangesBeforeStart, false),
	)

	DescribeTable("deletes itself after its time to live", func(ttl string, goes bool) {
		t.apply(strings.Replace(bookingOf("b1", "-1m", "2s"), "spec:", "spec:\n  ttlSecondsAfterEnd: "+ttl, 1))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		if goes {
			t.gone(&v1alpha1.BookingGrant{}, "b1")
			Eventually(func(g Gomega) {
				member := t.implicit(g, "ana@example.com")
				g.Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantEnded))
			}).Should(Succeed(), "its row has ended, and is tidied up later")
			t.quiet()
		} else {
			t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Ended")
			Consistently(func() bool { return t.exists(&v1alpha1.BookingGrant{}, "b1") }).Should(BeTrue())
		}
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
	},
		Entry("at once", "0", true),
		Entry("a second later", "1", true),
		Entry("never", "-1", false),
	)

	DescribeTable("that does not say how long it stays", func(_ SpecContext, standard time.Duration, goes bool) {
		t.stop()
		t.options.BookingTTL = standard
		t.start()
		t.apply(bookingOf("b1", "-1m", "2s"))
		t.apply(strings.Replace(bookingOf("b2", "-1m", "2s"), "spec:", "spec:\n  ttlSecondsAfterEnd: -1", 1))
		t.apply(strings.Replace(bookingOf("b3", "-1m", "2s"), "spec:", "spec:\n  ttlSecondsAfterEnd: 0", 1))
		t.gone(&v1alpha1.BookingGrant{}, "b3")
		if goes {
			t.gone(&v1alpha1.BookingGrant{}, "b1")
		}
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Ended")
		Consistently(func() bool { return t.exists(&v1alpha1.BookingGrant{}, "b1") }).Should(Equal(!goes))
		Expect(t.exists(&v1alpha1.BookingGrant{}, "b2")).To(BeTrue())
	},
		Entry("goes with the operator's --booking-ttl", time.Second, true),
		Entry("stays where that is off", time.Duration(0), false),
		Entry("stays so long", time.Hour, false),
	)

	It("does not delete itself by a window that nobody has told: while its place is ambiguous, away, or not bookable", func() {
		edit(t, "boardroom", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) { p.Spec.Bookings.LagTime = &metav1.Duration{Duration: 4 * time.Hour} })
		short := func(name string) string {
			return strings.NewReplacer("spec:", "spec:\n  ttlSecondsAfterEnd: 0", "{name: boardroom}", "{externalID: room-1}").Replace(bookingOf(name, "-2h", "-1h"))
		}
		t.apply(short("b1"))
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, "b1", "True", "Granted")
		window := *booking.Status.Window
		stays := func(reason string) {
			GinkgoHelper()
			t.notReady(booking, "b1", reason)
			Consistently(func() bool { return t.exists(&v1alpha1.BookingGrant{}, "b1") }).Should(BeTrue())
			Expect(booking.Status.Window).To(HaveValue(Equal(window)), "what is known last")
			Expect(booking.Status.State).To(Equal(v1alpha1.BookingPhaseActive))
		}
		t.apply(strings.Replace(boardroom, "name: boardroom", "name: twin", 1))
		stays(v1alpha1.ReasonAmbiguousReference)
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		t.apply(short("b2"))
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonAmbiguousReference)
		t.quiet()
		Expect(get(Default, t, "b2", booking).Status.Window).To(BeNil(), "nobody has told it")
		t.delete(&v1alpha1.PlaceMapping{}, "twin")
		t.eventually(booking, "b1", "True", "Granted")
		t.eventually(booking, "b2", "True", "Granted")
		t.delete(booking, "b2")

		place := get(Default, t, "boardroom", &v1alpha1.PlaceMapping{})
		t.delete(&v1alpha1.PlaceMapping{}, "boardroom")
		stays(v1alpha1.ReasonPlaceNotFound)
		place.ResourceVersion, place.UID = "", ""
		Expect(admin.Create(t.ctx, place)).To(Succeed())
		t.eventually(booking, "b1", "True", "Granted")
		edit(t, "boardroom", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) {
			p.Spec.Bookings = nil
			p.Spec.Access = []v1alpha1.PlaceAccess{{Audience: "members"}}
		})
		stays(v1alpha1.ReasonPlaceNotBookable)
		edit(t, "boardroom", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) {
			p.Spec.Bookings = &v1alpha1.PlaceBookings{GroupRefs: []v1alpha1.GroupReference{{Name: "boardroom"}}, NonMembers: v1alpha1.NonMembersAllow}
		})
		t.gone(&v1alpha1.BookingGrant{}, "b1")
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse(), "by a lag of half an hour it is over")
	})

	It("that was cut short deletes itself when nobody is in by it any more, whatever the mode", func() {
		t.apply(strings.Replace(bookingOf("b1", "-1h", "20s"), "spec:", "spec:\n  ttlSecondsAfterEnd: 0", 1))
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, "b1", "True", "Granted")
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeObserve })
		t.kisi.ResetRequests()
		edit(t, "b1", booking, func(b *v1alpha1.BookingGrant) { b.Spec.EndTime = *timeIn(-time.Minute) })
		Eventually(func(g Gomega) { g.Expect(get(g, t, "b1", booking).Status.State).To(Equal(v1alpha1.BookingPhaseEnded)) }).Should(Succeed())
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		t.gone(booking, "b1")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeFalse(), "the row has ended by itself")
		Expect(t.writes()).To(BeEmpty())
	})

	It("stays beyond the operator's --booking-ttl where GitOps tracks it, unless it says how long itself", func(_ SpecContext) {
		t.stop()
		t.options.BookingTTL = time.Second
		t.start()
		marked := func(name, mark string) string {
			return strings.Replace(bookingOf(name, "-2h", "-1h"), "metadata: {name: "+name, "metadata: {name: "+name+", "+mark, 1)
		}
		tracked := map[string]string{
			"argo":         "annotations: {argocd.argoproj.io/tracking-id: 'house:access.kisi-operator.dev/BookingGrant:hq/argo'}",
			"flux":         "labels: {kustomize.toolkit.fluxcd.io/name: house, kustomize.toolkit.fluxcd.io/namespace: flux-system}",
			"flux-release": "labels: {helm.toolkit.fluxcd.io/name: house}",
			"helm":         "labels: {app.kubernetes.io/instance: house, app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: house}",
		}
		for name, mark := range tracked {
			t.apply(marked(name, mark))
		}
		t.apply(strings.Replace(marked("own-word", tracked["flux"]), "spec:", "spec:\n  ttlSecondsAfterEnd: 0", 1))
		t.apply(marked("instance", "labels: {app.kubernetes.io/instance: house}"))
		t.apply(bookingOf("plain", "-2h", "-1h"))
		for _, name := range []string{"own-word", "instance", "plain"} {
			t.gone(&v1alpha1.BookingGrant{}, name)
		}
		kept := func(name string) *metav1.Condition {
			return meta.FindStatusCondition(get(Default, t, name, &v1alpha1.BookingGrant{}).Status.Conditions, v1alpha1.ConditionKept)
		}
		for name := range tracked {
			t.eventually(&v1alpha1.BookingGrant{}, name, "True", "Ended")
			Expect(kept(name)).To(HaveField("Reason", v1alpha1.ReasonTrackedByGitOps), name)
		}
		Expect(kept("flux").Message).To(And(ContainSubstring("label kustomize.toolkit.fluxcd.io/name"), ContainSubstring("set spec.ttlSecondsAfterEnd")))
		t.quiet()
		for name := range tracked {
			Expect(t.exists(&v1alpha1.BookingGrant{}, name)).To(BeTrue(), name)
		}
		edit(t, "argo", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.TTLSecondsAfterEnd = ptr.To[int64](0) })
		t.gone(&v1alpha1.BookingGrant{}, "argo")
		edit(t, "flux", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Labels = nil })
		t.gone(&v1alpha1.BookingGrant{}, "flux")
		edit(t, "helm", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.EndTime = *timeIn(time.Hour) })
		Eventually(func() *metav1.Condition { return kept("helm") }).Should(BeNil(), "it is not over")
	})

	It("that is made again each time stays after two deletions, and an Event says why", func(ctx SpecContext) {
		over := func(name, from, until string) string {
			return strings.Replace(bookingOf(name, from, until), "spec:", "spec:\n  ttlSecondsAfterEnd: 0", 1)
		}
		instant := func(ago time.Duration) string { return time.Now().Add(-ago).UTC().Format(time.RFC3339) }
		again := strings.NewReplacer(`{{time "-2h"}}`, instant(2*time.Hour), `{{time "-1h"}}`, instant(time.Hour)).Replace(over("b1", "-2h", "-1h"))
		for range 2 {
			t.apply(again)
			t.gone(&v1alpha1.BookingGrant{}, "b1")
		}
		t.apply(again)
		booking := &v1alpha1.BookingGrant{}
		stays := func() {
			GinkgoHelper()
			t.eventually(booking, "b1", "True", "Ended")
			t.quiet()
			Expect(t.exists(booking, "b1")).To(BeTrue())
			kept := meta.FindStatusCondition(get(Default, t, "b1", booking).Status.Conditions, v1alpha1.ConditionKept)
			Expect(kept).To(HaveField("Reason", v1alpha1.ReasonDeletionUndone))
			Expect(kept.Message).To(ContainSubstring("take it out of what makes it"))
		}
		stays()
		var told eventsv1.EventList
		Eventually(func(g Gomega) {
			g.Expect(admin.List(ctx, &told, client.InNamespace(t.namespace))).To(Succeed())
			g.Expect(told.Items).To(ConsistOf(And(HaveField("Reason", v1alpha1.ReasonDeletionUndone), HaveField("Regarding.Name", "b1"), HaveField("Type", "Warning"))))
		}).Should(Succeed())
		t.stop()
		t.start()
		stays()
		Expect(admin.List(ctx, &told, client.InNamespace(t.namespace))).To(Succeed())
		Expect(told.Items).To(HaveLen(1), "it is told once")

		By("another booking, though its name was used before, goes as others do")
		edit(t, "b1", booking, func(b *v1alpha1.BookingGrant) { b.Spec.TTLSecondsAfterEnd = ptr.To[int64](1) })
		t.gone(booking, "b1")
		for _, until := range []string{"-61m", "-62m", "-63m", "-64m"} {
			t.apply(over("b2", "-2h", until))
			t.gone(booking, "b2")
		}
	})

	It("by a non-member opens nothing where the place is for members, until the organizer is one", Label("S15"), func() {
		edit(t, "boardroom", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) {
			p.Spec.Bookings.NonMembers = v1alpha1.NonMembersDeny
		})
		t.kisi.ResetRequests()
		t.apply(`
kind: BookingGrant
metadata: {name: b1}
spec:
  placeRef: {name: boardroom}
  organizer: {email: ana@example.com}
  attendees: [{email: gil@example.com}]
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
`)
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, "b1", "True", "OrganizerNotMember")
		Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 2, Excluded: 2}))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.exists(&v1alpha1.Member{}, implicitName("gil@example.com"))).To(BeFalse())

		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com}")
		t.eventually(booking, "b1", "True", "Granted")
		Expect(t.opens("gil@example.com", "Boardroom", 0)).To(BeTrue(), "a member's booking lets in everyone it names")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		t.eventually(booking, "b1", "True", "OrganizerNotMember")
		Expect(emailsOf(t.kisi.Assignments("Boardroom"))).To(BeEmpty(), "it says Revoking until nobody is in")
	})

	It("is judged by who is a member when it starts, whatever the day", Label("S15"), func() {
		edit(t, "boardroom", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) {
			p.Spec.Bookings.NonMembers = v1alpha1.NonMembersDeny
		})
		membership := func(email, until string) string {
			return fmt.Sprintf("kind: AccessSubscription\nmetadata: {name: %s}\nspec: {groupRefs: [{name: members}], subject: {email: %s@example.com, fullName: Ana}, endTime: '{{time %q}}'}", email, email, until)
		}
		t.apply(membership("ana", "1h"))
		t.apply(membership("gil", "1h"))
		t.eventually(&v1alpha1.AccessSubscription{}, "ana", "True", "Granted")
		t.eventually(&v1alpha1.AccessSubscription{}, "gil", "True", "Granted")
		booking := &v1alpha1.BookingGrant{}
		t.apply(strings.ReplaceAll(bookingOf("running", "-1m", "1h"), "ana@", "gil@"))
		t.eventually(booking, "running", "True", "Granted")
		t.kisi.ResetRequests()

		t.apply(bookingOf("tomorrow", "2h", "3h")) // well within grantAhead
		t.eventually(booking, "tomorrow", "True", "OrganizerNotMember")
		Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1, Excluded: 1}))
		t.quiet()
		Expect(t.writes()).To(BeEmpty(), "neither a row nor a mail ahead")
		Expect(t.opens("ana@example.com", "Boardroom", 150*time.Minute)).To(BeFalse())

		edit(t, "ana", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.EndTime = timeIn(130 * time.Minute) })
		t.eventually(booking, "tomorrow", "True", "Scheduled")
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 150*time.Minute) }).Should(BeTrue(), "a membership that ends during the booking does not cut it short")
		edit(t, "ana", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.EndTime = timeIn(110 * time.Minute) })
		t.eventually(booking, "tomorrow", "True", "OrganizerNotMember")
		Expect(t.opens("ana@example.com", "Boardroom", 150*time.Minute)).To(BeFalse(), "taken back long before the door opens")

		edit(t, "gil", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.EndTime = timeIn(-time.Second) })
		t.eventually(&v1alpha1.AccessSubscription{}, "gil", "True", "Ended")
		t.eventually(booking, "running", "True", "Granted")
		Expect(t.opens("gil@example.com", "Boardroom", 50*time.Minute)).To(BeTrue())
	})

	It("returns from kubectl delete at once", func() {
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.stop()
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		t.delete(&v1alpha1.PlaceMapping{}, "boardroom")
		Expect(t.exists(&v1alpha1.BookingGrant{}, "b1")).To(BeFalse(), "even while no operator runs")
		Expect(t.exists(&v1alpha1.PlaceMapping{}, "boardroom")).To(BeFalse())
		t.start()
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse())
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
	})
})

// emailsOf lists whose rows they are.
func emailsOf(rows []simulator.Assignment) []string {
	var emails []string
	for _, row := range rows {
		emails = append(emails, row.User)
	}
	return emails
}
