package userimport

import (
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Reconciler makes a Member for every user that Kisi already has, where a connection asks for it. It writes nothing
// to Kisi, whatever the mode. The Members go by themselves: see imported.
type Reconciler struct {
	client.Client
	Sessions  *session.Pool
	Enqueuers *enqueue.Enqueuers
	Imports   *imports.Users

	users lookup.Lookups[userList]
}

// userList is one complete read of an organization's users.
type userList struct {
	users []kisi.User
	at    time.Time
}

// mostMadeAtOnce bounds how many Members are made before other connections have their turn.
const mostMadeAtOnce = 100

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("userimport").
		For(&v1alpha1.KisiConnection{}, builder.WithPredicates(enqueue.ConnectionChanges)).
		WatchesRawSource(r.Enqueuers.Imports.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 2}).
		Complete(r)
}

// Reconcile brings the imported Members of one connection up to date.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	connection := &v1alpha1.KisiConnection{}
	if err := r.Get(ctx, request.NamespacedName, connection); err != nil {
		r.forget(request)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !imports.Wanted(connection) {
		r.forget(request)
		return reconcile.Result{}, nil
	}
	s := tenant.UsableSession(r.Sessions, connection)
	if s == nil || !conditions.IsReady(connection.Status.Conditions) || connection.Status.Organization == nil {
		return reconcile.Result{}, nil // the connection's verdict wakes it
	}
	list, answered, err := r.ask(s, connection)
	if !answered {
		return reconcile.Result{}, nil // the answer wakes it
	}
	organization := connection.Status.Organization.ID
	if err != nil {
		r.Imports.Failed(request.NamespacedName, organization, "the users could not be read completely; trying again")
		r.Enqueuers.Connections.Enqueue(request)
		return reconcile.Result{RequeueAfter: r.users.NextLook(usersKey(request))}, nil //nolint:nilerr // the session has it; the status says it
	}
	differing := r.Imports.Read(request.NamespacedName, organization, list.users, list.at)
	if differing != nil {
		if err := r.compare(ctx, s, connection, list.users, differing); err != nil {
			return reconcile.Result{}, err
		}
	}
	unfinished, err := r.makeMembers(ctx, connection)
	if err != nil {
		return reconcile.Result{}, err
	}
	r.Enqueuers.Connections.Enqueue(request)
	if unfinished {
		return reconcile.Result{RequeueAfter: time.Millisecond}, nil
	}
	return reconcile.Result{RequeueAfter: max(time.Until(list.at.Add(tenant.FreshFor(connection, s))), time.Second)}, nil
}

func (r *Reconciler) forget(request reconcile.Request) {
	r.users.Forget(usersKey(request))
	r.Imports.Forget(request.NamespacedName)
}

// usersKey names a connection as the asker for all users.
func usersKey(request reconcile.Request) string { return "users/" + request.String() }

// ask has all users read, page by page: all of them or none.
func (r *Reconciler) ask(s *session.Session, connection *v1alpha1.KisiConnection) (userList, bool, error) {
	request := enqueue.RequestFor(connection)
	maxAge := tenant.FreshFor(connection, s)
	return r.users.Ask(s, kisi.Class{Priority: kisi.Background, Connection: s.Name().String()}, lookup.Question[userList]{
		Key:     usersKey(request),
		Version: fmt.Sprintf("%s/%s/%d", connection.UID, connection.Annotations[v1alpha1.ReconcileAtAnnotation], s.Number()),
		MaxAge:  maxAge, RetryMin: lookup.FirstRetry(connection), RetryMax: maxAge,
		Still: lookup.Unchanged(r.Client, connection),
		Read: func(ctx context.Context, client *kisi.Client) (userList, error) {
			at := time.Now()
			listing, err := client.ListUsers(ctx, kisi.UserFilter{})
			if err == nil && !listing.Complete() {
				err = fmt.Errorf("reading the users: %s", listing.Incomplete)
			}
			for i := range listing.Items {
				listing.Items[i] = heldUser(listing.Items[i])
			}
			return userList{listing.Items, at}, err
		},
		Wake: func() { r.Enqueuers.Imports.Enqueue(request) },
	})
}

