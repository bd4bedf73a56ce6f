package feed

import "time"

const (
	// overlap is how much of what was already followed is asked for again: Kisi's audit trail may show an event later than it
	// happened.
	overlap = 5 * time.Minute
	// brief is how much of it is asked for between times, while so much happens that asking for all of it each time would cost
	// many requests.
	brief = 30 * time.Second
)

// longestInterval is the longest that Kisi takes for one set of events.
const longestInterval = 90 * 24 * time.Hour

// cursor is how far the audit trail has been followed, by Kisi's own clock.
type cursor struct {
	// begin is when the following began; what happened before is in the complete reads that came after.
	begin time.Time
	// through is the moment up to which every event has been taken, as far as the trail showed it.
	through time.Time
	// whole is what through was when the whole overlap was last asked for.
	whole time.Time
}

// newCursor begins at a moment of Kisi's clock, which shows whole seconds.
func newCursor(at time.Time) cursor {
	at = at.Truncate(time.Second)
	return cursor{begin: at, through: at, whole: at}
}

// behind is how far Kisi's clock may be ahead of what is known of it: it is told in whole seconds, by an answer that was on its
// way for a while.
const behind = 2 * time.Second

// due reports whether the whole overlap is to be asked for when Kisi's clock shows now: an event is found so long after it
// was shown, at the latest.
func (c cursor) due(now time.Time) bool { return now.Sub(c.whole).Abs() >= overlap }

// window is the span to ask for when Kisi's clock shows now: with the whole overlap before what was followed when that was
// last asked for, or with little of it.
func (c cursor) window(now time.Time, whole bool) (from, until time.Time) {
	until = now.Add(behind).Truncate(time.Second).Add(time.Second) // to the end of a second
	from = c.through.Add(-brief)
	if whole {
		from = c.whole.Add(-overlap)
	}
	if from.Before(c.begin) {
		from = c.begin
	}
	if oldest := until.Add(-longestInterval); from.Before(oldest) {
		from = oldest
	}
	if from.After(until) { // the clock went backwards
		from = until.Add(-time.Second)
	}
	return from, until
}

// advance records that every event up to a moment has been taken, with the whole overlap or not. It never goes back.
func (c *cursor) advance(to time.Time, whole bool) {
	if to.After(c.through) {
		c.through = to
	}
	if whole {
		c.whole = c.through
	}
}

// lost reports whether the trail can no longer be followed without a gap at a moment of Kisi's clock: too much time has passed,
// or the cursor is ahead of the clock, which was wrong once.
func (c cursor) lost(now time.Time) bool {
	return now.Sub(c.through) > longestInterval || c.through.Sub(now) > overlap
}

// kisiClock tells Kisi's time from ours.
type kisiClock struct{ ahead time.Duration }

// note learns from an answer's Date header, which shows whole seconds; the zero time teaches nothing.
func (c *kisiClock) note(shown, local time.Time) {
	if !shown.IsZero() {
		c.ahead = shown.Sub(local)
	}
}

// at is what Kisi's clock shows at a local time, give or take a second and the way of the answer.
func (c kisiClock) at(local time.Time) time.Time { return local.Add(c.ahead) }

// local is the local time at which Kisi's clock showed something.
func (c kisiClock) local(shown time.Time) time.Time { return shown.Add(-c.ahead) }
