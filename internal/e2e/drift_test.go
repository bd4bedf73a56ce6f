package e2e

import (
	"net/http"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// look has the operator read a group afresh, as at every resyncInterval.
func (t *tenant) look(group string) {
	GinkgoHelper()
	edit(t, group, &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) {
		if g.Annotations == nil {
			g.Annotations = map[string]string{}
		}
		looks, _ := strconv.Atoi(g.Annotations[v1alpha1.ReconcileAtAnnotation])
		g.Annotations[v1alpha1.ReconcileAtAnnotation] = strconv.Itoa(looks + 1)
	})
}

// findings counts the Events about an object, by reason.
func (t *tenant) findings(object string) map[string]int {
	GinkgoHelper()
	var list eventsv1.EventList
	Expect(admin.List(t.ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
	found := map[string]int{}
	for _, event := range list.Items {
		if event.Regarding.Name == object {
			found[event.Reason]++
			if event.Series != nil {
				found[event.Reason] += int(event.Series.Count) - 1
			}
		}
	}
	return found
}

// notes are what the Events about an object say, of one reason.
func (t *tenant) notes(object, reason string) (notes []string) {
	GinkgoHelper()
	var list eventsv1.EventList
	Expect(admin.List(t.ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
	for _, event := range list.Items {
		if event.Regarding.Name == object && event.Reason == reason {
			notes = append(notes, event.Note)
		}
	}
	return notes
}

const anaInMembers = "kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, fullName: Ana, groupRefs: [{name: members}]}"

var _ = Describe("What somebody changes in Kisi", func() {
	It("is put back where an assignment of ours was taken away, and mails nobody", Label("K3"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture("notifications: Always")
		t.apply(anaInMembers)
		before := t.granted("ana").Status.Grants[0].RoleAssignmentID
		t.kisi.ResetRequests()
		t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: int(before)})
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeFalse())
		t.look("members")
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())
		Eventually(func(g Gomega) {
			member := t.member(g, "ana")
			g.Expect(readyOf(member)).To(Equal("True Granted"))
			g.Expect(member.Status.Grants).To(HaveLen(1))
			g.Expect(member.Status.Grants[0].RoleAssignmentID).NotTo(Equal(before))
			g.Expect(t.findings("ana")).To(HaveKeyWithValue("AssignmentRemoved", 1))
		}).Should(Succeed())
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /role_assignments"}))
		Expect(t.bodies("POST", "/role_assignments", "role_assignment")[0]).To(HaveKeyWithValue("notify", false))
		Expect(t.findings("ana")).To(HaveKeyWithValue("AssignmentRemoved", 1))
	})

	It("is put right where the window of an assignment of ours was changed", Label("S14"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1h", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		row := t.implicit(Default, "ana@example.com").Status.Grants[0]
		t.act(simulator.Action{Action: simulator.ActionSetWindow, AssignmentID: int(row.RoleAssignmentID), ValidUntil: ptr.To(time.Now().Add(24 * time.Hour).Truncate(time.Second))})
		Expect(t.opens("ana@example.com", "Boardroom", 3*time.Hour)).To(BeTrue())
		t.look("boardroom")
		Eventually(func(g Gomega) {
			rows := t.rows("ana@example.com", "Boardroom")
			g.Expect(rows).To(HaveLen(1))
			g.Expect(*rows[0].ValidUntil).To(BeTemporally("==", row.ValidUntil.Time))
			member := t.implicit(g, "ana@example.com")
			g.Expect(member.Status.Grants).To(HaveLen(1))
			g.Expect(member.Status.Grants[0].RoleAssignmentID).To(BeEquivalentTo(rows[0].ID))
			g.Expect(readyOf(member)).To(Equal("True Granted"))
		}).Should(Succeed())
		Expect(t.opens("ana@example.com", "Boardroom", 3*time.Hour)).To(BeFalse())
		Eventually(func() map[string]int { return t.findings(implicitName("ana@example.com")) }).Should(HaveKeyWithValue("WindowChanged", 1))
		t.quiet()
	})

	It("is respected where the user was deleted: nothing is put back", Label("P6"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		t.granted("ana")
		t.act(simulator.Action{Action: simulator.ActionDeleteUser, User: "ana@example.com"})
		t.kisi.ResetRequests()
		t.look("members")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		Eventually(func() map[string]int { return t.findings("ana") }).Should(HaveKeyWithValue("UserRemoved", 1))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.findings("ana")).To(Equal(map[string]int{"UserRemoved": 1}), "one finding is one event")
	})

	It("is left alone in a Shared group where it is not ours", Label("K5"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		t.granted("ana")
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Members"})
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "ana@example.com", Group: "Members", ValidUntil: ptr.To(time.Now().Add(time.Hour))})
		t.kisi.ResetRequests()
		t.look("members")
		Eventually(func(g Gomega) {
			g.Expect(get(g, t, "members", &v1alpha1.KisiGroup{}).Status.Counts.Foreign).To(BeEquivalentTo(3))
		}).Should(Succeed())
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1), "the admin's own grant stays")
	})

	It("is left alone where somebody made a manager of a person, also when nothing asks for the person's access any more", Label("K5"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		row := int(t.granted("ana").Status.Grants[0].RoleAssignmentID)
		t.kisi.as("adam@acme.example", http.MethodPatch, path("/role_assignments/", row), map[string]any{"role_assignment": map[string]any{"role_id": "group_manager"}})
		t.kisi.ResetRequests()
		t.look("members")
		t.asked("GET", "/role_assignments")
		t.quiet()
		t.kisi.ResetRequests()
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		Expect(t.member(Default, "ana").Status.Grants).To(BeEmpty())
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.rows("ana@example.com", "Members")).To(ConsistOf(HaveField("Role", "group_manager")))
	})

	It("of a window that nothing asks for any more leaves the ledger with it", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		row := t.granted("ana").Status.Grants[0]
		t.stop()
		t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: int(row.RoleAssignmentID)})
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		t.kisi.ResetRequests()
		t.start()
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		Expect(t.member(Default, "ana").Status.Grants).To(BeEmpty())
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
	})
})
