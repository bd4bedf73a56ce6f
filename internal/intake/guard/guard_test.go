package guard

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// stay is an object that gives access from so many hours until so many hours from now.
func stay(n, from, until int) Object {
	return Object{
		Kind: "BookingGrant", Name: fmt.Sprintf("o%d", n), ID: fmt.Sprintf("stay-%d", n), Gives: true,
		From: now.Add(time.Duration(from) * time.Hour), Until: now.Add(time.Duration(until) * time.Hour),
	}
}

// house are so many stays that are open now.
func house(n int) []Object {
	var objects []Object
	for i := range n {
		objects = append(objects, stay(i, -24, 72))
	}
	return objects
}

// repeated are so many repetitions of a series, the first of which is open.
func repeated(series string, n int) []Object {
	var objects []Object
	for i := range n {
		o := stay(i, 24*i-1, 24*i+1)
		o.Name, o.ID = fmt.Sprintf("%s-%d", series, i), fmt.Sprintf("%s/%d", series, i)
		objects = append(objects, o)
	}
	return objects
}

// crowd are the objects, each with these people.
func crowd(objects []Object, people ...string) []Object {
	objects = slices.Clone(objects)
	for i := range objects {
		objects[i].People = people
	}
	return objects
}

// of is an export that says of objects what they are, moved by a time.
func of(objects []Object, by time.Duration) Reading {
	var r Reading
	for _, o := range objects {
		r.Entries = append(r.Entries, Entry{Kind: o.Kind, ID: o.ID, From: o.From.Add(by), Until: o.Until.Add(by), People: o.People})
		r.Series = append(r.Series, o.ID)
	}
	return r
}

func TestWhatAReadingMayTakeAway(t *testing.T) {
	eight := house(8)
	ended := append(house(2), stay(2, -48, -1), stay(3, -48, 0))
	later := []Object{stay(0, 24, 26), stay(1, 24, 26), stay(2, 24, 26), stay(3, 24, 26), stay(4, 24, 26)}
	canceled := of(eight, 0)
	for i := range canceled.Entries {
		canceled.Entries[i].Canceled = true
	}
	left := house(10)
	left[9].Gives, left[9].Left = false, now.Add(-30*time.Minute)
	longAgo := slices.Clone(left)
	longAgo[9].Left = now.Add(-61 * time.Minute)
	renamed := of(eight, 0)
	for i := range renamed.Entries {
		renamed.Entries[i].ID = "new-" + renamed.Entries[i].ID
		renamed.Series[i] = renamed.Entries[i].ID
	}
	series := Object{Kind: "BookingGrant", Name: "s", ID: "s/20261203T090000Z", Gives: true, From: now.Add(48 * time.Hour), Until: now.Add(49 * time.Hour)}
	openSeries := series
	openSeries.From = now.Add(-time.Hour)
	openToo := openSeries
	openToo.Name, openToo.ID = "t", "s/20261203T091500Z"
	daily := repeated("s", 8)
	without := of(crowd(daily, "ana"), 0)
	without.Series = []string{"s"}
	three := slices.Concat(repeated("s", 3), repeated("t", 3), repeated("u", 3))
	nobody := of(crowd(three, "ana"), 0)
	nobody.Series = []string{"s", "t", "u"}

	for _, is := range []struct {
		name        string
		objects     []Object
		reading     Reading
		options     Options
		prune, held int
		frozen      bool
		why         string
	}{
		{name: "nothing has changed", objects: eight, reading: of(eight, 0)},
		{name: "the first reading is empty"},
		{name: "an empty export of a house of eight", objects: eight, held: 8, frozen: true, why: "empty"},
		{name: "an empty export where one was", objects: eight[:1], held: 1, frozen: true, why: "empty"},
		{name: "another calendar", objects: eight, reading: of([]Object{stay(20, -1, 1), stay(21, -1, 1)}, 0), held: 8, frozen: true, why: "another one"},
		{name: "another calendar, where two were", objects: eight[:2], reading: of([]Object{stay(20, -1, 1)}, 0), held: 2, frozen: true, why: "2 of 2"},
		{name: "all ids have changed", objects: eight, reading: renamed, held: 8, frozen: true, why: "ids have changed"},
		{name: "the export's clock is five days off", objects: eight, reading: of(eight, 5*24*time.Hour), held: 8, why: "all 8"},
		{name: "half of the stays are gone", objects: eight, reading: of(eight[:4], 0), held: 4, why: "4 of 8"},
		{name: "one of eight is gone", objects: eight, reading: of(eight[1:], 0), prune: 1},
		{name: "one of three is gone", objects: eight[:3], reading: of(eight[1:3], 0), prune: 1},
		{name: "two of ten are gone", objects: house(10), reading: of(house(8), 0), prune: 2},
		{name: "one more within the hour", objects: left, reading: of(left[1:9], 0), prune: 1},
		{name: "two more within the hour", objects: left, reading: of(left[2:9], 0), held: 2, why: "3 of 10"},
		{name: "two more later", objects: append(longAgo, stay(30, 1, 2)), reading: of(append(longAgo[2:9:9], stay(30, 1, 2)), 0), prune: 2},
		{name: "what has ended is no loss", objects: ended, reading: of(ended[:2], 0)},
		{name: "all that is left has ended", objects: ended[2:]},
		{name: "what is later has left with its series", objects: []Object{series}, reading: Reading{Series: []string{"s"}}, prune: 1},
		{name: "what is open has left with its series", objects: append(eight[:7:7], openSeries, openToo), reading: Reading{Entries: of(eight[:7], 0).Entries, Series: []string{"s"}}, held: 2, why: "2 of 9"},
		{name: "all are canceled by the export itself", objects: eight, reading: canceled},
		{name: "all that is later has moved", objects: later, reading: of(later, time.Hour)},
		{name: "what cannot be understood stays", objects: eight, reading: Reading{
			Entries: of(eight[:4], 0).Entries, Kept: []string{"stay-4", "stay-5"}, KeptSeries: []string{"stay-6", "stay-7"},
		}},
		{name: "beyond the horizon", objects: append(eight[:7:7], stay(9, 200, 201)), reading: Reading{Entries: of(eight[:7], 0).Entries, Until: now.Add(168 * time.Hour)}},
		{name: "everything may go", objects: eight, reading: of(eight[:2], 0), options: Options{Percent: 100}, prune: 6},
		{name: "but not all of it", objects: eight, reading: of([]Object{stay(20, 1, 2)}, 0), options: Options{Percent: 100}, held: 8, frozen: true, why: "another one"},
		{name: "nobody is named any more", objects: crowd(eight, "ana", "gil", "mia"), reading: of(crowd(eight, "ana"), 0), held: 8, why: "all 8"},
		{name: "one of three is named no more", objects: crowd(eight, "ana", "gil", "mia"), reading: of(crowd(eight, "ana", "mia"), 0)},
		{name: "a meeting of two loses one", objects: append(crowd(eight[:1], "ana", "gil"), eight[1:]...), reading: of(append(crowd(eight[:1], "ana"), eight[1:]...), 0)},
		{name: "a guest is taken off a daily meeting of two", objects: crowd(daily, "ana", "gil"), reading: without},
		{name: "guests are taken off all of three meetings", objects: crowd(three, "ana", "gil"), reading: nobody, held: 9, why: "all 9"},
	} {
		t.Run(is.name, func(t *testing.T) {
			if is.options.Percent == 0 {
				is.options.Percent = 20
			}
			got := Decide(is.objects, is.reading, is.options, now)
			if len(got.Prune) != is.prune || len(got.Held) != is.held || got.Frozen != is.frozen || !strings.Contains(got.Why, is.why) || (got.Why == "") != (is.why == "") {
				t.Fatalf("%d pruned, %d held, frozen %t, because %q", len(got.Prune), len(got.Held), got.Frozen, got.Why)
			}
			if is.held == 0 {
				return
			}
			is.options.Accept = got.Digest
			if got := Decide(is.objects, is.reading, is.options, now); len(got.Held) > 0 || got.Frozen {
				t.Errorf("accepted, and yet %d are held", len(got.Held))
			}
			is.options.Accept = "000000000000"
			if got := Decide(is.objects, is.reading, is.options, now); len(got.Held) != is.held {
				t.Errorf("another digest was accepted, and %d are held", len(got.Held))
			}
		})
	}
}

