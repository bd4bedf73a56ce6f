package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/reason"
)

var kindsInPlural = []string{
	"kisiconnections", "kisigroups", "placemappings", "accessplans", "accesssubscriptions", "bookinggrants", "members",
}

// Which reasons of Ready=False wait for a person to change something (Stalled), and which are work under way
// (Reconciling), by kind. The others are neither: what is missing heals by itself when it comes.
var (
	stalledReasons = map[string][]string{
		"KisiConnection":     {"Unauthorized", "InsufficientRole", "OrganizationMismatch", "EndpointNotAllowed"},
		"KisiGroup":          {"AmbiguousName", "GroupNotExclusive", "GroupAlreadyBound", "ForeignAssignments", "InsufficientRole"},
		"PlaceMapping":       {"PlaceMismatch", "ConnectionMismatch", "AmbiguousName"},
		"AccessPlan":         {"PlaceMismatch", "ConnectionMismatch", "AmbiguousName"},
		"AccessSubscription": {"AmbiguousReference"},
		"BookingGrant":       {"AmbiguousReference"},
		"Member":             {"DuplicateEmail", "AmbiguousReference"},
	}
	reconcilingReasons = map[string][]string{
		"KisiConnection":     {"Unreachable"},
		"KisiGroup":          {"Creating", "Updating", "Deleting"},
		"AccessSubscription": {"Granting", "Revoking"},
		"BookingGrant":       {"Granting", "Revoking"},
		"Member":             {"Granting", "Revoking"},
	}
	passiveReasons = []string{
		"ConnectionNotFound", "ConnectionNotReady", "SecretNotFound", "SecretKeyMissing", "GroupNotFound", "PlaceNotFound", "DoorNotFound",
		"PlanNotFound", "MemberNotFound", "AudienceNotFound", "PlaceNotBookable", "RevocationsHeld", "BlockedByForeignAssignment",
		"Observing", "Paused",
	}
)

// statusWatch looks at every state that the objects of a namespace pass through, as a tool that waits for them does.
type statusWatch struct {
	mu       sync.Mutex
	mistaken []string
}

// watchStatuses watches a namespace until the spec ends.
func watchStatuses(namespace string) *statusWatch {
	GinkgoHelper()
	everything, err := dynamic.NewForConfig(plane.AdminConfig())
	Expect(err).NotTo(HaveOccurred())
	w := &statusWatch{}
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	for _, plural := range kindsInPlural {
		resource := everything.Resource(v1alpha1.GroupVersion.WithResource(plural)).Namespace(namespace)
		events, err := resource.Watch(ctx, metav1.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		watching.Go(func() {
			for event := range events.ResultChan() {
				if object, is := event.Object.(*unstructured.Unstructured); is && event.Type != watch.Deleted {
					w.look(object)
				}
			}
		})
	}
	DeferCleanup(func() {
		cancel()
		watching.Wait()
	})
	return w
}

func (w *statusWatch) look(object *unstructured.Unstructured) {
	for _, mistake := range []string{misreported(object), undescribed(object)} {
		if mistake != "" {
			w.mistake(fmt.Sprintf("%s/%s: %s", object.GetKind(), object.GetName(), mistake))
		}
	}
	record(object)
}

func (w *statusWatch) mistake(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mistaken = append(w.mistaken, text)
}

func (w *statusWatch) mistakes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.mistaken)
}

// undescribed says which condition has a reason that docs/troubleshooting.md does not have there.
func undescribed(object *unstructured.Unstructured) string {
	for _, condition := range conditionsIn(object) {
		if !reason.Seen(object.GetKind(), condition.Type, condition.Status, condition.Reason) {
			return fmt.Sprintf("internal/reason does not know that %s can be %s because of %q", condition.Type, condition.Status, condition.Reason)
		}
	}
	return ""
}

// conditionsIn returns what an object's status says; nothing of one that has no status.
func conditionsIn(object *unstructured.Unstructured) []metav1.Condition {
	var about struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &about); err != nil {
		return nil
	}
	return about.Status.Conditions
}

