package member

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// describeLogins says in LoginReady whether the Secrets with the person's logins are there. The condition is there only
// where a connection asks for a login and the person has a window.
func (r *Reconciler) describeLogins(p *person, status *v1alpha1.MemberStatus) {
	var organizations []v1alpha1.KisiID
	for organization, terms := range p.loginTerms {
		if plan.WantsLogin(p.plan.Ledger, organization, terms) {
			organizations = append(organizations, organization)
		} else {
			r.Executor.Logins.Settled(p.who, organization)
		}
	}
	if len(organizations) == 0 {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionLoginReady)
		return
	}
	slices.SortFunc(organizations, cmp.Compare)
	var names []string
	for _, organization := range organizations {
		name, trouble := r.loginState(p, organization, status.Conditions)
		if trouble.Reason != "" {
			conditions.Set(&status.Conditions, p.member.Generation, v1alpha1.ConditionLoginReady, metav1.ConditionFalse, trouble.Reason, trouble.Message)
			return
		}
		names = append(names, fmt.Sprintf("%q", name))
	}
	conditions.Set(&status.Conditions, p.member.Generation, v1alpha1.ConditionLoginReady, metav1.ConditionTrue, v1alpha1.ReasonLoginStored,
		"an app unlocks in the person's name with the login in Secret "+strings.Join(names, ", "))
}

// loginState returns the Secret that holds the person's login in the organization, or why there is none.
func (r *Reconciler) loginState(p *person, organization v1alpha1.KisiID, before []metav1.Condition) (v1alpha1.ObjectName, executor.LoginProblem) {
	for _, login := range p.plan.Ledger.Logins {
		if login.OrganizationID == organization && p.storedLogins[login] {
			return login.SecretName, executor.LoginProblem{}
		}
	}
	if trouble, known := r.Executor.Logins.Of(p.who, organization); known {
		return "", trouble
	}
	connection := p.snapshot.Connections[organization]
	switch {
	case connection.Mode == v1alpha1.ModePaused:
		return "", executor.LoginProblem{Reason: v1alpha1.ReasonPaused, Message: fmt.Sprintf("KisiConnection %q is paused; the login is made afterwards", connection.Name)}
	case connection.Mode == v1alpha1.ModeObserve:
		return "", executor.LoginProblem{Reason: v1alpha1.ReasonObserving, Message: fmt.Sprintf("no login is made while the mode of KisiConnection %q is Observe", connection.Name)}
	case !connection.Ready:
		return "", executor.LoginProblem{Reason: v1alpha1.ReasonConnectionNotReady, Message: fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", connection.Name)}
	}
	// After a restart, what was wrong before stands until it has been tried again.
	if known := meta.FindStatusCondition(before, v1alpha1.ConditionLoginReady); known != nil && known.Status == metav1.ConditionFalse {
		switch known.Reason {
		case v1alpha1.ReasonLoginRefused, v1alpha1.ReasonLoginsForbidden, v1alpha1.ReasonSecretNameTaken:
			return "", executor.LoginProblem{Reason: known.Reason, Message: known.Message}
		}
	}
	return "", executor.LoginProblem{Reason: v1alpha1.ReasonLoginPending, Message: "the login is being made"}
}
