package e2e

import (
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("What is broken in Kisi", func() {
	It("is asked about more and more seldom, and at once when a group of the name is made", func(ctx SpecContext) {
		t := newTenant(ctx)
		for range 2 {
			t.asAdam(http.MethodPost, "/groups", map[string]any{"group": map[string]any{"name": "Twice"}})
		}
		t.connect()
		t.start()
		t.apply(`
kind: KisiGroup
metadata: {name: nowhere}
spec: {existing: {name: Nowhere}}
---
kind: KisiGroup
metadata: {name: twice}
spec: {existing: {name: Twice}}
---
kind: KisiGroup
metadata: {name: doorless}
spec: {managed: {name: Doorless, doors: [{name: Cellar}]}}
---
kind: PlaceMapping
metadata: {name: nowhere}
spec: {kind: Center, kisiPlace: {name: Nowhere}}
`)
		t.notReady(&v1alpha1.KisiGroup{}, "nowhere", v1alpha1.ReasonGroupNotFound)
		t.notReady(&v1alpha1.KisiGroup{}, "twice", v1alpha1.ReasonAmbiguousName)
		t.notReady(&v1alpha1.KisiGroup{}, "doorless", v1alpha1.ReasonDoorNotFound)
		t.notReady(&v1alpha1.PlaceMapping{}, "nowhere", v1alpha1.ReasonPlaceNotFound)
		looks := func() (looks []string) {
			for _, r := range t.kisi.Requests(simulator.RequestFilter{Method: http.MethodGet}) {
				if slices.Contains([]string{"/groups", "/places", "/locks"}, r.Path) {
					looks = append(looks, r.Time.Format(time.TimeOnly)+" "+r.Path+"?"+r.Query)
				}
			}
			return looks
		}
		t.kisi.ResetRequests()
		t.polled(0, 7) // more than half a minute
		// After five seconds and ten more; at every poll it would be seven times each.
		Expect(looks()).NotTo(BeEmpty())
		Expect(len(looks())).To(BeNumerically("<=", 12), "%v", looks())

		t.asAdam(http.MethodPost, "/groups", map[string]any{"group": map[string]any{"name": "Nowhere"}})
		Eventually(func() string { return readyOf(get(Default, t, "nowhere", &v1alpha1.KisiGroup{})) }).
			WithTimeout(3 * pollInterval).Should(Equal("True Bound"))
	})
})
