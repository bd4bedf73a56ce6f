package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// says waits until a condition has the status and reason, written like "False SecretNotFound", and a message that holds
// every one of the words. What it says must be about the generation as it is.
func (t *tenant) says(object client.Object, name, conditionType, statusAndReason string, words ...string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		get(g, t, name, object)
		found := condition(object, conditionType)
		g.Expect(string(found.Status)+" "+found.Reason).To(Equal(statusAndReason), "%s of %T %s: %s", conditionType, object, name, found.Message)
		for _, word := range words {
			g.Expect(found.Message).To(ContainSubstring(word), "%s of %T %s", conditionType, object, name)
		}
		g.Expect(found.ObservedGeneration).To(Equal(object.GetGeneration()), "%s of %T %s", conditionType, object, name)
		g.Expect(observedGeneration(object)).To(Equal(object.GetGeneration()), "status.observedGeneration of %T %s", object, name)
	}).Should(Succeed())
}

// notReady waits until Ready=False for the reason, with a message that holds every one of the words.
func (t *tenant) notReady(object client.Object, name, reason string, words ...string) {
	GinkgoHelper()
	t.says(object, name, v1alpha1.ConditionReady, "False "+reason, words...)
}

// stays checks that for a while Ready keeps status and reason.
func (t *tenant) stays(object client.Object, name, statusAndReason string) {
	GinkgoHelper()
	Consistently(func(g Gomega) {
		g.Expect(readyOf(get(g, t, name, object))).To(Equal(statusAndReason), messageOf(object))
	}).Should(Succeed())
}

func observedGeneration(object client.Object) int64 {
	switch o := object.(type) {
	case *v1alpha1.KisiConnection:
		return o.Status.ObservedGeneration
	case *v1alpha1.KisiGroup:
		return o.Status.ObservedGeneration
	case *v1alpha1.PlaceMapping:
		return o.Status.ObservedGeneration
	case *v1alpha1.AccessPlan:
		return o.Status.ObservedGeneration
	case *v1alpha1.AccessSubscription:
		return o.Status.ObservedGeneration
	case *v1alpha1.BookingGrant:
		return o.Status.ObservedGeneration
	case *v1alpha1.Member:
		return o.Status.ObservedGeneration
	}
	return 0
}

// isStalled reports whether the object waits for a person to change something.
func isStalled(object client.Object) bool {
	return condition(object, v1alpha1.ConditionStalled).Status == "True"
}

// isReconciling reports whether work on the object is under way.
func isReconciling(object client.Object) bool {
	return condition(object, v1alpha1.ConditionReconciling).Status == "True"
}

// lookAgain asks for a fresh look at a connection.
func (t *tenant) lookAgain(name string) {
	GinkgoHelper()
	annotate(t, name, &v1alpha1.KisiConnection{}, v1alpha1.ReconcileAtAnnotation, time.Now().Format(time.RFC3339Nano))
}

// annotate sets one annotation.
func annotate[T client.Object](t *tenant, name string, object T, annotation, value string) {
	GinkgoHelper()
	edit(t, name, object, func(o T) {
		annotations := o.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[annotation] = value
		o.SetAnnotations(annotations)
	})
}

// implicit is the name of the Member of somebody who is only named by address.
func implicit(email string) string {
	return entitlement.ImplicitName(entitlement.Fold(v1alpha1.EmailAddress(email)))
}

func secretNamed(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}}
}
