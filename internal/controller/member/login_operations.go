package member

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/secrets"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// createLogin makes a login in the person's name and stores it: intent, act, result. That the Secret can be written is
// tried first, so that no login is made whose secret would be lost.
func (d doing) createLogin(ctx context.Context) error {
	member := d.p.member
	login := d.operation.Login
	login.SecretName = loginSecretName(member.Name, login.Connection)
	account := d.p.plan.Ledger.Account(login.OrganizationID)
	if account == nil || account.UserID != login.UserID {
		return nil // changed meanwhile; the next plan says what to do
	}
	found, trouble, err := d.lookAtSecret(ctx, &login)
	switch {
	case err != nil:
		return err
	case trouble != nil:
		return d.loginFailed(ctx, *trouble, nil)
	case found:
		return d.loginStored(ctx, login)
	}
	ledger := d.p.plan.Ledger
	ledger.Logins = append(slices.Clone(ledger.Logins), login)
	if err := d.intend(ctx, ledger); err != nil {
		return err
	}
	created, err := d.kisi.CreateLogin(ctx, kisi.LoginCreate{Email: string(account.Email), Name: d.loginMark(login)})
	switch {
	case kisi.OutcomeUnknown(err):
		// Whether it was made is found out by looking, never by asking again.
		d.inDoubt(d.operation.Row, err)
		return nil
	case err != nil:
		return d.loginFailed(ctx, d.loginRefusal(err), func(ledger *plan.Ledger) { ledger.RemoveLogin(login) }, err)
	}
	return d.storeLogin(ctx, login, account, created)
}

// lookAtSecret looks whether the Secret's name is free, and whether the operator may write it. A Secret of ours that holds
// a login of the user is taken as it is: its record was lost.
func (d doing) lookAtSecret(ctx context.Context, login *v1alpha1.MemberLogin) (found bool, trouble *loginTrouble, err error) {
	member := d.p.member
	existing := &corev1.Secret{}
	err = d.r.Live.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: string(login.SecretName)}, existing)
	switch {
	case apierrors.IsNotFound(err):
		err := createLoginSecret(ctx, d.r.Client, member, *login, nil, client.DryRunAll)
		return false, secretTrouble(err, login.SecretName), nil
	case err != nil:
		return false, nil, fmt.Errorf("looking for Secret %s: %w", login.SecretName, err)
	case !metav1.IsControlledBy(existing, member):
		return false, nameTaken(login.SecretName), nil
	}
	held := *login
	held.LoginID = loginIn(existing, member)
	if held.LoginID != 0 && len(existing.Data[loginSecretKey]) > 0 && string(existing.Data[loginUserIDKey]) == tenant.IDText(login.UserID) {
		*login = held
		return true, nil, nil
	}
	if err := deleteLoginSecret(ctx, d.r.Client, d.r.Live, member, held); err != nil {
		return false, secretTrouble(err, login.SecretName), nil
	}
	return false, &loginTrouble{reason: v1alpha1.ReasonLoginPending, message: fmt.Sprintf("Secret %q of an earlier login has to go first", login.SecretName)}, nil
}

// storeLogin writes a login that Kisi has made into its Secret. If that fails the login goes again: nobody has it.
func (d doing) storeLogin(ctx context.Context, login v1alpha1.MemberLogin, account *v1alpha1.MemberAccount, created *kisi.CreatedLogin) error {
	if created.UserID != int64(login.UserID) {
		return d.withdrawLogin(ctx, login, created, loginTrouble{reason: v1alpha1.ReasonLoginRefused,
			message: fmt.Sprintf("in Kisi another user than %d has the address by now; put the person's address right there, or in spec.email", login.UserID)})
	}
	login.LoginID = v1alpha1.KisiID(created.ID)
	err := createLoginSecret(ctx, d.r.Client, d.p.member, login, map[string][]byte{
		loginSecretKey: []byte(created.Secret.Reveal()),
		loginUserIDKey: []byte(tenant.IDText(login.UserID)),
		loginEmailKey:  []byte(account.Email),
	})
	if trouble := secretTrouble(err, login.SecretName); trouble != nil {
		return d.withdrawLogin(ctx, login, created, *trouble)
	}
	return d.loginStored(ctx, login)
}

