package simulation

import (
	"fmt"
	"slices"
	"time"
)

// reaction is how long the operator may take for one change where nothing stands in its way.
const reaction = 20 * time.Second

// recovery is how long it may take once a fault is over: what waited has grown pauses, and everything is read again.
const recovery = 3 * time.Minute

// rounding is how far an end or a beginning may be from what was asked, in Kisi's whole seconds and by the same clock.
const rounding = 2 * time.Second

// epoch is what the business said from one instant until the next epoch.
type epoch struct {
	from time.Time
	is   business
}

// record is what the oracle needs to know of a history.
type record struct {
	began, ended time.Time
	epochs       []epoch
	troubles     []span // times in which faults were in force
	// skew is how far the clocks are apart.
	skew time.Duration
	// excused are times, by address and group, of what an administrator did that is undone a poll later.
	excused map[[2]string][]span
}

// deadline is by when the operator has acted on what happened at t, faults considered.
func (r *record) deadline(t time.Time) time.Time {
	by := t.Add(reaction)
	for {
		next := by
		for _, is := range r.troubles {
			if until := is.Until.Add(recovery); !is.From.After(next) && t.Before(until) && until.After(next) {
				next = until
			}
		}
		if next.Equal(by) {
			return by
		}
		by = next
	}
}

// fact is a time with the same answer, and by when the change that brought it must have been carried out. It is exact where
// the answer was known long before.
type fact struct {
	span
	change time.Time
}

// timeline is when the business wanted somebody in, or allowed it, epoch by epoch.
func (r *record) timeline(of func(business) []span) []fact {
	var facts []fact
	for i, e := range r.epochs {
		until := r.ended
		if i+1 < len(r.epochs) {
			until = r.epochs[i+1].from
		}
		for _, s := range within(of(e.is), span{e.from, until}) {
			if n := len(facts); n > 0 && facts[n-1].Until.Equal(s.From) {
				facts[n-1].Until = s.Until
				continue
			}
			facts = append(facts, fact{s, e.from})
		}
	}
	return facts
}

// lastChange is when the business last changed before or at t.
func (r *record) lastChange(t time.Time) time.Time {
	at := r.began
	for _, e := range r.epochs {
		if !e.from.After(t) {
			at = e.from
		}
	}
	return at
}

// due is by when what began to hold at t must hold at the door: at once if it was known long enough before.
func (r *record) due(t time.Time) time.Time {
	if by := r.deadline(r.lastChange(t)); by.After(t) {
		return r.deadline(t)
	}
	return t.Add(r.rounding())
}

func (r *record) rounding() time.Duration { return rounding + r.skew.Abs() }

// violations compares when somebody could open a door with when they were to.
func (r *record) violations(address, group string, actual []span) []string {
	var found []string
	allowed := r.timeline(func(b business) []span { return b.allowed(address, group) })
	var may []span
	for _, f := range allowed {
		may = append(may, span{f.From.Add(-r.rounding()), r.due(f.Until)})
	}
	for _, s := range r.excused[[2]string{address, group}] {
		may = append(may, span{s.From.Add(-r.rounding()), r.deadline(s.Until)})
	}
	for _, s := range without(actual, union(may)) {
		found = append(found, fmt.Sprintf("%s could enter %s from %s to %s, which nothing allowed", address, group, short(s.From), short(s.Until)))
	}
	wanted := r.timeline(func(b business) []span { return b.wanted(address, group) })
	for _, f := range wanted {
		must := span{r.due(f.From), f.Until.Add(-r.rounding())}
		if !must.From.Before(must.Until) {
			continue
		}
		missing := without([]span{must}, slices.Concat(actual, r.excused[[2]string{address, group}]))
		for _, s := range missing {
			if s.Until.Sub(s.From) > r.rounding() && !r.inTrouble(s) {
				found = append(found, fmt.Sprintf("%s could not enter %s from %s to %s", address, group, short(s.From), short(s.Until)))
			}
		}
	}
	return found
}

// inTrouble tells whether a time lies within what faults explain.
func (r *record) inTrouble(s span) bool {
	var explained []span
	for _, is := range r.troubles {
		explained = append(explained, span{is.From, is.Until.Add(recovery)})
	}
	return len(without([]span{s}, explained)) == 0
}

func short(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
