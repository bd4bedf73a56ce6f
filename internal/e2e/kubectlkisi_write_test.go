package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("kubectl kisi, with more rights", func() {
	It("shows what is held, and releases it for whoever may", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture("revocationLimit: {percent: 0, minimum: 0}")
		t.apply(`
kind: AccessPlan
metadata: {name: plan}
spec: {groupRefs: [{name: members}]}
---
kind: AccessSubscription
metadata: {name: plan}
spec: {planRef: {name: plan}, subject: {team: red}}
---
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, fullName: Ana Diaz, teams: [red]}
---
kind: Member
metadata: {name: bob}
spec: {email: bob@example.com, fullName: Bob Lind, teams: [red]}`)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		t.eventually(&v1alpha1.Member{}, "bob", "True", "Granted")
		t.delete(&v1alpha1.AccessPlan{}, "plan")
		t.eventually(&v1alpha1.Member{}, "ana", "False", "RevocationsHeld")
		t.eventually(&v1alpha1.Member{}, "bob", "False", "RevocationsHeld")

		viewer := t.pluginFor("viewer", mayRead())
		Expect(viewer.run("access", "ana")).To(ContainSubstring("can still open the doors of Members"))
		Expect(viewer.run("status")).To(ContainSubstring("group members: 2 of the doors of Members (kubectl kisi approve members"))
		_, complaint, status := viewer.try("approve", "members", "--yes")
		Expect(status).To(Equal(2))
		Expect(complaint).To(ContainSubstring("forbidden"))
		Consistently(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())

		editor := t.pluginFor("editor", mayRead(), rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"kisigroups", "members"}, Verbs: []string{"patch", "approve"}})
		Expect(editor.run("approve", "members", "--for", "5m", "--yes")).To(And(ContainSubstring("Ana Diaz"), ContainSubstring("Bob Lind"), ContainSubstring("Approved")))
		Eventually(func() bool {
			return t.opens("ana@example.com", "Entrance", 0) || t.opens("bob@example.com", "Entrance", 0)
		}).Should(BeFalse())
		Expect(editor.run("approve", "members", "--yes")).To(ContainSubstring("nothing was approved"))
	})

	It("lets a person in again whom somebody suspended in Kisi, and says so before and after", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, fullName: Ana Diaz, groupRefs: [{name: members}]}")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		t.kisi.asIn("acme", "adam@acme.example", http.MethodPatch, fmt.Sprintf("/users/%d", t.userID("ana@example.com")), map[string]any{"user": map[string]any{"access_enabled": false}})
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")

		helper := t.pluginFor("helper", mayRead(), rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"members"}, Verbs: []string{"patch"}})
		Expect(helper.run("access", "ana")).To(ContainSubstring("Ana Diaz cannot open the doors of Members"))
		Expect(helper.run("access", "ana", "-o", "name")).To(BeEmpty())
		Expect(helper.run("status")).To(ContainSubstring("kubectl kisi reinstate ana"))
		helper.run("reinstate", "ana")
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		Expect(helper.run("access", "ana", "-o", "name")).To(ContainSubstring("/members"))
		helper.run("reconcile", "member/ana")
		Expect(get(Default, t, "ana", &v1alpha1.Member{}).Annotations).To(HaveKey(v1alpha1.ReconcileAtAnnotation))
		_, complaint, status := helper.try("doctor")
		Expect(status).To(Equal(0), complaint)
	})
})

// withTimes is an organization with what people have made of it by hand: times, several in one group, a team, a manager, a
// suspended user, and names that no object can have.
var withTimes = strings.NewReplacer(
	"      - {email: gary@acme.example, name: Gary Guest}\n", `      - {email: gary@acme.example, name: Gary Guest}
      - {email: "Zoe.O'Neil+x@example.com", name: "Zoë O'Neil"}
      - {email: zoe@example.org, name: Zoe}
      - {email: zoe@example.com, name: Zoe Two}
      - {email: late@example.com, name: Lou Late}
      - {email: off@example.com, name: Ola Off, accessEnabled: false}
`,
	"      - {user: mara@acme.example, group: Members, createdBy: adam@acme.example}\n", `      - {user: mara@acme.example, group: Members, createdBy: adam@acme.example}
      - {user: zoe@example.org, group: Members, createdBy: adam@acme.example}
      - {user: zoe@example.org, group: Boardroom, createdBy: adam@acme.example, validUntil: "2039-01-01T00:00:00Z"}
      - {user: zoe@example.com, group: Uptown, createdBy: adam@acme.example, validFrom: "2020-01-01T00:00:00Z", validUntil: "2038-01-01T00:00:00Z"}
      - {user: "Zoe.O'Neil+x@example.com", group: Boardroom, createdBy: adam@acme.example}
      - {user: off@example.com, group: Members, createdBy: adam@acme.example}
      - {user: late@example.com, group: Late, createdBy: adam@acme.example, validFrom: "2037-01-01T00:00:00Z"}
      - {user: gary@acme.example, group: Late, role: group_manager, createdBy: adam@acme.example}
`,
).Replace(organization)

