package feed

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

const gym = `
organizations:
- name: Gym
  domain: gym
  owner: owner@example.com
  users:
  - {email: owner@example.com, name: Owner}
  - {email: adam@example.com, name: Adam}
  - {email: jo@example.com, name: Jo}
  - {email: kim@example.com, name: Kim}
  groups: [{name: Members}, {name: Staff}]
  roleAssignments:
  - {user: adam@example.com, role: organization_administrator}
  - {user: jo@example.com, group: Members}
  keys: [{user: owner@example.com, secret: owners-key, name: operator}]
`

// followed is a simulated Kisi whose groups were read once, and a feed that polls when it is told to.
type followed struct {
	*simulator.Server
	client  *kisi.Client
	feed    *Feed
	mirror  *mirror.Mirror
	results []Result
	date    time.Time // what the next answer says that it is, if set
}

// dating is a way to Kisi on which an answer may get a wrong Date.
type dating struct {
	*http.Transport
	k *followed
}

func (d dating) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := d.Transport.RoundTrip(request)
	if err == nil && !d.k.date.IsZero() {
		response.Header.Set("Date", d.k.date.Format(http.TimeFormat))
		d.k.date = time.Time{}
	}
	return response, err
}

// fataler is a testing.T or a rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func follow(t fataler, cleanup func(func()), switches map[string]string) *followed {
	t.Helper()
	server, err := simulator.New(simulator.Options{RequestsPerSecond: -1, Switches: switches})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.LoadSeed([]byte(gym)); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	cleanup(func() { _ = server.Close() })
	key, err := kisi.NewAPIKey([]byte("owners-key"))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	cleanup(transport.CloseIdleConnections)
	k := &followed{Server: server, mirror: &mirror.Mirror{}}
	if k.client, err = kisi.NewClient(kisi.Config{Endpoint: server.URL(), Key: key, Transport: dating{transport, k}}); err != nil {
		t.Fatal(err)
	}
	owner, _ := server.User("gym", "owner@example.com")
	k.feed = New(Options{
		Mirror: k.mirror, OwnerID: int64(owner.ID), KisiTime: server.Clock().Now(), RowOf: rowOf,
		OnPoll: func(r Result) { k.results = append(k.results, r) },
	})
	cleanup(func() { k.feed.Stop(); k.feed.Wait() })
	k.feed.Follow("gym/default", k.client, time.Hour)
	for _, id := range k.groups() {
		rows := k.rows(t, id)
		k.mirror.Begin(id).Finish(rows, time.Now())
	}
	return k
}

func rowOf(a kisi.RoleAssignment) mirror.Row {
	row := mirror.Row{ID: a.ID, GroupID: a.AppliesToID, UserID: a.AssigneeID, Basic: true}
	if a.ValidUntil != nil {
		row.Until = a.ValidUntil.UTC()
	}
	return row
}

func (k *followed) groups() []int64 {
	var ids []int64
	for _, g := range k.State().Organizations[0].Groups {
		ids = append(ids, int64(g.ID))
	}
	return ids
}

// rows reads what Kisi really holds.
func (k *followed) rows(t fataler, groupID int64) []mirror.Row {
	t.Helper()
	listing, err := k.client.ListRoleAssignments(context.Background(), kisi.RoleAssignmentFilter{AppliesToType: kisi.TypeGroup, AppliesToID: groupID})
	if err != nil || !listing.Complete() {
		t.Fatalf("%v %s", err, listing.Incomplete)
	}
	var rows []mirror.Row
	for _, a := range listing.Items {
		rows = append(rows, rowOf(a))
	}
	slices.SortFunc(rows, func(a, b mirror.Row) int { return int(a.ID - b.ID) })
	return rows
}

func (k *followed) act(t fataler, action simulator.Action) int {
	t.Helper()
	id, err := k.Act(action)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A poll that fails leaves the cursor where it was, however long polls fail: longer than what they overlap by.
func TestAFailedPollMovesNoCursor(t *testing.T) {
	k := follow(t, t.Cleanup, nil)
	k.feed.poll()
	row := k.act(t, simulator.Action{Action: simulator.ActionGrant, User: "kim@example.com", Group: "Staff"})
	fault, err := k.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Path: "/event_sets/*"})
	if err != nil {
		t.Fatal(err)
	}
	k.feed.poll()
	for range 3 {
		if err := k.Clock().Advance(4 * time.Minute); err != nil {
			t.Fatal(err)
		}
		k.feed.poll()
	}
	if _, known := k.mirror.Row(int64(row)); known {
		t.Fatal("known though no poll succeeded")
	}
	k.RemoveFault(fault)
	k.feed.poll()
	if _, known := k.mirror.Row(int64(row)); !known {
		t.Error("what happened before the polls failed is lost")
	}
	if want := []Result{Followed, Failed, Failed, Failed, Failed, Followed}; !slices.Equal(k.results, want) {
		t.Errorf("polls: %v, want %v", k.results, want)
	}
}

