package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("What waits in a queue that another connection shares", func() {
	var t *tenant
	const patient = `
kind: KisiConnection
metadata: {name: west}
spec:
  apiKeySecretRef: {name: west}
  endpoint: %s
  requestsPerSecond: 1
`
	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		t.secret("west", "apiKey", ownerKey)
		t.apply(fmt.Sprintf(patient, t.kisi.URL()))
		t.eventually(&v1alpha1.KisiConnection{}, "west", "True", "Connected")
	})
	// asked counts the look-ups of the groups that the connection west is to find, or make.
	asked := func() int {
		n := 0
		for _, request := range t.kisi.Requests(simulator.RequestFilter{}) {
			if strings.Contains(request.Query, "West") || request.Method == http.MethodPost && request.Path == "/groups" {
				n++
			}
		}
		return n
	}

	DescribeTable("is not sent any more once its own connection is", func(end func(), over func()) {
		for i := range 6 {
			t.apply(fmt.Sprintf("kind: KisiGroup\nmetadata: {name: west-%d}\nspec: {connectionRef: {name: west}, existing: {name: West %d}}", i, i))
			t.apply(fmt.Sprintf("kind: KisiGroup\nmetadata: {name: made-%d}\nspec: {connectionRef: {name: west}, managed: {name: Made %d, doors: [{name: Entrance}]}}", i, i))
		}
		Eventually(asked).Should(BeNumerically(">", 0), "one look-up a second")
		end()
		over()
		before := asked()
		Expect(before).To(BeNumerically("<", 7))
		t.lookAgain("default") // at full speed again: what still waited would go first
		Eventually(func() int {
			return t.kisi.CountRequests(simulator.RequestFilter{Path: "/login"})
		}).Should(BeNumerically(">=", 3))
		Consistently(asked, 3*time.Second).Should(Equal(before), "nothing is sent for a connection that is not there")
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
	},
		Entry("paused", func() {
			edit(t, "west", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModePaused })
		}, func() { t.eventually(&v1alpha1.KisiConnection{}, "west", "False", "Paused") }),
		Entry("deleted", func() { t.delete(&v1alpha1.KisiConnection{}, "west") },
			func() { t.gone(&v1alpha1.KisiConnection{}, "west") }),
	)
})
