package plan

import (
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// moves says whether a source of the kind moves: it has one window, and says itself where and when.
func moves(source string) bool {
	return strings.HasPrefix(source, entitlement.KindBookingGrant+"/") || strings.HasPrefix(source, entitlement.KindAccessSubscription+"/")
}

// offered is a window that one source gives in one group. A group that is only about to be bound has no Kisi group yet.
type offered struct {
	source string
	pair   Pair
	coming v1alpha1.ObjectName
}

// pairMoves finds the rows whose sources give something else in their place by now. A window of the same group, at whatever
// time, excuses every row there; one of another group excuses one row, and none if it is the window of a row that the source
// gave beside it. A row that is held has been judged before, when more was known of what was given beside it.
func (p *planner) pairMoves() {
	taken := map[offered]bool{}
	for _, row := range p.rows {
		if row.successor != nil {
			for _, source := range row.Sources {
				taken[offered{source, PairOf(row.successor.grant), row.successor.coming}] = true
			}
		}
	}
	for _, row := range p.rows {
		if row.successor == nil && row.State != v1alpha1.GrantHeld && p.replaceable(row) {
			row.moved = p.moved(row, taken)
		}
	}
}

// moved reports whether every source of the row that does not take it back by its own word has moved, and takes the windows
// that it has moved to.
func (p *planner) moved(row *ledgerRow, taken map[offered]bool) bool {
	lost, known := p.lostSources(row)
	if !known || len(lost) == 0 || p.givenElsewhere(row) {
		return false
	}
	var takes []offered
	for _, source := range lost {
		if !moves(source) {
			return false
		}
		to, found := p.movedTo(row, source, taken)
		if !found {
			return false
		}
		if to.pair != PairOf(row.MemberGrant) {
			takes = append(takes, to)
		}
	}
	for _, to := range takes {
		taken[to] = true
	}
	return true
}

// movedTo finds the window that the source gives in the row's place.
func (p *planner) movedTo(row *ledgerRow, source string, taken map[offered]bool) (to offered, found bool) {
	own := PairOf(row.MemberGrant)
	if p.gives(own, source) {
		return offered{source: source, pair: own}, true
	}
	for _, key := range p.wantedPairs() {
		to = offered{source: source, pair: key}
		if key != own && !taken[to] && p.gives(key, source) && !p.gaveBeside(row, source, key) {
			return to, true
		}
	}
	for _, s := range p.comingGroups() {
		to = offered{source, PairOf(s.grant), s.coming}
		if !taken[to] && slices.Contains(s.Sources, source) {
			return to, true
		}
	}
	return to, false
}

// waitsForDecision reports whether the limit has yet to decide on another row of the same sources. A moved row that went
// before would not be there to show that it has taken the window which that row would then take.
func (p *planner) waitsForDecision(row *ledgerRow) bool {
	return slices.ContainsFunc(p.rows, func(other *ledgerRow) bool {
		settled := other.successor != nil || other.moved || other.replacement != nil || other.State == v1alpha1.GrantHeld
		return !settled && share(other.Sources, row.Sources) && p.replaceable(other) && p.blockedBeyond(other) == nil
	})
}

// gives reports whether the source gives a window in a group that can be used, and Kisi has not refused it.
func (p *planner) gives(key Pair, source string) bool {
	connection, connected := p.Connections[key.OrganizationID]
	return connected && connection.Ready && slices.ContainsFunc(p.wanted[key], func(w *wanted) bool {
		return slices.Contains(w.Sources, source) && !p.refused(connection, key, w)
	})
}

// gaveBeside reports whether the source gave another group together with the row: it has a row there for the same time. A
// row that is being taken back names no source any more, and may be such a row.
func (p *planner) gaveBeside(row *ledgerRow, source string, key Pair) bool {
	return slices.ContainsFunc(p.rows, func(other *ledgerRow) bool {
		return PairOf(other.MemberGrant) == key && (slices.Contains(other.Sources, source) || other.State == v1alpha1.GrantRevoking) && other.window.Overlaps(row.window)
	})
}
