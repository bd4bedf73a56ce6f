package member

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Reconciler keeps what every person has in Kisi equal to what the person should have. The unit of work is one
// person: everything that an address should have is compared with everything in the ledger, in one reconcile.
type Reconciler struct {
	client.Client
	// Live reads past the cache.
	Live      client.Reader
	Sessions  *session.Pool
	Enqueuers *enqueue.Enqueuers
	Imports   *imports.Users
	// Allowances of the revocation limit.
	Allowances *limit.Allowances
	Recorder   events.EventRecorder
	// Executor carries out the operations of the plans.
	Executor executor.Executor
	// OnFinding, if set, is told of every difference that somebody made in Kisi, for metrics.
	OnFinding func(plan.FindingKind)

	turns     turns
	flights   flights
	users     userLooks
	addresses addresses
}

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Member{}).
		Owns(&corev1.Secret{}, builder.OnlyMetadata). // with the person's logins
		WatchesRawSource(r.Enqueuers.Members.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 8})
	return watchWhatConcernsMembers(b, mgr.GetClient()).Complete(r)
}

// Reconcile brings one Member up to date.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	member := &v1alpha1.Member{}
	in := tenant.In(ctx, r.Client, request.Namespace)
	if err := r.Get(ctx, request.NamespacedName, member); apierrors.IsNotFound(err) {
		return reconcile.Result{}, r.forgetMember(in, request.NamespacedName)
	} else if err != nil {
		return reconcile.Result{}, err
	}
	if err := r.forgetPerson(in, r.addresses.note(member)); err != nil {
		return reconcile.Result{}, err
	}
	if r.flights.running(tenant.PersonOf(member), request) {
		return reconcile.Result{}, nil // the end of the operation wakes it
	}
	defer r.turns.take(tenant.PersonOf(member))()
	p, err := r.look(ctx, member)
	if err != nil {
		return reconcile.Result{}, err
	}
	switch {
	case p.opening:
		return reconcile.Result{}, nil // the session wakes it
	case !member.DeletionTimestamp.IsZero() && !p.stays:
		return r.leave(ctx, p)
	case p.standing.UID != member.UID:
		return r.yield(ctx, p)
	}
	return r.serve(ctx, p)
}

// person is everything that bears on one Member at one moment.
type person struct {
	member   *v1alpha1.Member
	others   []*v1alpha1.Member // those of the same address, whoever stands
	formers  []*v1alpha1.Member // those that had this address before, and have accounts under it
	standing *v1alpha1.Member   // nil if nobody does
	snapshot *tenant.Snapshot
	input    plan.Input
	plan     plan.Plan
	opening  bool
	// owesFormer says that the Member has yet to hand over what it has under an earlier address.
	owesFormer bool
	// stays says that the Member is being deleted and serves the person on: see whileNamed.
	stays bool
	// sharesUser says that another namespace wants a user of the person.
	sharesUser bool
	// findings are to be reported once the ledger has taken them down.
	findings []plan.Finding
	// namespaceGoing is known for a Member that is being deleted, or loses something.
	namespaceGoing bool

	loginTerms   map[v1alpha1.KisiID]plan.LoginTerms
	storedLogins map[v1alpha1.MemberLogin]bool // of the plan's ledger
}

// look gathers everything that bears on the Member and makes the plan for it.
func (r *Reconciler) look(ctx context.Context, member *v1alpha1.Member) (*person, error) {
	return r.lookWith(ctx, member, plan.LedgerOf(member))
}

// lookWith is look for a ledger that may differ from the Member's recorded one.
func (r *Reconciler) lookWith(ctx context.Context, member *v1alpha1.Member, ledger plan.Ledger) (*person, error) {
	in := tenant.In(ctx, tenant.Pin(r.Client, member), member.Namespace)
	all, err := in.Members(entitlement.Fold(member.Spec.Email))
	if err != nil {
		return nil, err
	}
	p := &person{member: member, standing: entitlement.Standing(all)}
	for _, other := range all {
		if other.UID != member.UID {
			p.others = append(p.others, other)
		}
	}
	if err := r.lookForFormers(in, p); err != nil {
		return nil, err
	}
	if !member.DeletionTimestamp.IsZero() {
		return p, r.lookWhereGoing(ctx, in, p, ledger)
	}
	if err := r.lookAround(ctx, in, p, ledger); err != nil || !p.plan.Revokes() {
		return p, err
	}
	return p, r.lookWhereGoing(ctx, in, p, ledger)
}

