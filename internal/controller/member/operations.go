package member

import (
	"context"
	"errors"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// recordTimeout bounds the writing down of what Kisi has answered.
const recordTimeout = 30 * time.Second

// next picks the first operation that may be tried now, and says when another one may.
func (r *Reconciler) next(p *person) (*plan.Operation, time.Duration) {
	who := personOf(p.member)
	r.setbacks.keep(who, p.plan.Operations)
	var again time.Duration
	for i := range p.plan.Operations {
		if p.heldElsewhere(p.plan.Operations[i]) {
			continue // the release wakes this Member
		}
		until := r.setbacks.until(who, p.plan.Operations[i].ID())
		if !until.After(p.input.Now) {
			return &p.plan.Operations[i], 0
		}
		again = requeue.Sooner(again, until.Sub(p.input.Now))
	}
	return nil, again
}

// priorities maps the plan's urgencies to the queue's priorities.
var priorities = map[plan.Urgency]kisi.Priority{
	plan.Urgent:     kisi.Urgent,
	plan.Revocation: kisi.Revocation,
	plan.New:        kisi.Grant,
	plan.Change:     kisi.Change,
	plan.Sweep:      kisi.Background,
}

// start hands the operation to the request queue of its organization, and returns how long to keep quiet about it.
func (r *Reconciler) start(p *person, operation plan.Operation) time.Duration {
	s := p.snapshot.SessionFor(operation.Row)
	if s == nil {
		return 0 // the connection has just gone; its event comes
	}
	_, queue := s.Client()
	class := kisi.Class{Priority: priorities[operation.Urgency], Connection: s.Name().String()}
	name, id, request := client.ObjectKeyFromObject(p.member), operation.ID(), enqueue.RequestFor(p.member)
	wake := r.Enqueuers.Members.Enqueue
	who := personOf(p.member)
	return r.flights.submit(who, queue, class, request, id, kisi.Task{
		Run: func(ctx context.Context) {
			if err := r.carryOut(ctx, name, id); errors.Is(err, errStale) {
				log.FromContext(ctx).WithName("member").V(1).Info("The Member has changed meanwhile; nothing was done", "member", name)
			} else if err != nil {
				log.FromContext(ctx).WithName("member").Error(err, "An operation could not be carried out", "member", name)
				r.setbacks.failed(who, id, "the API server did not take it down; trying again")
			} else {
				r.setbacks.carriedOut(who, id)
			}
		},
	}, func(waiting ...reconcile.Request) { wake(append(waiting, request)...) })
}

// carryOut does one operation, now that its request has its turn. It looks at everything afresh: while the operation
// waited, it may have become pointless or wrong.
func (r *Reconciler) carryOut(ctx context.Context, name client.ObjectKey, id string) error {
	member := &v1alpha1.Member{}
	if err := r.Get(ctx, name, member); err != nil {
		return client.IgnoreNotFound(err)
	}
	p, err := r.look(ctx, member)
	if err != nil {
		return err
	}
	acts := p.standing != nil && p.standing.UID == member.UID || p.standing == nil && !member.DeletionTimestamp.IsZero()
	if !acts || p.opening {
		return nil
	}
	if p.owesFormer {
		return errStale
	}
	for _, operation := range p.plan.Operations {
		if operation.ID() != id || p.heldElsewhere(operation) {
			continue
		}
		s := p.snapshot.SessionFor(operation.Row)
		if s == nil {
			return nil
		}
		kisiClient, _ := s.Client()
		do := doing{r: r, p: p, operation: operation, session: s, kisi: kisiClient}
		switch operation.Kind {
		case plan.Grant:
			return do.grant(ctx)
		case plan.Update:
			return do.changeWindow(ctx)
		case plan.Replace:
			return do.replace(ctx)
		case plan.Resolve:
			return do.resolve(ctx)
		case plan.Verify:
			return do.verify(ctx)
		case plan.CreateUser:
			return do.createUser(ctx)
		case plan.Rename:
			return do.rename(ctx)
		case plan.CheckUser:
			_, err := do.checkUser(ctx)
			return err
		case plan.EnableUser:
			return do.enableUser(ctx)
		case plan.SuspendUser, plan.DeleteUser:
			return do.disposeOfUser(ctx)
		case plan.CreateLogin:
			return do.createLogin(ctx)
		case plan.ResolveLogin:
			return do.resolveLogin(ctx)
		case plan.DeleteLogin:
			return do.deleteLogin(ctx)
		default:
			return do.revoke(ctx)
		}
	}
	return nil
}

// doing is one operation while it is carried out.
type doing struct {
	r         *Reconciler
	p         *person
	operation plan.Operation
	session   *session.Session
	kisi      *kisi.Client
	// gone are rows that the operation has taken away on the way to something else.
	gone []v1alpha1.MemberGrant
}

// failed reports an error to the session and puts the operation off.
func (d doing) failed(err error) error {
	if errors.Is(err, kisi.ErrClientClosed) {
		return nil // the connection is paused, going, or has another key; the plan for that wakes the Member
	}
	d.session.Report(err)
	if kisi.IsRateLimited(err) { // the queue pauses, and that is wait enough
		d.r.setbacks.postponed(personOf(d.p.member), d.operation.ID(), time.Now())
		return nil
	}
	d.r.setbacks.troubled(personOf(d.p.member), d.operation.ID(), d.troubleOf(err), kisi.RetryAfter(err))
	if kisi.IsForbidden(err) || kisi.IsInvalid(err) || kisi.IsConflict(err) || kisi.IsNotFound(err) {
		d.r.setbacks.refuse(personOf(d.p.member), d.operation.ID())
	}
	return nil
}

// troubleOf says what an error means for the person, without saying who that is.
func (d doing) troubleOf(err error) failure.Failure {
	member := d.p.member
	return failure.Of(err, string(member.Spec.Email), string(member.Spec.FullName), string(kisiName(member)))
}

// record writes an answer of Kisi's into the ledger, and what the operation has taken away before it.
func (d doing) record(ctx context.Context, apply func(*plan.Ledger)) error {
	var changes plan.LedgerChanges
	err := d.r.record(ctx, d.p.member, func(ledger *plan.Ledger) {
		before := plan.Ledger{Grants: slices.Clone(ledger.Grants)}
		for _, row := range d.gone {
			ledger.Remove(row)
		}
		apply(ledger)
		changes = plan.Compare(before, *ledger)
	})
	if err == nil {
		d.logChanges(ctx, changes)
	}
	return err
}

// revoke deletes the role assignment of a row. That it is gone already is as good.
func (d doing) revoke(ctx context.Context) error {
	row := d.operation.Row
	if d.p.adopted(row) {
		// Taken down first: it says what this operator takes for its own, and fails where the ledger is another by now.
		if err := d.intend(ctx, d.p.plan.Ledger); err != nil {
			return err
		}
	}
	err := d.kisi.DeleteRoleAssignment(ctx, int64(row.RoleAssignmentID))
	if err != nil && !kisi.IsNotFound(err) {
		if kisi.OutcomeUnknown(err) {
			d.inDoubt(row, err)
		}
		return d.failed(err)
	}
	d.session.Mirror().Remove(int64(row.KisiGroupID), int64(row.RoleAssignmentID))
	d.r.setbacks.settled(personOf(d.p.member), row)
	return d.record(ctx, func(ledger *plan.Ledger) { ledger.Remove(row) })
}
