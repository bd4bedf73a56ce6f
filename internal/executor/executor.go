package executor

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/audit"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/loginsecret"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// ErrStale says that nothing was done, because the Member has changed since it was read.
var ErrStale = errors.New("the Member has changed meanwhile; nothing was done")

// Ledger is one person's, as its keeper writes it down.
type Ledger interface {
	// Plan decides what is to be done for a ledger that differs from the recorded one. It writes nothing.
	Plan(ctx context.Context, ledger plan.Ledger) (plan.Plan, error)
	// Intend writes down a ledger that says what is about to be asked of Kisi, and returns the plan for it. It fails with
	// ErrStale where the recorded ledger is another by now, so that whoever reads a stale cache, or has lost its lease, fails
	// before anything is asked.
	Intend(ctx context.Context, ledger plan.Ledger) (plan.Plan, error)
	// Record applies what Kisi has answered to the ledger as it is by now, however it has changed meanwhile. It applies it
	// again where the ledger changes under its hands.
	Record(ctx context.Context, apply func(*plan.Ledger)) error
}

// Ledgers are those of all Members.
type Ledgers interface {
	// Claim finds the ledgers that have a role assignment of the user.
	Claim(ctx context.Context, member *v1alpha1.Member, organizationID, userID, assignmentID v1alpha1.KisiID) (tenant.Claim, error)
	// Accounts lists what the ledgers of all namespaces say of a user.
	Accounts(ctx context.Context, organizationID, userID v1alpha1.KisiID) ([]v1alpha1.MemberAccount, error)
}

// Observer is told what an operation comes upon that concerns more than the ledger.
type Observer interface {
	// GroupNotFound is told of a KisiGroup whose group Kisi does not find.
	GroupNotFound(group types.NamespacedName)
	// UserRead is told that the account's user has just been read.
	UserRead(account v1alpha1.MemberAccount)
	// UserGone is told of a user who is not the person's any more.
	UserGone(organizationID, userID v1alpha1.KisiID)
	// Found is told of a difference that somebody made in Kisi.
	Found(finding plan.Finding)
	// Recovered is told of Members to whom Kisi has refused what it may take by now.
	Recovered(members []types.NamespacedName)
}

// Executor carries out operations for all people, and remembers what did not work.
type Executor struct {
	Ledgers  Ledgers
	Secrets  loginsecret.Store
	Backoffs Backoffs
	Logins   LoginProblems
	// Audit takes down every change; nil: nobody does.
	Audit *audit.Log
	// LogPeople has the log and the audit log say whose address and name it is.
	LogPeople bool
	// OnNewAccess, if set, is told of each role assignment that is new access, for metrics.
	OnNewAccess func(context.Context, NewAccess)
}

// Task is one operation of a person's plan, with what it is carried out by.
type Task struct {
	Member    *v1alpha1.Member
	Others    []*v1alpha1.Member // of the same address
	Snapshot  *tenant.Snapshot
	Now       time.Time
	Plan      plan.Plan
	Operation plan.Operation
	Session   *session.Session
	Ledger    Ledger
	Observer  Observer
}

// execution is a task while it is carried out.
type execution struct {
	*Executor
	Task
	kisi *kisi.Client
	who  string // the person, as the backoffs know it
	// stoodIn says that the ledger had the person let in by another assignment before, or kept out by an admin.
	stoodIn bool
	// gone are rows that the operation has taken away on the way to something else.
	gone []v1alpha1.MemberGrant
}

// Execute carries out the task, whose request has its turn. What Kisi answers, and whether it does, goes into the ledger
// and the backoffs; an error is one of Kubernetes.
func (x *Executor) Execute(ctx context.Context, task Task) error {
	client, _ := task.Session.Client()
	e := &execution{Executor: x, Task: task, kisi: client, who: tenant.PersonOf(task.Member)}
	e.stoodIn = stoodIn(task)
	switch task.Operation.Kind {
	case plan.Grant:
		return e.grant(ctx)
	case plan.Update:
		return e.changeWindow(ctx)
	case plan.Replace:
		return e.replace(ctx)
	case plan.Resolve:
		return e.resolve(ctx)
	case plan.Verify:
		return e.verify(ctx)
	case plan.CreateUser:
		return e.createUser(ctx)
	case plan.Rename:
		return e.rename(ctx)
	case plan.CheckUser:
		_, err := e.checkUser(ctx)
		return err
	case plan.EnableUser:
		return e.enableUser(ctx)
	case plan.SuspendUser, plan.DeleteUser:
		return e.disposeOfUser(ctx)
	case plan.CreateLogin:
		return e.createLogin(ctx)
	case plan.ResolveLogin:
		return e.resolveLogin(ctx)
	case plan.DeleteLogin:
		return e.deleteLogin(ctx)
	default:
		return e.revoke(ctx)
	}
}

