package group

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/pacing"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Reconciler binds KisiGroups to groups in Kisi.
type Reconciler struct {
	client.Client
	// APIReader reads past the cache.
	APIReader client.Reader
	Sessions  *session.Pool
	Enqueuers *enqueue.Enqueuers
	// Allowances of the revocation limit.
	Allowances *limit.Allowances
	Recorder   events.EventRecorder
	// OnFinding, if set, is told of every difference that somebody made in Kisi, and through which connection, for metrics.
	OnFinding func(types.NamespacedName, plan.FindingKind)

	found    lookup.Lookups[groupFound]
	rowsRead sync.Map // key of a question → the version of it for which the rows were read
	// usersOwed holds the keys of questions whose group's users could not be read after its rows.
	usersOwed sync.Map
	// former are, by key, the Kisi groups that KisiGroups were bound to before, and whose rows are known still.
	former   map[string]sets.Set[v1alpha1.KisiID]
	throttle pacing.Throttle
	// adopting finds Members for assignments that no ledger has, asking compares them with what is asked for.
	adopting, asking sweeps
	// counts are kept by the events of Members.
	counts counts
}

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.Enqueuers.DoubtGroup = func(name types.NamespacedName) {
		r.found.Doubt(groupKeyOf(name))
		r.Enqueuers.Groups.Enqueue(reconcile.Request{NamespacedName: name})
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.KisiGroup{}).
		Watches(&v1alpha1.KisiConnection{}, handler.EnqueueRequestsFromMapFunc(r.ofConnection), builder.WithPredicates(enqueue.ConnectionChanges, enqueue.SinceStart)).
		Watches(&v1alpha1.KisiGroup{}, handler.EnqueueRequestsFromMapFunc(r.heirs), builder.WithPredicates(enqueue.SinceStart)).
		Watches(&v1alpha1.Member{}, enqueue.Changes(memberEvents{r}.changed)).
		WatchesRawSource(r.Enqueuers.Groups.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}). // one at a time, so that no two are bound to one Kisi group
		Complete(r)
}

// Reconcile brings one group up to date.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	now := time.Now()
	group := &v1alpha1.KisiGroup{}
	if err := r.Get(ctx, request.NamespacedName, group); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(request.NamespacedName)
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, fmt.Errorf("reading the group: %w", err)
	}
	if !group.DeletionTimestamp.IsZero() {
		return r.letGo(ctx, group, now)
	}
	if err := finalizers.Add(ctx, r.Client, group); err != nil {
		return reconcile.Result{}, err
	}
	before := group.Status.DeepCopy()
	adopted, untilSwept, err := r.adopt(ctx, group) // by what is recorded, which is what the Members see
	if err != nil {
		return reconcile.Result{}, err
	}
	again, err := r.bind(ctx, group, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	if _, _, answered := r.found.Known(groupKeyOf(request.NamespacedName)); adopted && answered && tenant.ClaimPending(group) {
		group.Status.Claim = group.Annotations[v1alpha1.ClaimAnnotation]
	}
	if err := r.forgetFormer(ctx, group, before.KisiGroupID); err != nil {
		return reconcile.Result{}, err
	}
	wait := r.count(group)
	again = requeue.Sooner(again, untilSwept)
	// Until Kisi has answered for this generation Ready is about an older one, and so is the status.
	if current := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady); current != nil {
		group.Status.ObservedGeneration = current.ObservedGeneration
	}
	if !equality.Semantic.DeepEqual(before, &group.Status) {
		if err := r.Status().Update(ctx, group); err != nil {
			return reconcile.Result{RequeueAfter: requeue.Sooner(again, wait)}, conflicts.Ignore(err, "writing the status")
		}
	}
	return reconcile.Result{RequeueAfter: requeue.Sooner(again, wait)}, nil
}

// bind finds the group in Kisi and records its id. It returns when to look again, zero if an event will tell.
func (r *Reconciler) bind(ctx context.Context, group *v1alpha1.KisiGroup, now time.Time) (time.Duration, error) {
	set := func(v conditions.Verdict) { conditions.Summarize(&group.Status.Conditions, group.Generation, v) }
	connection := &v1alpha1.KisiConnection{}
	name := types.NamespacedName{Namespace: group.Namespace, Name: string(group.Spec.ConnectionRef.Name)}
	if err := r.Get(ctx, name, connection); apierrors.IsNotFound(err) {
		set(conditions.Waiting(v1alpha1.ReasonConnectionNotFound, fmt.Sprintf("spec.connectionRef: there is no KisiConnection %q in this namespace; create it or correct the reference", name.Name)))
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("reading KisiConnection %s: %w", name.Name, err)
	}
	if !conditions.IsReady(connection.Status.Conditions) || !connection.DeletionTimestamp.IsZero() {
		r.found.DoubtTrouble(groupKey(group))
		if !stillFrozen(group) {
			set(conditions.Waiting(v1alpha1.ReasonConnectionNotReady, fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", connection.Name)))
		}
		return 0, nil
	}
	s := tenant.UsableSession(r.Sessions, connection)
	if s == nil {
		return 0, nil // just after a start: what is recorded stands until the session is there
	}
	found, answered, err := r.lookUp(s, group, connection, now)
	switch {
	case !answered:
		if v := underWay(group); v != nil {
			set(*v)
		}
		return 0, nil
	case err != nil:
		if v := unreadableGroup(group, err); v != nil {
			set(*v)
		}
		return r.found.NextLook(groupKey(group)), nil
	case found.problem != nil:
		set(stayBound(group, *found.problem))
		return r.found.NextLook(groupKey(group)), nil
	}
	precedence, err := r.precedence(ctx, group, connection, found.id)
	switch {
	case err != nil:
		return 0, err
	case precedence == precedenceOther:
		unbind(group)
		set(conditions.Stalled(v1alpha1.ReasonGroupAlreadyBound, fmt.Sprintf("another KisiGroup is bound to the Kisi group %d; delete one of the two", found.id)))
		return 0, nil
	case precedence == precedenceOpen:
		return time.Second, nil
	}
	if problem, again, err := r.exclude(ctx, s, group, connection, found, now); problem != nil || err != nil {
		if problem != nil {
			set(stayBound(group, *problem))
		}
		return again, err
	}
	recordBinding(group, connection, found)
	setPartnerAppCompatible(group, connection.Spec.UnlockMode, found)
	set(boundVerdict(group, connection, found))
	if found.concern != nil || found.short {
		return r.found.NextLook(groupKey(group)), nil
	}
	if tenant.TooLarge(s, group) {
		return r.readPeople(ctx, s, group, connection, now)
	}
	// By then everything is read again. The jitter keeps the groups of a connection from being read all at once.
	return wait.Jitter(max(untilRowsDue(s, group, connection, now), lookup.RetryFailed), 0.1), nil
}

// ofConnection finds the groups of a connection.
func (r *Reconciler) ofConnection(ctx context.Context, connection client.Object) []reconcile.Request {
	var groups v1alpha1.KisiGroupList
	if err := tenant.In(ctx, r.Client, connection.GetNamespace()).List(&groups, tenant.ByConnection, connection.GetName()); err != nil {
		enqueue.LogMapError(ctx, "groups of a connection", err)
		return nil
	}
	return enqueue.RequestsFor(tenant.Pointers(groups.Items))
}
