package simulation

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/intake/apply"
	"github.com/kisi-operator/kisi-operator/internal/intake/config"
	"github.com/kisi-operator/kisi-operator/internal/intake/service"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// followed is a feed whose bookings open the door of the gym, in a world with an operator.
type followed struct {
	*world

	t    *testing.T
	feed *service.Feed
	file string
}

// follow runs do in a bubble with an operator, from a time on.
func follow(t *testing.T, definitions []*apiextensionsv1.CustomResourceDefinition, from time.Time, do func(*testing.T, *followed)) {
	t.Helper()
	folder := t.TempDir()
	var clock atomic.Int64
	defer watch(&clock, 0)()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(from)) // in one step, before anything ticks
		defer tick(&clock)()
		w, err := newWorld(t.Context(), definitions, history{}, logr.Discard())
		if err != nil {
			t.Fatal(err)
		}
		place := &v1alpha1.PlaceMapping{ObjectMeta: meta("gym"), Spec: v1alpha1.PlaceMappingSpec{
			Kind: "Room", ExternalID: "gym",
			Bookings: &v1alpha1.PlaceBookings{
				GroupRefs: []v1alpha1.GroupReference{{Name: v1alpha1.ObjectName(objectName("Gym"))}}, NonMembers: v1alpha1.NonMembersAllow,
				LeadTime: &metav1.Duration{Duration: 10 * time.Minute}, LagTime: &metav1.Duration{Duration: 5 * time.Minute},
			},
		}}
		if err := w.client.Create(t.Context(), place); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the operator is there
		defer func() {          // also when do gives up
			w.operator.die()
			w.operator.end()
			if err := <-w.operator.done; err != nil {
				t.Error(err)
			}
		}()
		do(t, newFollowed(t, w, "gym", folder, "calendar: {timeZone: Europe/Berlin, placeRef: {name: gym}}"))
	})
}

// newFollowed is a feed with a file in a folder.
func newFollowed(t *testing.T, w *world, name, folder, what string) *followed {
	t.Helper()
	file := filepath.Join(folder, name)
	parsed, err := config.Parse(fmt.Appendf(nil, "feeds: [{name: %s, from: {file: %s}, %s}]", name, file, what))
	if err != nil {
		t.Fatal(err)
	}
	feed, err := service.NewFeed(parsed.Feeds[0], w.client, namespace, "test")
	if err != nil {
		t.Fatal(err)
	}
	return &followed{w, t, feed, file}
}

// pass exports content and reads it as if the time were so much later.
func (f *followed) pass(content string, later time.Duration) (service.Result, error) {
	f.t.Helper()
	if err := os.WriteFile(f.file, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return f.feed.Pass(f.t.Context(), now().Add(later))
}

// must is a pass that succeeds.
func (f *followed) must(content string) service.Result {
	f.t.Helper()
	result, err := f.pass(content, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return result
}

// grant is a booking by its id in the calendar.
func (f *followed) grant(id string) *v1alpha1.BookingGrant {
	f.t.Helper()
	grant := &v1alpha1.BookingGrant{}
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: namespace, Name: apply.Name("gym", "BookingGrant", id)}, grant); err != nil {
		f.t.Fatal(err)
	}
	return grant
}