var _ = Describe("kubectl kisi import", func() {
	It("writes objects by which nobody loses access, from Observe to Exclusive", func(ctx SpecContext) {
		t := newTenantOf(ctx, newKisiFrom(withTimes, simulator.Options{RequestsPerSecond: -1}))
		key := filepath.Join(GinkgoT().TempDir(), "key")
		Expect(os.WriteFile(key, []byte(ownerKey+"\n"), 0o600)).To(Succeed())
		t.secrets = append(t.secrets, ownerKey)
		folder := filepath.Join(GinkgoT().TempDir(), "access")
		importer := plugin{kubeconfig: "/dev/null", namespace: t.namespace}
		out := importer.run("import", "-d", folder, "--key-file", key, "--endpoint", t.kisi.URL(), "--requests-per-second", "500")
		Expect(out).To(ContainSubstring("Wrote 4 groups, 2 places and 9 people"))
		_, complaint, status := importer.try("import", "-d", folder, "--key-file", key, "--endpoint", t.kisi.URL(), "--requests-per-second", "500")
		Expect(status).To(Equal(2))
		Expect(complaint).To(ContainSubstring("is there already; choose another folder, or add --overwrite"))
		Expect(t.writes()).To(BeEmpty(), "it only reads")
		page, err := os.ReadFile(filepath.Join(folder, "README.md"))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(page)).To(And(ContainSubstring("group_manager"), ContainSubstring("Boardroom: Boardroom, Entrance"), Not(ContainSubstring(ownerKey))))

		before := t.doorsOfUsers()
		Expect(len(before)).To(BeNumerically(">", 5))
		var lost sync.Map
		watching := t.kisi.watch(func() {
			now := t.doorsOfUsers()
			for key := range before {
				if !now[key] {
					lost.Store(key, time.Now())
				}
			}
		})
		defer watching()
		nobodyLost := func(stage string) {
			GinkgoHelper()
			lost.Range(func(key, at any) bool {
				Fail(fmt.Sprintf("%s: %v was lost at %v", stage, key, at))
				return false
			})
		}

		t.start()
		t.secret("kisi", "apiKey", ownerKey)
		t.applyFolder(folder)
		groups := func(g Gomega) []v1alpha1.KisiGroup {
			var list v1alpha1.KisiGroupList
			g.Expect(admin.List(t.ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
			return list.Items
		}
		Eventually(func(g Gomega) {
			for _, group := range groups(g) {
				g.Expect(readyOf(&group)).To(Equal("True Bound"), group.Name)
			}
		}).Should(Succeed())
		t.settled()
		Expect(t.writes()).To(BeEmpty(), "Observe writes nothing")
		nobodyLost("Observe")
		var members v1alpha1.MemberList
		Expect(admin.List(t.ctx, &members, client.InNamespace(t.namespace))).To(Succeed())
		for _, m := range members.Items {
			if len(m.Status.Planned) == 0 {
				continue
			}
			Expect(m.Status.Planned).To(HaveEach(HaveField("Action", v1alpha1.PlannedGrant)), "%s: %v", m.Name, m.Status.Planned)
		}

		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeEnforce })
		t.settled()
		nobodyLost("Shared")

		for _, group := range groups(Default) {
			edit(t, group.Name, &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) { g.Spec.Assignments = v1alpha1.AssignmentsExclusive })
		}
		Eventually(func(g Gomega) {
			for _, group := range groups(g) {
				g.Expect(group.Status.Assignments).To(Equal(v1alpha1.AssignmentsExclusive), "%s: %s", group.Name, messageOf(&group))
			}
		}).Should(Succeed())
		t.settled()
		nobodyLost("Exclusive")
		Expect(t.doorsOfUsers()).To(Equal(before), "and nobody has gained any")
	})
})

// doorsOfUsers lists, as "user at door", which doors open now to the users of Kisi.
func (t *tenant) doorsOfUsers() map[string]bool {
	open := map[string]bool{}
	for _, organization := range t.kisi.State().Organizations {
		for _, user := range organization.Users {
			for _, lock := range organization.Locks {
				if t.kisi.CanOpen(user.Email, lock.Name, t.kisi.Clock().Now()).Allowed {
					open[user.Email+" at "+lock.Name] = true
				}
			}
		}
	}
	return open
}

// applyFolder applies every file of a folder to the tenant's namespace, one after the other.
func (t *tenant) applyFolder(folder string) {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join(folder, "[0-9]*.yaml"))
	Expect(err).NotTo(HaveOccurred())
	Expect(files).NotTo(BeEmpty())
	for _, file := range files {
		content, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		for document := range strings.SplitSeq(string(content), "---\n") {
			document = strings.Replace(document, "metadata:\n", "metadata:\n  namespace: "+t.namespace+"\n", 1)
			_, err := plane.Apply(t.ctx, []byte(document))
			Expect(err).NotTo(HaveOccurred(), "%s:\n%s", file, document)
		}
	}
}