// heldUser leaves out of a user what nobody asks for: the list is kept until the next is read. A name or an address that is
// cut is still none that a Member can have.
func heldUser(user kisi.User) kisi.User {
	const longest = 1024
	user.Metadata, user.Notes = nil, ""
	user.Name = strings.Clone(user.Name[:min(longest, len(user.Name))])
	user.Email = strings.Clone(user.Email[:min(longest, len(user.Email))])
	return user
}

// compare wakes the Members of whom the list says something new, and has the users read of whom it says something else
// than their ledger.
func (r *Reconciler) compare(ctx context.Context, s *session.Session, connection *v1alpha1.KisiConnection, users []kisi.User, differing []entitlement.Address) error {
	in := tenant.In(ctx, r.Client, connection.Namespace)
	organization := connection.Status.Organization.ID
	byID := map[v1alpha1.KisiID]kisi.User{}
	for _, user := range users {
		byID[v1alpha1.KisiID(user.ID)] = user
	}
	var known v1alpha1.MemberList
	if err := in.List(&known, tenant.ByOrganization, tenant.IDText(organization)); err != nil {
		return err
	}
	for i := range known.Items {
		for _, account := range known.Items[i].Status.Accounts {
			if account.OrganizationID == organization && surprises(s, account, byID) {
				s.Mirror().DoubtUser(int64(account.UserID))
				r.Enqueuers.Members.Enqueue(enqueue.RequestFor(&known.Items[i]))
			}
		}
	}
	for _, address := range differing {
		members, err := in.Members(address)
		if err != nil {
			return err
		}
		r.Enqueuers.Members.Enqueue(enqueue.RequestsFor(members)...)
	}
	var labelled v1alpha1.MemberList // after a restart it is not known who has gone meanwhile
	err := r.List(ctx, &labelled, client.InNamespace(connection.Namespace), client.MatchingLabels{v1alpha1.ImportedLabel: "true"}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fmt.Errorf("listing the imported Members: %w", err)
	}
	r.Enqueuers.Members.Enqueue(enqueue.RequestsFor(tenant.Pointers(labelled.Items))...)
	return nil
}

// surprises reports whether a complete list of users says something else of an account's user than the account.
func surprises(s *session.Session, account v1alpha1.MemberAccount, users map[v1alpha1.KisiID]kisi.User) bool {
	user, listed := users[account.UserID]
	if !listed {
		return plan.Differs(account, nil)
	}
	return plan.Differs(account, executor.SeenUser(s, &user))
}

// makeMembers makes the Members that are missing. It reports whether some are left to be made.
func (r *Reconciler) makeMembers(ctx context.Context, connection *v1alpha1.KisiConnection) (unfinished bool, err error) {
	in := tenant.In(ctx, r.Client, connection.Namespace)
	name := client.ObjectKeyFromObject(connection)
	made := 0
	for _, address := range r.Imports.Addresses(name) {
		members, err := in.Members(address)
		if err != nil {
			return false, err
		}
		if len(members) > 0 {
			continue
		}
		user, found, _ := r.Imports.User(name, address)
		if !found {
			continue
		}
		if made == mostMadeAtOnce {
			return true, nil
		}
		made++
		err = r.makeMember(ctx, connection.Namespace, user)
		switch {
		case apierrors.IsInvalid(err):
			r.Imports.Refuse(name, address)
		case err != nil:
			return false, err
		}
	}
	return false, nil
}

// makeMember makes the Member of one user. A name that no Member can have is left out.
func (r *Reconciler) makeMember(ctx context.Context, namespace string, user imports.User) error {
	member := entitlement.ImplicitMember(namespace, entitlement.Invitee{Address: entitlement.Fold(user.Email), Email: user.Email, Name: user.Name})
	member.Labels[v1alpha1.ImportedLabel] = "true"
	err := r.Create(ctx, member.DeepCopy())
	if apierrors.IsInvalid(err) && user.Name != "" {
		member.Spec.FullName = ""
		err = r.Create(ctx, member)
	}
	if apierrors.IsAlreadyExists(err) || apierrors.HasStatusCause(err, "NamespaceTerminating") {
		return nil
	}
	return err
}
