package e2e

import (
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// lockID looks up a door of Kisi.
func (t *tenant) lockID(name string) int {
	GinkgoHelper()
	for _, organization := range t.kisi.State().Organizations {
		for _, lock := range organization.Locks {
			if lock.Name == name {
				return lock.ID
			}
		}
	}
	Fail("there is no door " + name)
	return 0
}

var _ = Describe("A gym", func() {
	It("ties clubs and studios to organization, place and doors by their ids", Label("B3", "B4"), func(ctx SpecContext) {
		t := newTenant(ctx)
		Expect(t.kisi.LoadSeed([]byte(otherOrganization))).To(Succeed())
		west := t.kisi.asIn("globex", "hank@globex.example", http.MethodPost, "/places", map[string]any{"place": map[string]any{"name": "West", "address": "9 West Street"}})
		t.start()
		t.connect("organizationID: 3289")
		t.secret("west", "apiKey", globexKey)
		t.apply(fmt.Sprintf("kind: KisiConnection\nmetadata: {name: west}\nspec: {apiKeySecretRef: {name: west}, endpoint: %q, organizationID: 4711, requestsPerSecond: 500}", t.kisi.URL()))
		t.apply(fmt.Sprintf(`
kind: KisiGroup
metadata: {name: gold}
spec: {managed: {name: Gold, place: {id: %[1]d}, doors: [{id: %[2]d}, {id: %[3]d}]}}
---
kind: KisiGroup
metadata: {name: yoga}
spec: {connectionRef: {name: west}, managed: {name: Yoga, place: {id: %[4]d}}}
---
kind: PlaceMapping
metadata: {name: club}
spec: {kind: Club, externalID: c1, kisiPlace: {id: %[1]d}, access: [{groupRefs: [{name: gold}]}]}
---
kind: PlaceMapping
metadata: {name: studio}
spec: {connectionRef: {name: west}, kind: Studio, externalID: s1, kisiPlace: {id: %[4]d}, access: [{groupRefs: [{name: yoga}]}]}
---
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, places: [{placeRef: {name: club}}, {placeRef: {kind: Studio, externalID: s1}}]}
`, t.placeID("Downtown"), t.lockID("Entrance"), t.lockID("Boardroom"), west))
		for name, place := range map[string]int{"club": t.placeID("Downtown"), "studio": west} {
			mapping := &v1alpha1.PlaceMapping{}
			t.eventually(mapping, name, "True", "Resolved")
			Expect(mapping.Status.KisiPlaceID).To(BeEquivalentTo(place))
		}
		t.eventually(&v1alpha1.KisiGroup{}, "gold", "True", "Bound")
		t.eventually(&v1alpha1.KisiGroup{}, "yoga", "True", "Bound")
		Expect(t.groupsNamed("Gold")).To(HaveExactElements(HaveField("Locks", ConsistOf("Entrance", "Boardroom"))))
		Expect(t.groupsNamed("Yoga")).To(HaveExactElements(HaveField("Place", "West")))
		ana := t.granted("ana")
		organizations := map[v1alpha1.ObjectName]v1alpha1.KisiID{}
		for _, row := range ana.Status.Grants {
			organizations[row.Group] = row.OrganizationID
		}
		Expect(organizations).To(Equal(map[v1alpha1.ObjectName]v1alpha1.KisiID{"gold": 3289, "yoga": 4711}))
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.groupsNamed("Members")).To(HaveLen(2), "groups that are not managed are as they were")
		Expect(emailsOf(t.kisi.Assignments("Members"))).NotTo(ContainElement("ana@example.com"))

		// A place of the same name in another organization is another place: its id does not fit here.
		edit(t, "studio", &v1alpha1.PlaceMapping{}, func(p *v1alpha1.PlaceMapping) {
			p.Spec.KisiPlace.ID = v1alpha1.KisiID(t.placeID("Downtown"))
		})
		t.notReady(&v1alpha1.PlaceMapping{}, "studio", v1alpha1.ReasonPlaceNotFound)
		t.quiet()
		Expect(t.member(Default, "ana").Status.Grants).To(HaveLen(2), "and takes nothing back")
		Expect(t.groupsNamed("Yoga")).To(HaveExactElements(HaveField("Users", 1)))
	})
})
