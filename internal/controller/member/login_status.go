package member

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// loginTrouble is why a login is not there.
type loginTrouble struct{ reason, message string }

// loginTroubles remembers what went wrong with logins, by person and organization. It is kept in memory only: a restart
// tries again at once.
type loginTroubles struct {
	mu     sync.Mutex
	people map[string]map[v1alpha1.KisiID]loginTrouble
}

func (t *loginTroubles) note(member *v1alpha1.Member, organization v1alpha1.KisiID, trouble loginTrouble) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.people == nil {
		t.people = map[string]map[v1alpha1.KisiID]loginTrouble{}
	}
	who := personOf(member)
	if t.people[who] == nil {
		t.people[who] = map[v1alpha1.KisiID]loginTrouble{}
	}
	t.people[who][organization] = trouble
}

func (t *loginTroubles) settled(member *v1alpha1.Member, organization v1alpha1.KisiID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	who := personOf(member)
	if delete(t.people[who], organization); len(t.people[who]) == 0 {
		delete(t.people, who)
	}
}

// forget drops everything about a person.
func (t *loginTroubles) forget(person string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.people, person)
}

func (t *loginTroubles) of(member *v1alpha1.Member, organization v1alpha1.KisiID) (loginTrouble, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	trouble, known := t.people[personOf(member)][organization]
	return trouble, known
}

// describeLogins says in LoginReady whether the Secrets with the person's logins are there. The condition is there only
// where a connection asks for a login and the person has a window.
func (r *Reconciler) describeLogins(p *person, status *v1alpha1.MemberStatus) {
	var organizations []v1alpha1.KisiID
	for organization, terms := range p.loginTerms {
		if plan.WantsLogin(p.plan.Ledger, organization, terms) {
			organizations = append(organizations, organization)
		} else {
			r.loginTroubles.settled(p.member, organization)
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
		if trouble.reason != "" {
			conditions.Set(&status.Conditions, p.member.Generation, v1alpha1.ConditionLoginReady, metav1.ConditionFalse, trouble.reason, trouble.message)
			return
		}
		names = append(names, fmt.Sprintf("%q", name))
	}
	conditions.Set(&status.Conditions, p.member.Generation, v1alpha1.ConditionLoginReady, metav1.ConditionTrue, v1alpha1.ReasonLoginStored,
		"an app unlocks in the person's name with the login in Secret "+strings.Join(names, ", "))
}

// loginState returns the Secret that holds the person's login in the organization, or why there is none.
func (r *Reconciler) loginState(p *person, organization v1alpha1.KisiID, before []metav1.Condition) (v1alpha1.ObjectName, loginTrouble) {
	for _, login := range p.plan.Ledger.Logins {
		if login.OrganizationID == organization && p.storedLogins[login] {
			return login.SecretName, loginTrouble{}
		}
	}
	if trouble, known := r.loginTroubles.of(p.member, organization); known {
		return "", trouble
	}
	connection := p.snapshot.Connections[organization]
	switch {
	case connection.Mode == v1alpha1.ModePaused:
		return "", loginTrouble{v1alpha1.ReasonPaused, fmt.Sprintf("KisiConnection %q is paused; the login is made afterwards", connection.Name)}
	case connection.Mode == v1alpha1.ModeObserve:
		return "", loginTrouble{v1alpha1.ReasonObserving, fmt.Sprintf("no login is made while the mode of KisiConnection %q is Observe", connection.Name)}
	case !connection.Ready:
		return "", loginTrouble{v1alpha1.ReasonConnectionNotReady, fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", connection.Name)}
	}
	// After a restart, what was wrong before stands until it has been tried again.
	if known := meta.FindStatusCondition(before, v1alpha1.ConditionLoginReady); known != nil && known.Status == metav1.ConditionFalse {
		switch known.Reason {
		case v1alpha1.ReasonLoginRefused, v1alpha1.ReasonLoginsForbidden, v1alpha1.ReasonSecretNameTaken:
			return "", loginTrouble{known.Reason, known.Message}
		}
	}
	return "", loginTrouble{v1alpha1.ReasonLoginPending, "the login is being made"}
}
