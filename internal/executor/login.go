package executor

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/loginsecret"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// createLogin makes a login in the person's name and stores it: intent, act, result. That the Secret can be written is
// tried first, so that no login is made whose secret would be lost.
func (e *execution) createLogin(ctx context.Context) error {
	member := e.Member
	login := e.Operation.Login
	login.SecretName = loginsecret.Name(member.Name, login.Connection)
	account := e.Plan.Ledger.Account(login.OrganizationID)
	if account == nil || account.UserID != login.UserID {
		return nil // changed meanwhile; the next plan says what to do
	}
	found, trouble, err := e.lookAtSecret(ctx, &login)
	switch {
	case err != nil:
		return err
	case trouble != nil:
		return e.loginFailed(ctx, *trouble, nil)
	case found:
		return e.loginStored(ctx, login)
	}
	ledger := e.Plan.Ledger
	ledger.Logins = append(slices.Clone(ledger.Logins), login)
	if err := e.intend(ctx, ledger); err != nil {
		return err
	}
	created, err := e.kisi.CreateLogin(ctx, kisi.LoginCreate{Email: string(account.Email), Name: e.loginMark(login)})
	switch {
	case kisi.OutcomeUnknown(err):
		// Whether it was made is found out by looking, never by asking again.
		e.inDoubt(e.Operation.Row, err)
		return nil
	case err != nil:
		return e.loginFailed(ctx, e.loginRefusal(err), func(ledger *plan.Ledger) { ledger.RemoveLogin(login) }, err)
	}
	return e.storeLogin(ctx, login, account, created)
}

// lookAtSecret looks whether the Secret's name is free, and whether the operator may write it. A Secret of ours that holds
// a login of the user is taken as it is: its record was lost.
func (e *execution) lookAtSecret(ctx context.Context, login *v1alpha1.MemberLogin) (found bool, trouble *LoginProblem, err error) {
	member := e.Member
	existing, err := e.Secrets.Read(ctx, member, login.SecretName)
	switch {
	case apierrors.IsNotFound(err):
		err := e.Secrets.Create(ctx, member, *login, nil, client.DryRunAll)
		return false, secretTrouble(err, login.SecretName), nil
	case err != nil:
		return false, nil, fmt.Errorf("looking for Secret %s: %w", login.SecretName, err)
	case !metav1.IsControlledBy(existing, member):
		return false, nameTaken(login.SecretName), nil
	}
	held := *login
	held.LoginID = loginsecret.LoginIn(existing, member)
	if held.LoginID != 0 && len(existing.Data[loginsecret.SecretKey]) > 0 && string(existing.Data[loginsecret.UserIDKey]) == tenant.IDText(login.UserID) {
		*login = held
		return true, nil, nil
	}
	if err := e.Secrets.Delete(ctx, member, held); err != nil {
		return false, secretTrouble(err, login.SecretName), nil
	}
	return false, &LoginProblem{Reason: v1alpha1.ReasonLoginPending, Message: fmt.Sprintf("Secret %q of an earlier login has to go first", login.SecretName)}, nil
}

// storeLogin writes a login that Kisi has made into its Secret. If that fails the login goes again: nobody has it.
func (e *execution) storeLogin(ctx context.Context, login v1alpha1.MemberLogin, account *v1alpha1.MemberAccount, created *kisi.CreatedLogin) error {
	if created.UserID != int64(login.UserID) {
		return e.withdrawLogin(ctx, login, created, LoginProblem{Reason: v1alpha1.ReasonLoginRefused,
			Message: fmt.Sprintf("another Kisi user than %d now has this address; correct it in Kisi or in spec.email", login.UserID)})
	}
	login.LoginID = v1alpha1.KisiID(created.ID)
	err := e.Secrets.Create(ctx, e.Member, login, map[string][]byte{
		loginsecret.SecretKey: []byte(created.Secret.Reveal()),
		loginsecret.UserIDKey: []byte(tenant.IDText(login.UserID)),
		loginsecret.EmailKey:  []byte(account.Email),
	})
	if trouble := secretTrouble(err, login.SecretName); trouble != nil {
		return e.withdrawLogin(ctx, login, created, *trouble)
	}
	return e.loginStored(ctx, login)
}