// TestCalendarsOpenDoors follows the calendars of three systems through the night in which summer time ends, and tries the
// door minute by minute around every edge. People may enter ten minutes before and five minutes after.
func TestCalendarsOpenDoors(t *testing.T) {
	began, ended := time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 28, 12, 0, 0, 0, time.UTC)
	folder := t.TempDir()
	follow(t, definitions(t), began, func(t *testing.T, f *followed) {
		calendars := map[*followed]string{}
		for _, name := range []string{"google", "outlook", "caldav"} {
			content, err := os.ReadFile("../intake/ical/testdata/" + name + ".ics")
			if err != nil {
				t.Fatal(err)
			}
			// Each has its own people, so that each is seen at the door.
			unfolded := strings.ReplaceAll(string(content), "\r\n ", "")
			calendars[newFollowed(t, f.world, name, folder, "calendar: {timeZone: Europe/Berlin, placeRef: {name: gym}}")] = strings.ReplaceAll(unfolded, "@acme.example", "@"+name+".example")
		}
		for now().Before(ended) {
			for calendar, content := range calendars {
				calendar.must(content)
			}
			time.Sleep(30 * time.Minute)
		}
		for who, windows := range map[string][]string{
			// Each day at eight by the clock, moved to ten on Monday, canceled on Tuesday.
			"ana@google.example": {"23T06:00 23T07:00", "24T06:00 24T07:00", "25T07:00 25T08:00", "26T09:00 26T10:30", "28T07:00 28T08:00"},
			"gil@google.example": {"23T06:00 23T07:00", "24T06:00 24T07:00", "24T21:00 25T05:00", "25T07:00 25T08:00", "28T07:00 28T08:00"},
			"mia@google.example": {"24T21:00 25T05:00"}, // declined the rest

			"ana@outlook.example": {"23T06:00 23T08:00", "25T13:00 25T14:00"},
			"gil@outlook.example": {"23T06:00 23T08:00", "24T22:00 25T23:00"}, // a day of 25 hours, and the rehearsal within it
			"mia@outlook.example": {"23T06:00 23T08:00", "25T00:30 25T02:30"}, // from 2:30 the first time until 3:30

			"ana@caldav.example": {"24T16:00 24T18:00", "25T17:00 25T19:00", "26T17:00 26T19:00", "28T06:00 28T08:00"},
			"gil@caldav.example": {"24T16:00 24T18:00", "25T17:00 25T19:00", "26T17:00 26T19:00", "28T06:00 28T08:00"},
			"mia@caldav.example": {"27T09:00 27T10:00"}, // what is not confirmed does not count
		} {
			var open []span
			for _, window := range windows {
				from, until, _ := strings.Cut(window, " ")
				open = append(open, span{onOctober(t, from).Add(-10 * time.Minute), onOctober(t, until).Add(5 * time.Minute)})
			}
			f.tryDoor(who, open, span{began, ended})
		}
	})
}

func onOctober(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, "2026-10-"+text+":00Z")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// tryDoor holds the door of the gym against when it should be open: as a whole, and by trying it around each edge.
func (f *followed) tryDoor(who string, want []span, within span) {
	f.t.Helper()
	intervals, err := f.kisi.AccessIntervals("acme", who, "Gym", within.From, within.Until)
	if err != nil {
		f.t.Fatal(err)
	}
	var open []span
	for _, is := range intervals {
		open = append(open, span{is.From, is.Until})
	}
	if open, want := union(open), union(want); !slices.EqualFunc(open, want, func(a, b span) bool { return a.From.Equal(b.From) && a.Until.Equal(b.Until) }) {
		f.t.Errorf("%s could enter\n%v, want\n%v", who, open, want)
	}
	for _, window := range want {
		for minute := -5 * time.Minute; minute <= 5*time.Minute; minute += time.Minute {
			for _, at := range []time.Time{window.From.Add(minute), window.Until.Add(minute)} {
				should := slices.ContainsFunc(want, func(s span) bool { return !at.Before(s.From) && at.Before(s.Until) })
				if got := f.kisi.CanOpen(who, "Gym", at); got.Allowed != should {
					f.t.Errorf("%s at %s: %+v, want %t", who, at.Format(time.RFC3339), got, should)
				}
			}
		}
	}
}

// TestTablesOpenDoors follows an export of subscriptions: one is canceled, one leaves, and half of the export is missing.
func TestTablesOpenDoors(t *testing.T) {
	folder := t.TempDir()
	export := func(state string, members ...int) string {
		rows := "Subscription,E-mail,State\n"
		for _, n := range members {
			rows += fmt.Sprintf("sub-%d,member%d@example.com,%s\n", n, n, state)
			state = "active"
		}
		return rows
	}
	follow(t, definitions(t), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), func(t *testing.T, f *followed) {
		plan := &v1alpha1.AccessPlan{ObjectMeta: meta("all"), Spec: v1alpha1.AccessPlanSpec{
			ExternalID: "all", GroupRefs: []v1alpha1.GroupReference{{Name: v1alpha1.ObjectName(objectName("Gym"))}},
		}}
		if err := f.client.Create(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		table := newFollowed(t, f.world, "table", folder, `table: {format: CSV, objects: [{kind: AccessSubscription, id: Subscription, fields: {
			planRef.externalID: {text: all}, subject.email: E-mail, state: {from: State, values: {active: Active, canceled: Canceled}}}}]}`)
		for _, is := range []struct {
			name, content string
			held          int
			in            []int
		}{
			{"all of them", export("active", eight...), 0, eight},
			{"the first is canceled", export("canceled", eight...), 0, eight[1:]},
			{"the last has left", export("canceled", eight[:7]...), 0, eight[1:7]},
			{"half is missing", export("canceled", eight[:4]...), 3, eight[1:7]},
			{"nothing is left", export("active"), 6, eight[1:7]},
			{"all are back", export("active", eight...), 0, eight},
		} {
			if result := table.must(is.content); len(result.Decision.Held) != is.held || len(result.Problems) > 0 {
				t.Errorf("%s: %+v", is.name, result)
			}
			time.Sleep(10 * time.Minute)
			for _, n := range eight {
				if got := f.kisi.CanOpen(fmt.Sprintf("member%d@example.com", n), "Gym", time.Now()); got.Allowed != slices.Contains(is.in, n) {
					t.Errorf("%s: member %d: %+v", is.name, n, got)
				}
			}
		}
		if _, err := table.pass("Subscription,E-mail,State\nsub-1,member1@exa", 0); err == nil {
			t.Error("half a line is a table")
		}
	})
}