// One answer with a Date of another time, such as that of something between here and Kisi, has everything read again, and ends
// nothing: what happens afterwards is heard of.
func TestAWrongDateDoesNotEndTheFollowing(t *testing.T) {
	for name, off := range map[string]time.Duration{
		"none, as control": 0, "years ahead": 70 * 365 * 24 * time.Hour, "a month ahead": 30 * 24 * time.Hour, "an hour ahead": time.Hour,
		"an hour behind": -time.Hour, "years behind": -70 * 365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			k := follow(t, t.Cleanup, nil)
			k.feed.poll()
			k.date = k.Clock().Now().Add(off)
			for range 5 {
				if err := k.Clock().Advance(time.Minute); err != nil {
					t.Fatal(err)
				}
				k.feed.poll()
			}
			row := k.act(t, simulator.Action{Action: simulator.ActionGrant, User: "kim@example.com", Group: "Staff"})
			k.feed.poll()
			if _, known := k.mirror.Row(int64(row)); !known {
				t.Error("what has happened since is not heard of")
			}
		})
	}
}

// What Kisi always fails to show keeps nothing else from being known: after a few polls it is left out, and its group read.
func TestOneThingThatCannotBeReadDoesNotHoldUpTheRest(t *testing.T) {
	for name, path := range map[string]string{"a row": "/role_assignments/*", "a user": "/users/*"} {
		t.Run(name, func(t *testing.T) {
			k := follow(t, t.Cleanup, nil)
			until := time.Now().Add(time.Hour)
			poisoned := k.Assignments("Members")[0].ID
			k.act(t, simulator.Action{Action: simulator.ActionSetWindow, AssignmentID: poisoned, ValidUntil: &until})
			k.act(t, simulator.Action{Action: simulator.ActionCreateUser, Email: "new@example.com", Name: "New"})
			if _, err := k.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Path: path}); err != nil {
				t.Fatal(err)
			}
			for range patientFailures + 1 {
				k.feed.poll()
			}
			if last := k.results[len(k.results)-1]; last != Followed {
				t.Errorf("polls: %v", k.results)
			}
			if path == "/role_assignments/*" && !k.mirror.DoubtedGroup(k.groups()[0]) {
				t.Error("the row that could not be read is not missed")
			}
			k.act(t, simulator.Action{Action: simulator.ActionRevoke, AssignmentID: poisoned})
			k.feed.poll()
			if _, known := k.mirror.Row(int64(poisoned)); known {
				t.Error("what happened afterwards is not known")
			}
		})
	}
}

// One more row of somebody who has one already changes no count, so nothing but a complete read would show it.
func TestANewRowThatCannotBeReadIsMissed(t *testing.T) {
	k := follow(t, t.Cleanup, map[string]string{"duplicates": "AlwaysNew"})
	k.act(t, simulator.Action{Action: simulator.ActionGrant, User: k.Assignments("Members")[0].User, Group: "Members"})
	if _, err := k.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Path: "/role_assignments/*"}); err != nil {
		t.Fatal(err)
	}
	for range patientFailures + 1 {
		k.feed.poll()
	}
	if !k.mirror.DoubtedGroup(k.groups()[0]) {
		t.Error("its group is not read again")
	}
}

// Polls that fail are repeated soon, and then at growing intervals.
func TestFailedPollsAreRepeatedAtGrowingIntervals(t *testing.T) {
	for failures, want := range []time.Duration{54 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second,
		80 * time.Second, 160 * time.Second, 5 * time.Minute, 5 * time.Minute} {
		if got := pollIn(time.Minute, 0.9, failures); got != want {
			t.Errorf("after %d failures %s, want %s", failures, got, want)
		}
	}
	if got := pollIn(time.Hour, 0.9, 1000); got != time.Hour {
		t.Errorf("of polls every hour: %s", got)
	}
}

// A set that Kisi fails to collect, or events that cannot be looked at, are a failed poll too.
func TestAPollThatCannotLookIsAFailedPoll(t *testing.T) {
	k := follow(t, t.Cleanup, nil)
	row := k.act(t, simulator.Action{Action: simulator.ActionGrant, User: "kim@example.com", Group: "Staff"})
	fault, err := k.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 503, Path: "/role_assignments*"})
	if err != nil {
		t.Fatal(err)
	}
	k.feed.poll()
	k.RemoveFault(fault)
	if err := k.SetSwitch("eventSets", "Failed"); err != nil {
		t.Fatal(err)
	}
	k.feed.poll()
	if err := k.SetSwitch("eventSets", "Polled"); err != nil {
		t.Fatal(err)
	}
	if err := k.Clock().Advance(10 * time.Minute); err != nil {
		t.Fatal(err)
	}
	k.feed.poll() // learns the time
	k.feed.poll()
	if _, known := k.mirror.Row(int64(row)); !known {
		t.Error("an event that could not be looked at is lost")
	}
	if want := []Result{Failed, Failed, Followed, Followed}; !slices.Equal(k.results, want) {
		t.Errorf("polls: %v, want %v", k.results, want)
	}
}

