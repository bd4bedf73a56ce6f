package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Verdict is the Ready condition of one person, before it is written.
type Verdict struct {
	Ready       bool
	Reconciling bool
	Stalled     bool
	Reason      string
	Message     string
}

// Judge sums a plan up for the Member's Ready condition.
func Judge(in Input, p Plan) Verdict {
	for _, problem := range in.Entitlements.Problems {
		return Verdict{Reason: problem.Reason, Message: problem.Message, Stalled: problem.Stalled()}
	}
	if v, waiting := judgeWaiting(p); waiting {
		return v
	}
	if v, unready := judgeConnections(in, p); unready {
		return v
	}
	if v, held := judgePlanned(p); held {
		return v
	}
	return judgeLedger(in, p)
}

func judgeWaiting(p Plan) (Verdict, bool) {
	groups := make([]v1alpha1.ObjectName, 0, len(p.Waiting))
	for group, target := range p.Waiting {
		if target.State == TargetFrozen {
			groups = append(groups, group)
		}
	}
	if len(groups) == 0 {
		return Verdict{}, false
	}
	group := slices.Min(groups)
	target := p.Waiting[group]
	return Verdict{Reason: target.Reason, Message: target.Message}, true
}

// judgeConnections names a connection that rows of the ledger wait for. A paused one waits for nothing; it matters only to
// those for whom it holds something back.
func judgeConnections(in Input, p Plan) (Verdict, bool) {
	for _, row := range p.Ledger.Grants {
		connection, connected := in.Connections[row.OrganizationID]
		if connected && !connection.Ready && connection.Mode != v1alpha1.ModePaused {
			return Verdict{Reason: v1alpha1.ReasonConnectionNotReady, Message: fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", connection.Name)}, true
		}
	}
	return Verdict{}, false
}

// judgePlanned says what a mode or the revocation limit holds back.
func judgePlanned(p Plan) (Verdict, bool) {
	held := 0
	for _, row := range p.Ledger.Grants {
		if row.State == v1alpha1.GrantHeld {
			held++
		}
	}
	switch {
	case p.PlannedModes[v1alpha1.ModePaused]:
		return Verdict{Reason: v1alpha1.ReasonPaused, Message: "the KisiConnection is paused, so no change is made in Kisi"}, true
	case len(p.PlannedModes) > 0:
		return Verdict{
			Reason:  v1alpha1.ReasonObserving,
			Message: fmt.Sprintf("the mode of the KisiConnection keeps %d planned change(s) from being made; see status.planned", p.PlannedCount),
		}, true
	case held > 0:
		return Verdict{
			Reason:  v1alpha1.ReasonRevocationsHeld,
			Message: fmt.Sprintf("the revocation limit holds %d grant(s) that no source asks for any more; to revoke them, annotate this object, the KisiGroup or the KisiConnection with %s=<a time within the next 24 hours>", held, v1alpha1.ApproveRevocationsUntilAnnotation),
		}, true
	}
	return Verdict{}, false
}

func judgeLedger(in Input, p Plan) Verdict {
	granting, revoking := 0, len(p.Counted)
	for _, o := range p.Operations {
		switch o.Kind {
		case Grant, Resolve, Update, Replace:
			granting++
		case EnableUser:
			if p.Unsettled == 0 { // otherwise the windows that wait for it are counted
				granting++
			}
		case Verify:
			if InKisi(o.Row) && o.Row.SourceCount > 0 {
				granting++
			}
		case Revoke:
			revoking++
		}
	}
	granting += p.Unsettled
	states := map[v1alpha1.GrantState]int{}
	for _, row := range p.Ledger.Grants {
		states[row.State]++
	}
	open := states[v1alpha1.GrantActive] + states[v1alpha1.GrantCovered] + p.Covered
	switch {
	case granting > 0:
		return Verdict{Reconciling: true, Reason: v1alpha1.ReasonGranting, Message: fmt.Sprintf("granting access: %d grant(s) pending", granting)}
	case states[v1alpha1.GrantBlocked] > 0:
		return Verdict{Reason: v1alpha1.ReasonBlockedByForeignAssignment, Message: "a foreign assignment blocks access to " + groupsIn(p, v1alpha1.GrantBlocked) + "; remove it in Kisi, or wait until it ends"}
	case revoking > 0:
		return Verdict{Reconciling: true, Reason: v1alpha1.ReasonRevoking, Message: fmt.Sprintf("revoking access: %d grant(s) pending", revoking)}
	case in.Leaving && states[v1alpha1.GrantEnded] > 0:
		return Verdict{Reconciling: true, Reason: v1alpha1.ReasonRevoking, Message: fmt.Sprintf("deleting %d ended grant(s) in Kisi before the Member is removed", states[v1alpha1.GrantEnded])}
	case p.Withheld+states[v1alpha1.GrantWithheld] > 0:
		return Verdict{Ready: true, Reason: v1alpha1.ReasonWithheld, Message: withheldMessage(p.Ledger)}
	case in.Entitlements.Inactive:
		return Verdict{Ready: true, Reason: v1alpha1.ReasonNotActive, Message: "spec.state is not Active, so the person has no access"}
	case open > 0:
		return Verdict{Ready: true, Reason: v1alpha1.ReasonGranted, Message: "access to " + groupsIn(p, v1alpha1.GrantActive, v1alpha1.GrantCovered)}
	case states[v1alpha1.GrantScheduled]+states[v1alpha1.GrantQueued] > 0 || p.Later:
		return Verdict{Ready: true, Reason: v1alpha1.ReasonScheduled, Message: "access opens later"}
	}
	return Verdict{Ready: true, Reason: v1alpha1.ReasonNoAccess, Message: "no source gives this person access now"}
}

// withheldMessage says who can let the person in again.
func withheldMessage(ledger Ledger) string {
	for _, account := range ledger.Accounts {
		if !ledger.Counts(account) {
			continue
		}
		if account.SuspendedBy == v1alpha1.SuspendedByDirectory {
			return fmt.Sprintf("the organization's directory (SCIM) has switched off the person's user %d; only the directory can let the person in again", account.UserID)
		}
		if account.Access == v1alpha1.AccountSuspendedInKisi && account.Origin != v1alpha1.AccountCreated {
			return fmt.Sprintf("user %d is suspended in Kisi; this operator did not create the user, so only an admin can enable it, in Kisi", account.UserID)
		}
	}
	return "somebody removed or suspended the person in Kisi; annotate the Member with " + v1alpha1.ReinstateAnnotation + "=<new value> to let them in again"
}

func groupsIn(p Plan, states ...v1alpha1.GrantState) string {
	var names []string
	for _, row := range p.Ledger.Grants {
		if slices.Contains(states, row.State) {
			names = append(names, string(row.Group))
		}
	}
	slices.SortFunc(names, cmp.Compare)
	names = slices.Compact(names)
	const few = 5
	if len(names) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}
