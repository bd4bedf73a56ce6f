package executor

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// NewAccess is a role assignment that lets a person in where nothing did before.
type NewAccess struct {
	Member     *v1alpha1.Member
	Connection types.NamespacedName
	// Causes name, as Kind/name, the objects on each way to the group; see entitlement.Causes.
	Causes [][]string
	// Opens is when the window opens, or has opened; zero: it has always been open. It could be written so long before.
	Opens      time.Time
	GrantAhead time.Duration
	// At is when Kisi was seen to have it.
	At time.Time
}

// tellOfNewAccess tells of the rows that let the person in where nothing did.
func (e *execution) tellOfNewAccess(ctx context.Context, made []v1alpha1.MemberGrant) {
	operation := e.Operation
	isNew := operation.Kind == plan.Grant && operation.NewAccess && !operation.Repairs || operation.Kind == plan.Resolve
	if e.OnNewAccess == nil || !isNew || e.stoodIn {
		return
	}
	for _, row := range made {
		causes, err := entitlement.Causes(e.Snapshot.Objects, e.Member, row.Sources, row.Group)
		if err != nil { // the cache does not answer, and a metric is not worth more
			log.FromContext(ctx).WithName("member").V(1).Info("The causes of new access are not known", "error", err.Error())
			return
		}
		e.OnNewAccess(ctx, NewAccess{
			Member: e.Member, Connection: client.ObjectKey{Namespace: e.Member.Namespace, Name: string(row.Connection)}, Causes: causes,
			Opens: operation.Opens, GrantAhead: e.Snapshot.Connections[row.OrganizationID].GrantAhead, At: e.now(),
		})
	}
}

// stoodIn reports whether the recorded ledger says that another assignment lets the person in, or that an admin keeps them out.
func stoodIn(task Task) bool {
	return slices.ContainsFunc(task.Member.Status.Grants, func(row v1alpha1.MemberGrant) bool {
		return plan.PairOf(row) == plan.PairOf(task.Operation.Row) && (row.State == v1alpha1.GrantCovered || row.State == v1alpha1.GrantWithheld)
	})
}
