package executor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// The key is Olga's, and Adam is another administrator.
const acme = `
organizations:
  - {id: 3289, name: Acme, domain: acme, owner: olga@acme.example,
     users: [{email: olga@acme.example}, {email: adam@acme.example}],
     places: [{name: HQ}], locks: [{name: Entrance, place: HQ}, {name: Lab, place: HQ}],
     groups: [{id: 41, name: Members, locks: [Entrance]}, {id: 42, name: Lab, locks: [Lab]}],
     roleAssignments: [{user: adam@acme.example, role: organization_administrator}],
     keys: [{user: olga@acme.example, secret: olgas-key-0123456789}]}
`

const (
	organization = v1alpha1.KisiID(3289)
	address      = "ana@example.com"
)

var groups = map[v1alpha1.ObjectName]int{"members": 41, "lab": 42}

var errDied = errors.New("the process has died")

// trouble is what goes wrong at one effect, which is a write to the ledger or a request to Kisi.
type trouble string

const (
	nothing        trouble = ""
	diesBefore     trouble = "the process dies before"
	diesAfter      trouble = "the process dies after"
	requestLost    trouble = "the request is lost" // the process lives on, and does not know what became of it
	answerLost     trouble = "the answer is lost"
	arrivesLate    trouble = "the request arrives when its sender has given up"
	answeredByPage trouble = "a proxy answers in Kisi's place"
	ledgerChanges  trouble = "somebody else changes the Member"
	staleLedger    trouble = "the next look is at the ledger of before"
	adminRevokes   trouble = "an admin takes an assignment away"
	adminMoves     trouble = "an admin gives an assignment another window"
)

var troubles = []trouble{diesBefore, diesAfter, requestLost, answerLost, arrivesLate, answeredByPage, ledgerChanges, staleLedger, adminRevokes, adminMoves}

// reporter is a test, of Go or of rapid.
type reporter interface {
	Helper()
	Failed() bool
	Error(arguments ...any)
	Errorf(format string, arguments ...any)
	Logf(format string, arguments ...any)
	Fatal(arguments ...any)
	Fatalf(format string, arguments ...any)
}

// want is a window that Ana should have.
type want struct {
	group  v1alpha1.ObjectName
	window entitlement.Window
}

// world is Ana, her ledger as Kubernetes keeps it, the process that acts for her, and Kisi.
type world struct {
	t       reporter
	kisi    *simulator.Server
	handler http.Handler // what requests to Kisi come to
	clock   *testingclock.FakePassiveClock

	oneAtATime bool // Kisi takes one assignment of a user in a group
	blind      bool // what Kisi holds is not known
	limited    bool // the revocation limit counts
	logins     bool // the connection asks for logins
	onDeath    func()
	late       []lateRequest

	wants  []want
	active bool
	name   v1alpha1.FullName
	rules  plan.UserRules

	mu      sync.Mutex
	stored  *v1alpha1.Member
	version int

	process *process
	effects [][]trouble     // so far, with what may go wrong at each
	wrong   map[int]trouble // which of them go wrong, from 0 on, and how
	what    []string        // those that did
	before  *look           // what the next look is at, if it is at what was
	meddled bool            // an admin has changed an assignment
	pool    *session.Pool
	kinds   map[plan.OperationKind]bool // of the operations that were carried out
	found   []plan.FindingKind
}

// look is a Member as Kubernetes had it at some time.
type look struct {
	member  *v1alpha1.Member
	version int
}

// process is what a crash takes away.
type process struct {
	dead     bool
	acting   bool // it carries out an operation; what a session asks beside that is no effect of it
	executor *executor.Executor
	session  *session.Session
}

func newWorld(t reporter, switches map[string]string) *world {
	t.Helper()
	w := &world{t: t, oneAtATime: switches["duplicates"] == "AlwaysConflict" || switches["duplicates"] == "Invalid", clock: testingclock.NewFakePassiveClock(time.Now()), active: true}
	var err error
	if w.kisi, err = simulator.New(simulator.Options{RequestsPerSecond: -1, Switches: switches}); err != nil {
		t.Fatal(err)
	}
	if err := w.kisi.LoadSeed([]byte(acme)); err != nil {
		t.Fatal(err)
	}
	w.handler = http.HandlerFunc(w.serve)
	w.stored = &v1alpha1.Member{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "ana", UID: "ana-uid"},
		Spec:       v1alpha1.MemberSpec{Email: address, State: v1alpha1.MemberActive},
	}
	w.start()
	return w
}

