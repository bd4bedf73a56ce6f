package plan

import (
	"cmp"
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// PairOf returns the pair of a grant.
func PairOf(row v1alpha1.MemberGrant) Pair { return Pair{row.OrganizationID, row.KisiGroupID} }

// wanted is one window that the person should have in one Kisi group.
type wanted struct {
	entitlement.Sourced
	// groups are the names of the KisiGroups by which it is wanted, sorted.
	groups []v1alpha1.ObjectName
	// row serves for the window, or waits to; nil if there is none.
	row *ledgerRow
	// within says that a row which may not be changed contains the window.
	within bool
	// replacement is how the window comes into the place of other rows; nil if it need not.
	replacement *replacement
	// cover is somebody else's assignment that contains the window; nil if none is known.
	cover *ObservedRow
}

// secured reports whether the person has the window, ours or by somebody else's row.
func (w *wanted) secured() bool {
	return w.within || w.cover != nil ||
		w.row != nil && !w.row.doubtful() && (InKisi(w.row.MemberGrant) || w.row.State == v1alpha1.GrantCovered)
}

// inDoubt reports whether the row of the window may be in Kisi or not.
func (w *wanted) inDoubt() bool { return w.row != nil && w.row.doubtful() }

// queued reports whether the window waits for rows of ours to go.
func (w *wanted) queued() bool { return w.row != nil && w.row.State == v1alpha1.GrantQueued }

// due reports whether the window is to be in Kisi by now.
func (p *planner) due(connection Connection, w *wanted) bool {
	return w.From.IsZero() || !w.From.Add(-connection.GrantAhead).After(p.Now)
}

// ledgerRow is a row of the ledger and what is found out about it.
type ledgerRow struct {
	v1alpha1.MemberGrant
	// window is all that the row may give.
	window entitlement.Window
	match  *wanted
	// frozen are the sources of the row that contradict themselves.
	frozen []string
	// fixed says that a contradiction keeps the row as it is.
	fixed bool
	// successor is a window in another group that takes the row's place; nil if none does.
	successor *successor
	// moved says that the row's own sources give something else in its place, at another time or in another group.
	moved bool
	// replacement is what the row makes room for, or is changed to.
	replacement *replacement
	// tooWide says that the row gives more than the window it serves for, in a mode that takes nothing back.
	tooWide bool

	// recorded is the row as the ledger has it.
	recorded v1alpha1.MemberGrant
	// vanished says that Kisi is not known to hold the row any more, which one look has to confirm.
	vanished bool
	// changed says that somebody changed the row's window in Kisi.
	changed bool
	// promoted says that somebody made the row a manager's, which is theirs: it may serve, and is never changed or taken back.
	promoted bool
	// adopted says that the ledger does not have the row yet.
	adopted bool
}

// doubtful reports whether it is not certain that the row is in Kisi, or that it is not.
func (row *ledgerRow) doubtful() bool { return row.vanished || inDoubt(row.MemberGrant) }

// resolveTargets sorts what is wanted by Kisi group. Two KisiGroups for one Kisi group make one union there.
func (p *planner) resolveTargets() {
	asked := map[Pair][]namedWindow{}
	for _, e := range p.Entitlements.Groups {
		target := p.Targets[e.Group]
		if target.State != TargetBound && !p.paused(target) {
			p.plan.Waiting[e.Group] = target
			continue
		}
		key := Pair{target.OrganizationID, target.KisiGroupID}
		for _, w := range e.Windows {
			asked[key] = append(asked[key], namedWindow{w, e.Group})
		}
	}
	for key, windows := range asked {
		sourced := make([]entitlement.Sourced, 0, len(windows))
		for _, w := range windows {
			sourced = append(sourced, w.Sourced)
		}
		for _, union := range entitlement.Union(sourced, p.Now) {
			w := &wanted{Sourced: union}
			for _, part := range windows {
				if part.Overlaps(union.Window) && !slices.Contains(w.groups, part.group) {
					w.groups = append(w.groups, part.group)
				}
			}
			p.wanted[key] = append(p.wanted[key], w)
		}
	}
}

// paused reports whether it is only the pause of its connection that freezes the target. What is wanted there is compared
// all the same: a pause is news only to those for whom it holds something back.
func (p *planner) paused(target Target) bool {
	return target.State == TargetFrozen && target.KisiGroupID != 0 && p.Connections[target.OrganizationID].Mode == v1alpha1.ModePaused
}

// namedWindow is a window with the KisiGroup in which it is wanted.
type namedWindow struct {
	entitlement.Sourced
	group v1alpha1.ObjectName
}

// matchRows finds for every window the row that serves for it. A row in Kisi goes before one in doubt, and that before
// one that only waits: otherwise a window could lose its row to a request that was never carried out.
func (p *planner) matchRows() {
	for _, row := range p.Ledger.Grants {
		p.rows = append(p.rows, p.compare(row))
	}
	p.adopt()
	byRank := slices.Clone(p.rows)
	slices.SortStableFunc(byRank, func(a, b *ledgerRow) int { return cmp.Compare(rank(a), rank(b)) })
	for _, row := range byRank {
		row.frozen = p.frozenSources(row.MemberGrant)
		if !p.ofThePerson(row.MemberGrant) {
			continue
		}
		for _, w := range p.wanted[PairOf(row.MemberGrant)] {
			if w.row == nil && serves(row.MemberGrant, w.Window, p.Now) {
				row.match, w.row = w, row
				break
			}
		}
	}
	for _, row := range p.rows {
		target, known := p.Targets[row.Group]
		missing := !known || target.State == TargetMissing
		row.fixed = target.State == TargetFrozen && !p.paused(target) || row.match == nil && !missing && len(row.frozen) > 0
		if !row.fixed || !InKisi(row.MemberGrant) || row.doubtful() {
			continue
		}
		for _, w := range p.wanted[PairOf(row.MemberGrant)] {
			w.within = w.within || row.window.Covers(w.Window, p.Now)
		}
	}
}

func rank(row *ledgerRow) int {
	switch {
	case InKisi(row.MemberGrant) && !row.doubtful():
		return 0
	case InKisi(row.MemberGrant):
		return 1
	case row.doubtful():
		return 2
	}
	return 3
}

// ofThePerson reports whether the row belongs to the Kisi user whom the person has by now.
func (p *planner) ofThePerson(row v1alpha1.MemberGrant) bool {
	account := p.Ledger.Account(row.OrganizationID)
	if account == nil || row.UserID == 0 {
		return true
	}
	return row.UserID == account.UserID && p.current(*account)
}

// current reports whether the account is that of the Member's address. Kisi cannot change a user's address, so another
// address is another user.
func (p *planner) current(account v1alpha1.MemberAccount) bool {
	return p.Address == "" || account.Email == "" || entitlement.Fold(account.Email) == p.Address
}

// frozenSources returns the row's sources that contradict themselves. Where the row lists not all of its sources, each
// that it does not list may be one of them.
func (p *planner) frozenSources(row v1alpha1.MemberGrant) []string {
	var frozen, unlisted []string
	for source := range p.Entitlements.Frozen {
		if slices.Contains(row.Sources, source) {
			frozen = append(frozen, source)
		} else {
			unlisted = append(unlisted, source)
		}
	}
	if hidden := int(row.SourceCount) - len(row.Sources); hidden > 0 {
		slices.Sort(unlisted)
		frozen = append(frozen, unlisted[:min(hidden, len(unlisted))]...)
	}
	slices.Sort(frozen)
	return frozen
}

// describe brings the names and sources of a row up to date. Sources that contradict themselves stay: when they heal or
// go, the row is judged again.
func (p *planner) describe(row *ledgerRow, connection Connection) {
	if !slices.Contains(row.match.groups, row.Group) {
		row.Group = row.match.groups[0]
	}
	row.Connection = p.through(row.Group, connection)
	row.Sources, row.SourceCount = capSources(row.match.Sources, row.frozen)
}

// capSources lists as many sources as the schema admits, those that must be remembered first.
func capSources(sources, remembered []string) ([]string, int32) {
	all := slices.Concat(remembered, sources)
	slices.Sort(all)
	all = slices.Compact(all)
	count := int32(len(all)) // #nosec G115 -- bounded by the objects of one namespace
	if len(all) <= maxSources {
		return all, count
	}
	slices.SortStableFunc(all, func(a, b string) int {
		return cmp.Compare(isIn(remembered, b), isIn(remembered, a))
	})
	listed := slices.Clone(all[:maxSources])
	slices.Sort(listed)
	return listed, count
}

func isIn(list []string, value string) int {
	if slices.Contains(list, value) {
		return 1
	}
	return 0
}

// through names the connection through which a row of the group is acted on: the group's own. Two connections to one
// organization may reach differently far.
func (p *planner) through(group v1alpha1.ObjectName, connection Connection) v1alpha1.ObjectName {
	if target := p.Targets[group]; target.State == TargetBound && target.Connection != "" {
		return target.Connection
	}
	return connection.Name
}
