package connection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/pacing"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
	"github.com/kisi-operator/kisi-operator/internal/webhook"
)

// Reconciler keeps the session of every KisiConnection and says how it stands.
type Reconciler struct {
	client.Client
	// APIReader reads past the cache: the content of a Secret is never cached.
	APIReader        client.Reader
	Sessions         *session.Pool
	AllowedEndpoints []string
	Enqueuers        *enqueue.Enqueuers
	Holds            *KeyHolds
	Imports          *imports.Users
	// OnGone, if set, is told of a connection that is gone.
	OnGone func(types.NamespacedName)
	// Webhooks takes Kisi's webhook calls; nil: the operator listens to none.
	Webhooks *webhook.Server

	hooks         lookup.Lookups[hookFound]
	signatureKeys keyring[kisi.Secret]
	hookWaits     sync.Map // connection → since when it only waits for its webhook to be removed

	apiKeys  keyring[kisi.APIKey]
	looks    sync.Map // connection → its reconcile-at annotation
	throttle pacing.Throttle
	opened   sync.Map // connection → the session that its dependents know of
}

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.Enqueuers.DoubtHook = r.doubtHook
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.KisiConnection{}).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.usingSecret)).
		Watches(&v1alpha1.Member{}, handler.EnqueueRequestsFromMapFunc(r.ofMember)).
		Watches(&v1alpha1.KisiGroup{}, handler.EnqueueRequestsFromMapFunc(ofGroup), builder.WithPredicates(enqueue.GroupCountChanges)).
		WatchesRawSource(r.Enqueuers.Connections.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4}).
		Complete(r)
}

// Reconcile brings one connection up to date.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	connection := &v1alpha1.KisiConnection{}
	if err := r.Get(ctx, request.NamespacedName, connection); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(request)
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, fmt.Errorf("reading the connection: %w", err)
	}
	if !connection.DeletionTimestamp.IsZero() {
		return r.letGo(ctx, connection)
	}
	if err := finalizers.Add(ctx, r.Client, connection); err != nil {
		return reconcile.Result{}, err
	}
	before := connection.Status.DeepCopy()
	unread := r.check(ctx, connection)
	again, unserved := r.serveWebhook(ctx, connection)
	unread = errors.Join(unread, unserved)
	after, err := r.count(ctx, connection)
	if err != nil {
		return reconcile.Result{}, err
	}
	after = requeue.Sooner(requeue.Sooner(after, again), requeue.Until(doubtedAt(connection.Status.API), time.Now()))
	if err := r.describeSync(ctx, connection); err != nil {
		return reconcile.Result{}, err
	}
	if err := r.describeKey(ctx, connection); err != nil {
		return reconcile.Result{}, err
	}
	r.describeImport(connection)
	if err := r.announce(ctx, connection); err != nil {
		return reconcile.Result{}, err
	}
	// Until Kisi or the Secret has answered for this generation Ready is about an older one, and so is the status.
	if current := meta.FindStatusCondition(connection.Status.Conditions, v1alpha1.ConditionReady); current != nil {
		connection.Status.ObservedGeneration = current.ObservedGeneration
	}
	if equality.Semantic.DeepEqual(before, &connection.Status) {
		return reconcile.Result{RequeueAfter: after}, unread
	}
	if err := r.Status().Update(ctx, connection); err != nil {
		return reconcile.Result{}, fmt.Errorf("writing the status: %w", err)
	}
	return reconcile.Result{RequeueAfter: after}, unread
}

// check finds out how the connection stands, and writes it into its conditions. It fails if the Secret could not be read.
func (r *Reconciler) check(ctx context.Context, connection *v1alpha1.KisiConnection) error {
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
	r.checkSession(connection, key)
	return nil
}

func (r *Reconciler) checkSession(connection *v1alpha1.KisiConnection, key kisi.APIKey) {
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
		r.accept(connection, s, found.Identity)
	}
}