// lookAround surveys the namespace and makes the plan.
func (r *Reconciler) lookAround(ctx context.Context, in tenant.Objects, p *person, ledger plan.Ledger) (err error) {
	if p.snapshot, err = tenant.TakeSnapshot(in, r.Sessions, p.namespaceGoing); err != nil {
		return err
	}
	return r.replan(ctx, p, ledger)
}

// lookWhereGoing looks around knowing whether the namespace is being deleted. Its objects go one after the other then, and
// what the Members lose by that is not what anybody asked to be taken back.
func (r *Reconciler) lookWhereGoing(ctx context.Context, in tenant.Objects, p *person, ledger plan.Ledger) (err error) {
	if p.namespaceGoing, err = tenant.NamespaceGoing(ctx, r.Live, p.member.Namespace); err != nil {
		return err
	}
	if p.snapshot != nil && !p.namespaceGoing {
		return nil
	}
	return r.lookAround(ctx, in, p, ledger)
}

// replan makes the plan for a ledger that may differ from the Member's recorded one.
func (r *Reconciler) replan(ctx context.Context, p *person, ledger plan.Ledger) error {
	if err := r.compare(ctx, p, ledger); err != nil {
		return err
	}
	if err := r.planLogins(ctx, p); err != nil { // before the user whose login it is goes
		return err
	}
	operations, err := r.userOperations(ctx, p)
	p.plan.Operations = append(p.plan.Operations, operations...)
	return err
}

// compare plans the person's rows.
func (r *Reconciler) compare(ctx context.Context, p *person, ledger plan.Ledger) error {
	now := time.Now()
	entitlements, err := entitlement.For(p.snapshot.Objects, p.member, now)
	if err != nil {
		return fmt.Errorf("deciding what the person should have: %w", err)
	}
	p.whileNamed(entitlements)
	if !p.member.DeletionTimestamp.IsZero() && !p.stays && (entitlement.IsImplicit(p.member) || p.namespaceGoing) {
		entitlements = entitlement.Entitlements{} // nobody is left to take anything over, so all of it is taken back
	}
	targets := map[v1alpha1.ObjectName]plan.Target{}
	resolve := func(name v1alpha1.ObjectName) error {
		if _, known := targets[name]; known {
			return nil
		}
		target, err := p.snapshot.Target(name)
		if err != nil {
			return err
		}
		targets[name] = target
		if target.State != plan.TargetMissing && p.snapshot.Opening[target.OrganizationID] {
			p.opening = true
		}
		return nil
	}
	for _, e := range entitlements.Groups {
		if err := resolve(e.Group); err != nil {
			return err
		}
	}
	for _, row := range ledger.Grants {
		if err := resolve(row.Group); err != nil {
			return err
		}
		if p.snapshot.Opening[row.OrganizationID] {
			p.opening = true
		}
	}
	adopting, err := r.adopting(p, ledger)
	if err != nil {
		return err
	}
	for _, name := range adopting {
		if err := resolve(name); err != nil {
			return err
		}
	}
	p.input = plan.Input{
		Now:          now,
		Entitlements: entitlements,
		Targets:      targets,
		Connections:  p.snapshot.Connections,
		Ledger:       ledger,
		Address:      entitlement.Fold(p.member.Spec.Email),
		Leaving:      !p.member.DeletionTimestamp.IsZero() && !p.stays,
		Handing:      p.owesFormer,
		AbandonedBy:  abandoner(p.member),
		Refused:      r.Executor.Backoffs.Refusals(tenant.PersonOf(p.member)),
	}
	if err := r.observe(ctx, p); err != nil {
		return err
	}
	p.input.Ledger.Accounts = r.withImported(p, p.input.Ledger.Accounts)
	p.input.Doubted = r.doubted(p, p.input.Ledger)
	p.input.Reinstate = reinstates(p.member)
	p.plan = plan.Make(p.input)
	p.find(p.plan.Findings)
	return nil
}

