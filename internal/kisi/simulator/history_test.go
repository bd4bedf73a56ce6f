package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func minutes(intervals []Interval) []string {
	var out []string
	for _, i := range intervals {
		out = append(out, fmt.Sprintf("%d-%d", int(i.From.Sub(epoch).Minutes()), int(i.Until.Sub(epoch).Minutes())))
	}
	return out
}

func history(t *testing.T, s *Server, email, lockName string) []string {
	t.Helper()
	intervals, err := s.AccessIntervals("acme", email, lockName, epoch, at(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return minutes(intervals)
}

func TestHistoryRemembersEveryWayInAndOut(t *testing.T) {
	advance := func(s *Server, m int) {
		if err := s.Clock().Advance(time.Duration(m) * time.Minute); err != nil {
			panic(err)
		}
	}
	tests := map[string]struct {
		lock string
		do   func(t *testing.T, s *Server)
		want []string
	}{
		"a row is made and deleted": {"Boardroom", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Group: "Board"})
			advance(s, 20)
			act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Group: "Board"})
		}, []string{"10-30"}},
		"a window opens and ends by itself": {"Boardroom", func(t *testing.T, s *Server) {
			from, until := at(40*time.Minute), at(70*time.Minute)
			act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Group: "Board", ValidFrom: &from, ValidUntil: &until})
		}, []string{"40-70"}},
		"a window is moved while it is open": {"Boardroom", func(t *testing.T, s *Server) {
			until, later := at(50*time.Minute), at(60*time.Minute)
			id := act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Group: "Board", ValidUntil: &until})
			advance(s, 20)
			from := at(30 * time.Minute)
			act(t, s, Action{Action: ActionSetWindow, AssignmentID: id, ValidFrom: &from, ValidUntil: &later})
		}, []string{"0-20", "30-60"}},
		"suspended and resumed": {"Entrance", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionSuspendUser, User: "mara@acme.example"})
			advance(s, 10)
			act(t, s, Action{Action: ActionResumeUser, User: "mara@acme.example"})
			advance(s, 10)
			act(t, s, Action{Action: ActionScimSuspend, User: "mara@acme.example"})
		}, []string{"0-10", "20-30"}},
		"the lock leaves the group and returns": {"Entrance", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionRemoveLock, Group: "Members", Lock: "Entrance"})
			advance(s, 10)
			act(t, s, Action{Action: ActionAddLock, Group: "Members", Lock: "Entrance"})
		}, []string{"0-10", "20-120"}},
		"the group is deleted": {"Entrance", func(t *testing.T, s *Server) {
			advance(s, 15)
			act(t, s, Action{Action: ActionDeleteGroup, Group: "Members"})
		}, []string{"0-15"}},
		"the user is deleted and made again": {"Entrance", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionDeleteUser, User: "mara@acme.example"})
			advance(s, 10)
			act(t, s, Action{Action: ActionCreateUser, Email: "mara@acme.example", Name: "Mara"})
			advance(s, 10)
			act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Group: "Members"})
		}, []string{"0-10", "30-120"}},
		"the address changes": {"Entrance", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionChangeEmail, User: "mara@acme.example", Email: "new@acme.example"})
		}, []string{"0-10"}},
		"a team joined and left": {"Boardroom", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionAddToTeam, User: "mara@acme.example", Team: "Crew"})
			advance(s, 10)
			act(t, s, Action{Action: ActionRemoveFromTeam, User: "mara@acme.example", Team: "Crew"})
		}, []string{"10-20"}},
		"lockdown of the place": {"Entrance", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionLockDown, Place: "Downtown"})
			advance(s, 5)
			act(t, s, Action{Action: ActionCancelLockdown, Place: "Downtown"})
		}, []string{"0-10", "15-120"}},
		"made an administrator": {"Boardroom", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Role: "organization_administrator"})
		}, []string{"10-120"}},
		"made an administrator, and demoted to an observer": {"Boardroom", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Role: "organization_administrator"})
			advance(s, 10)
			act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Role: "organization_observer"})
			act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Role: "organization_administrator"})
		}, []string{"10-20"}},
		"ownership handed over": {"Boardroom", func(t *testing.T, s *Server) {
			advance(s, 10)
			act(t, s, Action{Action: ActionSetOwner, User: "mara@acme.example"})
			advance(s, 10)
			act(t, s, Action{Action: ActionSetOwner, User: "olga@acme.example"})
		}, []string{"10-20"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := simulated(t)
			test.do(t, s)
			if got := history(t, s, "mara@acme.example", test.lock); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// The intervals are compared with the door itself, asked at every half minute
// after a random story of changes.
func TestIntervalsAreWhatTheDoorWouldHaveSaid(t *testing.T) {
	groups, people := []string{"Members", "Board"}, []string{"mara@acme.example", "pete@acme.example"}
	rapid.Check(t, func(rt *rapid.T) {
		clock := newFrozenClock(epoch)
		s, err := New(Options{Clock: clock, RequestsPerSecond: -1, Switches: map[string]string{
			"propagation": rapid.SampledFrom([]string{"Immediate", "Delayed30s"}).Draw(rt, "propagation"),
			"expiredRows": rapid.SampledFrom([]string{"Kept", "Purged"}).Draw(rt, "expired"),
			"validUntil":  rapid.SampledFrom([]string{"Exclusive", "Inclusive"}).Draw(rt, "until"),
		}})
		if err != nil {
			rt.Fatal(err)
		}
		if err := s.LoadSeed([]byte(testSeed)); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(0, 12).Draw(rt, "steps") {
			kinds := []ActionKind{ActionGrant, ActionRevoke, ActionSuspendUser, ActionResumeUser, ActionAddToTeam, ActionRemoveFromTeam, ActionRemoveLock, ActionAddLock, ActionLockDown, ActionCancelLockdown}
			action := Action{Organization: "acme", Action: rapid.SampledFrom(kinds).Draw(rt, "kind"),
				User: rapid.SampledFrom(people).Draw(rt, "user"), Group: rapid.SampledFrom(groups).Draw(rt, "group"), Team: "", Lock: "Entrance"}
			if action.Action == ActionAddToTeam || action.Action == ActionRemoveFromTeam {
				action.Team = "Crew"
			}
			if action.Action == ActionGrant {
				start, length := rapid.IntRange(0, 40).Draw(rt, "start"), rapid.IntRange(1, 20).Draw(rt, "length")
				from, until := at(time.Duration(start)*time.Minute), at(time.Duration(start+length)*time.Minute)
				action.ValidFrom, action.ValidUntil = &from, &until
			}
			_, _ = s.Act(action) // what is not possible in this story is left out
			_ = clock.Advance(time.Duration(rapid.IntRange(0, 5).Draw(rt, "pause")) * time.Minute)
			s.Assignments("Members") // looking is when Kisi's purge shows
		}
		who := rapid.SampledFrom(people).Draw(rt, "who")
		end := at(2 * time.Hour)
		intervals, err := s.AccessIntervals("acme", who, "Entrance", epoch, end)
		if err != nil {
			rt.Fatal(err)
		}
		for instant := epoch; instant.Before(end); instant = instant.Add(30 * time.Second) {
			inside := slices.ContainsFunc(intervals, func(i Interval) bool { return !instant.Before(i.From) && instant.Before(i.Until) })
			decision, err := s.TryUnlock("acme", who, "Entrance", Attempt{AtTheDoor: true}, instant)
			if err != nil {
				rt.Fatal(err)
			}
			if decision.Allowed != inside {
				rt.Fatalf("%s at %s: door says %+v, intervals %v", who, instant, decision, minutes(intervals))
			}
		}
	})
}

func TestASnapshotListsWhoCouldOpenWhatThen(t *testing.T) {
	s := simulated(t)
	if err := s.Clock().Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Group: "Members"})
	has := func(instant time.Time) bool {
		list, err := s.Snapshot("acme", instant)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(a Access) bool { return a.User == "mara@acme.example" && a.Lock == "Entrance" })
	}
	if !has(at(time.Minute)) || has(at(61*time.Minute)) {
		t.Error("the snapshot does not follow the revocation")
	}
}

