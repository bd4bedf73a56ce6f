package member

import (
	"context"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// versioned is a Member as of a resourceVersion.
func versioned(version string) *v1alpha1.Member {
	member := memberCalled("ana", "ana@example.com", 0)
	member.ResourceVersion = version
	return &member
}

func TestTheEventOfAWriteOfOnesOwnIsNoNewsAndEveryOtherIs(t *testing.T) {
	r := &Reconciler{}
	news := func(version string) bool {
		return r.news().Update(event.UpdateEvent{ObjectOld: versioned("1"), ObjectNew: versioned(version)})
	}
	if !news("2") {
		t.Error("what somebody else wrote is no news")
	}
	r.echoes.expect(versioned("3"), "2")
	if !news("4") {
		t.Error("what somebody else wrote meanwhile is no news")
	}
	if news("3") {
		t.Error("the write of this process is news")
	}
	if !news("3") {
		t.Error("a second event of the same version is no news")
	}
	r.echoes.expect(versioned("3"), "3")
	if !news("3") {
		t.Error("an event was expected though nothing was written")
	}
}

func TestThatTheFinalizerWasAddedIsNoNewsUnlessMoreWas(t *testing.T) {
	plain := versioned("1")
	plain.Finalizers = []string{"somebody/else"}
	prepared := func(change func(*v1alpha1.Member)) *v1alpha1.Member {
		member := plain.DeepCopy()
		member.ResourceVersion, member.Finalizers = "2", append(member.Finalizers, v1alpha1.Finalizer)
		change(member)
		return member
	}
	for what, test := range map[string]struct {
		before, after *v1alpha1.Member
		news          bool
	}{
		"the finalizer":                 {plain, prepared(func(*v1alpha1.Member) {}), false},
		"another's finalizer":           {plain, prepared(func(m *v1alpha1.Member) { m.Finalizers = []string{"a", "b"} }), true},
		"the finalizer is taken off":    {prepared(func(*v1alpha1.Member) {}), plain, true},
		"nothing":                       {prepared(func(*v1alpha1.Member) {}), prepared(func(*v1alpha1.Member) {}), true},
		"with it, the spec":             {plain, prepared(func(m *v1alpha1.Member) { m.Generation++ }), true},
		"with it, a label":              {plain, prepared(func(m *v1alpha1.Member) { m.Labels = map[string]string{"a": "b"} }), true},
		"with it, an annotation":        {plain, prepared(func(m *v1alpha1.Member) { m.Annotations = map[string]string{"a": "b"} }), true},
		"with it, the status":           {plain, prepared(func(m *v1alpha1.Member) { m.Status.PlannedCount = 1 }), true},
		"with it, the deletion":         {plain, prepared(func(m *v1alpha1.Member) { m.DeletionTimestamp = &metav1.Time{Time: time.Now()} }), true},
		"it is another, made meanwhile": {plain, prepared(func(m *v1alpha1.Member) { m.UID = "uid-9" }), true},
	} {
		r := &Reconciler{}
		if news := r.news().Update(event.UpdateEvent{ObjectOld: test.before, ObjectNew: test.after}); news != test.news {
			t.Errorf("%s: news is %v", what, news)
		}
	}
}

func TestWhatHappensWhileAnOperationIsUnderWayIsLookedAtWhenItEnds(t *testing.T) {
	queue := kisi.NewQueue(kisi.QueueOptions{RequestsPerSecond: 1000})
	t.Cleanup(queue.Close)
	r := &Reconciler{}
	member := versioned("5")
	request := enqueue.RequestFor(member)
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan []string, 1)
	r.flights.submit(tenant.PersonOf(member), queue, kisi.Class{}, enqueue.RequestNamed("acme", "other"), "id",
		kisi.Task{Run: func(context.Context) { close(begun); <-end }},
		func(waiting ...reconcile.Request) {
			var names []string
			for _, w := range waiting {
				names = append(names, w.Name)
			}
			ended <- names
		})
	<-begun
	if r.news().Update(event.UpdateEvent{ObjectOld: versioned("4"), ObjectNew: member}) {
		t.Error("a Member is looked at in the middle of an operation of the person")
	}
	close(end)
	if names := <-ended; !slices.Contains(names, request.Name) {
		t.Errorf("at the end %v are enqueued, without the Member that has changed", names)
	}
	if !r.news().Update(event.UpdateEvent{ObjectOld: versioned("5"), ObjectNew: versioned("6")}) {
		t.Error("a change after the end is no news")
	}
}

func TestAStatusThatChangesNoPlanIsNoNews(t *testing.T) {
	for what, test := range map[string]struct {
		change func(*v1alpha1.MemberStatus)
		news   bool
	}{
		"a condition":           {func(s *v1alpha1.MemberStatus) { s.Conditions = []metav1.Condition{{Type: "Ready"}} }, false},
		"what is planned":       {func(s *v1alpha1.MemberStatus) { s.PlannedCount = 3 }, false},
		"a grant":               {func(s *v1alpha1.MemberStatus) { s.Grants = []v1alpha1.MemberGrant{{Group: "doors"}} }, true},
		"an account":            {func(s *v1alpha1.MemberStatus) { s.Accounts = []v1alpha1.MemberAccount{{UserID: 7}} }, true},
		"a login":               {func(s *v1alpha1.MemberStatus) { s.Logins = []v1alpha1.MemberLogin{{LoginID: 7}} }, true},
		"what is reinstated":    {func(s *v1alpha1.MemberStatus) { s.Reinstated = "again" }, true},
		"nothing, by this time": {func(*v1alpha1.MemberStatus) {}, false},
	} {
		r := &Reconciler{}
		written := versioned("2")
		test.change(&written.Status)
		r.echoes.expectStatus(versioned("1"), written)
		if news := r.news().Update(event.UpdateEvent{ObjectOld: versioned("1"), ObjectNew: written}); news != test.news {
			t.Errorf("%s: news is %v", what, news)
		}
	}
}

func TestEchoesThatNeverComeAreForgotten(t *testing.T) {
	var e echoes
	for i := range 3 * mostEchoes {
		member := versioned("7")
		member.Name = member.Name + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26))
		e.expect(member, "6")
	}
	if len(e.versions) > mostEchoes {
		t.Errorf("%d echoes are remembered", len(e.versions))
	}
}
