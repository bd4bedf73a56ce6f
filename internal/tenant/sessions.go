package tenant

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// SessionOf returns the session through which a bound connection may be used now, or nil.
func SessionOf(pool *session.Pool, name types.NamespacedName) *session.Session {
	s := pool.Get(name)
	if s == nil || s.Verdict().Outcome != session.Accepted {
		return nil
	}
	return s
}

// UsableSession returns the session through which a connection may be used now, or nil. What the connection's conditions
// say may be older than its key, so that the key is of its organization is asked again.
func UsableSession(pool *session.Pool, connection *v1alpha1.KisiConnection) *session.Session {
	s := SessionOf(pool, client.ObjectKeyFromObject(connection))
	if s == nil || connection.Spec.Mode == v1alpha1.ModePaused || KeyMismatch(connection, s.Verdict().Identity) != "" {
		return nil
	}
	return s
}

// KeyMismatch says why a key of that identity does not fit the connection; empty if it does, or if Kisi did not tell.
func KeyMismatch(connection *v1alpha1.KisiConnection, identity session.Identity) string {
	if identity.OrganizationID == 0 {
		return ""
	}
	if wanted := connection.Spec.OrganizationID; wanted != 0 && int64(wanted) != identity.OrganizationID {
		return fmt.Sprintf("the key belongs to organization %d, spec.organizationID is %d; use a key of that organization or correct the field", identity.OrganizationID, wanted)
	}
	if pinned := connection.Status.Organization; pinned != nil && int64(pinned.ID) != identity.OrganizationID {
		return fmt.Sprintf("the key belongs to organization %d, this connection to organization %d; use a key of that organization, or create another KisiConnection", identity.OrganizationID, pinned.ID)
	}
	return ""
}

// ExpectsSession reports whether the connection worked when that was last written down: then its session is about to come.
// One that is going, and works, says Deleting.
func ExpectsSession(connection *v1alpha1.KisiConnection) bool {
	found := meta.FindStatusCondition(connection.Status.Conditions, v1alpha1.ConditionReady)
	return found != nil && (found.Status == metav1.ConditionTrue || found.Reason == v1alpha1.ReasonDeleting)
}
