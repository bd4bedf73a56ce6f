package member

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// recordTimeout bounds the writing down of what Kisi has answered.
const recordTimeout = 30 * time.Second

// next picks the first operation that may be tried now, and says when another one may.
func (r *Reconciler) next(p *person) (*plan.Operation, time.Duration) {
	who := p.who
	r.Executor.Backoffs.Keep(who, p.plan.Operations)
	r.Executor.Backoffs.Edited(who, p.member)
	var again time.Duration
	for i := range p.plan.Operations {
		if p.heldElsewhere(p.plan.Operations[i]) {
			continue // the release wakes this Member
		}
		until := r.Executor.Backoffs.Until(who, p.plan.Operations[i].ID())
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
	who := p.who
	r.Executor.Backoffs.Begin(who, id)
	return r.flights.submit(who, queue, class, request, id, kisi.Task{
		Run: func(ctx context.Context) {
			logger := log.FromContext(ctx).WithName("member").WithValues("member", name, "operation", operation.Kind)
			if err := r.carryOut(ctx, name, id); errors.Is(err, executor.ErrStale) {
				logger.V(1).Info("The Member has changed meanwhile; nothing was done")
			} else if err != nil {
				logger.Error(err, "An operation could not be carried out")
				r.Executor.Backoffs.Failed(who, id, "the Kubernetes API did not store the change; trying again")
			} else {
				r.Executor.Backoffs.CarriedOut(who, id)
			}
			r.logBackoff(logger, who, operation)
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
	acts := p.primary != nil && p.primary.UID == member.UID || p.primary == nil && !member.DeletionTimestamp.IsZero()
	if !acts || p.opening {
		return nil
	}
	if p.owesFormer {
		return executor.ErrStale
	}
	for _, operation := range p.plan.Operations {
		if operation.ID() != id || p.heldElsewhere(operation) {
			continue
		}
		s := p.snapshot.SessionFor(operation.Row)
		if s == nil {
			return nil
		}
		return r.Executor.Execute(ctx, executor.Task{
			Member: member, Others: p.others, Snapshot: p.snapshot, Now: p.input.Now, Plan: p.plan, Operation: operation, Session: s,
			Ledger: ledger{r, p}, Observer: observer{r, p},
		})
	}
	return nil
}
