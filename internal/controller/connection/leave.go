package connection

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// letGo ends the session. Under Retain nothing else happens: rows become Retained because their connection is gone.
// Under Revoke the connection stays until no ledger holds a row of its organization.
func (r *Reconciler) letGo(ctx context.Context, connection *v1alpha1.KisiConnection, now time.Time) (reconcile.Result, error) {
	name := client.ObjectKeyFromObject(connection)
	if !tenant.RevokesBeforeLeaving(connection) {
		r.Sessions.Close(name) // first of all: not one request more is sent
	} else {
		left, err := r.rowsLeft(ctx, connection, now)
		if err != nil {
			return reconcile.Result{}, err
		}
		if left > 0 {
			before := connection.Status.DeepCopy()
			unread := r.check(ctx, connection, now)
			r.reportLeaving(connection)
			if err := r.describeKey(ctx, connection); err != nil {
				return reconcile.Result{}, err
			}
			if err := r.announce(ctx, connection); err != nil { // after a restart the Members wait for the session
				return reconcile.Result{}, err
			}
			connection.Status.ObservedGeneration = connection.Generation
			if !equality.Semantic.DeepEqual(before, &connection.Status) {
				if err := r.Status().Update(ctx, connection); err != nil {
					return reconcile.Result{}, fmt.Errorf("writing the status: %w", err)
				}
			}
			return reconcile.Result{}, unread // the Members' ledgers wake it
		}
	}
	if !r.letHookGo(connection) {
		return reconcile.Result{RequeueAfter: time.Second}, nil
	}
	abandoned, retained, err := r.rowsLetGo(ctx, connection)
	if err != nil {
		return reconcile.Result{}, err
	}
	if err := errors.Join(report.Abandoned(ctx, r.Client, connection, abandoned), report.Retained(ctx, r.Client, connection, retained)); err != nil {
		return reconcile.Result{}, err
	}
	if err := finalizers.Remove(ctx, r.Client, connection); err != nil {
		return reconcile.Result{}, conflicts.Ignore(err, "letting the connection go")
	}
	r.Sessions.Close(name)
	return reconcile.Result{}, nil
}

// rowsLetGo counts what stays in Kisi when the connection goes: because of its annotation, or of its disconnectPolicy. The
// Members may have recorded some of it as Retained by now, or all: they are not waited for.
func (r *Reconciler) rowsLetGo(ctx context.Context, connection *v1alpha1.KisiConnection) (abandoned, retained int, err error) {
	if connection.Status.Organization == nil || tenant.RevokesBeforeLeaving(connection) {
		return 0, 0, nil
	}
	members, err := r.membersOf(ctx, connection)
	if err != nil {
		return 0, 0, err
	}
	staying, err := r.staying(ctx, connection)
	if err != nil {
		return 0, 0, err
	}
	var rows []v1alpha1.MemberGrant
	for i := range members {
		rows = append(rows, members[i].Status.Grants...)
	}
	stays := func(row v1alpha1.MemberGrant) bool {
		return row.OrganizationID == connection.Status.Organization.ID && row.AbandonedBy == "" && plan.InKisi(row)
	}
	if tenant.Abandons(connection) {
		return tenant.CountAssignments(rows, func(row v1alpha1.MemberGrant) bool { return stays(row) && !staying.holds(row) }), 0, nil
	}
	return 0, tenant.CountAssignments(rows, func(row v1alpha1.MemberGrant) bool { return stays(row) && string(row.Connection) == connection.Name }), nil
}

// reportLeaving says what holds a connection that is going, and the way out.
func (r *Reconciler) reportLeaving(connection *v1alpha1.KisiConnection) {
	wayOut := fmt.Sprintf("; annotate with %s=true to leave what was granted as it is", v1alpha1.AbandonAnnotation)
	found := meta.FindStatusCondition(connection.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case found == nil || found.Status == metav1.ConditionTrue:
		r.report(connection, conditions.Reconciling(v1alpha1.ReasonDeleting, "revoking what was granted (disconnectPolicy: Revoke)"+wayOut))
	case !strings.HasSuffix(found.Message, wayOut):
		conditions.Set(&connection.Status.Conditions, connection.Generation, v1alpha1.ConditionReady, found.Status, found.Reason, found.Message+wayOut)
	}
}

// rowsLeft counts the rows and logins that the connection takes back before it goes: those of its organization, without
// those that another connection stays for.
func (r *Reconciler) rowsLeft(ctx context.Context, connection *v1alpha1.KisiConnection, now time.Time) (int, error) {
	members, err := r.membersOf(ctx, connection)
	if err != nil {
		return 0, err
	}
	organization := connection.Status.Organization.ID
	staying, err := r.staying(ctx, connection)
	if err != nil {
		return 0, err
	}
	// What has ended guards nothing: it is deleted first where Kisi can be asked, and left behind where it cannot.
	asks := connection.Spec.Mode != v1alpha1.ModePaused && tenant.ExpectsSession(connection)
	left := 0
	for i := range members {
		for _, row := range members[i].Status.Grants {
			if row.OrganizationID == organization && row.State != v1alpha1.GrantRetained && !staying.holds(row) && (asks || !plan.Over(row, now)) {
				left++
			}
		}
		for _, login := range members[i].Status.Logins {
			if login.OrganizationID == organization && !staying.connections.Has(login.Connection) {
				left++
			}
		}
	}
	return left, nil
}

// stayers are the other connections of one organization in a namespace that are not going, and their groups.
type stayers struct {
	connections sets.Set[v1alpha1.ObjectName]
	groups      map[v1alpha1.ObjectName]bool // whether the connection of a KisiGroup that exists stays
}

// holds reports whether the row stays with another connection: its group's, or where that is gone its own.
func (s stayers) holds(row v1alpha1.MemberGrant) bool {
	if stays, exists := s.groups[row.Group]; exists {
		return stays
	}
	return s.connections.Has(row.Connection)
}

func (r *Reconciler) staying(ctx context.Context, connection *v1alpha1.KisiConnection) (stayers, error) {
	staying := stayers{connections: sets.New[v1alpha1.ObjectName](), groups: map[v1alpha1.ObjectName]bool{}}
	others, err := tenant.In(ctx, r.Client, connection.Namespace).Connections()
	if err != nil {
		return staying, err
	}
	for i := range others {
		organization := others[i].Status.Organization
		if others[i].DeletionTimestamp.IsZero() && organization != nil && organization.ID == connection.Status.Organization.ID {
			staying.connections.Insert(v1alpha1.ObjectName(others[i].Name))
		}
	}
	if len(staying.connections) == 0 {
		return staying, nil
	}
	var groups v1alpha1.KisiGroupList
	if err := r.List(ctx, &groups, client.InNamespace(connection.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return staying, fmt.Errorf("listing the groups of namespace %s: %w", connection.Namespace, err)
	}
	for i := range groups.Items {
		staying.groups[v1alpha1.ObjectName(groups.Items[i].Name)] = staying.connections.Has(groups.Items[i].Spec.ConnectionRef.Name)
	}
	return staying, nil
}