// withdrawLogin takes back a login that cannot be used. One that stays in Kisi all the same is recorded, and goes later.
func (e *execution) withdrawLogin(ctx context.Context, login v1alpha1.MemberLogin, created *kisi.CreatedLogin, trouble LoginProblem) error {
	err := e.kisi.DeleteLogin(ctx, created.ID)
	gone := err == nil || kisi.IsNotFound(err)
	return e.loginFailed(ctx, trouble, func(ledger *plan.Ledger) {
		login.LoginID = v1alpha1.KisiID(created.ID)
		ledger.PutLogin(login)
		if gone {
			ledger.RemoveLogin(login)
		}
	})
}

// loginStored records a login whose Secret is written.
func (e *execution) loginStored(ctx context.Context, login v1alpha1.MemberLogin) error {
	e.Secrets.Await(ctx, e.Member, login)
	e.Backoffs.Settled(e.who, e.Operation.Row)
	e.Backoffs.Succeeded(e.who, e.Operation.Row)
	e.Logins.Settled(e.who, login.OrganizationID)
	return e.record(ctx, func(ledger *plan.Ledger) { ledger.PutLogin(login) })
}

// resolveLogin settles a login whose request was not answered, or not written down. If its Secret is there all is well.
// Otherwise a login that was made has lost its secret, and goes.
//
// Where the key's owner may not list other people's logins, one login that nobody can use may stay behind; Kisi keeps 40
// per user and drops the longest unused ones.
func (e *execution) resolveLogin(ctx context.Context) error {
	member, login := e.Member, e.Operation.Login
	stored, err := e.Secrets.LoginNow(ctx, member, login.SecretName)
	if err != nil {
		return err
	}
	if stored != 0 {
		login.LoginID = stored
		return e.loginStored(ctx, login)
	}
	if e.onItsWay(e.Operation.Row) {
		return nil
	}
	listing, err := e.kisi.ListLogins(ctx, int64(login.UserID))
	if err != nil && !kisi.IsForbidden(err) {
		return e.loginFailed(ctx, e.loginRefusal(err), nil, err)
	}
	if err == nil && !listing.Complete() {
		return e.loginFailed(ctx, LoginProblem{Reason: v1alpha1.ReasonLoginPending, Message: "the person's logins could not be read completely; trying again"}, nil)
	}
	if err == nil && len(listing.Items) == 0 {
		if err := e.kisi.Confirm(ctx); err != nil {
			return e.loginFailed(ctx, LoginProblem{Reason: v1alpha1.ReasonLoginPending, Message: "the person's logins could not be read completely; trying again"}, nil)
		}
	}
	for _, made := range listing.Items {
		if made.Name != e.loginMark(login) || made.UserID != int64(login.UserID) || e.recorded(login, made.ID) {
			continue
		}
		if err := e.kisi.DeleteLogin(ctx, made.ID); err != nil && !kisi.IsNotFound(err) && !kisi.IsForbidden(err) {
			return e.loginFailed(ctx, e.loginRefusal(err), nil, err)
		}
	}
	e.Backoffs.InVain(e.who, plan.Operation{Kind: plan.CreateLogin, Row: e.Operation.Row}, e.Operation.Row, "") // Ready does not depend on logins
	e.Backoffs.Settled(e.who, e.Operation.Row)
	return e.record(ctx, func(ledger *plan.Ledger) { ledger.RemoveLogin(login) })
}

// recorded reports whether a Member of the address has the login in its ledger.
func (e *execution) recorded(login v1alpha1.MemberLogin, id int64) bool {
	login.LoginID = v1alpha1.KisiID(id)
	return e.Plan.Ledger.HasLogin(login) || slices.ContainsFunc(e.Others, func(other *v1alpha1.Member) bool {
		return plan.LedgerOf(other).HasLogin(login)
	})
}