func (w *world) close() {
	w.stop()
	_ = w.kisi.Close()
}

// stop ends the process, whose requests are lost.
func (w *world) stop() {
	if w.pool != nil {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		w.pool.Shutdown(ended)
	}
}

// start begins a process that knows nothing but what the ledger says.
func (w *world) start() {
	w.t.Helper()
	name := types.NamespacedName{Namespace: "n", Name: "hq"}
	verdicts := make(chan struct{}, 1)
	pool := session.NewPool(context.Background(), session.Options{Transport: w, OnVerdict: func(types.NamespacedName) {
		select {
		case verdicts <- struct{}{}:
		default:
		}
	}})
	w.stop()
	w.pool = pool
	key, err := kisi.NewAPIKey([]byte("olgas-key-0123456789"))
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := pool.Ensure(name, session.Settings{Endpoint: "http://kisi", Key: key, RequestsPerSecond: 10_000, ChangePollInterval: time.Hour})
	if err != nil {
		w.t.Fatal(err)
	}
	for s.Verdict().Outcome != session.Accepted {
		select {
		case <-verdicts:
		case <-time.After(20 * time.Second):
			w.t.Fatalf("the key is not accepted: %+v", s.Verdict())
		}
	}
	w.process = &process{session: s, executor: &executor.Executor{Ledgers: w, Backoffs: executor.Backoffs{Clock: w.clock}}}
}

// effect counts what reaches the outside, and has it go wrong if it is its turn. do carries it out, or says that it had no
// effect.
func (w *world) effect(what string, of []trouble, do func()) (wrong trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process.dead {
		return diesBefore
	}
	of = slices.Clone(of)
	granted := slices.Concat(w.granted(41), w.granted(42))
	if len(granted) > 0 {
		of = append(of, adminRevokes)
	}
	// One that no ledger has yet is the admin's own from then on: nothing tells it from one that the admin has made.
	recorded := slices.IndexFunc(granted, func(row simulator.Assignment) bool {
		return slices.ContainsFunc(w.stored.Status.Grants, func(known v1alpha1.MemberGrant) bool { return int(known.RoleAssignmentID) == row.ID })
	})
	if recorded >= 0 {
		of = append(of, adminMoves)
	}
	at := len(w.effects)
	w.effects = append(w.effects, of)
	if due := w.wrong[at]; slices.Contains(of, due) {
		wrong = due
		w.what = append(w.what, fmt.Sprintf("effect %d, %s: %s", at, what, wrong))
	}
	switch wrong {
	case diesBefore, requestLost, arrivesLate, answeredByPage, ledgerChanges:
		w.process.dead = wrong == diesBefore
		return wrong
	case adminRevokes:
		w.meddled = true
		w.admin(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: granted[0].ID})
	case adminMoves:
		w.meddled = true
		w.admin(simulator.Action{Action: simulator.ActionSetWindow, AssignmentID: granted[recorded].ID, ValidUntil: new(w.clock.Now().Add(1000 * time.Hour))})
	case staleLedger:
		w.before = &look{w.stored.DeepCopy(), w.version}
	}
	do()
	switch wrong {
	case diesAfter:
		w.process.dead = true
	case adminRevokes, adminMoves, staleLedger: // the process meets with nothing of it here
		return nothing
	}
	return wrong
}

// granted are Ana's assignments of a group that are the operator's.
func (w *world) granted(group int) []simulator.Assignment {
	return slices.DeleteFunc(w.rows(group), func(row simulator.Assignment) bool { return row.CreatedBy != "olga@acme.example" })
}

// RoundTrip has a request served. A handler that gives up has lost the connection.
func (w *world) RoundTrip(in *http.Request) (answer *http.Response, err error) {
	defer func() {
		switch what := recover(); what {
		case nil:
		case http.ErrAbortHandler:
			err = io.ErrUnexpectedEOF
		default:
			panic(what)
		}
	}()
	out, arriving := httptest.NewRecorder(), in.Clone(in.Context())
	if in.Body == nil {
		arriving.Body = http.NoBody
	}
	w.handler.ServeHTTP(out, arriving)
	return out.Result(), nil
}

