// Package guard decides what of a reading may take access away. Exports fail: they come back empty, cut short, from another
// calendar or in another time zone, and each of these would lock people out. What the export says of an entry itself is
// obeyed; what merely is not there any more is believed only within bounds. The decision is pure.
package guard

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Object is what is there for an entry of an earlier reading.
type Object struct {
	// Kind and Name tell it from others.
	Kind, Name string
	// ID of the entry.
	ID string
	// From and Until are when it gives access; zero: since ever, for ever.
	From, Until time.Time
	// Gives says whether it gives anything: what is canceled does not.
	Gives bool
	// People are those whom it names.
	People []string
	// Left is when it was pruned because its entry was gone; zero: it was not.
	Left time.Time
}

// Now says whether the object gives access at a time.
func (o Object) Now(now time.Time) bool {
	return o.Gives && !now.Before(o.From) && (o.Until.IsZero() || now.Before(o.Until))
}

// over says whether it gives nothing any more, and never will.
func (o Object) over(now time.Time) bool {
	return !o.Gives || !o.Until.IsZero() && !now.Before(o.Until)
}

// left says whether it was pruned within the last hour, in which the bounds hold for all readings together.
func (o Object) left(now time.Time) bool {
	return !o.Left.IsZero() && now.Sub(o.Left) < time.Hour && !now.Before(o.Left)
}

// Entry is what a reading says of an ID.
type Entry struct {
	Kind, ID    string
	From, Until time.Time
	People      []string
	// Canceled says that the export itself ends it.
	Canceled bool
}

// Reading is a reading of the whole export.
type Reading struct {
	Entries []Entry
	// Series are IDs, each of a whole that is in the export; entries of it have its ID, or its ID, a slash and more.
	Series []string
	// Kept and KeptSeries are IDs about which nothing is known because they could not be understood.
	Kept, KeptSeries []string
	// Until is up to which start the export was read; zero: to its end.
	Until time.Time
}

// Options are how much a reading may lose.
type Options struct {
	// Percent of what is there that may be lost within an hour; one may be lost always.
	Percent int
	// Accept is the digest of a loss that somebody has looked at and wants.
	Accept string
}

// Pruned is an object that may go.
type Pruned struct {
	Object

	// Counted says that it counts against what may be lost within an hour.
	Counted bool
}

// Decision is what may be done.
type Decision struct {
	// Prune are objects whose entry is gone: they are to be canceled or deleted.
	Prune []Pruned
	// Held are objects that the reading takes access from, against the bounds. They stay as they are.
	Held []Object
	// Frozen says that nothing at all is to be written: the reading has nothing of what is there, so that it may be of
	// somewhere else, and would let strangers in.
	Frozen bool
	// Why says why something is held.
	Why string
	// Digest names what is held, for Options.Accept.
	Digest string
}

// never is how many objects a feed must have so that all of them are never lost at once, whatever the percentage.
const never = 3

// Decide compares the objects that are there with a reading.
//
// Lost is an object that has access to give if its entry is not in the export. It is lost by the export's own word, which
// does not count, if its series still is there. An object that gives access now counts as well when the reading moves it to
// another time: an export whose clock or time zone is off would lock out who is inside. So does one that loses half of its
// people or more: an export that has become a mere list of busy times names nobody. A series that loses people counts once,
// as whoever takes a guest off it does so once, and not for each repetition.
func Decide(objects []Object, reading Reading, o Options, now time.Time) Decision {
	entries := map[string]Entry{}
	for _, e := range reading.Entries {
		entries[e.Kind+"/"+e.ID] = e
	}
	present, kept, keptSeries := set(reading.Series), set(reading.Kept), set(reading.KeptSeries)

	var lost []Object
	var decision Decision
	base, vanished, spent := 0, 0, 0
	losses := map[string]bool{} // names of what is lost; all repetitions that lose people are one
	for _, object := range objects {
		if object.left(now) {
			base, spent = base+1, spent+1
		}
		if object.over(now) || !object.From.IsZero() && !reading.Until.IsZero() && !object.From.Before(reading.Until) {
			continue // it has nothing to lose, or the reading does not reach so far
		}
		base++
		open := object.Now(now)
		switch entry, is := entries[object.Kind+"/"+object.ID]; {
		case is && (entry.Canceled || (!open || entry.now(now)) && entry.keeps(object.People)):
		case is:
			lost = append(lost, object)
			if series := seriesOf(object.ID); present[series] && (!open || entry.now(now)) {
				losses["series "+series] = true
			} else {
				losses[object.Name] = true
			}
		case kept[object.ID], keptSeries[object.ID], keptSeries[seriesOf(object.ID)]:
		case !open && (present[object.ID] || present[seriesOf(object.ID)]):
			decision.Prune = append(decision.Prune, Pruned{object, false})
		default:
			vanished++
			lost = append(lost, object)
			losses[object.Name] = true
		}
	}
	allowed := max(1, base*o.Percent/100) - spent
	empty := len(reading.Entries)+len(reading.Series)+len(reading.Kept)+len(reading.KeptSeries) == 0
	switch {
	case len(lost) == 0:
		return decision
	case empty:
		decision.Why = fmt.Sprintf("the export is empty and was not before; %d would be lost", len(lost))
	case base >= never && vanished == base:
		decision.Why = fmt.Sprintf("the export has nothing of the %d that are there: it is another one, or its ids have changed", base)
	case base >= never && len(lost) == base && len(losses) > 1:
		decision.Why = fmt.Sprintf("all %d would be lost at once", base)
	case len(losses) > allowed:
		decision.Why = fmt.Sprintf("%d of %d would be lost within an hour, more than %d %%", len(lost)+spent, base, o.Percent)
	}
	if decision.Why != "" {
		decision.Digest = digest(lost)
	}
	if decision.Why == "" || o.Accept == decision.Digest {
		for _, object := range lost {
			if _, moves := entries[object.Kind+"/"+object.ID]; !moves {
				decision.Prune = append(decision.Prune, Pruned{object, decision.Why == ""})
			}
		}
		return Decision{Prune: decision.Prune}
	}
	decision.Held = lost
	if vanished == base {
		decision.Frozen, decision.Prune = true, nil
	}
	return decision
}

// keeps says whether the entry names more than half of the people, if there are any.
func (e Entry) keeps(people []string) bool {
	kept := 0
	for _, one := range people {
		if slices.Contains(e.People, one) {
			kept++
		}
	}
	return len(people) == 0 || 2*kept > len(people)
}

func (e Entry) now(now time.Time) bool {
	return !now.Before(e.From) && (e.Until.IsZero() || now.Before(e.Until))
}

func seriesOf(id string) string {
	if at := strings.LastIndexByte(id, '/'); at >= 0 {
		return id[:at]
	}
	return id
}

func set(ids []string) map[string]bool {
	in := make(map[string]bool, len(ids))
	for _, id := range ids {
		in[id] = true
	}
	return in
}

// digest names a set of objects, in whatever order.
func digest(objects []Object) string {
	names := make([]string, 0, len(objects))
	for _, o := range objects {
		names = append(names, o.Kind+"/"+o.Name)
	}
	slices.SortFunc(names, cmp.Compare[string])
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:6])
}