// stays are the calendar of a house: bookings of some guests from yesterday on for three days.
func stays(prefix string, shift time.Duration, guests ...int) string {
	from := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC).Add(shift)
	var events strings.Builder
	for _, n := range guests {
		fmt.Fprintf(&events, "BEGIN:VEVENT\nUID:%s%d\nDTSTART:%s\nDTEND:%s\nORGANIZER:mailto:guest%d@example.com\nEND:VEVENT\n",
			prefix, n, from.Format("20060102T150405Z"), from.Add(72*time.Hour).Format("20060102T150405Z"), n)
	}
	return "BEGIN:VCALENDAR\nVERSION:2.0\n" + events.String() + "END:VCALENDAR\n"
}

var eight = []int{1, 2, 3, 4, 5, 6, 7, 8}

// TestBrokenExportsLockNobodyOut breaks the calendar of a house of eight in every way, for an hour each, and tries the door
// each minute.
func TestBrokenExportsLockNobodyOut(t *testing.T) {
	whole := stays("stay-", 0, eight...)
	broken := []struct {
		name    string
		content string
		later   time.Duration
		fails   bool // the reading, so that nothing is concluded from it
	}{
		{name: "an empty file", fails: true},
		{name: "an empty calendar", content: stays("", 0)},
		{name: "half a file", content: whole[:len(whole)/2], fails: true},
		{name: "a login page", content: "<!DOCTYPE html><html><title>Sign in: please</title></html>", fails: true},
		{name: "another calendar", content: stays("other-", 0, 21, 22, 23)},
		{name: "all ids renamed", content: stays("new-", 0, eight...)},
		{name: "half of the stays", content: stays("stay-", 0, 1, 2, 3, 4)},
		{name: "this clock a day ahead", content: whole, later: 24 * time.Hour},
		{name: "this clock a day behind", content: whole, later: -24 * time.Hour},
		{name: "this clock a year ahead", content: whole, later: 365 * 24 * time.Hour},
		{name: "the export's clock three days ahead", content: stays("stay-", 72*time.Hour, eight...)},
		{name: "the export's clock three days behind", content: stays("stay-", -72*time.Hour, eight...)},
	}
	follow(t, definitions(t), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), func(t *testing.T, f *followed) {
		f.must(whole)
		time.Sleep(10 * time.Minute)
		for _, is := range broken {
			f.kisi.ResetRequests()
			for range 60 {
				if _, err := f.pass(is.content, is.later); (err != nil) != is.fails {
					t.Fatalf("%s: error %v", is.name, err)
				}
				time.Sleep(time.Minute)
				for _, n := range eight {
					if got := f.kisi.CanOpen(fmt.Sprintf("guest%d@example.com", n), "Gym", time.Now()); !got.Allowed {
						t.Fatalf("%s: guest %d is locked out: %+v", is.name, n, got)
					}
				}
				for _, n := range []int{21, 22, 23} {
					if f.kisi.CanOpen(fmt.Sprintf("guest%d@example.com", n), "Gym", time.Now()).Allowed {
						t.Fatalf("%s: a stranger is let in", is.name)
					}
				}
			}
			if result := f.must(whole); len(result.Decision.Held) > 0 {
				t.Errorf("after %s: %s", is.name, result.Decision.Why)
			}
			for _, r := range f.kisi.Requests(simulator.RequestFilter{}) {
				if r.Method != http.MethodGet && r.Path != "/event_sets" {
					t.Errorf("%s: the operator sent %s %s", is.name, r.Method, r.Path)
				}
			}
		}
	})
}

