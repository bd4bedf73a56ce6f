package connection

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// describeSync says whether everything that Kisi holds in the bound groups has been read completely, and when.
func (r *Reconciler) describeSync(ctx context.Context, connection *v1alpha1.KisiConnection) error {
	s := tenant.SessionOf(r.Sessions, client.ObjectKeyFromObject(connection))
	if s == nil || !conditions.IsReady(connection.Status.Conditions) {
		return nil
	}
	var groups v1alpha1.KisiGroupList
	if err := tenant.In(ctx, r.Client, connection.Namespace).List(&groups, tenant.ByConnection, connection.Name); err != nil {
		return err
	}
	var oldest time.Time
	var foreign int32
	var unread, large *v1alpha1.KisiGroup
	for i := range groups.Items {
		status := &groups.Items[i].Status
		if status.KisiGroupID == 0 {
			continue
		}
		if status.Counts != nil {
			foreign += status.Counts.Foreign
		}
		at := s.Mirror().ReadAt(int64(status.KisiGroupID))
		if at.IsZero() || s.Mirror().Unread(int64(status.KisiGroupID)) != "" {
			if tenant.TooLarge(s, &groups.Items[i]) {
				large = earlierByName(large, &groups.Items[i])
			} else {
				unread = earlierByName(unread, &groups.Items[i])
			}
		}
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	if connection.Status.Counts != nil {
		connection.Status.Counts.ForeignAssignments = foreign
	}
	current := &connection.Status.Conditions
	if unread != nil {
		reason, message := v1alpha1.ReasonFirstReadRunning, "the bound groups are being read for the first time since the operator started"
		if why := s.Mirror().Unread(int64(unread.Status.KisiGroupID)); why != "" {
			reason, message = v1alpha1.ReasonReadFailed, fmt.Sprintf("KisiGroup %q could not be read completely: %s; nothing is concluded from that, trying again", unread.Name, why)
		}
		conditions.Set(current, connection.Generation, v1alpha1.ConditionSynced, metav1.ConditionFalse, reason, message)
		return nil
	}
	if large != nil {
		conditions.Set(current, connection.Generation, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonGroupTooLarge,
			fmt.Sprintf("KisiGroup %q has more assignments than can be listed (%d at most), so those of the people here are read person by person every %s (spec.resyncInterval), and foreign ones are not counted; spread its people over several groups",
				large.Name, tenant.LargestReadableGroup, connection.Spec.ResyncInterval.Duration))
		return nil
	}
	reason, message := v1alpha1.ReasonSynced, fmt.Sprintf("every bound group is read completely every %s (spec.resyncInterval)", connection.Spec.ResyncInterval.Duration)
	if s.WithoutAuditTrail() {
		reason = v1alpha1.ReasonWithoutAuditTrail
		message = fmt.Sprintf("the key's owner may not read events in Kisi (403), so what others change is found by the number of users of each group, every %s, and by a complete read, every %s; give the owner a role that may read events",
			connection.Spec.ChangePollInterval.Duration, min(connection.Spec.ResyncInterval.Duration, tenant.ResyncWithoutAuditTrail))
	}
	conditions.Set(current, connection.Generation, v1alpha1.ConditionSynced, metav1.ConditionTrue, reason, message)
	if !oldest.IsZero() {
		connection.Status.LastSyncTime = &metav1.Time{Time: oldest.UTC().Truncate(time.Second)}
	}
	return nil
}

// earlierByName keeps what a condition says of several groups from changing with the order in which they are listed.
func earlierByName(a, b *v1alpha1.KisiGroup) *v1alpha1.KisiGroup {
	if a == nil || b.Name < a.Name {
		return b
	}
	return a
}
