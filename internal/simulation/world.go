// Package simulation runs the whole operator for months in minutes: in a bubble of testing/synctest, against an API server
// and a Kisi in memory, with faults, and holds what the doors did against a model that shares no code with it.
package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/operator"
	"github.com/kisi-operator/kisi-operator/internal/simulation/apiserver"
)

const (
	endpoint  = "http://kisi"
	namespace = "gym"
	admin     = "adam@acme.example"
	owner     = "olga@acme.example"
)

// groups are Kisi's groups here; each has a door of its own, with the same name.
var groups = []string{"Gym", "Pool", "Studio", "Office"}

// world is everything that is simulated of one history.
type world struct {
	ctx      context.Context // of the bubble
	server   *apiserver.Server
	kisi     *simulator.Server
	client   client.Client // of whoever writes objects; it meets no faults
	operator *process
	buried   []*process // killed
	logger   logr.Logger
	history  history
	keys     int // made since the first

	is     business
	record record
	count  counts

	away  atomic.Bool
	mu    sync.Mutex
	lots  *rand.Rand
	lossy float64
	held  map[string]time.Time // by resource
}

// counts are what histories had in them.
type counts struct {
	Steps, Kills, KubernetesFaults, KisiFaults, AdminSteps, Modes int
	// Requests are those that the operator sent to Kisi; Entitled is how many hours people could enter.
	Requests, Entitled int
}

func (c *counts) add(more counts) {
	c.Steps += more.Steps
	c.Kills += more.Kills
	c.KubernetesFaults += more.KubernetesFaults
	c.KisiFaults += more.KisiFaults
	c.AdminSteps += more.AdminSteps
	c.Modes += more.Modes
	c.Requests += more.Requests
	c.Entitled += more.Entitled
}

func (c counts) String() string {
	return fmt.Sprintf("%d changes, %d by administrators in Kisi, %d kills, %d faults of Kubernetes, %d of Kisi, %d times in another mode, %d requests to Kisi, %d hours of access",
		c.Steps-c.Kills-c.KubernetesFaults-c.KisiFaults-c.Modes, c.AdminSteps, c.Kills, c.KubernetesFaults, c.KisiFaults, c.Modes, c.Requests, c.Entitled)
}

// newWorld makes an organization and a namespace that is connected to it. It must be called in the bubble.
func newWorld(ctx context.Context, definitions []*apiextensionsv1.CustomResourceDefinition, h history, logger logr.Logger) (*world, error) {
	server, err := apiserver.New(definitions)
	if err != nil {
		return nil, err
	}
	kisi, err := simulator.New(simulator.Options{Switches: h.Switches, Clock: simulator.NewClock(now().Add(h.Skew))})
	if err != nil {
		return nil, err
	}
	w := &world{
		ctx: ctx, server: server, kisi: kisi, logger: logger, history: h, is: newBusiness(), held: map[string]time.Time{},
		lots: rand.New(rand.NewPCG(h.Seed, 1)), // #nosec G404 -- repeatable
	}
	organization := simulator.SeedOrganization{
		Name: "Acme", Domain: "acme", Owner: owner,
		Users:           []simulator.SeedUser{{Email: owner}, {Email: admin}},
		Places:          []simulator.SeedPlace{{Name: "Downtown"}},
		Keys:            []simulator.SeedKey{{User: owner, Secret: "owner-key", Name: "operator"}},
		RoleAssignments: []simulator.SeedAssignment{{User: admin, Role: "organization_administrator"}},
	}
	for _, name := range groups {
		organization.Locks = append(organization.Locks, simulator.SeedLock{Name: name, Place: "Downtown"})
		organization.Groups = append(organization.Groups, simulator.SeedGroup{Name: name, Locks: []string{name}})
	}
	if err := kisi.Load(simulator.Seed{Organizations: []simulator.SeedOrganization{organization}}); err != nil {
		return nil, err
	}
	if w.client, err = client.New(server.Config(), client.Options{Scheme: operator.Scheme()}); err != nil {
		return nil, err
	}
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&corev1.Secret{ObjectMeta: meta("kisi"), Data: map[string][]byte{"apiKey": []byte("owner-key")}},
		&v1alpha1.KisiConnection{ObjectMeta: meta("default"), Spec: v1alpha1.KisiConnectionSpec{
			APIKeySecretRef: v1alpha1.APIKeySecretReference{Name: "kisi"}, Endpoint: endpoint, DisconnectPolicy: h.Disconnect,
			// Everything that is to go goes until the end. The base is counted anew each second, since groups grow.
			RevocationLimit: v1alpha1.RevocationLimit{Percent: ptr.To[int32](100), Minimum: ptr.To[int32](1000), Window: &metav1.Duration{Duration: time.Second}},
		}},
	}
	for _, name := range groups {
		objects = append(objects, w.group(name))
	}
	for _, object := range objects {
		if err := w.client.Create(ctx, object); err != nil {
			return nil, fmt.Errorf("creating %T %s: %w", object, object.GetName(), err)
		}
	}
	w.record = record{began: now(), skew: h.Skew, excused: map[[2]string][]span{}}
	return w, w.start()
}