// whileNamed has an implicit Member that somebody deletes serve the person on, as long as a source names the person and
// something in Kisi is to be guarded. No other Member can take that over, and to take it back first would lock the person out
// until the next implicit Member has let them in again.
func (p *person) whileNamed(entitlements entitlement.Entitlements) {
	if p.member.DeletionTimestamp.IsZero() || !entitlement.IsImplicit(p.member) {
		return
	}
	if p.standing == p.member { // decided before, for another ledger
		p.standing = nil
	}
	p.stays = p.standing == nil && !p.namespaceGoing && !tenant.Abandons(p.member) && entitlements.Named && plan.LedgerOf(p.member).Guarded()
	if p.stays {
		p.standing = p.member
	}
}

// serve is for the Member who stands for the person.
func (r *Reconciler) serve(ctx context.Context, p *person) (reconcile.Result, error) {
	// Before anything is taken over, which asks nothing of Kisi.
	if renamed, err := r.followName(ctx, p); renamed || err != nil {
		return reconcile.Result{}, err // the write wakes it
	}
	if taken, err := r.takeOver(ctx, p); taken || err != nil {
		return reconcile.Result{}, err // the write wakes both sides
	}
	if p.owesFormer {
		return r.handFormerOver(ctx, p)
	}
	if moved, err := r.settleLoginNames(ctx, p); moved || err != nil {
		return reconcile.Result{}, err
	}
	if entitlement.IsImplicit(p.member) && !p.input.Entitlements.Named && p.input.Ledger.Empty() && !p.plan.Adopts && !owed(p) && !p.remembers(p.plan.Ledger) && !r.imported(p) {
		return reconcile.Result{}, r.remove(ctx, p.member)
	}
	return r.act(ctx, p)
}

// act starts the next operation and says in the status how the person stands.
func (r *Reconciler) act(ctx context.Context, p *person) (reconcile.Result, error) {
	if decided, err := r.decide(ctx, p); decided || err != nil {
		return reconcile.Result{}, err // the write wakes it
	}
	operation, again := r.next(p)
	if operation != nil && p.member.DeletionTimestamp.IsZero() {
		if err := finalizers.Add(ctx, r.Client, p.member); err != nil {
			return reconcile.Result{}, conflicts.Ignore(err, "preparing the Member")
		}
	}
	quiet := time.Duration(0)
	if operation != nil {
		quiet = r.start(p, *operation)
	} else {
		r.Enqueuers.Members.Enqueue(r.flights.cancel(tenant.PersonOf(p.member), enqueue.RequestFor(p.member))...)
	}
	recheck := r.Executor.Backoffs.NextRecheck(tenant.PersonOf(p.member), p.input.Ledger, p.plan.Ledger)
	begins, err := p.approvalBegins()
	if err != nil {
		return reconcile.Result{}, err
	}
	recheck = entitlement.Sooner(entitlement.Sooner(recheck, begins), r.users.next(p))
	if p.sharesUser {
		again = requeue.Sooner(again, lookElsewhereEvery)
	}
	if again = requeue.Sooner(again, requeue.Until(entitlement.Sooner(p.plan.LookAgain, recheck), p.input.Now)); quiet > 0 {
		return reconcile.Result{RequeueAfter: requeue.Sooner(quiet, again)}, nil
	}
	return reconcile.Result{RequeueAfter: again}, conflicts.Ignore(r.write(ctx, p), "writing the status")
}

// write records the plan's ledger and verdict, if they say anything new.
func (r *Reconciler) write(ctx context.Context, p *person) error {
	before := p.member.Status.DeepCopy()
	p.describe(&p.member.Status, r.Executor.Backoffs.Trouble(tenant.PersonOf(p.member)))
	r.describeLogins(p, &p.member.Status)
	if equality.Semantic.DeepEqual(before, &p.member.Status) {
		return nil
	}
	if err := r.updateStatus(ctx, p.member); err != nil {
		return err
	}
	logDecisions(ctx, p.member, before)
	for group := range p.plan.Waiting {
		r.Enqueuers.Groups.Enqueue(enqueue.RequestNamed(p.member.Namespace, string(group))) // it may have waited for somebody to want it
	}
	r.reportFindings(p, p.findings...)
	p.findings = nil
	return nil
}

