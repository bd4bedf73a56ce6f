package mirror_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// counted returns a mirror whose group was read completely, with what Kisi said its number of users was.
func counted(count int, rows ...mirror.Row) *mirror.Mirror {
	m := &mirror.Mirror{}
	reading := m.Begin(groupID)
	reading.Counted(count)
	reading.Finish(rows, time.Now())
	return m
}

func TestACountIsComparedWithWhatItWas(t *testing.T) {
	now := time.Now()
	m := counted(12, row(1, 10), row(2, 20)) // ten are of teams, or whoever else Kisi counts
	if m.CountDiffers(groupID, 12, now) {
		t.Error("the same count differs")
	}
	if !m.CountDiffers(groupID, 13, now) || !m.CountDiffers(groupID, 11, now) {
		t.Error("another count does not differ")
	}
	if m.CountDiffers(8, 1, now) {
		t.Error("a group that was never read differs")
	}
	m.See(row(3, 30), now) // known by an event
	if m.CountDiffers(groupID, 13, now) {
		t.Error("what an event told explains the count")
	}
	m.Lose(1)
	m.Lose(2)
	if m.CountDiffers(groupID, 11, now) {
		t.Error("what an event told to be gone explains the count")
	}
}

func TestAGroupThatIsWrittenToIsComparedLater(t *testing.T) {
	m := counted(1, row(1, 10))
	m.Put(row(2, 20))
	if m.CountDiffers(groupID, 1, time.Now()) {
		t.Error("a count from before the write differs")
	}
	later := time.Now().Add(time.Minute)
	if m.CountDiffers(groupID, 2, later) || !m.CountDiffers(groupID, 3, later) {
		t.Error("an own row is not taken into account")
	}
}

func TestTheFirstCountAfterAReadingThatSaidNoneIsTheMark(t *testing.T) {
	m := &mirror.Mirror{}
	m.Begin(groupID).Finish([]mirror.Row{row(1, 10)}, time.Now())
	if m.CountDiffers(groupID, 5, time.Now()) {
		t.Error("nothing is known to compare it with")
	}
	if !m.CountDiffers(groupID, 6, time.Now()) {
		t.Error("it is not compared with the first")
	}
}

// Whether or not Kisi counts people whose rows have ended, that rows end is no news.
func TestRowsThatEndAreNoNews(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		var rows []mirror.Row
		for id := range rapid.Int64Range(0, 8).Draw(t, "rows") {
			r := row(id+1, rapid.Int64Range(1, 5).Draw(t, "user"))
			if rapid.Bool().Draw(t, "bounded") {
				r.Until = now.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "until")) * time.Hour)
			}
			rows = append(rows, r)
		}
		count := func(at time.Time, ended bool) int {
			people := map[int64]bool{}
			for _, r := range rows {
				if ended || r.Until.IsZero() || r.Until.After(at) {
					people[r.UserID] = true
				}
			}
			return len(people)
		}
		later := now.Add(2*time.Hour + time.Minute)
		for _, ended := range []bool{true, false} {
			if counted(count(now, ended), rows...).CountDiffers(groupID, count(later, ended), later) {
				t.Fatalf("counting the ended (%v): %d became %d", ended, count(now, ended), count(later, ended))
			}
		}
	})
}