// serve is Kisi, and the way to it.
func (w *world) serve(out http.ResponseWriter, in *http.Request) {
	w.mu.Lock()
	effect := w.process != nil && w.process.acting
	w.mu.Unlock()
	if !effect {
		w.kisi.ServeHTTP(out, in)
		return
	}
	answer := httptest.NewRecorder()
	possible := []trouble{diesBefore, diesAfter, requestLost, answerLost, answeredByPage}
	if in.Method != http.MethodGet {
		possible = append(possible, arrivesLate)
	}
	body, _ := io.ReadAll(in.Body)
	arrive := func(ctx context.Context) {
		arriving := in.Clone(ctx)
		arriving.Body = io.NopCloser(bytes.NewReader(body))
		w.kisi.ServeHTTP(answer, arriving)
	}
	switch w.effect(in.Method+" "+in.URL.Path, possible, func() { arrive(in.Context()) }) {
	case arrivesLate:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.late = append(w.late, lateRequest{w.clock.Now().Add(w.process.session.RequestTimeout() / 2), func() { arrive(context.Background()) }})
		panic(http.ErrAbortHandler)
	case nothing:
		for name, values := range answer.Header() {
			out.Header()[name] = values
		}
		out.WriteHeader(answer.Code)
		_, _ = out.Write(answer.Body.Bytes())
	case answeredByPage:
		_, _ = out.Write([]byte("<html>Sign in to this network</html>"))
	default:
		panic(http.ErrAbortHandler)
	}
}

// lateRequest is on its way.
type lateRequest struct {
	at     time.Time
	arrive func()
}

// deliver has the requests arrive that are due.
func (w *world) deliver(all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = slices.DeleteFunc(w.late, func(request lateRequest) bool {
		due := all || !request.at.After(w.clock.Now())
		if due {
			request.arrive()
		}
		return due
	})
}

// plan decides what is to be done for a ledger, knowing all that Kisi holds.
func (w *world) plan(ledger plan.Ledger) plan.Plan {
	now := w.clock.Now()
	e := entitlement.Entitlements{}
	byGroup := map[v1alpha1.ObjectName][]entitlement.Sourced{}
	for _, want := range w.wants {
		byGroup[want.group] = append(byGroup[want.group], entitlement.Sourced{Window: want.window, Sources: []string{"Member/ana"}})
	}
	targets := map[v1alpha1.ObjectName]plan.Target{}
	observed := map[plan.Pair]plan.Observation{}
	for group, id := range groups {
		targets[group] = plan.Target{State: plan.TargetBound, Connection: "hq", OrganizationID: organization, KisiGroupID: v1alpha1.KisiID(id)}
		if union := entitlement.Union(byGroup[group], now); len(union) > 0 {
			e.Groups = append(e.Groups, entitlement.Entitlement{Group: group, Windows: union})
		}
		if account := ledger.Account(organization); account != nil && !w.blind {
			observed[plan.Pair{OrganizationID: organization, KisiGroupID: v1alpha1.KisiID(id)}] = w.observe(id, account.UserID)
		}
	}
	slices.SortFunc(e.Groups, func(a, b entitlement.Entitlement) int { return strings.Compare(string(a.Group), string(b.Group)) })
	connections := map[v1alpha1.KisiID]plan.Connection{organization: w.connection()}
	p := plan.Make(plan.Input{
		Now: now, Entitlements: e, Targets: targets, Connections: connections, Ledger: ledger, Observed: observed, Address: address,
		Refused: w.process.executor.Backoffs.Refusals(w.who()),
	})
	profile := plan.Profile{Address: address, Name: w.name, Active: w.active}
	if w.logins {
		terms := map[v1alpha1.KisiID]plan.LoginTerms{organization: {Connection: "hq"}}
		p.Operations = append(p.Operations, plan.Logins(p.Ledger, now, connections, terms, func(v1alpha1.MemberLogin) bool { return true })...)
	}
	p.Operations = append(p.Operations, p.Users(profile, connections, func(v1alpha1.MemberAccount) bool { return false })...)
	return p
}

func (w *world) connection() plan.Connection {
	learned := w.process.session.Behaviour()
	return plan.Connection{
		Name: "hq", Ready: true, Mode: v1alpha1.ModeEnforce, GrantAhead: 30 * 24 * time.Hour, Unlimited: !w.limited, Users: w.rules,
		OverlapRejected: learned.Overlap == session.No, WindowUpdateIgnored: learned.WindowUpdate == session.No,
	}
}