func (e *execution) now() time.Time { return e.Backoffs.now() }

// decide makes the plan anew for a ledger that differs from the recorded one.
func (e *execution) decide(ctx context.Context, ledger plan.Ledger) (err error) {
	e.Plan, err = e.Ledger.Plan(ctx, ledger)
	return err
}

// intend writes the intent down.
func (e *execution) intend(ctx context.Context, ledger plan.Ledger) (err error) {
	e.Plan, err = e.Ledger.Intend(ctx, ledger)
	return err
}

// failed reports an error to the session and puts the operation off.
func (e *execution) failed(err error) error {
	if errors.Is(err, kisi.ErrClientClosed) {
		return nil // the connection is paused, going, or has another key; the plan for that wakes the Member
	}
	e.Session.Report(err)
	if kisi.IsRateLimited(err) { // the queue pauses, and that is wait enough
		e.Backoffs.Postponed(e.who, e.Operation.ID(), e.now())
		return nil
	}
	if trouble := e.troubleOf(err); trouble.Kind == failure.Refused || kisi.IsInvalid(err) || kisi.IsConflict(err) {
		e.Backoffs.RefusedAmong(e.who, e.Operation.ID(), trouble, kisi.RetryAfter(err), e.Operation.Row.OrganizationID, e.Member)
	} else {
		e.Backoffs.Troubled(e.who, e.Operation.ID(), trouble, kisi.RetryAfter(err))
	}
	if kisi.IsForbidden(err) || kisi.IsInvalid(err) || kisi.IsConflict(err) || kisi.IsNotFound(err) {
		e.Backoffs.Refuse(e.who, e.Operation.ID())
	}
	return nil
}

// troubleOf says what an error means for the person, without saying who that is.
func (e *execution) troubleOf(err error) failure.Failure {
	member := e.Member
	return failure.Of(err, string(member.Spec.Email), string(member.Spec.FullName), string(entitlement.KisiName(member)))
}

// record writes an answer of Kisi's into the ledger, and what the operation has taken away before it.
func (e *execution) record(ctx context.Context, apply func(*plan.Ledger)) error {
	var changes plan.LedgerChanges
	err := e.Ledger.Record(ctx, func(ledger *plan.Ledger) {
		before := plan.Ledger{Grants: slices.Clone(ledger.Grants)}
		for _, row := range e.gone {
			ledger.Remove(row)
		}
		apply(ledger)
		e.Plan.LetGoReplaced(ledger)
		changes = plan.Compare(before, *ledger)
	})
	if err == nil {
		e.tell(ctx, changes)
	}
	return err
}

// revoke deletes the role assignment of a row. That it is gone already is as good.
func (e *execution) revoke(ctx context.Context) error {
	row := e.Operation.Row
	if e.adopted(row) {
		// Taken down first: it says what this operator takes for its own, and fails where the ledger is another by now.
		if err := e.intend(ctx, e.Plan.Ledger); err != nil {
			return err
		}
	}
	err := e.kisi.DeleteRoleAssignment(ctx, int64(row.RoleAssignmentID))
	if err != nil && !kisi.IsNotFound(err) {
		if kisi.OutcomeUnknown(err) {
			e.inDoubt(row, err)
		}
		return e.failed(err)
	}
	e.Session.Mirror().Remove(int64(row.KisiGroupID), int64(row.RoleAssignmentID))
	e.Backoffs.Settled(e.who, row)
	return e.record(ctx, func(ledger *plan.Ledger) { ledger.Remove(row) })
}

// adopted reports whether the plan's ledger has a row that the recorded one does not have yet.
func (e *execution) adopted(row v1alpha1.MemberGrant) bool {
	return !slices.ContainsFunc(e.Member.Status.Grants, func(known v1alpha1.MemberGrant) bool {
		return known.OrganizationID == row.OrganizationID && known.RoleAssignmentID == row.RoleAssignmentID
	})
}
