package e2e

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

const (
	// objectsVariable names the environment variable that says how many objects of each kind come and go: `make e2e-memory`.
	objectsVariable = "KISI_OPERATOR_E2E_OBJECTS"
	// atOnce is how many of each kind there are at a time in each of so many namespaces.
	atOnce, namespaces = 10, 10
	// leak is what may be left in memory for each object of a kind that came and went, in bytes. A name in a map is more: its
	// key alone, with its share of the map, takes some 50 bytes.
	leak = 40
)

// crowd is as many objects of each kind, each of which does something with another. The booking has a Member made for the
// one whom it names, so that there are twice as many Members.
func (t *tenant) crowd(round int) {
	GinkgoHelper()
	var documents []string
	add := func(format string, of ...any) {
		documents = append(documents, fmt.Sprintf(strings.TrimSpace(format), of...))
	}
	for i := range atOnce {
		name := fmt.Sprintf("%s-%d-%d", t.namespace, round, i)
		add("kind: KisiConnection\nmetadata: {name: %s}\nspec: {apiKeySecretRef: {name: crowd}, endpoint: '%s', requestsPerSecond: 500, revocationLimit: {percent: 100}}", name, t.kisi.URL())
		add("kind: KisiGroup\nmetadata: {name: %s}\nspec: {connectionRef: {name: %[1]s}, managed: {name: %[1]s, doors: [{name: Entrance}]}}", name)
		add("kind: PlaceMapping\nmetadata: {name: %s}\nspec: {connectionRef: {name: %[1]s}, kind: Room, externalID: %[1]s, bookings: {groupRefs: [{name: %[1]s}], nonMembers: Allow}}", name)
		add("kind: AccessPlan\nmetadata: {name: %s}\nspec: {groupRefs: [{name: %[1]s}]}", name)
		add("kind: Member\nmetadata: {name: %s}\nspec: {email: %[1]s@example.com, fullName: X, groupRefs: [{name: %[1]s}]}", name)
		add("kind: AccessSubscription\nmetadata: {name: %s}\nspec: {planRef: {name: %[1]s}, subject: {memberRef: {name: %[1]s}}}", name)
		add("kind: BookingGrant\nmetadata: {name: %s}\nspec: {placeRef: {name: %[1]s}, organizer: {email: b-%[1]s@example.com}, startTime: '{{time \"-1m\"}}', endTime: '{{time \"2h\"}}'}", name)
	}
	t.apply(strings.Join(documents, "\n---\n"))
}

// crowdGranted waits until whom the bookings and subscriptions of the crowd name may enter.
func (t *tenant) crowdGranted() {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		bookings, subscriptions := &v1alpha1.BookingGrantList{}, &v1alpha1.AccessSubscriptionList{}
		g.Expect(admin.List(t.ctx, bookings, client.InNamespace(t.namespace))).To(Succeed())
		g.Expect(admin.List(t.ctx, subscriptions, client.InNamespace(t.namespace))).To(Succeed())
		reached := 0
		for i := range bookings.Items {
			if meta.IsStatusConditionTrue(bookings.Items[i].Status.Conditions, v1alpha1.ConditionReady) {
				reached++
			}
		}
		for i := range subscriptions.Items {
			if meta.IsStatusConditionTrue(subscriptions.Items[i].Status.Conditions, v1alpha1.ConditionReady) {
				reached++
			}
		}
		g.Expect(reached).To(Equal(2*atOnce), "bookings and subscriptions that are granted")
	}, "3m", "1s").Should(Succeed())
}

// disperse deletes the crowd but for its connections, without which its groups cannot be deleted in Kisi.
func (t *tenant) disperse() {
	GinkgoHelper()
	for _, kind := range []client.Object{
		&v1alpha1.BookingGrant{}, &v1alpha1.AccessSubscription{}, &v1alpha1.Member{}, &v1alpha1.AccessPlan{}, &v1alpha1.PlaceMapping{}, &v1alpha1.KisiGroup{},
	} {
		Expect(admin.DeleteAllOf(t.ctx, kind, client.InNamespace(t.namespace))).To(Succeed())
	}
}

// disconnect deletes the connections of the crowd.
func (t *tenant) disconnect() {
	GinkgoHelper()
	Expect(admin.DeleteAllOf(t.ctx, &v1alpha1.KisiConnection{}, client.InNamespace(t.namespace))).To(Succeed())
}