// updateStatus writes a Member's status, and before it the finalizer that guards what the ledger has in Kisi. It is the one
// way in which a ledger is written.
func (r *Reconciler) updateStatus(ctx context.Context, member *v1alpha1.Member) error {
	if member.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(member, v1alpha1.Finalizer) && plan.LedgerOf(member).Guarded() {
		status := member.Status.DeepCopy()
		if err := finalizers.Add(ctx, r.Client, member); err != nil { // the answer brings the status as it was
			return err
		}
		member.Status = *status
	}
	return r.Status().Update(ctx, member)
}

// describe writes the plan into a status.
func (p *person) describe(status *v1alpha1.MemberStatus, setback failure.Failure) {
	status.ObservedGeneration = p.member.Generation
	status.Accounts, status.Logins, status.Grants = p.plan.Ledger.Accounts, p.plan.Ledger.Logins, p.plan.Ledger.Grants
	status.Planned, status.PlannedCount = p.plan.Planned, int32(p.plan.PlannedCount) // #nosec G115 -- bounded by the ledger
	v := conditions.Explain(setback, plan.Judge(p.input, p.plan))
	if problem := limit.ApprovalOf(p.member, p.input.Now).Problem; problem != "" && v.Reason == v1alpha1.ReasonRevocationsHeld {
		v.Message += "; " + problem
	}
	if p.stays {
		v.Message += "; its deletion waits until no booking or subscription names the person: delete those, or annotate it with " +
			v1alpha1.AbandonAnnotation + "=true to leave in Kisi what it has there"
	}
	conditions.Summarize(&status.Conditions, p.member.Generation, v)
	describeAddress(&status.Conditions, p.member.Generation, status.Accounts)
	if reinstates(p.member) {
		status.Reinstated = reinstateValue(p.member)
	}
}

