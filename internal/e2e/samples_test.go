package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// sampleEndpoint is where the samples expect Kisi. It is all that is changed in them here.
const sampleEndpoint = "http://127.0.0.1:8180"

// samplePatience is for the five requests a second that the samples leave the operator.
const samplePatience = time.Minute

var _ = Describe("The sample of", func() {
	for _, system := range []string{"kangarootime", "spacebring", "officernd", "optix", "boogyman"} {
		It(system+" does what its README says, in the order of its files, and when applied again", func(ctx SpecContext) {
			t := newSampleTenant(ctx, system)
			t.start()
			t.applySample(sampleObjects(system))
			t.keepsPromise(system)
			t.checks(system)

			before, outcome := t.settled(), t.outcome()
			t.applySample(sampleObjects(system))
			Consistently(t.standing).Should(Equal(before), "applied again it changes nothing, here or in Kisi")
			Expect(differences(outcome, t.outcome())).To(BeEmpty())
		})

		It(system+" comes to the same in any order of its documents", func(ctx SpecContext) {
			inOrder, reversed := sampleObjects(system), sampleObjects(system)
			slices.Reverse(reversed)
			orders := [][]*unstructured.Unstructured{inOrder, reversed}
			for seed := range uint64(3) {
				shuffled := sampleObjects(system)
				rand.New(rand.NewPCG(seed, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				orders = append(orders, shuffled)
			}
			tenants := make([]*tenant, len(orders))
			for i, order := range orders {
				tenants[i] = newSampleTenant(ctx, system)
				tenants[i].start()
				tenants[i].applySample(order)
			}
			for i, t := range tenants {
				By(fmt.Sprintf("order %d: %s", i, namesOf(orders[i])))
				t.keepsPromise(system)
				t.checks(system)
				Eventually(func() []string { return differences(tenants[0].outcome(), t.outcome()) }).Should(BeEmpty(), "order %d", i)
			}
		})
	}
})

// newSampleTenant makes a tenant with the Kisi that the sample of the system expects.
func newSampleTenant(ctx context.Context, system string) *tenant {
	GinkgoHelper()
	return newTenantOf(ctx, newKisiFrom(read("hack/demo/"+system+".yaml"), simulator.Options{RequestsPerSecond: -1}))
}

// sampleObjects returns the objects of a sample in the order of its files.
func sampleObjects(system string) []*unstructured.Unstructured {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join(root, "config/samples", system, "*.yaml"))
	Expect(err).NotTo(HaveOccurred())
	Expect(files).NotTo(BeEmpty())
	var objects []*unstructured.Unstructured
	for _, file := range files {
		content, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		for _, document := range bytes.Split(content, []byte("\n---\n")) {
			object := &unstructured.Unstructured{}
			Expect(yaml.UnmarshalStrict(document, &object.Object)).To(Succeed(), "%s", file)
			objects = append(objects, object)
		}
	}
	return objects
}

// applySample applies the objects one after the other to the tenant's namespace and Kisi.
func (t *tenant) applySample(objects []*unstructured.Unstructured) {
	GinkgoHelper()
	for _, object := range objects {
		object.SetNamespace(t.namespace)
		switch object.GetKind() {
		case "KisiConnection":
			endpoint, _, err := unstructured.NestedString(object.Object, "spec", "endpoint")
			Expect(err).NotTo(HaveOccurred())
			Expect(endpoint).To(Equal(sampleEndpoint))
			Expect(unstructured.SetNestedField(object.Object, t.kisi.URL(), "spec", "endpoint")).To(Succeed())
		case "Secret":
			keys, _, err := unstructured.NestedStringMap(object.Object, "stringData")
			Expect(err).NotTo(HaveOccurred())
			for _, key := range keys {
				t.secrets = append(t.secrets, key)
			}
		}
		Expect(admin.Apply(t.ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("specs"))).
			To(Succeed(), "%s/%s", object.GetKind(), object.GetName())
	}
}

// keepsPromise waits until everything is Ready, for the reasons in the README of the sample, and then tries the doors.
func (t *tenant) keepsPromise(system string) {
	GinkgoHelper()
	readme := read("config/samples/" + system + "/README.md")
	reasons := markdownTable(readme, "object")
	Expect(reasons).NotTo(BeEmpty())
	Eventually(func(g Gomega) {
		found := map[string]string{}
		for _, object := range t.everything(t.ctx) {
			name := kindOf(object) + "/" + object.GetName()
			g.Expect(readyOf(object)).To(HavePrefix("True "), "%s: %s", name, messageOf(object))
			ready := condition(object, v1alpha1.ConditionReady)
			g.Expect(ready.ObservedGeneration).To(Equal(object.GetGeneration()), name)
			found[name] = ready.Reason
		}
		for _, object := range sampleObjects(system) {
			if object.GetKind() != "Secret" {
				g.Expect(found).To(HaveKey(object.GetKind() + "/" + object.GetName()))
			}
		}
		for _, row := range reasons {
			g.Expect(found).To(HaveKeyWithValue(row["object"], row["reason of Ready"]))
		}
	}).WithTimeout(samplePatience).Should(Succeed())

	doors := markdownTable(readme, "person")
	Expect(doors).NotTo(BeEmpty())
	for _, row := range doors {
		for door, said := range row {
			if door == "person" {
				continue
			}
			decision := t.kisi.CanOpen(row["person"], door, t.kisi.Clock().Now())
			Expect(said).To(BeElementOf("yes", "no"))
			Expect(decision.Allowed).To(Equal(said == "yes"), "%s at %s: %s", row["person"], door, decision.Reason)
		}
	}
}

// checks looks at what a table of doors cannot say.
func (t *tenant) checks(system string) {
	GinkgoHelper()
	switch system {
	case "kangarootime":
		Expect(string(condition(t.kisiGroup("oak-staff"), v1alpha1.ConditionPartnerAppCompatible).Status)).To(Equal("False"))
		Expect(string(condition(t.kisiGroup("maple-staff"), v1alpha1.ConditionPartnerAppCompatible).Status)).To(Equal("True"))
	case "spacebring":
		Expect(string(condition(t.kisiGroup("hilltop-members"), v1alpha1.ConditionPartnerAppCompatible).Status)).To(Equal("False"))
		Expect(get(Default, t, "ana", &v1alpha1.Member{}).Status.Accounts).To(HaveLen(2), "a user in each organization")
		Expect(t.windowOf("board-meeting")).To(Equal("2034-05-08T10:30:00Z/2034-05-08T15:30:00Z"), "11:30 to 16:30 in London")
		Expect(t.windowOf("morning-meeting")).To(Equal("2034-05-08T08:00:00Z/2034-05-08T11:00:00Z"), "9:00 to 12:00 in London")
		Expect(get(Default, t, "stranger-meeting", &v1alpha1.BookingGrant{}).Status.People.Excluded).To(BeEquivalentTo(2))
	case "officernd":
		grants := get(Default, t, "ana", &v1alpha1.Member{}).Status.Grants
		at := slices.IndexFunc(grants, func(g v1alpha1.MemberGrant) bool { return g.Group == "hot-desk" })
		Expect(at).NotTo(Equal(-1))
		Expect(grants[at].Sources).To(ConsistOf("AccessSubscription/ana-hot-desk", "AccessSubscription/ana-day-passes"))
	case "optix":
		Expect(t.kisiUser("eli@example.com")).To(BeNil(), "an offer makes no user")
		Expect(t.kisiUser("fritz@example.com")).To(BeNil(), "nor does a plan that starts later")
	case "boogyman":
		Eventually(func() any { return t.kisiUser("ana@example.com") }).ShouldNot(BeNil(), "a profile before the first purchase")
		Expect(t.kisiUser("zoe@example.com")).NotTo(BeNil(), "a former member stays in Kisi")
		Expect(get(Default, t, "yara", &v1alpha1.Member{}).Status.Accounts).To(HaveEach(HaveField("Origin", v1alpha1.AccountFound)))
		Expect(t.groupsNamed("North Gold")).To(HaveLen(1))
		Expect(t.groupsNamed("North Gold")[0].Locks).To(ConsistOf("North Entrance", "North Sauna"))
		Expect(t.groupsNamed("West Yoga")).To(HaveLen(1))
		Expect(t.groupsNamed("Cleaning")[0].Users).To(Equal(1))
	}
}

func (t *tenant) kisiGroup(name string) *v1alpha1.KisiGroup {
	GinkgoHelper()
	return get(Default, t, name, &v1alpha1.KisiGroup{})
}

// windowOf returns when a booking opens and closes the doors.
func (t *tenant) windowOf(name string) string {
	GinkgoHelper()
	window := get(Default, t, name, &v1alpha1.BookingGrant{}).Status.Window
	Expect(window).NotTo(BeNil())
	return window.From.UTC().Format(time.RFC3339) + "/" + window.Until.UTC().Format(time.RFC3339)
}

// kisiUser returns the user of an address in any of the organizations, or nil.
func (t *tenant) kisiUser(email string) *simulator.UserState {
	for _, organization := range t.kisi.State().Organizations {
		for _, user := range organization.Users {
			if user.Email == email {
				return &user
			}
		}
	}
	return nil
}

// standing is everything that would differ if something had been done: versions of objects, and writes to Kisi. Of
// connections and groups it is the version of what is asked for only, because their counts follow later.
func (t *tenant) standing() map[string]string {
	GinkgoHelper()
	standing := map[string]string{"writes to Kisi": strings.Join(t.writes(), "\n")}
	for _, object := range t.everything(t.ctx) {
		version := object.GetResourceVersion()
		switch object.(type) {
		case *v1alpha1.KisiConnection, *v1alpha1.KisiGroup:
			version = fmt.Sprint("generation ", object.GetGeneration())
		}
		standing[kindOf(object)+"/"+object.GetName()] = version
	}
	return standing
}

// settled waits until nothing is done any more: users.create: Always makes users after everything is Ready.
func (t *tenant) settled() map[string]string {
	GinkgoHelper()
	var standing map[string]string
	Eventually(func(g Gomega) {
		standing = t.standing()
		g.Consistently(t.standing).Should(Equal(standing))
	}).WithTimeout(samplePatience).Should(Succeed())
	return standing
}

// kindOf returns the kind of an object, which a typed client leaves out of it.
func kindOf(object client.Object) string {
	GinkgoHelper()
	kind, err := admin.GroupVersionKindFor(object)
	Expect(err).NotTo(HaveOccurred())
	return kind.Kind
}

// markdownTable reads the table whose first column has the header.
func markdownTable(page, header string) []map[string]string {
	var columns []string
	var rows []map[string]string
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			if columns != nil {
				return rows
			}
		case columns == nil && cells[0] == header:
			columns = cells
		case columns != nil && !strings.HasPrefix(cells[0], "---"):
			row := map[string]string{}
			for i, column := range columns {
				row[column] = cells[i]
			}
			rows = append(rows, row)
		}
	}
	return rows
}
