package access

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Question is what is asked: of which objects, for which time, as seen from now.
type Question struct {
	In *objects.Indexed
	// Now is the time at which the question is asked, At the one that it is about. One in the past is answered with the
	// objects as they are now.
	Now, At time.Time
}

// judgedAt is when the objects are evaluated. What they say of the future they say now.
func (q Question) judgedAt() time.Time {
	if q.At.Before(q.Now) {
		return q.At
	}
	return q.Now
}

// Of says what a person may open.
func (q Question) Of(address entitlement.Address) (*Report, error) {
	who, err := whois(q.In, address)
	if err != nil {
		return nil, err
	}
	wanted, claims, err := entitlement.Explain(q.In, who.judged, q.judgedAt())
	if err != nil {
		return nil, err
	}
	groups, err := q.groups(who, wanted, claims, ledgerOf(who.members))
	if err != nil {
		return nil, err
	}
	report := &Report{
		TypeMeta:  metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: "AccessReport"},
		Namespace: q.In.Namespace, Time: metav1.NewTime(q.At), Groups: groups,
	}
	if report.Person, err = who.describe(q.In); err != nil {
		return nil, err
	}
	if report.Doors, err = byDoor(q.In, groups); err != nil {
		return nil, err
	}
	report.OtherWays = q.otherWays(who, groups)
	report.Problems = problems(q.In, who, wanted, q.judgedAt())
	return report, nil
}

