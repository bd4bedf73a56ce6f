package access

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// stepOf says what becomes of a row, or has to happen; nil where nothing has to.
func (q Question) stepOf(who somebody, row v1alpha1.MemberGrant) *Step {
	namespace := q.In.Namespace
	switch row.State {
	case v1alpha1.GrantPending:
		return &Step{Text: "Kisi has not answered yet; this usually takes seconds"}
	case v1alpha1.GrantQueued:
		return &Step{Text: "is written to Kisi when the person's earlier grant in the group has ended, since this Kisi takes one at a time; nothing to do"}
	case v1alpha1.GrantBlocked:
		return &Step{Text: fmt.Sprintf("a foreign assignment of the person in Kisi group %d is in the way; remove it in Kisi, or wait until it ends", row.KisiGroupID)}
	case v1alpha1.GrantRevoking:
		return &Step{Text: "is being taken back in Kisi; this usually takes seconds"}
	case v1alpha1.GrantHeld:
		return &Step{
			Text:    "no source gives this any more, and the revocation limit holds it; look at what would go, then approve",
			Command: fmt.Sprintf("kubectl kisi approve %s -n %s", row.Group, namespace),
		}
	case v1alpha1.GrantWithheld:
		return q.reinstatement(who, row.OrganizationID)
	case v1alpha1.GrantRetained:
		if row.AbandonedBy != "" {
			return &Step{Text: row.AbandonedBy + " was abandoned, so this was left as it is in Kisi; remove it there if it is not wanted"}
		}
		return &Step{Text: "its connection was let go, so this was left as it is in Kisi; remove it there if it is not wanted"}
	}
	return nil
}

// reinstatement says how a person who was removed or suspended in Kisi gets in again.
func (q Question) reinstatement(who somebody, organization v1alpha1.KisiID) *Step {
	account := who.account(organization)
	switch {
	case account != nil && account.SuspendedBy == v1alpha1.SuspendedByDirectory:
		return &Step{Text: "the organization's directory (SCIM) has switched the person off; only the directory can let them in again"}
	case account != nil && account.Access == v1alpha1.AccountSuspendedInKisi && account.Origin != v1alpha1.AccountCreated:
		return &Step{Text: "the person was suspended in Kisi on purpose; ask the administrator, who can enable them there"}
	}
	step := &Step{Text: "the person was removed or suspended in Kisi on purpose; ask the administrator, then reinstate"}
	if serving := entitlement.Serving(who.members); serving != nil {
		step.Command = fmt.Sprintf("kubectl kisi reinstate %s -n %s", serving.Name, q.In.Namespace)
	}
	return step
}

// next says what has to happen before Kisi has a window; nil where it has, or will have by itself in time.
func (q Question) next(who somebody, group *v1alpha1.KisiGroup, serving []v1alpha1.MemberGrant, answer Answer) *Step {
	switch answer {
	case AnswerOpen, AnswerCovered, AnswerNo:
		return nil
	case AnswerExpected, AnswerLater:
		if len(serving) > 0 && plan.InKisi(serving[0]) {
			return nil
		}
		if !q.works(group) {
			return q.obstacle(group)
		}
		return nil
	case AnswerWithheld:
		return q.reinstatement(who, q.organizationOf(group))
	}
	for _, row := range serving {
		if step := q.stepOf(who, row); step != nil {
			return step
		}
	}
	if step := q.obstacle(group); step != nil {
		return step
	}
	serves := entitlement.Serving(who.members)
	if serves == nil {
		return &Step{Text: "the operator has not looked at the person yet; if this lasts longer than a minute, see whether it runs", Command: "kubectl kisi status -n " + q.In.Namespace}
	}
	if ready := meta.FindStatusCondition(serves.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Status != metav1.ConditionTrue {
		return &Step{Text: ready.Message, Command: fmt.Sprintf("kubectl describe member %s -n %s", serves.Name, q.In.Namespace)}
	}
	return &Step{Text: "is about to be written to Kisi; this usually takes seconds"}
}

// obstacle says what keeps a group's access from Kisi, as far as the group and its connection tell.
func (q Question) obstacle(group *v1alpha1.KisiGroup) *Step {
	if group == nil {
		return nil
	}
	name := group.Spec.ConnectionRef.Name
	connection := q.In.Connection(name)
	namespace := q.In.Namespace
	if connection == nil {
		return &Step{Text: fmt.Sprintf("KisiGroup %s: there is no KisiConnection %q; create it", group.Name, name)}
	}
	switch connection.Spec.Mode {
	case v1alpha1.ModeObserve:
		return &Step{
			Text:    fmt.Sprintf("KisiConnection %s only observes, so nothing is written to Kisi; set spec.mode to Enforce when you are ready", name),
			Command: fmt.Sprintf(`kubectl patch kisiconnection %s -n %s --type merge -p '{"spec":{"mode":"Enforce"}}'`, name, namespace),
		}
	case v1alpha1.ModePaused:
		return &Step{
			Text:    fmt.Sprintf("KisiConnection %s is paused, so nothing is written to Kisi; set spec.mode to Enforce when you are ready", name),
			Command: fmt.Sprintf(`kubectl patch kisiconnection %s -n %s --type merge -p '{"spec":{"mode":"Enforce"}}'`, name, namespace),
		}
	}
	if ready := meta.FindStatusCondition(connection.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Status == metav1.ConditionFalse {
		return &Step{Text: fmt.Sprintf("KisiConnection %s: %s", name, ready.Message), Command: "kubectl kisi doctor -n " + namespace}
	}
	if ready := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Status == metav1.ConditionFalse {
		return &Step{Text: fmt.Sprintf("KisiGroup %s: %s", group.Name, ready.Message), Command: fmt.Sprintf("kubectl describe kisigroup %s -n %s", group.Name, namespace)}
	}
	return nil
}