// withdrawLogin takes back a login that cannot be used. One that stays in Kisi all the same is recorded, and goes later.
func (d doing) withdrawLogin(ctx context.Context, login v1alpha1.MemberLogin, created *kisi.CreatedLogin, trouble loginTrouble) error {
	err := d.kisi.DeleteLogin(ctx, created.ID)
	gone := err == nil || kisi.IsNotFound(err)
	return d.loginFailed(ctx, trouble, func(ledger *plan.Ledger) {
		login.LoginID = v1alpha1.KisiID(created.ID)
		ledger.PutLogin(login)
		if gone {
			ledger.RemoveLogin(login)
		}
	})
}

// loginStored records a login whose Secret is written.
func (d doing) loginStored(ctx context.Context, login v1alpha1.MemberLogin) error {
	d.r.awaitSecret(ctx, d.p.member, login)
	d.r.setbacks.settled(personOf(d.p.member), d.operation.Row)
	d.r.loginTroubles.settled(d.p.member, login.OrganizationID)
	return d.record(ctx, func(ledger *plan.Ledger) { ledger.PutLogin(login) })
}

// resolveLogin settles a login whose request was not answered, or not written down. If its Secret is there all is well.
// Otherwise a login that was made has lost its secret, and goes.
//
// Where the key's owner may not list other people's logins, one login that nobody can use may stay behind; Kisi keeps 40
// per user and drops the longest unused ones.
func (d doing) resolveLogin(ctx context.Context) error {
	member, login := d.p.member, d.operation.Login
	secret := secrets.Metadata()
	err := d.r.Live.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: string(login.SecretName)}, secret)
	if err == nil {
		if id := loginIn(secret, member); id != 0 {
			login.LoginID = id
			return d.loginStored(ctx, login)
		}
	} else if !apierrors.IsNotFound(err) {
		return fmt.Errorf("looking for Secret %s: %w", login.SecretName, err)
	}
	if d.onItsWay(d.operation.Row) {
		return nil
	}
	listing, err := d.kisi.ListLogins(ctx, int64(login.UserID))
	if err != nil && !kisi.IsForbidden(err) {
		return d.loginFailed(ctx, d.loginRefusal(err), nil, err)
	}
	if err == nil && !listing.Complete() {
		return d.loginFailed(ctx, loginTrouble{reason: v1alpha1.ReasonLoginPending, message: "the person's logins could not be read completely; trying again"}, nil)
	}
	if err == nil && len(listing.Items) == 0 {
		if err := d.kisi.Confirm(ctx); err != nil {
			return d.loginFailed(ctx, loginTrouble{reason: v1alpha1.ReasonLoginPending, message: "the person's logins could not be read completely; trying again"}, nil)
		}
	}
	for _, made := range listing.Items {
		if made.Name != d.loginMark(login) || made.UserID != int64(login.UserID) || d.recorded(login, made.ID) {
			continue
		}
		if err := d.kisi.DeleteLogin(ctx, made.ID); err != nil && !kisi.IsNotFound(err) && !kisi.IsForbidden(err) {
			return d.loginFailed(ctx, d.loginRefusal(err), nil, err)
		}
	}
	d.r.setbacks.settled(personOf(member), d.operation.Row)
	return d.record(ctx, func(ledger *plan.Ledger) { ledger.RemoveLogin(login) })
}

// recorded reports whether a Member of the address has the login in its ledger.
func (d doing) recorded(login v1alpha1.MemberLogin, id int64) bool {
	login.LoginID = v1alpha1.KisiID(id)
	return d.p.plan.Ledger.HasLogin(login) || slices.ContainsFunc(d.p.others, func(other *v1alpha1.Member) bool {
		return plan.LedgerOf(other).HasLogin(login)
	})
}