func TestTheAuditTrailNamesWhoDidIt(t *testing.T) {
	s := simulated(t)
	act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Group: "Members"})
	changes, err := s.History("acme", time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	last := changes[len(changes)-1]
	if last.Type != "role_assignment.destroy" || last.By != "adam@acme.example" || last.ObjectName != "Mara" {
		t.Errorf("got %+v", last)
	}
	if _, err := json.Marshal(changes); err != nil {
		t.Error(err)
	}
}

func TestPropagationMayLagBehindTheAPI(t *testing.T) {
	s := simulated(t, "propagation=Delayed30s")
	_ = s.Clock().Advance(time.Hour)
	act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Group: "Members"})
	if !opens(t, s, "mara@acme.example", "Entrance", at(time.Hour+29*time.Second)) {
		t.Error("the revocation reached the door at once")
	}
	if opens(t, s, "mara@acme.example", "Entrance", at(time.Hour+30*time.Second)) {
		t.Error("the revocation never reached the door")
	}
}

func TestAnInclusiveEndAtARealDoor(t *testing.T) {
	for value, want := range map[string][]bool{"Exclusive": {true, false, false}, "Inclusive": {true, true, false}} {
		s := simulated(t, "validUntil="+value)
		until := at(time.Hour)
		act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Group: "Board", ValidUntil: &until})
		for i, instant := range []time.Time{at(time.Hour - time.Second), at(time.Hour), at(time.Hour + time.Second)} {
			if got := opens(t, s, "mara@acme.example", "Boardroom", instant); got != want[i] {
				t.Errorf("%s, %s: %v", value, instant, got)
			}
		}
	}
}