// Whatever happens to an export that does not itself cancel anything, within an hour no more is lost than the share, one at
// least, and nothing that gives access now is pruned beyond it; an empty export prunes nothing.
func TestLossesAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		percent := rapid.IntRange(0, 100).Draw(t, "percent")
		var objects []Object
		for i := range rapid.IntRange(0, 30).Draw(t, "objects") {
			from := rapid.IntRange(-48, 100).Draw(t, "from")
			o := stay(i, from, from+rapid.IntRange(1, 100).Draw(t, "length"))
			if rapid.IntRange(0, 5).Draw(t, "left") == 0 {
				o.Gives, o.Left = false, now.Add(-time.Duration(rapid.IntRange(0, 120).Draw(t, "minutes"))*time.Minute)
			}
			objects = append(objects, o)
		}
		var reading Reading
		for _, o := range objects {
			switch rapid.IntRange(0, 3).Draw(t, o.Name) {
			case 0:
			case 1:
				reading.Entries = append(reading.Entries, of([]Object{o}, time.Duration(rapid.IntRange(-100, 100).Draw(t, "by"))*time.Hour).Entries...)
			default:
				reading.Entries = append(reading.Entries, of([]Object{o}, 0).Entries...)
			}
		}
		got := Decide(objects, reading, Options{Percent: percent}, now)

		base, spent := 0, 0
		for _, o := range objects {
			recently := !o.Left.IsZero() && now.Sub(o.Left) < time.Hour
			if recently {
				spent++
			}
			if recently || o.Gives && now.Before(o.Until) {
				base++
			}
		}
		if most := max(1, base*percent/100) - spent; len(got.Prune) > max(most, 0) {
			t.Errorf("%d of %d pruned, %d may be", len(got.Prune), base, most)
		}
		if len(reading.Entries) == 0 && len(got.Prune) > 0 {
			t.Errorf("%d pruned by an empty export", len(got.Prune))
		}
		for _, o := range got.Prune {
			if slices.ContainsFunc(reading.Entries, func(e Entry) bool { return e.ID == o.ID }) {
				t.Errorf("%s is pruned and in the export", o.ID)
			}
		}
	})
}
