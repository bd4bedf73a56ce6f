package connection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// check finds out how the connection stands, and writes it into its conditions. It fails if the Secret could not be read.
func (r *Reconciler) check(ctx context.Context, connection *v1alpha1.KisiConnection, now time.Time) error {
	name := client.ObjectKeyFromObject(connection)
	if connection.Spec.Mode == v1alpha1.ModePaused {
		r.Sessions.Close(name)
		r.report(connection, conditions.Waiting(v1alpha1.ReasonPaused, "spec.mode is Paused: no request is sent to Kisi"))
		return nil
	}
	if !slices.Contains(r.AllowedEndpoints, connection.Spec.Endpoint) {
		r.Sessions.Close(name)
		message := fmt.Sprintf("spec.endpoint %s is not allowed: use one of %s, or add --allowed-endpoint=%s to those that the operator is started with",
			connection.Spec.Endpoint, strings.Join(r.AllowedEndpoints, ", "), connection.Spec.Endpoint)
		r.unauthenticated(connection, v1alpha1.ReasonEndpointNotAllowed, message)
		r.report(connection, conditions.Stalled(v1alpha1.ReasonEndpointNotAllowed, message))
		return nil
	}
	key, problem, err := r.apiKeys.read(ctx, r.Client, r.APIReader, connection, apiKeys, secretKey(connection.Spec.APIKeySecretRef))
	if err != nil {
		if r.Sessions.Get(name) == nil { // otherwise the key that was read before goes on being used
			r.report(connection, conditions.Reconciling(v1alpha1.ReasonUnreachable, fmt.Sprintf(
				"spec.apiKeySecretRef: the Kubernetes API does not let the operator read Secret %q; check its role, the log says more", connection.Spec.APIKeySecretRef.Name)))
		}
		return err
	}
	if problem != nil {
		r.Sessions.Close(name)
		r.unauthenticated(connection, problem.Reason, problem.Message)
		r.report(connection, *problem)
		return nil
	}
	r.checkSession(connection, key, now)
	return nil
}

func (r *Reconciler) checkSession(connection *v1alpha1.KisiConnection, key kisi.APIKey, now time.Time) {
	s, err := r.Sessions.Ensure(client.ObjectKeyFromObject(connection), session.Settings{
		Endpoint: connection.Spec.Endpoint, Key: key, RequestsPerSecond: int(connection.Spec.RequestsPerSecond),
		ChangePollInterval: connection.Spec.ChangePollInterval.Duration,
	})
	if err != nil {
		r.report(connection, conditions.Stalled(v1alpha1.ReasonEndpointNotAllowed, "spec.endpoint: "+err.Error()))
		return
	}
	look := connection.Annotations[v1alpha1.ReconcileAtAnnotation]
	if before, known := r.looks.Swap(client.ObjectKeyFromObject(connection), look); known && before != look {
		s.Probe()
		s.Reread()
		r.hooks.Doubt(hookKey(connection))
	}
	found := s.Verdict()
	generation, current := connection.Generation, &connection.Status.Conditions
	switch found.Outcome {
	case session.Unprobed:
		if len(*current) == 0 {
			r.report(connection, conditions.Reconciling(v1alpha1.ReasonConnecting, "checking the API key with Kisi"))
		} // else what was known before a restart or a new key stands until the answer is there
	case session.Refused:
		r.unauthenticated(connection, v1alpha1.ReasonUnauthorized, found.Message)
		r.report(connection, conditions.Stalled(v1alpha1.ReasonUnauthorized, found.Message))
	case session.Unreachable:
		r.report(connection, conditions.Reconciling(v1alpha1.ReasonUnreachable, found.Message))
	case session.Insufficient:
		conditions.Set(current, generation, v1alpha1.ConditionAuthenticated, metav1.ConditionTrue, v1alpha1.ReasonAuthenticated, "Kisi accepts the API key")
		if r.refuseOtherOrganization(connection, found.Identity) {
			return
		}
		conditions.Set(current, generation, v1alpha1.ConditionAuthorized, metav1.ConditionFalse, v1alpha1.ReasonInsufficientRole, found.Message)
		setOwnerKey(connection, found.Identity)
		r.report(connection, conditions.Stalled(v1alpha1.ReasonInsufficientRole, found.Message))
	case session.Accepted:
		r.accept(connection, s, found.Identity, now)
	}
}