func TestWhatIsHeldGoesWhenAccepted(t *testing.T) {
	follow(t, definitions(t), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), func(t *testing.T, f *followed) {
		f.must(stays("stay-", 0, eight...))
		time.Sleep(10 * time.Minute)
		half := stays("stay-", 0, 1, 2, 3, 4)
		held := f.must(half).Decision
		if len(held.Held) != 4 {
			t.Fatalf("%d are held", len(held.Held))
		}
		f.feed.Accept = held.Digest
		if result := f.must(half); len(result.Writes) != 4 || result.Writes[0].Action != apply.Cancel {
			t.Errorf("accepted, and written: %v", result.Writes)
		}
		f.feed.Accept = ""
		if result := f.must(half); len(result.Writes) != 0 || len(result.Decision.Held) != 0 {
			t.Errorf("after that: %+v", result)
		}
		time.Sleep(10 * time.Minute)
		for _, n := range eight {
			if got := f.kisi.CanOpen(fmt.Sprintf("guest%d@example.com", n), "Gym", time.Now()); got.Allowed != (n <= 4) {
				t.Errorf("guest %d: %+v", n, got)
			}
		}
		// The guests come back.
		f.must(stays("stay-", 0, eight...))
		time.Sleep(10 * time.Minute)
		if got := f.kisi.CanOpen("guest8@example.com", "Gym", time.Now()); !got.Allowed {
			t.Errorf("guest 8, who is back: %+v", got)
		}
	})
}

func TestOnlyOwnObjectsThatDifferAreWritten(t *testing.T) {
	follow(t, definitions(t), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), func(t *testing.T, f *followed) {
		// Somebody else's object has the name that the third stay would have.
		other := &v1alpha1.BookingGrant{ObjectMeta: meta(apply.Name("gym", "BookingGrant", "stay-3")), Spec: v1alpha1.BookingGrantSpec{
			GroupRefs: []v1alpha1.GroupReference{{Name: "pool"}}, Organizer: v1alpha1.Person{Email: "pat@example.com"},
			StartTime: metav1.NewTime(now()), EndTime: metav1.NewTime(now().Add(time.Hour)),
		}}
		if err := f.client.Create(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		result := f.must(stays("stay-", 0, eight...))
		if len(result.Writes) != 7 || len(result.Problems) != 1 || !strings.Contains(result.Problems[0].Err.Error(), "not this feed's") {
			t.Errorf("%d writes, problems %v", len(result.Writes), result.Problems)
		}
		if got := f.grant("stay-3"); got.ResourceVersion != other.ResourceVersion {
			time.Sleep(time.Minute)
			if got.Spec.Organizer.Email != "pat@example.com" {
				t.Errorf("somebody else's object was written: %v", got.Spec)
			}
		}
		if result := f.must(stays("stay-", 0, eight...)); len(result.Writes) != 0 {
			t.Errorf("nothing has changed, and written: %v", result.Writes)
		}

		// An administrator's field stays when the booking is changed, canceled, and there again.
		admins := f.grant("stay-1")
		admins.Spec.TTLSecondsAfterEnd = ptr.To[int64](60)
		if err := f.client.Update(t.Context(), admins, client.FieldOwner("admin")); err != nil {
			t.Fatal(err)
		}
		for _, is := range []struct {
			content string
			state   v1alpha1.BookingState
			action  apply.Action
		}{
			{stays("stay-", 0, 2, 4, 5, 6, 7, 8), v1alpha1.BookingCanceled, apply.Cancel},
			{stays("stay-", 0, 1, 2, 4, 5, 6, 7, 8), v1alpha1.BookingConfirmed, apply.Change},
		} {
			result := f.must(is.content)
			if got := f.grant("stay-1"); len(result.Writes) != 1 || result.Writes[0].Action != is.action || got.Spec.State != is.state ||
				ptr.Deref(got.Spec.TTLSecondsAfterEnd, 0) != 60 || got.Spec.Organizer.Email != "guest1@example.com" {
				t.Errorf("writes %v, %+v", result.Writes, got.Spec)
			}
		}

		// What somebody else changed is put right.
		drifted := f.grant("stay-2")
		drifted.Spec.Attendees = []v1alpha1.Person{{Email: "eve@example.com"}}
		drifted.Spec.EndTime = metav1.NewTime(drifted.Spec.EndTime.Add(24 * time.Hour))
		if err := f.client.Update(t.Context(), drifted, client.FieldOwner("eve")); err != nil {
			t.Fatal(err)
		}
		if result := f.must(stays("stay-", 0, 1, 2, 4, 5, 6, 7, 8)); len(result.Writes) != 1 {
			t.Errorf("writes %v", result.Writes)
		}
	})
}
