package e2e

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A neighbour in another namespace", func() {
	var t, neighbour *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		neighbour = t.neighbour(ctx)
		t.options.Namespaces = []string{t.namespace, neighbour.namespace}
		t.start()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
	})

	It("with all the names of this one has neither its Secret nor its groups nor its people", func() {
		t.kisi.ResetRequests()
		neighbour.apply(fmt.Sprintf(`
kind: KisiConnection
metadata: {name: default}
spec: {apiKeySecretRef: {name: kisi}, endpoint: %s}
---
kind: KisiGroup
metadata: {name: boardroom}
spec: {existing: {name: Boardroom}}
---
kind: BookingGrant
metadata: {name: b1}
spec:
  groupRefs: [{name: members}]
  organizer: {email: ana@example.com}
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
---
kind: AccessSubscription
metadata: {name: s1}
spec: {subject: {memberRef: {name: ana}}, groupRefs: [{name: boardroom}]}`, t.kisi.URL()))
		neighbour.notReady(&v1alpha1.KisiConnection{}, "default", v1alpha1.ReasonSecretNotFound, `"kisi"`)
		neighbour.notReady(&v1alpha1.KisiGroup{}, "boardroom", v1alpha1.ReasonConnectionNotReady)
		neighbour.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonGroupNotFound, `"members"`)
		neighbour.notReady(&v1alpha1.AccessSubscription{}, "s1", v1alpha1.ReasonMemberNotFound, `"ana"`)
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeFalse())
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		for _, object := range neighbour.everything(t.ctx) {
			for _, c := range conditionsOf(object) {
				Expect(c.Message).NotTo(ContainSubstring(t.namespace), "%T %s", object, object.GetName())
			}
		}
	})

	DescribeTable("cannot name what is in this one:", func(document string) {
		document = strings.ReplaceAll(document, "THEIRS", t.namespace)
		document = strings.Replace(document, "metadata: {", "metadata: {namespace: "+neighbour.namespace+", ", 1)
		_, err := plane.Apply(t.ctx, []byte("apiVersion: "+v1alpha1.GroupVersion.String()+"\n"+document))
		Expect(err).To(HaveOccurred())
	},
		Entry("a Secret by its path", "kind: KisiConnection\nmetadata: {name: x}\nspec: {apiKeySecretRef: {name: THEIRS/kisi}}"),
		Entry("a Secret by a step up", "kind: KisiConnection\nmetadata: {name: x}\nspec: {apiKeySecretRef: {name: ../THEIRS/kisi}}"),
		Entry("a Secret by its namespace", "kind: KisiConnection\nmetadata: {name: x}\nspec: {apiKeySecretRef: {name: kisi, namespace: THEIRS}}"),
		Entry("a group", "kind: Member\nmetadata: {name: x}\nspec: {email: x@example.com, groupRefs: [{name: THEIRS/members}]}"),
		Entry("a connection", "kind: KisiGroup\nmetadata: {name: x}\nspec: {existing: {name: Members}, connectionRef: {name: default, namespace: THEIRS}}"),
		Entry("a server beside the API, by credentials", "kind: KisiConnection\nmetadata: {name: x}\nspec: {apiKeySecretRef: {name: kisi}, endpoint: 'https://api.kisi.io@169.254.169.254'}"),
		Entry("a server beside the API, by a path", "kind: KisiConnection\nmetadata: {name: x}\nspec: {apiKeySecretRef: {name: kisi}, endpoint: 'https://api.kisi.io/../x'}"),
	)

	It("full of refused keys and broken objects keeps nobody here waiting, also after a restart", func() {
		const many = 100
		neighbour.secret("kisi", "apiKey", "not-a-key-of-anybody")
		var documents []string
		for i := range many {
			documents = append(documents, fmt.Sprintf(`
kind: KisiConnection
metadata: {name: c%[1]d}
spec: {apiKeySecretRef: {name: kisi}, endpoint: %[2]s, requestsPerSecond: 1, changePollInterval: 5s}
---
kind: Member
metadata: {name: m%[1]d}
spec: {email: m%[1]d@example.com, groupRefs: [{name: missing}]}`, i, t.kisi.URL()))
		}
		neighbour.apply(strings.Join(documents, "\n---\n"))
		refused := simulator.RequestFilter{Path: "/login", Status: 401}
		Eventually(func() int { return t.kisi.CountRequests(refused) }).Should(BeNumerically(">=", 2), "the first keys are refused")
		t.stop()
		t.kisi.ResetRequests()
		t.start()
		t.apply("kind: Member\nmetadata: {name: bob}\nspec: {email: bob@example.com, groupRefs: [{name: members}]}")
		t.granted("bob")
		Expect(t.kisi.CountRequests(refused)).To(BeNumerically("<", many/2), "the keys of the neighbour's were not all asked about first")
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
	})
})
