package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// operatorLog is everything that the operators of this suite have logged.
var operatorLog = &logBuffer{}

type logBuffer struct {
	mu      sync.Mutex
	content bytes.Buffer
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.content.Write(line)
}

func (b *logBuffer) length() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.content.Len()
}

// from returns what was logged after a length.
func (b *logBuffer) from(length int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.content.Bytes()[length:])
}

// leakedIn returns the secrets that a text holds.
func leakedIn(text string, secrets []string) []string {
	var leaked []string
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			leaked = append(leaked, secret)
		}
	}
	return leaked
}

// expectNoLeaks fails if a key that the tenant had in a Secret, or the secret of a login, stands in its objects, its events or the log.
func (t *tenant) expectNoLeaks(ctx context.Context) {
	GinkgoHelper()
	secrets := append(t.kisi.issuedSecrets(), t.secrets...)
	Expect(leakedIn(operatorLog.from(t.logBegin), secrets)).To(BeEmpty(), "keys in the operator's log")
	for _, list := range []client.ObjectList{
		&v1alpha1.KisiConnectionList{}, &v1alpha1.KisiGroupList{}, &v1alpha1.PlaceMappingList{}, &v1alpha1.AccessPlanList{},
		&v1alpha1.AccessSubscriptionList{}, &v1alpha1.BookingGrantList{}, &v1alpha1.MemberList{},
		&eventsv1.EventList{}, &corev1.EventList{},
	} {
		Expect(admin.List(ctx, list, client.InNamespace(t.namespace))).To(Succeed())
		text, err := json.Marshal(list)
		Expect(err).NotTo(HaveOccurred())
		Expect(leakedIn(string(text), secrets)).To(BeEmpty(), "keys in a %T", list)
	}
}

// expectSaneConditions fails unless Reconciling and Stalled are there only while True, and never beside Ready=True.
func (t *tenant) expectSaneConditions(ctx context.Context) {
	GinkgoHelper()
	for _, object := range t.everything(ctx) {
		for _, c := range conditionsOf(object) {
			if c.Type == v1alpha1.ConditionReconciling || c.Type == v1alpha1.ConditionStalled {
				Expect(c.Status).To(Equal(metav1.ConditionTrue), "%T %s: %s is there only while True", object, object.GetName(), c.Type)
				Expect(readyOf(object)).To(HavePrefix("False "), "%T %s is %s", object, object.GetName(), c.Type)
			}
			Expect(c.Message).NotTo(BeEmpty(), "%T %s: %s=%s (%s) says nothing", object, object.GetName(), c.Type, c.Status, c.Reason)
			Expect(c.ObservedGeneration).To(BeNumerically("<=", object.GetGeneration()))
		}
	}
}

// expectGuardedLedgers fails if a Member has anything in Kisi that its deletion would leave behind.
func (t *tenant) expectGuardedLedgers(ctx context.Context) {
	GinkgoHelper()
	for _, object := range t.everything(ctx) {
		if member, is := object.(*v1alpha1.Member); is && plan.LedgerOf(member).Guarded() {
			Expect(member.Finalizers).To(ContainElement(v1alpha1.Finalizer), "Member %s has something in Kisi", member.Name)
		}
	}
}

// everything returns every object of the project's kinds in the tenant's namespace.
func (t *tenant) everything(ctx context.Context) []client.Object {
	GinkgoHelper()
	var objects []client.Object
	add := func(list client.ObjectList, items func() []client.Object) {
		Expect(admin.List(ctx, list, client.InNamespace(t.namespace))).To(Succeed())
		objects = append(objects, items()...)
	}
	var (
		connections   v1alpha1.KisiConnectionList
		groups        v1alpha1.KisiGroupList
		places        v1alpha1.PlaceMappingList
		plans         v1alpha1.AccessPlanList
		subscriptions v1alpha1.AccessSubscriptionList
		bookings      v1alpha1.BookingGrantList
		members       v1alpha1.MemberList
	)
	add(&connections, func() []client.Object { return objectsOf[v1alpha1.KisiConnection](connections.Items) })
	add(&groups, func() []client.Object { return objectsOf[v1alpha1.KisiGroup](groups.Items) })
	add(&places, func() []client.Object { return objectsOf[v1alpha1.PlaceMapping](places.Items) })
	add(&plans, func() []client.Object { return objectsOf[v1alpha1.AccessPlan](plans.Items) })
	add(&subscriptions, func() []client.Object { return objectsOf[v1alpha1.AccessSubscription](subscriptions.Items) })
	add(&bookings, func() []client.Object { return objectsOf[v1alpha1.BookingGrant](bookings.Items) })
	add(&members, func() []client.Object { return objectsOf[v1alpha1.Member](members.Items) })
	return objects
}

func objectsOf[T any, P interface {
	*T
	client.Object
}](items []T) []client.Object {
	objects := make([]client.Object, len(items))
	for i := range items {
		objects[i] = P(&items[i])
	}
	return objects
}
