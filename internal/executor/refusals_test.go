package executor

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/failure"
)

const organization = v1alpha1.KisiID(7)

func personCalled(i int) (person string, member *v1alpha1.Member) {
	name := fmt.Sprintf("p%d", i)
	return "acme/" + name, &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: name, Generation: 1}}
}

// refusing is an organization in which the first so many people are refused, whenever their time to be tried comes.
type refusing struct {
	Backoffs
	clock *testingclock.FakePassiveClock
	begun time.Time
	no    failure.Failure
	tries map[int]int
}

func newRefusing(kind failure.Kind) *refusing {
	begun := time.Now()
	r := &refusing{clock: testingclock.NewFakePassiveClock(begun), begun: begun, no: failure.Failure{Kind: kind, Message: "no"}, tries: map[int]int{}}
	r.Clock = r.clock
	return r
}

func (r *refusing) refuse(i int) {
	person, member := personCalled(i)
	r.Begin(person, "grant")
	r.tries[i]++
	r.RefusedAmong(person, "grant", r.no, 0, organization, member)
}

// pass has so much time pass, and returns how often somebody was tried.
func (r *refusing) pass(people int, lasts time.Duration) (tries int) {
	end := r.clock.Now().Add(lasts)
	for {
		next, due := end, -1
		for i := range people {
			person, _ := personCalled(i)
			if until := r.Until(person, "grant"); until.Before(next) {
				next, due = until, i
			}
		}
		if due < 0 {
			r.clock.SetTime(end)
			return tries
		}
		if next.After(r.clock.Now()) {
			r.clock.SetTime(next)
		}
		r.refuse(due)
		tries++
	}
}

func TestWhatManyAreRefusedCostsNoMoreThanWhatFewAre(t *testing.T) {
	for _, kind := range []failure.Kind{failure.Refused, failure.Pending} {
		for _, people := range []int{1, 3, 20, 200} {
			r := newRefusing(kind)
			for i := range people {
				r.refuse(i)
			}
			// Tried a few times at first, like everything that may have met one bad answer.
			if tries := r.pass(people, time.Hour); tries > 4*people+80 {
				t.Errorf("%d people, kind %d: %d tries in the first hour", people, kind, tries)
			}
			if tries := r.pass(people, time.Hour); tries > 80 || tries < 10 {
				t.Errorf("%d people, kind %d: %d tries in an hour later on", people, kind, tries)
			}
		}
	}
}

func TestAFewThatMeetOneRefusalEachDoNotWaitForLong(t *testing.T) {
	r := newRefusing(failure.Pending)
	for i := range 6 {
		r.refuse(i)
	}
	for i := range 6 {
		person, _ := personCalled(i)
		if wait := r.Until(person, "grant").Sub(r.begun); wait > 10*time.Second {
			t.Errorf("the %d. is tried again after %s", i+1, wait)
		}
	}
}

func TestWhoIsRefusedAloneIsTriedAgainSoon(t *testing.T) {
	r := newRefusing(failure.Refused)
	r.refuse(0)
	person, _ := personCalled(0)
	if wait := r.Until(person, "grant").Sub(r.begun); wait > 15*time.Second {
		t.Errorf("tried again after %s", wait)
	}
	for i := 1; i < 100; i++ { // of another organization
		other, member := personCalled(i)
		r.RefusedAmong(other, "grant", r.no, 0, organization+1, member)
	}
	r.refuse(0)
	if wait := r.Until(person, "grant").Sub(r.begun); wait > 30*time.Second {
		t.Errorf("tried again after %s because of others elsewhere", wait)
	}
}

// What stood in the way of all, such as a lack of seats, is found to be gone by one of them, and the others follow in no time.
func TestWhoWasRefusedTheSameIsTriedWhenOneIsNotAnyMore(t *testing.T) {
	const people = 200
	r := newRefusing(failure.Refused)
	for i := range people {
		r.refuse(i)
		r.clock.SetTime(r.clock.Now().Add(time.Second))
	}
	stranger, member := personCalled(people)
	r.RefusedAmong(stranger, "grant", failure.Failure{Kind: failure.Refused, Message: "something else"}, 0, organization, member)

	asked := []int{0}
	done := map[int]bool{}
	for rounds := 0; len(asked) > 0; rounds++ {
		i := asked[0]
		asked = asked[1:]
		if done[i] {
			continue
		}
		done[i] = true
		person, _ := personCalled(i)
		released := r.Recovered(person, "grant")
		r.Keep(person, nil)
		if len(released) > retriedAtOnce {
			t.Fatalf("%d are tried because of one", len(released))
		}
		for _, name := range released {
			var number int
			if _, err := fmt.Sscanf(name.Name, "p%d", &number); err != nil || number == people {
				t.Fatalf("%s is tried, who was refused something else: %v", name, err)
			}
			if other, _ := personCalled(number); r.Until(other, "grant").After(r.clock.Now()) {
				t.Fatalf("%s still waits", name)
			}
			asked = append(asked, number)
		}
	}
	for i := range people {
		if person, _ := personCalled(i); !done[i] && r.Until(person, "grant").After(r.clock.Now()) {
			t.Errorf("%s still waits", person)
		}
	}
	if len(done) < people/2 {
		t.Errorf("%d of %d were tried because of another", len(done), people)
	}
	if again := r.Recovered(stranger, "another operation"); len(again) > 0 {
		t.Errorf("%v are tried though nothing was refused", again)
	}
}

func TestWhatWasRefusedIsTriedAtOnceWhenItsMemberIsEdited(t *testing.T) {
	r := newRefusing(failure.Refused)
	for i := range 100 {
		r.refuse(i)
	}
	person, member := personCalled(99)
	waits := func() bool { return r.Until(person, "grant").After(r.clock.Now()) }
	if r.Edited(person, member); !waits() {
		t.Error("tried again though nothing was edited")
	}
	member.Generation++
	if r.Edited(person, member); waits() {
		t.Error("an edited Member waits")
	}
	r.refuse(99) // to the Member as it was
	member.Name, member.Generation = "stands-now", 1
	if r.Edited(person, member); waits() {
		t.Error("another Member of the person waits")
	}
	r.Edited("nobody", member)
}
