package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("Two connections to one organization in one namespace", func() {
	const second = `
kind: KisiConnection
metadata: {name: west}
spec:
  apiKeySecretRef: {name: west}
  endpoint: %s
  requestsPerSecond: 500
  mode: %s
`
	var t *tenant
	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.connect()
		t.secret("west", "apiKey", "admin-key-0123456789")
	})
	bind := func() {
		t.apply(`
kind: KisiGroup
metadata: {name: members}
spec: {existing: {name: Members}}
---
kind: KisiGroup
metadata: {name: uptown}
spec: {connectionRef: {name: west}, existing: {name: Uptown}}
---
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, groupRefs: [{name: members}, {name: uptown}]}
`)
		t.eventually(&v1alpha1.KisiGroup{}, "members", "True", "Bound")
		t.eventually(&v1alpha1.KisiGroup{}, "uptown", "True", "Bound")
	}

	It("give one person one user, and each group is granted through its own connection", Label("B2"), func() {
		t.apply(fmt.Sprintf(second, t.kisi.URL(), "Enforce"))
		bind()
		member := &v1alpha1.Member{}
		Eventually(func(g Gomega) {
			get(g, t, "ana", member)
			g.Expect(readyOf(member)).To(Equal("True Granted"))
			g.Expect(member.Status.Grants).To(HaveLen(2))
		}).Should(Succeed())
		Expect(member.Status.Accounts).To(HaveLen(1))
		through := map[v1alpha1.ObjectName]v1alpha1.ObjectName{}
		for _, row := range member.Status.Grants {
			through[row.Group] = row.Connection
		}
		Expect(through).To(Equal(map[v1alpha1.ObjectName]v1alpha1.ObjectName{"members": "default", "uptown": "west"}))
		Expect(t.writes()).To(ConsistOf("POST /users", "POST /role_assignments", "POST /role_assignments"))
	})

	It("obey the stricter mode of the two", func() {
		t.apply(fmt.Sprintf(second, t.kisi.URL(), "Observe"))
		t.eventually(&v1alpha1.KisiConnection{}, "west", "True", "Connected")
		bind()
		t.eventually(&v1alpha1.Member{}, "ana", "False", "Observing")
		Consistently(t.writes).Should(BeEmpty())
	})

	It("one of them being deleted under Revoke takes back what was granted in its own groups, uncounted, and nothing of the other's", func() {
		t.apply(fmt.Sprintf(second, t.kisi.URL(), "Enforce"))
		bind()
		t.granted("ana")
		Eventually(func(g Gomega) { g.Expect(t.member(g, "ana").Status.Grants).To(HaveLen(2)) }).Should(Succeed())
		kept := t.rows("ana@example.com", "Uptown")
		Expect(kept).To(HaveLen(1))
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) {
			c.Spec.DisconnectPolicy = v1alpha1.DisconnectRevoke
			c.Spec.RevocationLimit = v1alpha1.RevocationLimit{Percent: ptr.To[int32](0), Minimum: ptr.To[int32](0)}
		})
		t.kisi.ResetRequests()
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
		t.quiet()
		Expect(t.rows("ana@example.com", "Uptown")).To(Equal(kept))
		Expect(t.writes()).To(ConsistOf(HavePrefix("DELETE /role_assignments/")))
		t.eventually(&v1alpha1.KisiConnection{}, "west", "True", "Connected")
		Eventually(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Grants).To(ConsistOf(And(
				HaveField("Group", BeEquivalentTo("uptown")), HaveField("State", v1alpha1.GrantActive))))
		}).Should(Succeed())
	})
})
