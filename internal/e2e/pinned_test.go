package e2e

import (
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// gold is a managed group with two doors, by name in a place by name, and two people in it.
const gold = `
kind: KisiGroup
metadata: {name: gold}
spec:
  managed:
    name: Gold
    place: {name: Downtown}
    doors: [{name: Entrance}, {name: Boardroom}]
---
kind: Member
metadata: {name: uma}
spec: {email: uma@example.com, groupRefs: [{name: gold}]}
---
kind: Member
metadata: {name: vic}
spec: {email: vic@example.com, groupRefs: [{name: gold}]}
`

const (
	umaSuspended = "kind: Member\nmetadata: {name: uma}\nspec: {email: uma@example.com, groupRefs: [{name: gold}], state: Suspended}"
	wesJoins     = "kind: Member\nmetadata: {name: wes}\nspec: {email: wes@example.com, groupRefs: [{name: gold}]}"
)

// asAdam does something in Kisi by hand.
func (t *tenant) asAdam(method, path string, body any) {
	GinkgoHelper()
	t.kisi.as("adam@acme.example", method, path, body)
}

// renameLock and renamePlace are done in Kisi by hand.
func (t *tenant) renameLock(name, newName string) {
	GinkgoHelper()
	t.act(simulator.Action{Action: simulator.ActionChangeLock, Lock: name, Name: newName})
}

func (t *tenant) renamePlace(name, newName string) {
	GinkgoHelper()
	t.act(simulator.Action{Action: simulator.ActionChangePlace, Place: name, Name: newName})
}

// lookAtGroup asks for a fresh look at a KisiGroup.
func (t *tenant) lookAtGroup(name, value string) {
	GinkgoHelper()
	annotate(t, name, &v1alpha1.KisiGroup{}, v1alpha1.ReconcileAtAnnotation, value)
}

// goesOn checks that the group Gold lets people in and takes them out, and that who is in keeps the row.
func (t *tenant) goesOn(vic []simulator.Assignment) {
	GinkgoHelper()
	t.apply(umaSuspended)
	t.apply(wesJoins)
	Eventually(func() bool { return t.opens("uma@example.com", "Entrance", 0) }).Should(BeFalse(), "who is suspended is out")
	t.eventually(&v1alpha1.Member{}, "uma", "True", "NotActive")
	Eventually(func() bool { return t.opens("wes@example.com", "Entrance", 0) }).Should(BeTrue(), "who joins is in")
	t.granted("wes")
	Expect(t.rows("vic@example.com", "Gold")).To(Equal(vic), "who is in stays in")
}

var _ = Describe("A bound managed KisiGroup", func() {
	var t *tenant
	var vic []simulator.Assignment
	group := func() *v1alpha1.KisiGroup { return &v1alpha1.KisiGroup{} }

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.connect()
		t.start()
		t.apply(gold)
		t.granted("uma")
		t.granted("vic")
		vic = t.rows("vic@example.com", "Gold")
		Expect(vic).To(HaveLen(1))
	})

	It("whose door was removed in Kisi says which, and goes on; a new door of the name is taken in", func() {
		t.act(simulator.Action{Action: simulator.ActionDeleteLock, Lock: "Boardroom"})
		t.lookAtGroup("gold", "1")
		t.notReady(group(), "gold", v1alpha1.ReasonDoorNotFound, "spec.managed.doors[1]", `"Boardroom"`)
		t.goesOn(vic)
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance"))

		t.asAdam(http.MethodPost, "/locks", map[string]any{"lock": map[string]any{"name": "Boardroom", "place_id": t.placeID("Downtown")}})
		t.lookAtGroup("gold", "2")
		t.eventually(group(), "gold", "True", "Bound")
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance", "Boardroom"))
		Expect(t.rows("vic@example.com", "Gold")).To(Equal(vic))
	})

	It("whose door was renamed in Kisi keeps it, says so, and puts the others right", func() {
		id := t.lockID("Boardroom")
		t.renameLock("Boardroom", "Meeting Room")
		t.act(simulator.Action{Action: simulator.ActionRemoveLock, Group: "Gold", Lock: "Entrance"})
		t.lookAtGroup("gold", "1")
		t.notReady(group(), "gold", v1alpha1.ReasonDoorNotFound, "spec.managed.doors[1]", `"Boardroom"`, `"Meeting Room"`, fmt.Sprint(id))
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance", "Meeting Room"))
		t.goesOn(vic)

		By("taking it off the list, which takes it out of the group")
		edit(t, "gold", group(), func(g *v1alpha1.KisiGroup) { g.Spec.Managed.Doors = g.Spec.Managed.Doors[:1] })
		t.eventually(group(), "gold", "True", "Bound")
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance"))
	})

	It("is not moved to another door that takes the name, until it is asked to", func() {
		t.renameLock("Boardroom", "Old Boardroom")
		t.asAdam(http.MethodPost, "/locks", map[string]any{"lock": map[string]any{"name": "Boardroom", "place_id": t.placeID("Downtown")}})
		t.lookAtGroup("gold", "1")
		t.notReady(group(), "gold", v1alpha1.ReasonDoorNotFound, "spec.managed.doors[1]", `"Old Boardroom"`, v1alpha1.RebindAnnotation)
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance", "Old Boardroom"))
		t.goesOn(vic)

		annotate(t, "gold", group(), v1alpha1.RebindAnnotation, "1")
		t.eventually(group(), "gold", "True", "Bound")
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance", "Boardroom"))
	})

	It("takes off what is taken off its list, also while a new name on the list is not found", func() {
		edit(t, "gold", group(), func(g *v1alpha1.KisiGroup) { g.Spec.Managed.Doors[1].Name = "Broadroom" })
		t.notReady(group(), "gold", v1alpha1.ReasonDoorNotFound, "spec.managed.doors[1]", `"Broadroom"`)
		Eventually(func() []string { return t.doorsOf("Gold") }).Should(ConsistOf("Entrance"))
		t.goesOn(vic)
	})

	It("whose place was renamed in Kisi, and another one took the name, stays where it is", func() {
		t.renamePlace("Downtown", "Old Town")
		t.lookAtGroup("gold", "1")
		t.notReady(group(), "gold", v1alpha1.ReasonPlaceNotFound, "spec.managed.place", `"Downtown"`)
		t.goesOn(vic)
		t.renamePlace("Uptown", "Downtown")
		t.renameLock("Uptown Door", "Entrance")
		t.lookAtGroup("gold", "2")
		t.notReady(group(), "gold", v1alpha1.ReasonPlaceNotFound, "spec.managed.place", "now has the name")
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance", "Boardroom"))
		Expect(t.writes()).NotTo(ContainElement(HavePrefix("DELETE /group_locks")))
	})

	It("with a door whose name is not one, or with an answer that makes no sense, goes on", func() {
		t.asAdam(http.MethodPost, "/locks", map[string]any{"lock": map[string]any{"name": "Lift", "place_id": t.placeID("Downtown")}})
		t.asAdam(http.MethodPost, "/locks", map[string]any{"lock": map[string]any{"name": "Lift", "place_id": t.placeID("Downtown")}})
		edit(t, "gold", group(), func(g *v1alpha1.KisiGroup) {
			g.Spec.Managed.Doors = append(g.Spec.Managed.Doors, v1alpha1.DoorReference{Name: "Lift"})
		})
		t.notReady(group(), "gold", v1alpha1.ReasonAmbiguousName, "spec.managed.doors[2]", "2 doors")
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance", "Boardroom"))
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Path: "/locks*"})
		t.lookAtGroup("gold", "1")
		t.notReady(group(), "gold", v1alpha1.ReasonInsufficientRole, "403")
		t.goesOn(vic)
	})
})