// yield is for a Member whose address another one stands for: it hands over, and does nothing else.
func (r *Reconciler) yield(ctx context.Context, p *person) (reconcile.Result, error) {
	ledger := plan.LedgerOf(p.member)
	if err := r.releaseTo(ctx, &ledger, p.standing); err != nil {
		return reconcile.Result{}, err
	}
	if entitlement.IsImplicit(p.member) && ledger.Empty() && len(ledger.Accounts) == 0 {
		return reconcile.Result{}, r.remove(ctx, p.member)
	}
	before := p.member.Status.DeepCopy()
	p.member.Status.Accounts, p.member.Status.Logins, p.member.Status.Grants = ledger.Accounts, ledger.Logins, ledger.Grants
	meta.RemoveStatusCondition(&p.member.Status.Conditions, v1alpha1.ConditionLoginReady)
	p.member.Status.Planned, p.member.Status.PlannedCount = nil, 0
	p.member.Status.ObservedGeneration = p.member.Generation
	if !entitlement.IsImplicit(p.member) { // an implicit one goes as soon as it has handed over, which is no trouble
		conditions.Summarize(&p.member.Status.Conditions, p.member.Generation, conditions.Stalled(v1alpha1.ReasonDuplicateEmail,
			fmt.Sprintf("spec.email: Member %q stands for this address; change one of the two addresses or delete one of them", p.standing.Name)))
	}
	if equality.Semantic.DeepEqual(before, &p.member.Status) {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{}, conflicts.Ignore(r.updateStatus(ctx, p.member), "handing over")
}

// leave is for a Member that is being deleted: what nobody wants is taken back, the rest moves on.
func (r *Reconciler) leave(ctx context.Context, p *person) (reconcile.Result, error) {
	if !controllerutil.ContainsFinalizer(p.member, v1alpha1.Finalizer) {
		return reconcile.Result{}, nil
	}
	if p.owesFormer && !p.namespaceGoing {
		return r.handFormerOver(ctx, p)
	}
	ledger := plan.LedgerOf(p.member)
	for _, other := range p.others {
		// Of several who leave, the one that would stand first keeps the row that more than one has.
		if other == p.standing || p.standing == nil && entitlement.StandsBefore(other, p.member) {
			if err := r.releaseTo(ctx, &ledger, other); err != nil {
				return reconcile.Result{}, err
			}
		}
	}
	ledger.Grants, ledger.Logins = r.withoutEnded(p, p.held(ledger)), p.loginsWithFinalizer(ledger)
	if ledger.Empty() && !p.bequeaths(ledger) && (p.standing == nil || len(ledger.Accounts) == 0 || p.namespaceGoing || tenant.Abandons(p.member)) {
		return reconcile.Result{}, conflicts.Ignore(finalizers.Remove(ctx, r.Client, p.member), "letting the Member go")
	}
	if len(ledger.Grants) != len(p.member.Status.Grants) || len(ledger.Logins) != len(p.member.Status.Logins) {
		p.member.Status.Grants, p.member.Status.Logins = ledger.Grants, ledger.Logins
		return reconcile.Result{}, conflicts.Ignore(r.updateStatus(ctx, p.member), "handing over")
	}
	if tenant.Abandons(p.member) {
		if written, err := r.abandon(ctx, p); written || err != nil {
			return reconcile.Result{}, err // the write wakes it
		}
	}
	if p.standing == nil {
		if decided, err := r.decide(ctx, p); decided || err != nil {
			return reconcile.Result{}, err // the write wakes it
		}
	}
	if p.standing == nil && !p.namespaceGoing && !entitlement.IsImplicit(p.member) && (ledger.Empty() || p.mustMoveOn()) {
		return r.moveOn(ctx, p)
	}
	if p.standing != nil {
		return reconcile.Result{}, nil // who stands takes the rest, and wakes this one
	}
	return r.act(ctx, p)
}

// abandon records which rows stay as they are in Kisi, before they move on, and says first how many. It reports whether
// anything was written.
func (r *Reconciler) abandon(ctx context.Context, p *person) (bool, error) {
	abandoned := func(row v1alpha1.MemberGrant) bool { return row.AbandonedBy != "" }
	rows := tenant.CountAssignments(p.plan.Ledger.Grants, abandoned) - tenant.CountAssignments(p.member.Status.Grants, abandoned)
	if err := report.Abandoned(ctx, r.Client, p.member, rows); err != nil {
		return false, err
	}
	version := p.member.ResourceVersion
	if err := r.write(ctx, p); err != nil {
		return true, conflicts.Ignore(err, "recording what is abandoned")
	}
	return p.member.ResourceVersion != version, nil
}

// held drops the rows that hold no finalizer where nobody can take them over: all of them under abandon, else those of a
// connection that is gone.
func (p *person) held(ledger plan.Ledger) []v1alpha1.MemberGrant {
	if !p.namespaceGoing && !entitlement.IsImplicit(p.member) {
		return ledger.Grants
	}
	if tenant.Abandons(p.member) {
		return nil
	}
	var rows []v1alpha1.MemberGrant
	for _, row := range ledger.Grants {
		if _, connected := p.snapshot.Connections[row.OrganizationID]; connected {
			rows = append(rows, row)
		}
	}
	return rows
}

// withoutEnded drops the rows that have ended and cannot be deleted now: they guard nothing, so a Member that is being
// deleted leaves them behind.
func (r *Reconciler) withoutEnded(p *person, rows []v1alpha1.MemberGrant) []v1alpha1.MemberGrant {
	return slices.DeleteFunc(slices.Clone(rows), func(row v1alpha1.MemberGrant) bool {
		if !plan.Over(row, p.input.Now) {
			return false
		}
		return !slices.ContainsFunc(p.plan.Operations, func(o plan.Operation) bool {
			return o.Kind != plan.Resolve && plan.SameRow(o.Row, row) && !r.Executor.Backoffs.Until(tenant.PersonOf(p.member), o.ID()).After(p.input.Now)
		})
	})
}

// heldElsewhere reports whether another Member of the address has the operation's row too, and has yet to release it.
func (p *person) heldElsewhere(operation plan.Operation) bool {
	ledgers := make([]plan.Ledger, 0, len(p.others)+len(p.formers))
	for _, other := range slices.Concat(p.others, p.formers) {
		ledgers = append(ledgers, plan.LedgerOf(other))
	}
	return plan.HeldElsewhere(operation, ledgers...)
}

// abandoner names a Member that is being deleted and leaves in Kisi what it cannot take back.
func abandoner(member *v1alpha1.Member) string {
	if member.DeletionTimestamp.IsZero() || !tenant.Abandons(member) {
		return ""
	}
	return "Member/" + member.Name
}

// mustMoveOn reports whether a row is still wanted, or cannot be taken back now.
func (p *person) mustMoveOn() bool {
	for _, row := range p.plan.Ledger.Grants {
		if !plan.Over(row, p.input.Now) && (p.plan.Wanted(row) || !plan.Revocable(row, p.snapshot.Connections)) {
			return true
		}
	}
	return p.loginsHeld()
}

// takeOver moves to the one who stands what other Members of the address hold. It reports whether anything was written.
func (r *Reconciler) takeOver(ctx context.Context, p *person) (bool, error) {
	ledger := plan.LedgerOf(p.member)
	var givers []string
	for _, other := range p.others {
		// What nobody wants comes along too, and is taken back here: two Members who each see half of the rows could wait
		// for one another.
		if plan.Take(&ledger, plan.LedgerOf(other), entitlement.Fold(p.member.Spec.Email)) {
			givers = append(givers, other.Name)
		}
	}
	p.keepNames(ledger)
	formers, err := r.takeFormer(ctx, p, &ledger)
	if givers = append(givers, formers...); len(givers) == 0 || err != nil {
		return false, err
	}
	rows := len(ledger.Grants) - len(p.member.Status.Grants)
	moved := r.renameLogins(ctx, p, &ledger) // while the giver is there, and with it its Secret
	if err := finalizers.Add(ctx, r.Client, p.member); err != nil {
		return true, conflicts.Ignore(err, "preparing the Member")
	}
	if err := r.replan(ctx, p, ledger); err != nil {
		return false, err
	}
	if err := r.write(ctx, p); err != nil {
		return true, conflicts.Ignore(err, "taking over")
	}
	r.reportHandOver(p.member, rows, givers)
	r.dropMoved(ctx, p, moved)
	return true, nil
}

// keepNames takes the name of an account that has just come for this Member's: a hand-over asks nothing of Kisi, and a
// name is written when it changes.
func (p *person) keepNames(ledger plan.Ledger) {
	own := plan.LedgerOf(p.member)
	for i := range ledger.Accounts {
		if account := &ledger.Accounts[i]; own.Account(account.OrganizationID) == nil && account.FullName != "" {
			account.FullName = entitlement.KisiName(p.member)
		}
	}
}

// owed reports whether another Member of the address still has rows to hand over.
func owed(p *person) bool {
	for _, other := range p.others {
		if len(other.Status.Grants)+len(other.Status.Logins) > 0 {
			return true
		}
	}
	return false
}

// remove deletes an implicit Member that nothing needs any more.
func (r *Reconciler) remove(ctx context.Context, member *v1alpha1.Member) error {
	r.Enqueuers.Members.Enqueue(r.flights.cancel(tenant.PersonOf(member), enqueue.RequestFor(member))...)
	if err := finalizers.Remove(ctx, r.Client, member); err != nil {
		return conflicts.Ignore(err, "letting the Member go")
	}
	err := r.Delete(ctx, member, client.Preconditions{UID: &member.UID, ResourceVersion: &member.ResourceVersion})
	return conflicts.Ignore(client.IgnoreNotFound(err), "deleting the implicit Member")
}

// record applies what Kisi has answered to the ledger as it is by now, however it has changed meanwhile.
func (r *Reconciler) record(ctx context.Context, member *v1alpha1.Member, apply func(*plan.Ledger)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	fresh := member
	return retry.RetryOnConflict(conflicts.Backoff, func() error {
		if fresh == nil {
			fresh = &v1alpha1.Member{}
			if err := r.Live.Get(ctx, client.ObjectKeyFromObject(member), fresh); err != nil {
				return client.IgnoreNotFound(err)
			}
		}
		current := fresh
		fresh = nil
		ledger := plan.LedgerOf(current)
		apply(&ledger)
		p, err := r.lookWith(ctx, current, ledger)
		if err != nil {
			return err
		}
		return client.IgnoreNotFound(r.write(ctx, p)) // a Member that is gone has nothing in Kisi any more
	})
}