func (w *world) observe(group int, user v1alpha1.KisiID) plan.Observation {
	observation := plan.Observation{UserID: user}
	for _, row := range w.rows(group) {
		if v1alpha1.KisiID(row.UserID) == user {
			observation.Rows = append(observation.Rows, plan.ObservedRow{
				ID: v1alpha1.KisiID(row.ID), UserID: user, Window: windowOf(row),
				Basic: row.Role == kisi.RoleGroupBasic, Manager: row.Role == kisi.RoleGroupManager, ByKeyOwner: row.CreatedBy == "olga@acme.example",
			})
		}
	}
	return observation
}

// rows are Ana's of a group, in Kisi.
func (w *world) rows(group int) []simulator.Assignment {
	name := map[int]string{41: "Members", 42: "Lab"}[group]
	return slices.DeleteFunc(w.kisi.Assignments(name), func(row simulator.Assignment) bool { return row.User != address })
}

func windowOf(row simulator.Assignment) entitlement.Window {
	var window entitlement.Window
	if row.ValidFrom != nil {
		window.From = row.ValidFrom.UTC()
	}
	if row.ValidUntil != nil {
		window.Until = row.ValidUntil.UTC()
	}
	return window
}

func (w *world) who() string { return tenant.PersonOf(w.stored) }

// step carries out the first operation that may be tried, and reports whether any is left.
func (w *world) step() bool {
	w.t.Helper()
	if w.process.dead {
		if w.onDeath != nil {
			w.onDeath()
		}
		w.start()
	}
	w.deliver(false)
	w.stored.Spec.FullName = w.name
	is := look{w.stored, w.version}
	if w.before != nil {
		is, w.before = *w.before, nil
	}
	p := w.plan(plan.LedgerOf(is.member))
	backoffs := &w.process.executor.Backoffs
	backoffs.Keep(w.who(), p.Operations)
	for _, finding := range p.Findings {
		if is.version == w.version { // it is told when the ledger that takes it down is written
			w.Found(finding)
		}
	}
	if len(p.Operations) == 0 {
		return false
	}
	var soonest time.Time
	for _, operation := range p.Operations {
		until := backoffs.Until(w.who(), operation.ID())
		if !until.After(w.clock.Now()) {
			backoffs.Begin(w.who(), operation.ID())
			w.execute(is, p, operation)
			return true
		}
		soonest = entitlement.Sooner(soonest, until)
	}
	w.clock.SetTime(soonest)
	return true
}

func (w *world) execute(is look, p plan.Plan, operation plan.Operation) {
	w.t.Helper()
	ledger := &kept{world: w, process: w.process, member: is.member.DeepCopy(), version: is.version}
	setting := v1alpha1.KisiConnectionSpec{Notifications: v1alpha1.NotificationsNever}
	connection := &v1alpha1.KisiConnection{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "hq"}, Spec: setting}
	connection.Status.Organization = &v1alpha1.ConnectedOrganization{ID: organization}
	task := executor.Task{
		Member: ledger.member, Now: w.clock.Now(), Plan: p, Operation: operation, Session: w.process.session, Ledger: ledger, Observer: w,
		Snapshot: &tenant.Snapshot{
			Connections: map[v1alpha1.KisiID]plan.Connection{organization: w.connection()},
			ByName:      map[v1alpha1.ObjectName]*v1alpha1.KisiConnection{"hq": connection},
		},
	}
	if w.kinds != nil {
		w.kinds[operation.Kind] = true
	}
	w.act(true)
	err := w.process.executor.Execute(log.IntoContext(context.Background(), logr.Discard()), task)
	w.act(false)
	switch {
	case w.process.dead:
	case errors.Is(err, executor.ErrStale):
	case err != nil:
		w.t.Fatalf("%s: %v", operation.Kind, err)
	default:
		w.process.executor.Backoffs.CarriedOut(w.who(), operation.ID())
	}
}

func (w *world) act(acting bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.process.acting = acting
}

// settle goes on until nothing is left to do, and returns what was done.
func (w *world) settle() (done int) {
	w.t.Helper()
	for done = 0; w.step(); done++ {
		if done > 60 && w.blind && w.meddled {
			return done // it goes on when it sees what the admin has done
		}
		if done > 60 {
			w.t.Fatalf("it does not come to rest: %+v; ledger %s", w.plan(plan.LedgerOf(w.stored)).Operations, w.describe())
		}
	}
	return done
}