var _ = Describe("A KisiGroup of an existing group that is bound", func() {
	var t *tenant
	var rows []simulator.Assignment
	var bound int
	members := func() *v1alpha1.KisiGroup { return &v1alpha1.KisiGroup{} }
	person := func(name string) string {
		return fmt.Sprintf("kind: Member\nmetadata: {name: %s}\nspec: {email: %s@example.com, groupRefs: [{name: members}]}", name, name)
	}
	// renamed renames the group and makes another one of the old name, which opens the boardroom.
	renamed := func() (other int) {
		GinkgoHelper()
		t.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Members", Name: "Members (all)"})
		t.asAdam(http.MethodPost, "/groups", map[string]any{"group": map[string]any{"name": "Members"}})
		other = t.groupID("Members")
		t.asAdam(http.MethodPost, "/group_locks", map[string]any{"group_lock": map[string]any{"group_id": other, "lock_id": t.lockID("Boardroom")}})
		return other
	}

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.connect()
		t.apply("kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Members}}")
		t.apply(person("ana"))
		t.granted("ana")
		bound, rows = t.groupID("Members"), t.rows("ana@example.com", "Members")
	})

	It("stays bound when it is renamed in Kisi, says so, and is not moved to another one that takes the name", func() {
		other := renamed()
		t.lookAtGroup("members", "1")
		t.says(members(), "members", v1alpha1.ConditionReady, "True Bound", fmt.Sprint(bound), `"Members (all)"`, `"Members"`)
		t.apply(person("dan"))
		t.granted("dan")
		Expect(t.opens("dan@example.com", "Entrance", 0)).To(BeTrue())
		for _, email := range []string{"ana@example.com", "dan@example.com"} {
			Expect(t.opens(email, "Boardroom", 0)).To(BeFalse(), email)
		}
		Expect(t.rows("ana@example.com", "Members (all)")).To(Equal(rowsIn(rows, "Members (all)")))
		Expect(get(Default, t, "members", members()).Status.KisiGroupID).To(BeEquivalentTo(bound))

		By("a restart, after which nothing but the status is known")
		t.stop()
		var sessions *session.Pool
		t.options.OnAssembled = func(parts ...any) {
			for _, part := range parts {
				if pool, is := part.(*session.Pool); is {
					sessions = pool
				}
			}
		}
		t.startHere()
		t.lookAtGroup("members", "2")
		t.apply(person("eva"))
		t.granted("eva")
		Expect(t.opens("eva@example.com", "Boardroom", 0)).To(BeFalse())

		By("asking for it")
		annotate(t, "members", members(), v1alpha1.RebindAnnotation, "1")
		Eventually(func(g Gomega) {
			found := get(g, t, "members", members())
			g.Expect(found.Status.KisiGroupID).To(BeEquivalentTo(other))
			g.Expect(readyOf(found)).To(Equal("True Bound"))
			g.Expect(t.rows("ana@example.com", "Members (all)")).To(BeEmpty(), "what is replaced goes")
			g.Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		}).Should(Succeed())
		Expect(t.kisi.Assignments("Members (all)")).To(ContainElement(HaveField("User", "mara@acme.example")), "an admin's own grant stays")
		Eventually(func() []int64 {
			return sessions.Get(types.NamespacedName{Namespace: t.namespace, Name: "default"}).Mirror().Groups()
		}).Should(HaveExactElements(int64(other)), "nobody reads the former group again, so what is known of it goes")
	})

	It("is frozen when it is deleted in Kisi, also if another one takes the name, until it is asked for", func() {
		t.act(simulator.Action{Action: simulator.ActionDeleteGroup, Group: "Members"})
		t.lookAtGroup("members", "1")
		t.notReady(members(), "members", v1alpha1.ReasonGroupNotFound, fmt.Sprint(bound), v1alpha1.RebindAnnotation)
		t.asAdam(http.MethodPost, "/groups", map[string]any{"group": map[string]any{"name": "Members"}})
		t.lookAtGroup("members", "2")
		t.stays(members(), "members", "False GroupNotFound")
		Expect(t.kisi.Assignments("Members")).To(BeEmpty())
		annotate(t, "members", members(), v1alpha1.RebindAnnotation, "1")
		t.eventually(members(), "members", "True", "Bound")
		t.granted("ana")
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
	})

	It("is frozen while the name that it is to be looked up by again is not one, and goes back when that is taken back", func() {
		renamed()
		t.asAdam(http.MethodPost, "/groups", map[string]any{"group": map[string]any{"name": "Members"}})
		annotate(t, "members", members(), v1alpha1.RebindAnnotation, "1")
		t.notReady(members(), "members", v1alpha1.ReasonAmbiguousName, "2 groups", v1alpha1.RebindAnnotation)
		Expect(isStalled(get(Default, t, "members", members()))).To(BeTrue())
		writes := t.writes()
		t.apply(person("dan"))
		t.notReady(&v1alpha1.Member{}, "dan", v1alpha1.ReasonGroupNotFound, "AmbiguousName")
		Expect(t.writes()).To(Equal(writes))
		edit(t, "members", members(), func(g *v1alpha1.KisiGroup) { delete(g.Annotations, v1alpha1.RebindAnnotation) })
		t.granted("dan")
		Expect(t.opens("dan@example.com", "Boardroom", 0)).To(BeFalse())
	})

	It("asks again about what is found in the group that it is moved to, if it is Exclusive", func() {
		edit(t, "members", members(), func(g *v1alpha1.KisiGroup) {
			g.Spec.Assignments, g.Spec.AtBinding = v1alpha1.AssignmentsExclusive, v1alpha1.BindingTakeOver
		})
		t.eventually(members(), "members", "True", "Bound")
		Eventually(func() []simulator.Assignment { return t.rows("mara@acme.example", "Members") }).Should(BeEmpty(), "taken over")
		edit(t, "members", members(), func(g *v1alpha1.KisiGroup) { g.Spec.AtBinding = v1alpha1.BindingRefuse })
		t.eventually(members(), "members", "True", "Bound")
		renamed()
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Members"})
		annotate(t, "members", members(), v1alpha1.RebindAnnotation, "1")
		t.notReady(members(), "members", v1alpha1.ReasonGroupNotExclusive, "1 assignment")
		Expect(t.rows("gary@acme.example", "Members")).To(HaveLen(1), "nobody was asked yet")
	})
})

// rowsIn are the rows as they are shown of a group that was renamed.
func rowsIn(rows []simulator.Assignment, group string) []simulator.Assignment {
	renamed := make([]simulator.Assignment, len(rows))
	for i, row := range rows {
		row.Name = group
		renamed[i] = row
	}
	return renamed
}