func (t *tenant) nothingBut(kind string) {
	GinkgoHelper()
	Eventually(func() int {
		left := 0
		for _, object := range t.everything(t.ctx) {
			if kindOf(object) != kind {
				left++
			}
		}
		return left
	}, "3m", "500ms").Should(BeZero(), "objects that do not go")
}

// footprint is what a process takes.
type footprint struct{ heap, goroutines, files, series float64 }

// footprint reads the least that the operator takes for a while. Of the heap it is what a collection found in use, which
// includes what was made while it ran.
func (t *tenant) footprint(during time.Duration) footprint {
	GinkgoHelper()
	least := footprint{math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)}
	Consistently(func() float64 {
		now := footprint{
			heap: t.metric("go_gc_heap_live_bytes"), goroutines: t.metric("go_goroutines"), files: t.metric("process_open_fds"),
			series: float64(strings.Count(t.metrics(), "\nkisi_operator_")),
		}
		least = footprint{min(least.heap, now.heap), min(least.goroutines, now.goroutines), min(least.files, now.files), min(least.series, now.series)}
		return now.heap
	}, during, "100ms").Should(BeNumerically(">", 0))
	return least
}

// typical is the median of each of the figures.
func typical(footprints []footprint) footprint {
	median := func(figure func(footprint) float64) float64 {
		var values []float64
		for _, f := range footprints {
			values = append(values, figure(f))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return footprint{
		heap: median(func(f footprint) float64 { return f.heap }), goroutines: median(func(f footprint) float64 { return f.goroutines }),
		files: median(func(f footprint) float64 { return f.files }), series: median(func(f footprint) float64 { return f.series }),
	}
}

var _ = Describe("The memory of the operator", Serial, func() {
	It("holds nothing of thousands of objects of each kind that came and went", func(ctx SpecContext) {
		objects, err := strconv.Atoi(os.Getenv(objectsVariable))
		if err != nil || objects < 4*atOnce*namespaces {
			Skip("takes an hour: make e2e-memory")
		}
		kisi := newKisi()
		var tenants []*tenant
		for range namespaces {
			tenants = append(tenants, newTenantOf(ctx, kisi))
		}
		t := tenants[0]
		t.options.MetricsBindAddress = freeAddress()
		t.options.Namespaces = nil
		for _, each := range tenants {
			t.options.Namespaces = append(t.options.Namespaces, each.namespace)
			each.secret("crowd", "apiKey", ownerKey)
		}
		t.start()
		all := func(do func(*tenant)) {
			for _, each := range tenants {
				do(each)
			}
		}
		rounds := objects / (atOnce * namespaces)
		var footprints []footprint
		for round := range rounds {
			begun := time.Now()
			all(func(t *tenant) { t.crowd(round) })
			all((*tenant).crowdGranted)
			came := time.Since(begun)
			all((*tenant).disperse)
			all(func(t *tenant) { t.nothingBut("KisiConnection") })
			all((*tenant).disconnect)
			all(func(t *tenant) { t.nothingBut("") })
			kisi.ResetRequests()
			footprints = append(footprints, t.footprint(3*time.Second))
			GinkgoWriter.Printf("round %d of %d: came within %s, gone after %s; %+v\n", round+1, rounds, came, time.Since(begun)-came, footprints[round])
		}
		// What is remembered up to a bound has reached it after half of them.
		quarter := rounds / 4
		before, after := typical(footprints[2*quarter:3*quarter]), typical(footprints[3*quarter:])
		came := float64(quarter) * atOnce * namespaces
		each := (after.heap - before.heap) / came
		AddReportEntry("measured", fmt.Sprintf("%d of each kind came and went; in the third quarter %+v, in the last %+v: %.1f bytes of heap for each of %.0f of a kind",
			rounds*atOnce*namespaces, before, after, each, came))
		Expect(each).To(BeNumerically("<", leak), "bytes of heap for each object of a kind")
		Expect(after.goroutines).To(BeNumerically("<=", before.goroutines+5))
		Expect(after.files).To(BeNumerically("<=", before.files+5))
		Expect(after.series).To(BeNumerically("<=", before.series))
	})
})
