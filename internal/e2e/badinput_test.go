package e2e

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("Bad input", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
	})

	// refused checks that the API server does not take a document, and says why in the words given.
	refused := func(document string, words ...string) {
		GinkgoHelper()
		document = strings.Replace(document, "metadata: {", "metadata: {namespace: "+t.namespace+", ", 1)
		_, err := plane.Apply(t.ctx, []byte("apiVersion: "+v1alpha1.GroupVersion.String()+"\n"+document))
		Expect(err).To(HaveOccurred())
		for _, word := range words {
			Expect(err).To(MatchError(ContainSubstring(word)))
		}
	}

	timed := func(from, until time.Duration) string {
		stamp := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
		return fmt.Sprintf("\nkind: BookingGrant\nmetadata: {name: b1}\nspec:\n  groupRefs: [{name: boardroom}]\n"+
			"  organizer: {email: ana@example.com}\n  startTime: '%s'\n  endTime: '%s'\n", stamp(from), stamp(until))
	}

	DescribeTable("is refused where an address is none",
		func(email string) {
			refused(fmt.Sprintf("kind: Member\nmetadata: {name: m1}\nspec: {email: %q}", email), "spec.email")
			refused(strings.Replace(timed(0, time.Hour), "ana@example.com", fmt.Sprintf("%q", email), 1), "spec.organizer.email")
			Expect(t.writes()).To(BeEmpty())
		},
		Entry("without @", "ana.example.com"),
		Entry("with a name", "Ana <ana@example.com>"),
		Entry("with a space", "ana pop@example.com"),
		Entry("two of them", "ana@example.com,gil@example.com"),
		Entry("nothing", ""),
	)

	It("is refused where a booking ends before it starts, also later", func() {
		refused(timed(time.Hour, 0), "endTime", "startTime")
		refused(timed(time.Hour, time.Hour), "endTime", "startTime")
		t.apply(timed(0, time.Hour))
		b := &v1alpha1.BookingGrant{}
		t.eventually(b, "b1", "True", "Granted")
		b.Spec.EndTime = metav1.NewTime(b.Spec.StartTime.Add(-time.Hour))
		Expect(admin.Update(t.ctx, b)).To(MatchError(ContainSubstring("endTime")))
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
	})

	It("gives nothing: a booking that is over; and it does when its end is put right", func() {
		t.apply(timed(-3*time.Hour, -2*time.Hour))
		b := &v1alpha1.BookingGrant{}
		t.eventually(b, "b1", "True", "Ended")
		Expect(b.Status.State).To(Equal(v1alpha1.BookingPhaseEnded))
		Expect(*b.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1}))
		Expect(t.writes()).To(BeEmpty())
		Expect(admin.Get(t.ctx, t.key(implicit("ana@example.com")), &v1alpha1.Member{})).To(MatchError(ContainSubstring("not found")))
		edit(t, "b1", b, func(b *v1alpha1.BookingGrant) { b.Spec.EndTime = metav1.NewTime(time.Now().Add(time.Hour)) })
		t.eventually(b, "b1", "True", "Granted")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
	})

	It("names one person twice: they count once", func() {
		t.apply(strings.Replace(timed(0, time.Hour), "  startTime", "  attendees: [{email: ANA@example.com}, {email: gil@example.com}, {email: Gil@Example.com}]\n  startTime", 1))
		b := &v1alpha1.BookingGrant{}
		t.eventually(b, "b1", "True", "Granted")
		Expect(*b.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 2, Granted: 2}))
		Expect(t.kisi.Assignments("Boardroom")).To(HaveLen(2))
	})

	const window = "\n  startTime: '{{time \"-1m\"}}'\n  endTime: '{{time \"1h\"}}'"

	DescribeTable("refers to nothing: it says what and where, gives nothing, and heals when it is there",
		func(object client.Object, document, reason string, words []string, missing string) {
			t.apply("kind: Member\nmetadata: {name: mara}\nspec: {email: mara@acme.example}")
			t.eventually(&v1alpha1.Member{}, "mara", "True", "NoAccess")
			t.apply(document)
			t.notReady(object, "x", reason, words...)
			Expect(t.writes()).To(BeEmpty())
			t.apply(missing)
			t.eventually(object, "x", "True", "Granted")
			Expect(t.writes()).NotTo(BeEmpty())
		},
		Entry("a booking, to a group", &v1alpha1.BookingGrant{},
			"kind: BookingGrant\nmetadata: {name: x}\nspec:\n  organizer: {email: ana@example.com}\n  groupRefs: [{name: late}]"+window,
			v1alpha1.ReasonGroupNotFound, []string{"groupRefs", `"late"`}, lateGroup),
		Entry("a booking, to a place", &v1alpha1.BookingGrant{},
			"kind: BookingGrant\nmetadata: {name: x}\nspec:\n  organizer: {email: ana@example.com}\n  placeRef: {name: boardroom}"+window,
			v1alpha1.ReasonPlaceNotFound, []string{"placeRef", `"boardroom"`}, boardroom),
		Entry("a Member, to a group", &v1alpha1.Member{},
			"kind: Member\nmetadata: {name: x}\nspec: {email: ana@example.com, groupRefs: [{name: late}]}",
			v1alpha1.ReasonGroupNotFound, []string{"groupRefs", `"late"`}, lateGroup),
		Entry("a Member, to a place", &v1alpha1.Member{},
			"kind: Member\nmetadata: {name: x}\nspec: {email: ana@example.com, places: [{placeRef: {name: centre}}]}",
			v1alpha1.ReasonPlaceNotFound, []string{"places[0].placeRef", `"centre"`},
			"kind: PlaceMapping\nmetadata: {name: centre}\nspec: {kind: Center, access: [{groupRefs: [{name: uptown}]}]}"),
		Entry("a subscription, to a plan", &v1alpha1.AccessSubscription{},
			"kind: AccessSubscription\nmetadata: {name: x}\nspec: {planRef: {name: day}, subject: {email: ana@example.com}}",
			v1alpha1.ReasonPlanNotFound, []string{"planRef", `"day"`},
			"kind: AccessPlan\nmetadata: {name: day}\nspec: {groupRefs: [{name: uptown}]}"),
		Entry("a subscription, to a Member", &v1alpha1.AccessSubscription{},
			"kind: AccessSubscription\nmetadata: {name: x}\nspec: {groupRefs: [{name: uptown}], subject: {memberRef: {externalID: \"77\"}}}",
			v1alpha1.ReasonMemberNotFound, []string{"memberRef", `"77"`},
			"kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, externalID: \"77\"}"),
		Entry("a subscription, to a place", &v1alpha1.AccessSubscription{},
			"kind: AccessSubscription\nmetadata: {name: x}\nspec: {placeRef: {kind: Office, externalID: o1}, subject: {email: ana@example.com}}",
			v1alpha1.ReasonPlaceNotFound, []string{"placeRef", "Office", `"o1"`},
			"kind: PlaceMapping\nmetadata: {name: office}\nspec: {kind: Office, externalID: o1, access: [{groupRefs: [{name: uptown}]}]}"),
	)

	It("names an audience that its place does not know", func() {
		t.apply("kind: PlaceMapping\nmetadata: {name: centre}\nspec: {kind: Center, access: [{groupRefs: [{name: uptown}]}]}")
		t.apply("kind: Member\nmetadata: {name: x}\nspec: {email: ana@example.com, places: [{placeRef: {name: centre}, audience: parents}]}")
		m := &v1alpha1.Member{}
		t.notReady(m, "x", v1alpha1.ReasonAudienceNotFound, "places[0]", "audience", `"parents"`, `"centre"`)
		edit(t, "x", m, func(m *v1alpha1.Member) { m.Spec.Places[0].Audience = "members" })
		t.eventually(m, "x", "True", "Granted")
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue())
	})
})

const lateGroup = `
kind: KisiGroup
metadata: {name: late}
spec: {existing: {name: Late}}
`