// A trail that cannot be read does not keep the counts from being compared: they are what there is instead.
func TestTheCountsAreComparedThoughTheTrailCannotBeRead(t *testing.T) {
	k := follow(t, t.Cleanup, nil)
	for range compareEvery {
		k.feed.poll() // takes note of the counts
	}
	if err := k.SetSwitch("eventSets", "Failed"); err != nil {
		t.Fatal(err)
	}
	k.act(t, simulator.Action{Action: simulator.ActionGrant, User: "kim@example.com", Group: "Staff"})
	staff := k.groups()[1]
	for poll := range patientFailures + 1 {
		if k.mirror.DoubtedGroup(staff) {
			t.Fatalf("compared after %d polls", poll)
		}
		k.feed.poll()
	}
	if !k.mirror.DoubtedGroup(staff) {
		t.Error("one more user was not noticed")
	}
	if k.results[len(k.results)-1] != Failed {
		t.Errorf("polls: %v", k.results)
	}
	if _, err := k.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
	before := len(k.Requests(simulator.RequestFilter{}))
	for range compareEvery {
		k.feed.poll()
	}
	if asked := len(k.Requests(simulator.RequestFilter{})) - before; asked != 2*compareEvery {
		t.Errorf("%d requests in %d polls that fail, want as many comparisons", asked, compareEvery)
	}
}

// A row that may not be read (403) is not taken for one that is gone.
func TestARowThatMayNotBeReadIsNotGone(t *testing.T) {
	k := follow(t, t.Cleanup, nil)
	row := k.Assignments("Members")[0].ID
	until := time.Now().Add(time.Hour)
	k.act(t, simulator.Action{Action: simulator.ActionSetWindow, AssignmentID: row, ValidUntil: &until})
	if _, err := k.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Path: "/role_assignments/*"}); err != nil {
		t.Fatal(err)
	}
	k.feed.poll()
	if _, known := k.mirror.Row(int64(row)); !known {
		t.Error("gone")
	}
}

// Whatever others do, in whatever order and shape Kisi tells of it, and whichever polls fail: after a good poll the mirror
// holds what Kisi does, without the groups having been read again. After too many failures in a row that is not so: what
// fails is left out then, and its group read again.
func TestTheMirrorFollowsKisi(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cleanups []func()
		defer func() {
			for _, c := range slices.Backward(cleanups) {
				c()
			}
		}()
		k := follow(t, func(c func()) { cleanups = append(cleanups, c) }, map[string]string{
			"eventOrder":   rapid.SampledFrom([]string{"NewestFirst", "OldestFirst"}).Draw(t, "order"),
			"eventObject":  rapid.SampledFrom([]string{"Absent", "Present"}).Draw(t, "object"),
			"idsSeparator": rapid.SampledFrom([]string{"Comma", "Pipe"}).Draw(t, "separator"),
			"duplicates":   "AlwaysNew",
		})
		for i := range rapid.IntRange(1, 12).Draw(t, "steps") {
			group := rapid.SampledFrom([]string{"Members", "Staff"}).Draw(t, "group")
			rows := k.Assignments(group)
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				k.act(t, simulator.Action{Action: simulator.ActionGrant, User: rapid.SampledFrom([]string{"jo@example.com", "kim@example.com"}).Draw(t, "user"), Group: group})
			case 2:
				if len(rows) > 0 {
					k.act(t, simulator.Action{Action: simulator.ActionRevoke, AssignmentID: rows[rapid.IntRange(0, len(rows)-1).Draw(t, "row")].ID})
				}
			case 3:
				if len(rows) > 0 {
					until := k.Clock().Now().Add(time.Duration(i+1) * time.Hour).Truncate(time.Second)
					k.act(t, simulator.Action{Action: simulator.ActionSetWindow, AssignmentID: rows[rapid.IntRange(0, len(rows)-1).Draw(t, "row")].ID, ValidUntil: &until})
				}
			case 4:
				if rapid.Bool().Draw(t, "the poll fails") && k.feed.failures+1 < patientFailures {
					if _, err := k.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 502, Count: 1, Skip: rapid.IntRange(0, 3).Draw(t, "at request")}); err != nil {
						t.Fatal(err)
					}
				}
				k.feed.poll()
				k.ClearFaults() // one that has met no request
			}
		}
		k.feed.poll()
		for _, id := range k.groups() {
			known, _ := k.mirror.Rows(id)
			if is := k.rows(t, id); fmt.Sprint(known) != fmt.Sprint(is) {
				t.Fatalf("group %d: the mirror has %v, Kisi %v", id, known, is)
			}
		}
	})
}
