package e2e

import (
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const premium = `
kind: KisiGroup
metadata: {name: premium}
spec:
  managed:
    name: Premium
    description: Premium members
    place: {name: Downtown}
    doors: [{name: Entrance}]
    restrictions: {geofence: Disabled, reader: Enabled}
---
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, groupRefs: [{name: premium}]}
`

// groupsNamed lists the groups of Kisi with the name.
func (t *tenant) groupsNamed(name string) []simulator.GroupState {
	var found []simulator.GroupState
	for _, organization := range t.kisi.State().Organizations {
		for _, group := range organization.Groups {
			if group.Name == name {
				found = append(found, group)
			}
		}
	}
	return found
}

// refusal is the code with which a door refuses a person who unlocks it with an app, standing at it; empty if it opens.
func (t *tenant) refusal(email, lock string) string {
	GinkgoHelper()
	decision, err := t.kisi.TryUnlock("acme", email, lock, simulator.Attempt{ProximityProof: true}, t.kisi.Clock().Now())
	Expect(err).NotTo(HaveOccurred())
	return decision.Code
}

var _ = Describe("A managed KisiGroup", Label("B4"), func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.connect()
	})

	It("is made with its place, doors and restrictions, carries its mark, and lets people in", func() {
		t.start()
		t.apply(premium)
		group := &v1alpha1.KisiGroup{}
		t.eventually(group, "premium", "True", "Bound")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		Expect(t.groupsNamed("Premium")).To(HaveLen(1))
		made := t.groupsNamed("Premium")[0]
		Expect(made.ID).To(BeEquivalentTo(group.Status.KisiGroupID))
		Expect(made.Description).To(Equal("Premium members [kisi-operator " + t.namespace + "/premium " + string(group.UID) + "]"))
		Expect(made.Place).To(Equal("Downtown"))
		Expect(made.Locks).To(ConsistOf("Entrance"))
		Expect(group.Status.Restrictions.Reader).To(Equal(v1alpha1.RestrictionEnabled))
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeFalse())
	})

	It("follows its spec: name, description, doors and restrictions", func() {
		t.start()
		t.apply(premium)
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		edit(t, "premium", &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) {
			g.Spec.Managed.Name = "Gold"
			g.Spec.Managed.Doors = []v1alpha1.DoorReference{{Name: "Boardroom"}}
			g.Spec.Managed.Restrictions.Reader = v1alpha1.RestrictionDisabled
		})
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		Expect(t.groupsNamed("Premium")).To(BeEmpty())
		Expect(t.groupsNamed("Gold")).To(HaveLen(1))
		Expect(t.groupsNamed("Gold")[0].Locks).To(ConsistOf("Boardroom"))
		Consistently(func() map[string]int { return t.findings("premium") }).Should(BeEmpty(), "an edit of the spec is no drift")
	})

	It("is put right when somebody changed it in Kisi, on reconcile-at", func() {
		t.start()
		t.apply(premium)
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		for _, action := range []simulator.Action{
			{Action: simulator.ActionChangeGroup, Group: "Premium", Name: "Mine"},
			{Action: simulator.ActionAddLock, Group: "Mine", Lock: "Boardroom"},
			{Action: simulator.ActionRemoveLock, Group: "Mine", Lock: "Entrance"},
		} {
			_, err := t.kisi.Act(action)
			Expect(err).NotTo(HaveOccurred())
		}
		edit(t, "premium", &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) {
			g.Annotations = map[string]string{v1alpha1.ReconcileAtAnnotation: "1"}
		})
		Eventually(func(g Gomega) {
			g.Expect(t.groupsNamed("Premium")).To(HaveLen(1))
			g.Expect(t.groupsNamed("Premium")[0].Locks).To(ConsistOf("Entrance"))
			g.Expect(t.eventNotes("premium")).To(ConsistOf(HavePrefix("name, doors of the Kisi group")))
		}).Should(Succeed())
		Consistently(func() map[string]int { return t.findings("premium") }).Should(Equal(map[string]int{"GroupCorrected": 1}), "it is said once")
	})

	It("is never made twice: an answer that was lost is found by its mark", func() {
		_, err := t.kisi.AddFault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/groups", Count: 1})
		Expect(err).NotTo(HaveOccurred())
		t.start()
		t.apply(premium)
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		Expect(t.groupsNamed("Premium")).To(HaveLen(1))
	})

	It("says which door or place is missing, and heals", func() {
		t.start()
		t.apply(strings.Replace(premium, "{name: Entrance}", "{name: Back Door}", 1))
		group := &v1alpha1.KisiGroup{}
		t.eventually(group, "premium", "False", "DoorNotFound")
		Expect(messageOf(group)).To(ContainSubstring(`spec.managed.doors[0]: there is no door called "Back Door"`))
		Expect(t.groupsNamed("Premium")).To(BeEmpty(), "nothing is made by halves")
		edit(t, "premium", group, func(g *v1alpha1.KisiGroup) { g.Spec.Managed.Doors[0].Name = "Entrance" })
		t.eventually(group, "premium", "True", "Bound")
	})

	It("goes in Kisi when it is deleted, and takes its grants along", func() {
		t.start()
		t.apply(premium)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		t.delete(&v1alpha1.KisiGroup{}, "premium")
		t.gone(&v1alpha1.KisiGroup{}, "premium")
		Expect(t.groupsNamed("Premium")).To(BeEmpty())
		t.eventually(&v1alpha1.Member{}, "ana", "False", "GroupNotFound")
		Expect(get(Default, t, "ana", &v1alpha1.Member{}).Status.Grants).To(BeEmpty())
	})

	It("stays in Kisi while it holds what somebody else granted, until that goes", func() {
		t.start()
		t.apply(premium)
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		id, err := t.kisi.Act(simulator.Action{Action: simulator.ActionGrant, User: "mara@acme.example", Group: "Premium"})
		Expect(err).NotTo(HaveOccurred())
		t.delete(&v1alpha1.KisiGroup{}, "premium")
		Eventually(func(g Gomega) {
			g.Expect(readyOf(get(g, t, "premium", &v1alpha1.KisiGroup{}))).To(Equal("False ForeignAssignments"))
		}).Should(Succeed())
		Expect(t.opens("mara@acme.example", "Entrance", 0)).To(BeTrue())
		_, err = t.kisi.Act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: id})
		Expect(err).NotTo(HaveOccurred())
		t.gone(&v1alpha1.KisiGroup{}, "premium")
		Expect(t.groupsNamed("Premium")).To(BeEmpty())
	})

	It("stays in Kisi under deletionPolicy: Retain", func() {
		t.start()
		t.apply(strings.Replace(premium, "name: Premium\n", "name: Premium\n    deletionPolicy: Retain\n", 1))
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		t.delete(&v1alpha1.KisiGroup{}, "premium")
		t.gone(&v1alpha1.KisiGroup{}, "premium")
		Expect(t.groupsNamed("Premium")).To(HaveLen(1))
	})

	It("is built again, with doors and grants, when somebody deleted it in Kisi", func() {
		t.start()
		t.apply(premium)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		before := t.groupsNamed("Premium")[0].ID
		_, err := t.kisi.Act(simulator.Action{Action: simulator.ActionDeleteGroup, Group: "Premium"})
		Expect(err).NotTo(HaveOccurred())
		edit(t, "premium", &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) {
			g.Annotations = map[string]string{v1alpha1.ReconcileAtAnnotation: "1"}
		})
		Eventually(func(g Gomega) {
			g.Expect(t.groupsNamed("Premium")).To(HaveLen(1))
			g.Expect(t.groupsNamed("Premium")[0].ID).NotTo(Equal(before))
			g.Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
			g.Expect(t.eventNotes("premium")).To(ConsistOf(ContainSubstring("the Kisi group %d is gone", before)))
		}).Should(Succeed())
	})

	It("under GrantOnly takes nothing from anybody: no door, no restriction made stricter, no app", func() {
		t.start()
		t.apply(premium)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeGrantOnly })
		edit(t, "premium", &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) {
			g.Spec.Managed.Name = "Gold"
			g.Spec.Managed.Doors = []v1alpha1.DoorReference{{Name: "Boardroom"}}
			g.Spec.Managed.Restrictions = &v1alpha1.GroupRestrictions{Geofence: v1alpha1.RestrictionEnabled, Reader: v1alpha1.RestrictionDisabled}
			g.Spec.Managed.AppAccess = v1alpha1.AppAccessDisabled
		})
		t.says(&v1alpha1.KisiGroup{}, "premium", v1alpha1.ConditionReady, "True Bound", "GrantOnly", "1 door(s)", "restrictions.geofence", "appAccess")
		Eventually(func() []string { return t.doorsOf("Gold") }).Should(ConsistOf("Entrance", "Boardroom"))
		has := get(Default, t, "premium", &v1alpha1.KisiGroup{}).Status.Restrictions
		Expect(has.Geofence).To(Equal(v1alpha1.RestrictionDisabled))
		Expect(has.Reader).To(Equal(v1alpha1.RestrictionDisabled), "what is made looser is made so")
		Expect(t.writes()).NotTo(ContainElement(HavePrefix("DELETE")))

		By("a door that somebody adds in Kisi, which stays too")
		t.asAdam(http.MethodPost, "/locks", map[string]any{"lock": map[string]any{"name": "Side Door", "place_id": t.placeID("Downtown")}})
		t.act(simulator.Action{Action: simulator.ActionAddLock, Group: "Gold", Lock: "Side Door"})
		t.says(&v1alpha1.KisiGroup{}, "premium", v1alpha1.ConditionReady, "True Bound", "2 door(s)")
		Expect(t.doorsOf("Gold")).To(ConsistOf("Entrance", "Boardroom", "Side Door"))
		By("Enforce, which takes off what was left on")
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeEnforce })
		Eventually(func() []string { return t.doorsOf("Gold") }).Should(ConsistOf("Boardroom"))
		Eventually(func(g Gomega) {
			g.Expect(get(g, t, "premium", &v1alpha1.KisiGroup{}).Status.Restrictions.Geofence).To(Equal(v1alpha1.RestrictionEnabled))
		}).Should(Succeed())
	})

	It("under Observe changes nothing in Kisi and says what differs", func() {
		t.start()
		t.apply(premium)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeObserve })
		t.connection(v1alpha1.ConditionReady, "True Connected")
		before := t.writes()
		edit(t, "premium", &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) {
			g.Spec.Managed.Doors = []v1alpha1.DoorReference{{Name: "Boardroom"}}
		})
		t.says(&v1alpha1.KisiGroup{}, "premium", v1alpha1.ConditionReady, "True Bound", "Observe", "doors")
		Expect(t.writes()).To(Equal(before))
	})

	It("lets apps unlock, or not, as spec.managed.appAccess says", func() {
		t.start()
		t.apply(strings.Replace(premium, "    doors:", "    appAccess: Disabled\n    doors:", 1))
		group := &v1alpha1.KisiGroup{}
		t.says(group, "premium", v1alpha1.ConditionReady, "True Bound", "no app", "appAccess")
		Expect(group.Status.AppAccess).To(Equal(v1alpha1.AppAccessDisabled))
		t.granted("ana")
		Expect(t.refusal("ana@example.com", "Entrance")).To(Equal("f01337"))
		edit(t, "premium", group, func(g *v1alpha1.KisiGroup) { g.Spec.Managed.AppAccess = v1alpha1.AppAccessEnabled })
		Eventually(func() string { return t.refusal("ana@example.com", "Entrance") }).ShouldNot(Equal("f01337"))
		t.eventually(group, "premium", "True", "Bound")
		Expect(messageOf(group)).NotTo(ContainSubstring("app"))

		By("somebody switching it off in Kisi, which is put right")
		off := false
		t.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Premium", LoginEnabled: &off})
		Eventually(func() []string { return t.eventNotes("premium") }).Should(ContainElement(HavePrefix("appAccess of the Kisi group")))
		Expect(t.refusal("ana@example.com", "Entrance")).NotTo(Equal("f01337"))
	})
})
