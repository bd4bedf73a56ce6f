package member

import (
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// reportFindings says, once, what somebody did in Kisi to rows of the person, or to the person's user, and who it was where the audit trail says so.
func (r *Reconciler) reportFindings(p *person, findings ...plan.Finding) {
	for _, finding := range findings {
		if r.OnFinding != nil {
			r.OnFinding(client.ObjectKey{Namespace: p.member.Namespace, Name: string(finding.Row.Connection)}, finding.Kind)
		}
		report.Say(r.Recorder, p.member, report.Drift(finding.Kind), "Reconcile", p.describeFinding(finding))
	}
}

// miss tells what the person should have and Kisi is not known to hold, if the Member stands for the person.
func (r *Reconciler) miss(p *person) {
	if r.OnMissing == nil {
		return
	}
	var missing []plan.MissingWindow
	if p.primary != nil && p.primary.UID == p.member.UID {
		missing = p.plan.Missing
	}
	r.OnMissing(client.ObjectKeyFromObject(p.member), missing)
}

// find remembers what a plan found, once: a plan made for a ledger that has taken it down finds it no more.
func (p *person) find(findings []plan.Finding) {
	for _, finding := range findings {
		if !slices.ContainsFunc(p.findings, func(known plan.Finding) bool {
			return known.Kind == finding.Kind && known.Row.RoleAssignmentID == finding.Row.RoleAssignmentID
		}) {
			p.findings = append(p.findings, finding)
		}
	}
}

// whoChanged names whom the audit trail knows to have changed something last.
func whoChanged(s *session.Session, subject mirror.Subject) string {
	if s != nil {
		if actor, known := s.Mirror().LastActor(subject); known {
			return fmt.Sprintf("the Kisi user %d", actor)
		}
	}
	return "somebody"
}

func (p *person) describeFinding(finding plan.Finding) string {
	row := finding.Row
	s := p.snapshot.SessionFor(row)
	switch finding.Kind {
	case plan.UserSuspended, plan.UserRemoved:
		did := map[plan.FindingKind]string{plan.UserSuspended: "suspended", plan.UserRemoved: "deleted"}[finding.Kind]
		return fmt.Sprintf("%s %s user %d in Kisi; users.removedInKisi of the KisiConnection decides what follows, see Ready",
			whoChanged(s, mirror.Subject{Kind: mirror.User, ID: int64(row.UserID)}), did, row.UserID)
	}
	who := whoChanged(s, mirror.Subject{Kind: mirror.Assignment, ID: int64(row.RoleAssignmentID)})
	what := map[plan.FindingKind]string{
		plan.AssignmentRemoved: "%s removed role assignment %d of KisiGroup %q in Kisi; access that is still wanted is granted again",
		plan.WindowChanged:     "%s changed the window of role assignment %d of KisiGroup %q in Kisi; it is corrected",
		plan.AssignmentAdded:   "%s gave role assignment %d of KisiGroup %q in Kisi, which no source asks for; the group is Exclusive, so it is revoked",
	}[finding.Kind]
	return fmt.Sprintf(what, who, row.RoleAssignmentID, row.Group)
}
