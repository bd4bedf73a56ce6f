package e2e

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("unlockMode: PartnerApp", Label("K8", "S3"), func() {
	It("names each restriction in the way, changes nothing else, and heals", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect("unlockMode: PartnerApp")
		t.apply(strings.Replace(premium, "geofence: Disabled", "geofence: Enabled", 1))
		group := &v1alpha1.KisiGroup{}
		t.eventually(group, "premium", "True", "Bound")
		advice := condition(group, v1alpha1.ConditionPartnerAppCompatible)
		Expect(advice.Status).To(Equal(metav1.ConditionFalse))
		Expect(advice.Message).To(ContainSubstring("geofence, reader of the group"))
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")

		edit(t, "premium", group, func(g *v1alpha1.KisiGroup) {
			g.Spec.Managed.Restrictions = &v1alpha1.GroupRestrictions{Geofence: v1alpha1.RestrictionDisabled, Reader: v1alpha1.RestrictionDisabled}
		})
		Eventually(func(g Gomega) {
			get(g, t, "premium", group)
			g.Expect(condition(group, v1alpha1.ConditionPartnerAppCompatible).Status).To(Equal(metav1.ConditionTrue))
		}).Should(Succeed())
	})

	It("is silent about restrictions where people use Kisi's own app", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.apply(premium)
		group := &v1alpha1.KisiGroup{}
		t.eventually(group, "premium", "True", "Bound")
		Expect(condition(group, v1alpha1.ConditionPartnerAppCompatible)).To(BeZero())
	})

	It("names appAccess where the group lets no app unlock, and heals", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		off, on := false, true
		t.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Members", LoginEnabled: &off})
		t.connect("unlockMode: PartnerApp")
		t.apply(groups)
		t.says(&v1alpha1.KisiGroup{}, "members", v1alpha1.ConditionPartnerAppCompatible, "False RestrictionsInTheWay", "appAccess of the group")
		t.says(&v1alpha1.KisiGroup{}, "uptown", v1alpha1.ConditionPartnerAppCompatible, "True Compatible")
		t.says(&v1alpha1.KisiGroup{}, "members", v1alpha1.ConditionReady, "True Bound", "no app", "appAccess")
		t.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Members", LoginEnabled: &on})
		t.says(&v1alpha1.KisiGroup{}, "members", v1alpha1.ConditionPartnerAppCompatible, "True Compatible")
	})
})
