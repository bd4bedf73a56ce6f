package connection

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/failure"
)

// describeImport says how the connection's import stands; absent where none is asked for.
func (r *Reconciler) describeImport(connection *v1alpha1.KisiConnection) {
	current := &connection.Status.Conditions
	if !imports.Wanted(connection) {
		meta.RemoveStatusCondition(current, v1alpha1.ConditionUsersImported)
		return
	}
	if !conditions.IsReady(*current) {
		return
	}
	read, problem, imported, refused := r.Imports.Standing(client.ObjectKeyFromObject(connection))
	value, reason, message := metav1.ConditionTrue, v1alpha1.ReasonImported, "every user of Kisi has a Member"
	switch {
	case problem != "":
		value, reason, message = metav1.ConditionFalse, v1alpha1.ReasonReadFailed, problem
	case !read && meta.FindStatusCondition(*current, v1alpha1.ConditionUsersImported) != nil:
		return // what was so before a restart stands until the users are read
	case !read:
		value, reason, message = metav1.ConditionFalse, v1alpha1.ReasonFirstReadRunning, "the users of Kisi are being read"
	case len(refused) > 0:
		value, reason = metav1.ConditionFalse, v1alpha1.ReasonUsersSkipped
		message = fmt.Sprintf("%d of %d users of Kisi have no Member, because of an address that no Member can have or that two of them share; correct or delete in Kisi: %s",
			len(refused), imported+len(refused), failure.UserIDs(refused))
	}
	conditions.Set(current, connection.Generation, v1alpha1.ConditionUsersImported, value, reason, message)
}