// misreported says in what way kstatus, which kubectl-like tools and GitOps wait with, would get an object wrong.
func misreported(object *unstructured.Unstructured) string {
	if object.GetDeletionTimestamp() != nil {
		return ""
	}
	result, err := status.Compute(object)
	if err != nil {
		return "kstatus: " + err.Error()
	}
	var about struct {
		Status struct {
			ObservedGeneration int64              `json:"observedGeneration"`
			Conditions         []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &about); err != nil {
		return err.Error()
	}
	is := func(conditionType string) (metav1.Condition, bool) {
		at := slices.IndexFunc(about.Status.Conditions, func(c metav1.Condition) bool { return c.Type == conditionType })
		if at < 0 {
			return metav1.Condition{}, false
		}
		return about.Status.Conditions[at], about.Status.Conditions[at].Status == metav1.ConditionTrue
	}
	ready, isReady := is(v1alpha1.ConditionReady)
	_, reconciling := is(v1alpha1.ConditionReconciling)
	_, stalled := is(v1alpha1.ConditionStalled)
	state := fmt.Sprintf("generation %d, observed %d, Ready=%s (%s), Reconciling %t, Stalled %t: kstatus says %s",
		object.GetGeneration(), about.Status.ObservedGeneration, ready.Status, ready.Reason, reconciling, stalled, result.Status)

	if about.Status.ObservedGeneration != object.GetGeneration() {
		return unless(result.Status == status.InProgressStatus, state, "nobody has looked at it yet")
	}
	kind, reason := object.GetKind(), ready.Reason
	switch {
	case ready.Type == "":
		return state + ", but it was looked at and Ready is not there"
	case ready.ObservedGeneration != object.GetGeneration():
		return fmt.Sprintf("%s, but Ready is about generation %d", state, ready.ObservedGeneration)
	case reconciling && stalled, isReady && (reconciling || stalled):
		return state + ", but these conditions exclude each other"
	case stalled:
		if mistake := unless(result.Status == status.FailedStatus, state, "it waits for somebody"); mistake != "" {
			return mistake
		}
	default:
		// kstatus calls everything in progress that is neither Ready nor Stalled.
		want := map[bool]status.Status{true: status.CurrentStatus, false: status.InProgressStatus}[isReady]
		if mistake := unless(result.Status == want, state, "it is "+string(want)); mistake != "" {
			return mistake
		}
	}
	switch {
	case isReady:
		return ""
	case slices.Contains(stalledReasons[kind], reason):
		return unless(stalled, state, reason+" is Stalled")
	case slices.Contains(reconcilingReasons[kind], reason):
		return unless(reconciling, state, reason+" is Reconciling")
	case slices.Contains(passiveReasons, reason):
		return unless(!stalled && !reconciling, state, reason+" is neither Stalled nor Reconciling")
	}
	return ""
}

func unless(right bool, state, but string) string {
	if right {
		return ""
	}
	return state + ", but " + but
}

var _ = Describe("What kstatus makes of an object", func() {
	// object is a Member whose status is as given.
	object := func(generation, observed int64, conditions ...string) *unstructured.Unstructured {
		GinkgoHelper()
		member := &v1alpha1.Member{}
		member.Generation, member.Status.ObservedGeneration = generation, observed
		for i := 0; i < len(conditions); i += 3 {
			member.Status.Conditions = append(member.Status.Conditions, metav1.Condition{
				Type: conditions[i], Status: metav1.ConditionStatus(conditions[i+1]), Reason: conditions[i+2], ObservedGeneration: observed,
			})
		}
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(member)
		Expect(err).NotTo(HaveOccurred())
		u := &unstructured.Unstructured{Object: content}
		u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Member"))
		return u
	}

	DescribeTable("is noticed where it is wrong", func(generation, observed int, mistake string, conditions ...string) {
		found := misreported(object(int64(generation), int64(observed), conditions...))
		if mistake == "" {
			Expect(found).To(BeEmpty())
		} else {
			Expect(found).To(ContainSubstring(mistake))
		}
	},
		Entry("not looked at yet", 1, -1, ""),
		Entry("changed since", 2, 1, "", "Ready", "True", "Granted"),
		Entry("Ready", 2, 2, "", "Ready", "True", "Granted"),
		Entry("work under way", 2, 2, "", "Ready", "False", "Granting", "Reconciling", "True", "Granting"),
		Entry("stalled", 2, 2, "", "Ready", "False", "DuplicateEmail", "Stalled", "True", "DuplicateEmail"),
		Entry("waiting for what is missing", 2, 2, "", "Ready", "False", "GroupNotFound"),
		Entry("looked at, without a word", 1, 1, "Ready is not there"),
		Entry("Ready and under way", 1, 1, "exclude each other", "Ready", "True", "Granted", "Reconciling", "True", "Granting"),
		Entry("under way and stalled", 1, 1, "exclude each other", "Ready", "False", "Granting", "Reconciling", "True", "Granting", "Stalled", "True", "Granting"),
		Entry("under way, unsaid", 1, 1, "Granting is Reconciling", "Ready", "False", "Granting"),
		Entry("stalled, unsaid", 1, 1, "DuplicateEmail is Stalled", "Ready", "False", "DuplicateEmail"),
		Entry("stalled for what heals by itself", 1, 1, "GroupNotFound is neither", "Ready", "False", "GroupNotFound", "Stalled", "True", "GroupNotFound"),
	)
})

// expectRightStatuses fails if kstatus got an object wrong at any time of the spec, or does so now.
func (t *tenant) expectRightStatuses(ctx context.Context) {
	GinkgoHelper()
	for _, object := range t.everything(ctx) {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		Expect(err).NotTo(HaveOccurred())
		u := &unstructured.Unstructured{Object: content}
		u.SetKind(kindOf(object))
		u.SetAPIVersion(v1alpha1.GroupVersion.String())
		t.statuses.look(u)
	}
	Expect(t.statuses.mistakes()).To(BeEmpty())
}