// accept pins the organization at the first success, and refuses every other one from then on.
func (r *Reconciler) accept(connection *v1alpha1.KisiConnection, s *session.Session, identity session.Identity, now time.Time) {
	generation, current := connection.Generation, &connection.Status.Conditions
	conditions.Set(current, generation, v1alpha1.ConditionAuthenticated, metav1.ConditionTrue, v1alpha1.ReasonAuthenticated, "Kisi accepts the API key")
	if r.refuseOtherOrganization(connection, identity) {
		return
	}
	r.identify(connection, identity)
	conditions.Set(current, generation, v1alpha1.ConditionAuthorized, metav1.ConditionTrue, v1alpha1.ReasonAuthorized, "the key's owner may do what is needed")
	setOwnerKey(connection, identity)
	learn(connection, s, now)
	r.report(connection, conditions.Ready(v1alpha1.ReasonConnected, fmt.Sprintf("connected to organization %d", identity.OrganizationID)))
}

// refuseOtherOrganization reports whether the key belongs to another organization than the connection, and says so.
func (r *Reconciler) refuseOtherOrganization(connection *v1alpha1.KisiConnection, identity session.Identity) bool {
	message := tenant.KeyMismatch(connection, identity)
	if message == "" {
		return false
	}
	conditions.Set(&connection.Status.Conditions, connection.Generation, v1alpha1.ConditionAuthorized, metav1.ConditionFalse, v1alpha1.ReasonOrganizationMismatch, message)
	r.report(connection, conditions.Stalled(v1alpha1.ReasonOrganizationMismatch, message))
	return true
}

// identify records whose key it is.
func (r *Reconciler) identify(connection *v1alpha1.KisiConnection, identity session.Identity) {
	connection.Status.Organization = &v1alpha1.ConnectedOrganization{
		ID: v1alpha1.KisiID(identity.OrganizationID), Name: storable(identity.OrganizationName), Domain: storable(identity.OrganizationDomain),
	}
	role := v1alpha1.AccountRoleOther
	if identity.Owner {
		role = v1alpha1.AccountRoleOwner
	}
	connection.Status.Account = &v1alpha1.ConnectionAccount{UserID: v1alpha1.KisiID(identity.UserID), Role: role}
}

// storable cuts a name from Kisi to what the schema takes: otherwise the whole status would be refused. Columns show it, so it
// has nothing that steers a terminal.
func storable(name string) string { return kisi.Printable(name, 1024) }

// setOwnerKey advises on whose key it is.
func setOwnerKey(connection *v1alpha1.KisiConnection, identity session.Identity) {
	status, reason, message := metav1.ConditionTrue, v1alpha1.ReasonKeyOwnerIsOrganizationOwner, "the key belongs to the organization's owner"
	if !identity.Owner {
		status, reason = metav1.ConditionFalse, v1alpha1.ReasonKeyOwnerIsNotOrganizationOwner
		message = "the key stops working when its owner loses the role in Kisi; a key of the organization's owner does not"
	}
	conditions.Set(&connection.Status.Conditions, connection.Generation, v1alpha1.ConditionOwnerKey, status, reason, message)
}

// unauthenticated: with no usable key nothing is known of what its owner may do.
func (r *Reconciler) unauthenticated(connection *v1alpha1.KisiConnection, reason, message string) {
	generation, current := connection.Generation, &connection.Status.Conditions
	conditions.Set(current, generation, v1alpha1.ConditionAuthenticated, metav1.ConditionFalse, reason, message)
	conditions.Set(current, generation, v1alpha1.ConditionAuthorized, metav1.ConditionUnknown, v1alpha1.ReasonNotChecked, "not known without a key that Kisi accepts")
	if meta.FindStatusCondition(*current, v1alpha1.ConditionOwnerKey) != nil {
		conditions.Set(current, generation, v1alpha1.ConditionOwnerKey, metav1.ConditionUnknown, v1alpha1.ReasonNotChecked, "not known without a key that Kisi accepts")
	}
}