func (w *world) group(name string) *v1alpha1.KisiGroup {
	group := &v1alpha1.KisiGroup{ObjectMeta: meta(objectName(name)), Spec: v1alpha1.KisiGroupSpec{Existing: &v1alpha1.ExistingGroup{Name: v1alpha1.KisiName(name)}}}
	if slices.Contains(w.history.Exclusive, name) {
		group.Spec.Assignments = v1alpha1.AssignmentsExclusive
	}
	return group
}

func now() time.Time { return time.Now().UTC() }

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// change exchanges the business for what it says from now on.
func (w *world) change(do func(*business)) {
	next := w.is.clone()
	do(&next)
	w.is = next
	w.record.epochs = append(w.record.epochs, epoch{now(), next})
}

// trouble tells the oracle that a fault was in force from a time until now.
func (w *world) trouble(from time.Time) {
	w.record.troubles = append(w.record.troubles, span{from, now()})
}

// finish lets everything settle, stops the operator and says what was wrong.
func (w *world) finish(addresses []string) ([]string, error) {
	time.Sleep(30 * time.Minute)
	var wrong []string
	w.count.Requests = w.kisi.CountRequests(simulator.RequestFilter{})
	w.kisi.ResetRequests()
	time.Sleep(10 * time.Minute)
	for _, r := range w.kisi.Requests(simulator.RequestFilter{}) {
		if r.Method != http.MethodGet && r.Path != "/event_sets" {
			wrong = append(wrong, fmt.Sprintf("at rest the operator sent %s %s", r.Method, r.Path))
		}
	}
	w.record.ended = now()
	for _, address := range addresses {
		for _, group := range groups {
			intervals, err := w.kisi.AccessIntervals("acme", address, group, w.record.began.Add(w.history.Skew), w.record.ended.Add(w.history.Skew))
			if err != nil {
				return nil, err
			}
			var actual []span
			for _, is := range intervals {
				actual = append(actual, span{is.From.Add(-w.history.Skew), is.Until.Add(-w.history.Skew)})
			}
			wrong = append(wrong, w.record.violations(address, group, union(actual))...)
			for _, is := range actual {
				w.count.Entitled += int(is.Until.Sub(is.From).Hours())
			}
		}
	}
	wrong = append(wrong, w.ledger()...)
	ended, err := w.end()
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, ended...)
	w.bury(w.operator)
	var errs []error
	for _, p := range w.buried {
		errs = append(errs, <-p.done)
	}
	return wrong, errors.Join(errs...)
}

// ledger holds Kisi's assignments against what the Members' ledgers say of them.
func (w *world) ledger() []string {
	var members v1alpha1.MemberList
	if err := w.client.List(w.ctx, &members, client.InNamespace(namespace)); err != nil {
		return []string{err.Error()}
	}
	var recorded []int
	for i := range members.Items {
		for _, g := range members.Items[i].Status.Grants {
			if g.RoleAssignmentID != 0 {
				recorded = append(recorded, int(g.RoleAssignmentID))
			}
		}
	}
	var wrong []string
	for _, name := range groups {
		for _, is := range w.ours(name) {
			at := slices.Index(recorded, is.ID)
			if at < 0 {
				wrong = append(wrong, fmt.Sprintf("assignment %d of %s in %s is in no ledger", is.ID, is.User, name))
				continue
			}
			recorded = slices.Delete(recorded, at, at+1)
		}
	}
	for _, id := range recorded {
		wrong = append(wrong, fmt.Sprintf("assignment %d is in a ledger and not in Kisi", id))
	}
	return wrong
}
