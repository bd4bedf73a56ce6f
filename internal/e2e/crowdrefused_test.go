package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("Many broken objects", func() {
	const many = 30
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
	})

	each := func(document string) {
		GinkgoHelper()
		var documents []string
		for i := range many {
			documents = append(documents, fmt.Sprintf(document, i))
		}
		t.apply(strings.Join(documents, "\n---\n"))
	}
	allSay := func(reason string) {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			var members v1alpha1.MemberList
			g.Expect(admin.List(t.ctx, &members, client.InNamespace(t.namespace))).To(Succeed())
			g.Expect(members.Items).To(HaveLen(many))
			for i := range members.Items {
				g.Expect(readyOf(&members.Items[i])).To(HaveSuffix(" "+reason), messageOf(&members.Items[i]))
			}
		}).WithTimeout(time.Minute).Should(Succeed())
	}
	// asked lists what was asked of Kisi about people while it was polled a few times.
	asked := func() []string {
		GinkgoHelper()
		since := t.lastRequest()
		t.polled(since, 4)
		var asked []string
		for _, r := range t.kisi.Requests(simulator.RequestFilter{AfterID: since}) {
			if slices.Contains([]string{"/users", "/role_assignments"}, r.Path) {
				asked = append(asked, r.Method+" "+r.Path)
			}
		}
		return asked
	}

	It("cost few requests where Kisi refuses the addresses", func() {
		each("kind: Member\nmetadata: {name: m%[1]d}\nspec: {email: bad..%[1]d@example.com, groupRefs: [{name: members}]}")
		allSay(v1alpha1.ReasonRefusedByKisi)
		Expect(len(asked())).To(BeNumerically("<=", 60), "a try is three requests, and there is one every two seconds, of %d people", many)
		edit(t, "m29", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email = "good@example.com" })
		t.granted("m29")
	})

	It("cost few requests where Kisi refuses a group, and heal together", func() {
		end := t.kisi.fault(simulator.Fault{
			Kind: simulator.FaultStatus, Method: http.MethodPost, Path: "/role_assignments", Status: http.StatusUnprocessableEntity, Body: `{"errors":{"base":["is not possible today"]}}`,
		})
		each("kind: Member\nmetadata: {name: m%[1]d}\nspec: {email: p%[1]d@example.com, groupRefs: [{name: members}]}")
		allSay(v1alpha1.ReasonRefusedByKisi)
		Expect(len(asked())).To(BeNumerically("<=", 60), "a try is two requests")
		end()
		for i := range many {
			Eventually(func() string { return readyOf(t.member(Default, fmt.Sprintf("m%d", i))) }).WithTimeout(2 * time.Minute).Should(HavePrefix("True"))
		}
	})

	It("cost nothing where they name what does not exist", func() {
		each(`
kind: BookingGrant
metadata: {name: b%[1]d}
spec:
  placeRef: {name: nowhere}
  organizer: {email: p%[1]d@example.com}
  startTime: '{{time "-5m"}}'
  endTime: '{{time "2h"}}'
---
kind: AccessSubscription
metadata: {name: s%[1]d}
spec: {subject: {memberRef: {name: nobody}}, groupRefs: [{name: missing}]}`)
		t.notReady(&v1alpha1.BookingGrant{}, "b29", v1alpha1.ReasonPlaceNotFound)
		t.notReady(&v1alpha1.AccessSubscription{}, "s29", v1alpha1.ReasonMemberNotFound)
		Expect(asked()).To(BeEmpty())
	})
})
