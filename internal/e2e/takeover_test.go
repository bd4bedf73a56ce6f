package e2e

import (
	"fmt"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// inhabitedKisi has so many people in the group Late, whom an admin has let in.
func inhabitedKisi(people int) *simulatedKisi {
	GinkgoHelper()
	var users, assignments strings.Builder
	for i := range people {
		fmt.Fprintf(&users, "      - {email: resident-%d@acme.example}\n", i)
		fmt.Fprintf(&assignments, "      - {user: resident-%d@acme.example, group: Late, createdBy: adam@acme.example}\n", i)
	}
	seed := strings.Replace(organization, "    places:\n", users.String()+"    places:\n", 1)
	seed = strings.Replace(seed, "    keys:\n", assignments.String()+"    keys:\n", 1)
	return newKisiFrom(seed, simulator.Options{RequestsPerSecond: -1})
}

// subscribeResidents makes a Member and a subscription for each of the people of inhabitedKisi.
func (t *tenant) subscribeResidents(people int) {
	GinkgoHelper()
	const hands = 8
	var making sync.WaitGroup
	for hand := range hands {
		making.Go(func() {
			defer GinkgoRecover()
			for i := hand; i < people; i += hands {
				name := fmt.Sprintf("resident-%d", i)
				meta := metav1.ObjectMeta{Namespace: t.namespace, Name: name}
				Expect(admin.Create(t.ctx, &v1alpha1.Member{ObjectMeta: meta, Spec: v1alpha1.MemberSpec{Email: v1alpha1.EmailAddress(name + "@acme.example")}})).To(Succeed())
				Expect(admin.Create(t.ctx, &v1alpha1.AccessSubscription{ObjectMeta: meta, Spec: v1alpha1.AccessSubscriptionSpec{
					GroupRefs: []v1alpha1.GroupReference{{Name: "late"}},
					Subject:   v1alpha1.Subject{MemberRef: &v1alpha1.MemberReference{Name: v1alpha1.ObjectName(name)}},
				}})).To(Succeed())
			}
		})
	}
	making.Wait()
}

// adopted counts the Members whose ledger has what was found of them.
func (t *tenant) adopted() (count int) {
	GinkgoHelper()
	var members v1alpha1.MemberList
	Expect(admin.List(t.ctx, &members, client.InNamespace(t.namespace))).To(Succeed())
	for i := range members.Items {
		ready := condition(&members.Items[i], v1alpha1.ConditionReady).Reason == v1alpha1.ReasonGranted
		if ready && len(members.Items[i].Status.Grants) == 1 {
			count++
		}
	}
	return count
}

// readsOf counts the requests that read people or what they have.
func (t *tenant) readsOf(path string) int {
	return t.kisi.CountRequests(simulator.RequestFilter{Method: "GET", Path: path})
}

const exclusiveLate = "kind: KisiGroup\nmetadata: {name: late}\nspec: {existing: {name: Late}, assignments: Exclusive}"

var _ = Describe("An organization whose people are all right already", Label("S2"), func() {
	const people, patience = 600, 3 * time.Minute

	It("is taken over for the pages that show it, and one who is canceled meanwhile does not wait for it", func(ctx SpecContext) {
		t := newTenantOf(ctx, inhabitedKisi(people))
		t.options.MetricsBindAddress = freeAddress()
		t.subscribeResidents(people)
		t.startProcess()
		t.connect()
		t.apply("kind: KisiGroup\nmetadata: {name: boardroom}\nspec: {existing: {name: Boardroom}}")
		t.apply(boardroom)
		t.book("b1", "ana@example.com")
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }, patience).Should(BeTrue())

		t.apply(exclusiveLate)
		Eventually(t.adopted, patience, "200ms").Should(BeNumerically(">", people/20))
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		begun, before := time.Now(), t.adopted()
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }, patience, "50ms").Should(BeFalse())
		lasted, meanwhile := time.Since(begun), t.adopted()-before
		GinkgoWriter.Printf("canceled within %s, while %d of the others were taken over\n", lasted, meanwhile)

		Eventually(t.adopted, patience, "1s").Should(Equal(people))
		Expect(meanwhile).To(BeNumerically("<", people/4), "the cancelation waited for so many, %s", lasted)
		const pages = (people+248)/249 + (people+98)/99 // each begins with the last item of the one before
		reads := t.readsOf("/role_assignments*") + t.readsOf("/users*")
		Expect(reads).To(BeNumerically("<=", pages*11/10+6), "pages, and what the booking needed")
		waits := t.metric(`controller_runtime_client_consistency_wait_duration_seconds_count{operation="list",result="success"}`)
		GinkgoWriter.Printf("%d reads, %.1f waits for the cache a person\n", reads, waits/people)
		Expect(waits/people).To(BeNumerically("<=", 16), "lists that waited for the echo of all writes, for each person")

		writes := map[string]int{}
		for _, write := range t.operatorWrites() {
			kind, _, _ := strings.Cut(write, "/")
			writes[kind]++
		}
		GinkgoWriter.Println(writes)
		Expect(writes["patch members"]+writes["update members"]).To(BeNumerically("<=", 3*people+10), "a finalizer, what it waits for, and the ledger")
	})
})