// accept pins the organization at the first success, and refuses every other one from then on.
func (r *Reconciler) accept(connection *v1alpha1.KisiConnection, s *session.Session, identity session.Identity) {
	generation, current := connection.Generation, &connection.Status.Conditions
	conditions.Set(current, generation, v1alpha1.ConditionAuthenticated, metav1.ConditionTrue, v1alpha1.ReasonAuthenticated, "Kisi accepts the API key")
	if r.refuseOtherOrganization(connection, identity) {
		return
	}
	r.identify(connection, identity)
	conditions.Set(current, generation, v1alpha1.ConditionAuthorized, metav1.ConditionTrue, v1alpha1.ReasonAuthorized, "the key's owner may do what is needed")
	setOwnerKey(connection, identity)
	learn(connection, s, time.Now())
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

// storable cuts a name from Kisi to what the schema takes: otherwise the whole status would be refused.
func storable(name string) string {
	const longest = 1024
	if len(name) <= longest {
		return name
	}
	return strings.ToValidUTF8(name[:longest], "")
}

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

func (r *Reconciler) report(connection *v1alpha1.KisiConnection, v conditions.Verdict) {
	conditions.Summarize(&connection.Status.Conditions, connection.Generation, v)
}

// announce wakes everything that waits for a session of the connection. A status that changes wakes the rest through
// their watches; after a restart, or with a new key, the status may be the same and the session new.
func (r *Reconciler) announce(ctx context.Context, connection *v1alpha1.KisiConnection) error {
	name := client.ObjectKeyFromObject(connection)
	opened := tenant.SessionOf(r.Sessions, name)
	if opened == nil {
		r.opened.Delete(name)
		return nil
	}
	if known, _ := r.opened.Load(name); known == opened {
		return nil
	}
	in := tenant.In(ctx, r.Client, connection.Namespace)
	var groups v1alpha1.KisiGroupList
	if err := in.List(&groups, tenant.ByConnection, connection.Name); err != nil {
		return err
	}
	var places v1alpha1.PlaceMappingList
	if err := in.List(&places, tenant.ByConnection, connection.Name); err != nil {
		return err
	}
	members, err := in.AllMembers()
	if err != nil {
		return err
	}
	r.Enqueuers.Imports.Enqueue(enqueue.RequestFor(connection))
	r.Enqueuers.Groups.Enqueue(enqueue.RequestsFor(tenant.Pointers(groups.Items))...)
	r.Enqueuers.Places.Enqueue(enqueue.RequestsFor(tenant.Pointers(places.Items))...)
	r.Enqueuers.Members.Enqueue(enqueue.RequestsFor(members)...)
	r.opened.Store(name, opened)
	return nil
}

// letGo ends the session. Under Retain nothing else happens: rows become Retained because their connection is gone.
// Under Revoke the connection stays until no ledger holds a row of its organization.
func (r *Reconciler) letGo(ctx context.Context, connection *v1alpha1.KisiConnection) (reconcile.Result, error) {
	name := client.ObjectKeyFromObject(connection)
	if !tenant.RevokesBeforeLeaving(connection) {
		r.Sessions.Close(name) // first of all: not one request more is sent
	} else {
		left, err := r.rowsLeft(ctx, connection)
		if err != nil {
			return reconcile.Result{}, err
		}
		if left > 0 {
			before := connection.Status.DeepCopy()
			unread := r.check(ctx, connection)
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
func (r *Reconciler) rowsLeft(ctx context.Context, connection *v1alpha1.KisiConnection) (int, error) {
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
			if row.OrganizationID == organization && row.State != v1alpha1.GrantRetained && !staying.holds(row) && (asks || !plan.Over(row, time.Now())) {
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

func (r *Reconciler) membersOf(ctx context.Context, connection *v1alpha1.KisiConnection) ([]v1alpha1.Member, error) {
	var members v1alpha1.MemberList
	organization := tenant.IDText(connection.Status.Organization.ID)
	err := r.List(ctx, &members, client.InNamespace(connection.Namespace), client.MatchingFields{tenant.ByOrganization: organization}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the Members of organization %s: %w", organization, err)
	}
	return members.Items, nil
}

// count sums up the ledgers, at most every few seconds, and says when to do so again.
func (r *Reconciler) count(ctx context.Context, connection *v1alpha1.KisiConnection) (time.Duration, error) {
	if connection.Status.Organization == nil {
		return 0, nil
	}
	if wait := r.throttle.Wait(client.ObjectKeyFromObject(connection)); wait > 0 {
		return wait, nil
	}
	members, err := r.membersOf(ctx, connection)
	if err != nil {
		return 0, err
	}
	counts := v1alpha1.ConnectionCounts{}
	if known := connection.Status.Counts; known != nil {
		counts.ForeignAssignments = known.ForeignAssignments
	}
	held := limit.HeldRows{}
	for i := range members {
		countMember(&counts, &members[i], connection.Status.Organization.ID)
		held.Add(&members[i], connection.Status.Organization.ID)
	}
	held.Describe(connection, time.Now())
	var groups v1alpha1.KisiGroupList
	if err := r.List(ctx, &groups, client.InNamespace(connection.Namespace), client.MatchingFields{tenant.ByConnection: connection.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return 0, fmt.Errorf("listing the connection's groups: %w", err)
	}
	for i := range groups.Items {
		if groups.Items[i].Status.KisiGroupID != 0 {
			counts.Groups++
		}
	}
	if err := r.countPlanned(ctx, &counts, connection, groups.Items); err != nil {
		return 0, err
	}
	if connection.Status.Counts != nil && *connection.Status.Counts != counts {
		r.throttle.Note(client.ObjectKeyFromObject(connection))
	}
	connection.Status.Counts = &counts
	return 0, nil
}

func countMember(counts *v1alpha1.ConnectionCounts, member *v1alpha1.Member, organizationID v1alpha1.KisiID) {
	for _, account := range member.Status.Accounts {
		if account.OrganizationID == organizationID {
			counts.Members++
		}
	}
	for _, row := range member.Status.Grants {
		if row.OrganizationID != organizationID {
			continue
		}
		switch row.State {
		case v1alpha1.GrantActive, v1alpha1.GrantScheduled:
			counts.Grants++
		case v1alpha1.GrantPending:
			counts.PendingGrants++
		case v1alpha1.GrantRevoking:
			counts.Grants++
			counts.PendingRevocations++
		case v1alpha1.GrantHeld:
			counts.Grants++
			counts.HeldRevocations++
		}
	}
}

func (r *Reconciler) forget(request reconcile.Request) {
	r.opened.Delete(request.NamespacedName)
	r.hookWaits.Delete(request.NamespacedName)
	r.throttle.Forget(request.NamespacedName)
	r.Sessions.Close(request.NamespacedName)
	r.apiKeys.forget(request.NamespacedName)
	r.looks.Delete(request.NamespacedName)
	r.signatureKeys.forget(request.NamespacedName)
	r.hooks.Forget("webhook/" + request.String())
	r.ignoreCalls(request.NamespacedName)
	if r.OnGone != nil {
		r.OnGone(request.NamespacedName)
	}
}

// usingSecret finds the connections that a Secret belongs to.
func (r *Reconciler) usingSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	var connections v1alpha1.KisiConnectionList
	err := r.List(ctx, &connections, client.InNamespace(secret.GetNamespace()), client.MatchingFields{tenant.BySecret: secret.GetName()}, client.UnsafeDisableDeepCopy)
	if err != nil {
		enqueue.LogMapError(ctx, "connections of a Secret", err)
		return nil
	}
	return enqueue.RequestsFor(tenant.Pointers(connections.Items))
}

// ofMember finds the connections whose counts a Member's ledger changes.
func (r *Reconciler) ofMember(ctx context.Context, object client.Object) []reconcile.Request {
	member := object.(*v1alpha1.Member)
	requests, err := r.ofPlanned(ctx, member)
	if err != nil {
		enqueue.LogMapError(ctx, "connections of what is planned for a Member", err)
	}
	if len(member.Status.Grants)+len(member.Status.Accounts) == 0 {
		return requests
	}
	connections, err := tenant.In(ctx, r.Client, member.Namespace).Connections()
	if err != nil {
		enqueue.LogMapError(ctx, "connections of a Member", err)
		return requests
	}
	for i := range connections {
		organization := connections[i].Status.Organization
		if organization != nil && slices.Contains(tenant.MemberOrganizations(member), tenant.IDText(organization.ID)) {
			requests = append(requests, enqueue.RequestFor(&connections[i]))
		}
	}
	return requests
}

// ofGroup finds the connection whose state a group's binding changes.
func ofGroup(_ context.Context, group client.Object) []reconcile.Request {
	return []reconcile.Request{enqueue.RequestNamed(group.GetNamespace(), string(group.(*v1alpha1.KisiGroup).Spec.ConnectionRef.Name))}
}