// deleteLogin takes a login back, in Kisi and then here. A login without access opens nothing, so one that the key's
// owner may not delete is let go of.
func (d doing) deleteLogin(ctx context.Context) error {
	member, login := d.p.member, d.operation.Login
	if d.operation.Replaces {
		// The cache, by which it was planned, may not have seen the Secret yet.
		stored, err := loginStored(ctx, d.r.Live, member, login)
		if err != nil {
			return err
		}
		if user := d.p.plan.Ledger.Account(login.OrganizationID); stored && user != nil && user.UserID == login.UserID {
			d.r.awaitSecret(ctx, member, login)
			return nil
		}
	}
	err := d.kisi.DeleteLogin(ctx, int64(login.LoginID))
	switch {
	case kisi.IsForbidden(err):
		d.session.Report(err)
		log.FromContext(ctx).WithName("member").Info("Kisi does not let the key's owner delete a login (403); it stays in Kisi, without access",
			"member", client.ObjectKeyFromObject(member), "login", login.LoginID, "user", login.UserID)
	case err != nil && !kisi.IsNotFound(err):
		return d.loginFailed(ctx, d.loginRefusal(err), nil, err)
	}
	if err := deleteLoginSecret(ctx, d.r.Client, d.r.Live, member, login); err != nil {
		if !apierrors.IsForbidden(err) {
			return err
		}
		log.FromContext(ctx).WithName("member").Info("The operator's role does not let it delete the Secret of a login; its content is of no use any more",
			"member", client.ObjectKeyFromObject(member), "secret", login.SecretName)
	}
	d.r.loginTroubles.settled(member, login.OrganizationID)
	return d.record(ctx, func(ledger *plan.Ledger) { ledger.RemoveLogin(login) })
}

// loginMark is the name under which Kisi lists a login of ours: it tells it from the person's own and from those of
// other clusters.
func (d doing) loginMark(login v1alpha1.MemberLogin) string {
	var uid types.UID
	if connection := d.p.snapshot.ByName[login.Connection]; connection != nil {
		uid = connection.UID
	}
	return fmt.Sprintf("kisi-operator %s %s", d.p.member.Namespace, uid)
}

// loginFailed says in LoginReady what went wrong, puts the operation off, and records what has changed if anything has.
func (d doing) loginFailed(ctx context.Context, trouble loginTrouble, change func(*plan.Ledger), causes ...error) error {
	for _, cause := range causes {
		d.session.Report(cause)
	}
	d.r.loginTroubles.note(d.p.member, d.operation.Login.OrganizationID, trouble)
	d.r.setbacks.failed(personOf(d.p.member), d.operation.ID(), "") // Ready does not depend on logins
	if change == nil {
		return nil // the end of the operation wakes the Member, which says so
	}
	return d.record(ctx, change)
}

// awaitSecret waits until the cache has seen the Secret, so that the next plan does not take it for lost. It gives up
// soon: a lost Secret is looked for past the cache before anything is done about it.
func (r *Reconciler) awaitSecret(ctx context.Context, member *v1alpha1.Member, login v1alpha1.MemberLogin) {
	const patience = 2 * time.Second
	_ = wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		return loginStored(ctx, r.Client, member, login)
	})
}

// loginRefusal says why Kisi did not do what was asked about a login.
func (d doing) loginRefusal(err error) loginTrouble {
	message := d.troubleOf(err).Message
	switch {
	case kisi.IsNotFound(err):
		message = "Kisi knows no user of this address (404); if it was changed there, put it right there, or in spec.email"
	case kisi.IsForbidden(err):
		message = "Kisi refuses a login on the person's behalf (403): the user is not a managed one, or the key's owner may not make logins"
	case kisi.IsUnavailable(err), kisi.IsRateLimited(err):
		return loginTrouble{reason: v1alpha1.ReasonLoginPending, message: message}
	}
	return loginTrouble{reason: v1alpha1.ReasonLoginRefused, message: message}
}

// secretTrouble says why a Secret could not be written; nil if it could.
func secretTrouble(err error, name v1alpha1.ObjectName) *loginTrouble {
	switch {
	case err == nil:
		return nil
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return &loginTrouble{reason: v1alpha1.ReasonLoginPending, message: "the namespace is being deleted"}
	case apierrors.IsForbidden(err):
		return &loginTrouble{reason: v1alpha1.ReasonLoginsForbidden, message: fmt.Sprintf(
			"the Kubernetes API does not let the operator write Secret %s; give it the role in config/rbac-logins, or set users.logins: None on the KisiConnection",
			strconv.Quote(string(name)))}
	case apierrors.IsAlreadyExists(err):
		return nameTaken(name)
	}
	return &loginTrouble{reason: v1alpha1.ReasonLoginPending, message: fmt.Sprintf("Secret %q could not be written; trying again", name)}
}

func nameTaken(name v1alpha1.ObjectName) *loginTrouble {
	return &loginTrouble{reason: v1alpha1.ReasonSecretNameTaken, message: fmt.Sprintf(
		"there is a Secret %q that is not this Member's; delete it, or give the Member another name", name)}
}