// groups says what a person has in each group, of what the sources give and of the rows of the ledger.
func (q Question) groups(who somebody, wanted entitlement.Entitlements, claims []entitlement.Claim, rows []v1alpha1.MemberGrant) ([]Group, error) {
	names := map[v1alpha1.ObjectName][]entitlement.Sourced{}
	for _, e := range wanted.Groups {
		names[e.Group] = e.Windows
	}
	for _, row := range rows {
		if _, given := names[row.Group]; !given {
			names[row.Group] = nil
		}
	}
	groups := []Group{}
	for name, windows := range names {
		g, err := q.group(who, name, windows, wanted, claims, rows)
		if err != nil {
			return nil, err
		}
		if len(g.Windows)+len(g.Leftover) > 0 {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return groups, nil
}

// ledgerOf gathers the rows of all Members of an address. One that moves between two of them is in both.
func ledgerOf(members []*v1alpha1.Member) []v1alpha1.MemberGrant {
	if len(members) == 1 {
		return members[0].Status.Grants
	}
	var ledger plan.Ledger
	for _, m := range members {
		for _, row := range m.Status.Grants {
			ledger.Put(row)
		}
	}
	return ledger.Grants
}

func (q Question) group(who somebody, name v1alpha1.ObjectName, windows []entitlement.Sourced, wanted entitlement.Entitlements, claims []entitlement.Claim, rows []v1alpha1.MemberGrant) (Group, error) {
	object, err := q.In.Group(name)
	if err != nil {
		return Group{}, err
	}
	g := Group{Name: string(name), Answer: AnswerNo, Doors: DoorsOf(object), KisiGroup: InKisi(object)}
	if object != nil {
		g.Connection, g.KisiGroupID = string(object.Spec.ConnectionRef.Name), object.Status.KisiGroupID
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(row v1alpha1.MemberGrant) bool {
		return row.Group != name || row.State == v1alpha1.GrantEnded
	})
	for _, w := range windows {
		var serving []v1alpha1.MemberGrant
		for _, row := range rows {
			if plan.RowWindow(row).Overlaps(w.Window) {
				serving = append(serving, row)
			}
		}
		given := w.API()
		window := Window{From: given.From, Until: given.Until, Answer: q.answer(who, object, w.Window, serving)}
		if window.Sources, err = sources(q.In, who, name, w, claims, q.judgedAt()); err != nil {
			return g, err
		}
		for _, row := range serving {
			window.Grants = append(window.Grants, q.grant(who, row))
		}
		window.Next = q.next(who, object, serving, window.Answer)
		g.take(window)
	}
	for _, row := range rows {
		if !q.leftover(row, windows) {
			continue
		}
		left := q.grant(who, row)
		if left.Next == nil {
			left.Next = remains(row, wanted.Frozen)
		}
		g.Leftover = append(g.Leftover, left)
		if q.lets(who, row) && better(AnswerStillOpen, g.Answer) {
			g.Answer, g.Until = AnswerStillOpen, row.ValidUntil
		}
	}
	g.Opens = g.Answer.Opens()
	return g, nil
}

// leftover reports whether a row gives more than the windows that are wanted, or is not answered yet and serves none.
func (q Question) leftover(row v1alpha1.MemberGrant, windows []entitlement.Sourced) bool {
	given := plan.RowWindow(row)
	if given.Ended(q.At) {
		return false
	}
	if !plan.InKisi(row) {
		return row.State == v1alpha1.GrantPending && !slices.ContainsFunc(windows, func(w entitlement.Sourced) bool { return given.Overlaps(w.Window) })
	}
	return !slices.ContainsFunc(windows, func(w entitlement.Sourced) bool { return w.Covers(given, q.judgedAt()) })
}

// remains says why a row gives more than anything asks for.
func remains(row v1alpha1.MemberGrant, frozen map[string]entitlement.Problem) *Step {
	for _, source := range row.Sources {
		if problem, contradicts := frozen[source]; contradicts {
			return &Step{Text: fmt.Sprintf("%s contradicts itself, so what it gave stays as it is: %s", source, problem.Message)}
		}
	}
	return &Step{Text: "nothing asks for all of this any more; it is about to be changed or taken back in Kisi, which usually takes seconds"}
}

// take adds a window, whose answer is the group's if it says more.
func (g *Group) take(window Window) {
	g.Windows = append(g.Windows, window)
	if better(window.Answer, g.Answer) {
		g.Answer = window.Answer
	}
	if window.Answer.Opens() {
		g.Until = window.Until
	}
}

// lets reports whether Kisi lets the person in by the row at the time of the question.
func (q Question) lets(who somebody, row v1alpha1.MemberGrant) bool {
	return plan.InKisi(row) && plan.RowWindow(row).Contains(q.At) && !who.lockedOut(row.OrganizationID)
}

// account returns the person's user in an organization, or nil.
func (s somebody) account(organization v1alpha1.KisiID) *v1alpha1.MemberAccount {
	for _, m := range s.members {
		for i, account := range m.Status.Accounts {
			if account.OrganizationID == organization && entitlement.Fold(account.Email) == s.address {
				return &m.Status.Accounts[i]
			}
		}
	}
	for _, m := range s.members {
		for i, account := range m.Status.Accounts {
			if account.OrganizationID == organization {
				return &m.Status.Accounts[i]
			}
		}
	}
	return nil
}

// lockedOut reports whether the person's user in an organization was removed or suspended.
func (s somebody) lockedOut(organization v1alpha1.KisiID) bool {
	account := s.account(organization)
	if account == nil {
		return false
	}
	switch account.Access {
	case v1alpha1.AccountSuspendedInKisi, v1alpha1.AccountRemovedInKisi, v1alpha1.AccountSuspendedByUs:
		return true
	}
	return false
}

// answer says how a window that sources give stands at the time of the question.
func (q Question) answer(who somebody, group *v1alpha1.KisiGroup, window entitlement.Window, serving []v1alpha1.MemberGrant) Answer {
	if !window.Contains(q.At) {
		if window.Ended(q.At) {
			return AnswerNo
		}
		return AnswerLater
	}
	organization := q.organizationOf(group)
	waiting := AnswerWaiting
	for _, row := range serving {
		switch {
		case q.lets(who, row):
			return AnswerOpen
		case row.State == v1alpha1.GrantCovered && plan.RowWindow(row).Contains(q.At) && !who.lockedOut(row.OrganizationID):
			return AnswerCovered
		case row.State == v1alpha1.GrantWithheld:
			waiting = AnswerWithheld
		}
	}
	if waiting == AnswerWithheld || organization != 0 && who.lockedOutOnPurpose(organization) {
		return AnswerWithheld
	}
	if q.At.After(q.Now) && q.works(group) && !slices.ContainsFunc(serving, stuck) {
		return AnswerExpected
	}
	return AnswerWaiting
}

// stuck reports whether the row will not come by itself.
func stuck(row v1alpha1.MemberGrant) bool { return row.State == v1alpha1.GrantBlocked }

// lockedOutOnPurpose leaves out users whom the operator itself suspended while they had nothing: it enables them again.
func (s somebody) lockedOutOnPurpose(organization v1alpha1.KisiID) bool {
	account := s.account(organization)
	return account != nil && account.Access != v1alpha1.AccountSuspendedByUs && s.lockedOut(organization)
}

func (q Question) organizationOf(group *v1alpha1.KisiGroup) v1alpha1.KisiID {
	if group == nil {
		return 0
	}
	if connection := q.In.Connection(group.Spec.ConnectionRef.Name); connection != nil && connection.Status.Organization != nil {
		return connection.Status.Organization.ID
	}
	return group.Status.OrganizationID
}

// works reports whether the group's access gets to Kisi in time, as far as its objects say.
func (q Question) works(group *v1alpha1.KisiGroup) bool {
	if group == nil {
		return false
	}
	connection := q.In.Connection(group.Spec.ConnectionRef.Name)
	if connection == nil || !connection.DeletionTimestamp.IsZero() {
		return false
	}
	switch connection.Spec.Mode {
	case v1alpha1.ModeObserve, v1alpha1.ModePaused:
		return false
	}
	return !meta.IsStatusConditionFalse(group.Status.Conditions, v1alpha1.ConditionReady) &&
		!meta.IsStatusConditionFalse(connection.Status.Conditions, v1alpha1.ConditionReady)
}

func (q Question) grant(who somebody, row v1alpha1.MemberGrant) Grant {
	return Grant{
		State: row.State, From: row.ValidFrom, Until: row.ValidUntil, Connection: string(row.Connection),
		KisiGroupID: row.KisiGroupID, UserID: row.UserID, RoleAssignmentID: row.RoleAssignmentID, Sources: row.Sources,
		Next: q.stepOf(who, row),
	}
}
