package mirror_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// watched returns a mirror, and where its reports arrive.
func watched() (*mirror.Mirror, *[]mirror.Change) {
	m, reports := &mirror.Mirror{}, &[]mirror.Change{}
	m.Watch(func(c mirror.Change) { *reports = append(*reports, c) })
	return m, reports
}

func TestReadingsReportWhatSomebodyElseChanged(t *testing.T) {
	m, reports := watched()
	team := mirror.Row{ID: 9, GroupID: groupID}
	m.Begin(groupID).Finish([]mirror.Row{row(1, 10)}, time.Now())
	m.Put(row(2, 20))
	m.Begin(groupID).Finish([]mirror.Row{row(1, 10), row(2, 20)}, time.Now())
	m.Begin(groupID).Finish([]mirror.Row{row(2, 20)}, time.Now())
	m.Begin(groupID).Finish([]mirror.Row{row(2, 20), team}, time.Now())
	m.Begin(groupID).Abandon("short")
	want := []mirror.Change{
		{FirstRead: []int64{groupID}},
		// an own write is no news
		{Users: []int64{10}, Groups: []int64{groupID}},
		{Groups: []int64{groupID}}, // the row of a team concerns nobody here
	}
	if !reflect.DeepEqual(normalized(*reports), want) {
		t.Errorf("got %+v, want %+v", *reports, want)
	}
}

func normalized(changes []mirror.Change) []mirror.Change {
	for i := range changes {
		if len(changes[i].Users) == 0 {
			changes[i].Users = nil
		}
	}
	return changes
}

func TestWhatIsSeenDiffersOnlyFromWhatWasKnown(t *testing.T) {
	var m mirror.Mirror
	if m.See(row(1, 10), time.Now()) {
		t.Error("a row of a group that was never read differs")
	}
	m.Begin(groupID).Finish([]mirror.Row{row(1, 10)}, time.Now())
	if m.See(row(1, 10), time.Now()) {
		t.Error("the same row differs")
	}
	longer := row(1, 10)
	longer.Until = time.Unix(99, 0)
	if !m.See(longer, time.Now()) || !m.See(row(2, 20), time.Now()) {
		t.Error("another window, or another row, does not differ")
	}
	if lost, known := m.Lose(2); !known || lost != row(2, 20) {
		t.Errorf("lost %v, known %v", lost, known)
	}
	if !m.Gone(2) || m.Gone(1) {
		t.Error("that Kisi has said so of a row is not known")
	}
	if _, known := m.Lose(2); known {
		t.Error("a row is lost twice")
	}
}

func TestWhatIsLostDuringAReadingStaysLost(t *testing.T) {
	var m mirror.Mirror
	reading := m.Begin(groupID)
	m.Lose(1) // its page was read already, and nobody knows of it
	m.See(row(2, 20), time.Now())
	reading.Finish([]mirror.Row{row(1, 10)}, time.Now())
	if _, known := m.Row(1); known {
		t.Error("a reading brings back what was gone before it ended")
	}
	if _, known := m.Row(2); !known {
		t.Error("a reading drops what was seen while it ran")
	}
}

func TestWhatTheProcessWroteIsNewerThanWhatWasAskedBefore(t *testing.T) {
	var m mirror.Mirror
	m.Begin(groupID).Finish([]mirror.Row{row(1, 10), row(2, 20)}, time.Now())
	asked := time.Now()
	m.Remove(groupID, 1)
	longer := row(2, 20)
	longer.Until = time.Unix(99, 0)
	m.Put(longer)
	if m.See(row(1, 10), asked) || m.See(row(2, 20), asked) {
		t.Error("an answer from before the write differs")
	}
	rows, _ := m.Rows(groupID)
	if !reflect.DeepEqual(rows, []mirror.Row{longer}) {
		t.Errorf("an answer from before the write counts: %v", rows)
	}
	if m.See(row(1, 10), time.Now()) {
		t.Error("a row that was deleted comes back, though ids are not used again")
	}
	if !m.See(row(2, 20), time.Now().Add(time.Second)) {
		t.Error("an answer from after the write does not count")
	}
}

func TestADoorIsKnownByItsGroupAlsoWhenItIsGone(t *testing.T) {
	var m mirror.Mirror
	m.NoteDoors(groupID, 1, 2)
	m.NoteDoors(8, 3)
	m.NoteDoors(groupID, 2)
	if g, known := m.Door(2); !known || g != groupID {
		t.Errorf("group %d, known %v", g, known)
	}
	if _, known := m.Door(1); known {
		t.Error("a door that was taken away is still the group's")
	}
}

func TestDoubtsLastUntilTheyAreSettled(t *testing.T) {
	var m mirror.Mirror
	m.DoubtUser(10)
	if !m.Doubted(10) || m.Doubted(20) {
		t.Error("not exactly the doubted user is doubted")
	}
	m.SettleUser(10)
	if m.Doubted(10) {
		t.Error("settled and still doubted")
	}
	m.DoubtGroup(groupID)
	if m.DoubtedGroup(groupID) {
		t.Error("a group that was never read is to be read anyway")
	}
	m.Begin(groupID).Finish(nil, time.Now())
	m.DoubtGroup(groupID)
	m.Begin(groupID).Abandon("short")
	if !m.DoubtedGroup(groupID) {
		t.Error("a reading that failed settles a doubt")
	}
	m.Begin(groupID).Finish(nil, time.Now())
	if m.DoubtedGroup(groupID) {
		t.Error("read again and still doubted")
	}
}

func TestOnlyTheLastActorsAreRemembered(t *testing.T) {
	var m mirror.Mirror
	m.NoteActor(mirror.Subject{Kind: mirror.User, ID: 1}, 7)
	m.NoteActor(mirror.Subject{Kind: mirror.User, ID: 1}, 8)
	if by, known := m.LastActor(mirror.Subject{Kind: mirror.User, ID: 1}); !known || by != 8 {
		t.Errorf("by %d, known %v", by, known)
	}
	if _, known := m.LastActor(mirror.Subject{Kind: mirror.Group, ID: 1}); known {
		t.Error("a group and a user of one id are mixed up")
	}
	for id := range int64(20_000) {
		m.NoteActor(mirror.Subject{Kind: mirror.Assignment, ID: id}, 9)
	}
	if _, known := m.LastActor(mirror.Subject{Kind: mirror.User, ID: 1}); known {
		t.Error("what is remembered grows without bound")
	}
	if _, known := m.LastActor(mirror.Subject{Kind: mirror.Assignment, ID: 19_999}); !known {
		t.Error("the latest is forgotten")
	}
}
