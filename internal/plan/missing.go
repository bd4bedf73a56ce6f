package plan

import (
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// MissingWindow is a span of time in which a person should be let in through a connection, and nothing that Kisi is known to
// hold does.
type MissingWindow struct {
	Connection v1alpha1.ObjectName
	Group      v1alpha1.ObjectName
	Window     entitlement.Window
}

// findMissing lists the windows that Kisi is not known to hold: those of groups that may be changed now, and those of groups
// that may not because they contradict themselves, or their connection is not Ready.
func (p *planner) findMissing() {
	if p.Leaving {
		return
	}
	for _, key := range p.wantedPairs() {
		connection := p.Connections[key.OrganizationID]
		for _, w := range p.wanted[key] {
			if !w.secured() && !p.withheld(key.OrganizationID) {
				p.miss(connection, p.through(w.groups[0], connection), w.groups[0], w.Window, p.lettingIn(key))
			}
		}
	}
	for _, e := range p.Entitlements.Groups {
		target := p.Targets[e.Group]
		if target.State != TargetFrozen || p.paused(target) || target.Reason == v1alpha1.ReasonConnectionNotFound || p.withheld(target.OrganizationID) {
			continue
		}
		for _, w := range e.Windows {
			held := p.lettingIn(Pair{target.OrganizationID, target.KisiGroupID})
			p.miss(p.Connections[target.OrganizationID], target.Connection, e.Group, w.Window, held)
		}
	}
}

// lettingIn are the windows in which the person is let into the group: by rows of the ledger, or by others in Kisi.
func (p *planner) lettingIn(key Pair) (windows []entitlement.Window) {
	for _, row := range p.rows {
		inKisi := InKisi(row.MemberGrant) && !row.doubtful() && p.ofThePerson(row.MemberGrant)
		if PairOf(row.MemberGrant) == key && (inKisi || row.State == v1alpha1.GrantCovered) {
			windows = append(windows, row.window)
		}
	}
	for _, row := range p.Observed[key].Rows {
		if row.Basic || row.Manager {
			windows = append(windows, row.Window)
		}
	}
	return windows
}

// miss adds what of a window the others do not contain from its opening on, unless its connection's mode keeps it out, or it
// is due only after the next look.
func (p *planner) miss(connection Connection, through, group v1alpha1.ObjectName, window entitlement.Window, held []entitlement.Window) {
	if connection.Mode == v1alpha1.ModeObserve || connection.Mode == v1alpha1.ModePaused {
		return
	}
	window, missing := rest(window, held, p.Now)
	due := window.From.Add(-connection.GrantAhead)
	if !missing || due.After(p.Now) && due.After(p.plan.LookAgain) {
		return
	}
	p.plan.Missing = append(p.plan.Missing, MissingWindow{Connection: through, Group: group, Window: window})
}

// rest is what is left of a window, from now on, when the others have ended that let the person in at its opening.
func rest(window entitlement.Window, held []entitlement.Window, now time.Time) (left entitlement.Window, missing bool) {
	at := window.From
	if window.Opened(now) {
		at = now
	}
	for again := true; again; {
		again = false
		for _, other := range held {
			if !other.Contains(at) {
				continue
			}
			if other.Until.IsZero() {
				return window, false
			}
			at, again = other.Until, true
		}
	}
	if at.After(now) {
		window.From = at
	}
	return window, !window.Ended(at)
}