// deleteLogin takes a login back, in Kisi and then here. A login without access opens nothing, so one that the key's
// owner may not delete is let go of.
func (e *execution) deleteLogin(ctx context.Context) error {
	member, login := e.Member, e.Operation.Login
	if e.Operation.Replaces {
		// The cache, by which it was planned, may not have seen the Secret yet.
		stored, err := e.Secrets.HasNow(ctx, member, login)
		if err != nil {
			return err
		}
		if user := e.Plan.Ledger.Account(login.OrganizationID); stored && user != nil && user.UserID == login.UserID {
			e.Secrets.Await(ctx, member, login)
			return nil
		}
	}
	err := e.kisi.DeleteLogin(ctx, int64(login.LoginID))
	switch {
	case kisi.IsForbidden(err):
		e.Session.Report(err)
		log.FromContext(ctx).WithName("member").Info("Kisi does not let the key's owner delete a login (403); it stays in Kisi, without access",
			"member", client.ObjectKeyFromObject(member), "connection", login.Connection,
			"organizationID", login.OrganizationID, "userID", login.UserID, "loginID", login.LoginID)
	case err != nil && !kisi.IsNotFound(err):
		return e.loginFailed(ctx, e.loginRefusal(err), nil, err)
	}
	if err := e.Secrets.Delete(ctx, member, login); err != nil {
		if !apierrors.IsForbidden(err) {
			return err
		}
		log.FromContext(ctx).WithName("member").Info("The operator's role does not let it delete the Secret of a login; its content is of no use any more",
			"member", client.ObjectKeyFromObject(member), "connection", login.Connection, "secretName", login.SecretName)
	}
	e.Logins.Settled(e.who, login.OrganizationID)
	return e.record(ctx, func(ledger *plan.Ledger) { ledger.RemoveLogin(login) })
}

// loginMark is the name under which Kisi lists a login of ours: it tells it from the person's own and from those of
// other clusters.
func (e *execution) loginMark(login v1alpha1.MemberLogin) string {
	var uid types.UID
	if connection := e.Snapshot.ByName[login.Connection]; connection != nil {
		uid = connection.UID
	}
	return fmt.Sprintf("kisi-operator %s %s", e.Member.Namespace, uid)
}

// loginFailed says in LoginReady what went wrong, puts the operation off, and records what has changed if anything has.
func (e *execution) loginFailed(ctx context.Context, trouble LoginProblem, change func(*plan.Ledger), causes ...error) error {
	for _, cause := range causes {
		e.Session.Report(cause)
	}
	e.Logins.Note(e.who, e.Operation.Login.OrganizationID, trouble)
	e.Backoffs.Failed(e.who, e.Operation.ID(), "") // Ready does not depend on logins
	if change == nil {
		return nil // the end of the operation wakes the Member, which says so
	}
	return e.record(ctx, change)
}

// loginRefusal says why Kisi did not do what was asked about a login.
func (e *execution) loginRefusal(err error) LoginProblem {
	message := e.troubleOf(err).Message
	switch {
	case kisi.IsNotFound(err):
		message = "Kisi knows no user of this address (404); if it was changed there, put it right there, or in spec.email"
	case kisi.IsForbidden(err):
		message = "Kisi refuses a login on the person's behalf (403): the user is not a managed one, or the key's owner may not make logins"
	case kisi.IsUnavailable(err), kisi.IsRateLimited(err):
		return LoginProblem{Reason: v1alpha1.ReasonLoginPending, Message: message}
	}
	return LoginProblem{Reason: v1alpha1.ReasonLoginRefused, Message: message}
}

// secretTrouble says why a Secret could not be written; nil if it could.
func secretTrouble(err error, name v1alpha1.ObjectName) *LoginProblem {
	switch {
	case err == nil:
		return nil
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return &LoginProblem{Reason: v1alpha1.ReasonLoginPending, Message: "the namespace is being deleted"}
	case apierrors.IsForbidden(err):
		return &LoginProblem{Reason: v1alpha1.ReasonLoginsForbidden, Message: fmt.Sprintf(
			"the Kubernetes API does not let the operator write Secret %s; give it the role in config/rbac-logins, or set users.logins: None on the KisiConnection",
			strconv.Quote(string(name)))}
	case apierrors.IsAlreadyExists(err):
		return nameTaken(name)
	}
	return &LoginProblem{Reason: v1alpha1.ReasonLoginPending, Message: fmt.Sprintf("Secret %q could not be written; trying again", name)}
}

func nameTaken(name v1alpha1.ObjectName) *LoginProblem {
	return &LoginProblem{Reason: v1alpha1.ReasonSecretNameTaken, Message: fmt.Sprintf(
		"there is a Secret %q that is not this Member's; delete it, or give the Member another name", name)}
}
