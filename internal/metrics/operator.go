package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

var (
	lateWindows = gauge("late_windows",
		"Windows that have been open, and wanted, for more than ten seconds and are not in Kisi: people who stand at a closed door. Must be zero. "+
			"What a connection's mode keeps out, and whom an admin keeps out, does not count.")
	grants = gauge("grants",
		"Grants in the ledgers of the Members, by state.", "state")
	heldRevocations = gauge("held_revocations",
		"Revocations that the revocation limit holds back until somebody approves them.")
	queueDepth = gauge("queue_depth",
		"Requests that wait for their turn. `Urgent` and `Revocation` above zero for minutes: doors are late.", "priority")
	breakerOpen = gauge("breaker_open",
		"1 while Kisi is taken to be down and only probes are sent, else 0.")
	allowedRate = gauge("allowed_requests_per_second",
		"The pace of the requests now, after any slowdown, of all connections that share the key's owner.")
	readAt = gauge("last_complete_read_timestamp_seconds",
		"When the group that was read least recently was read completely, in Unix time. Older than twice `resync_interval_seconds`: reads fail.")
	resyncInterval = gauge("resync_interval_seconds",
		"`spec.resyncInterval`: how often everything is read.")
	connectionConditions = gauge("connection_condition",
		"Always 1, for each condition of the KisiConnection as it is.", "type", "status", "reason")

	live = &collector{operators: sets.New[*Operator]()}
)

// grantStates are all that a grant can be in.
var grantStates = []v1alpha1.GrantState{
	v1alpha1.GrantPending, v1alpha1.GrantScheduled, v1alpha1.GrantActive, v1alpha1.GrantCovered, v1alpha1.GrantQueued, v1alpha1.GrantBlocked,
	v1alpha1.GrantRevoking, v1alpha1.GrantHeld, v1alpha1.GrantWithheld, v1alpha1.GrantRetained, v1alpha1.GrantEnded,
}

// Operator is where the gauges of one operator are read.
type Operator struct {
	// Connections lists those that there are; of no other one a gauge is shown.
	Connections func() []v1alpha1.KisiConnection
	// States glances at their sessions.
	States func() []session.State
	// Grants counts the rows of all ledgers, by connection and state.
	Grants func(connection types.NamespacedName) map[v1alpha1.GrantState]int32
	// Late are the windows that should be in Kisi.
	Late *Late
}

// Show has an operator's gauges shown until the returned function is called.
func Show(operator *Operator) (hide func()) {
	live.mu.Lock()
	defer live.mu.Unlock()
	live.operators.Insert(operator)
	return func() {
		live.mu.Lock()
		defer live.mu.Unlock()
		live.operators.Delete(operator)
	}
}

// collector shows the gauges of the operators of this process, which has one, except in tests.
type collector struct {
	mu        sync.Mutex
	operators sets.Set[*Operator]
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, gauge := range []*prometheus.Desc{
		lateWindows, grants, heldRevocations, queueDepth, breakerOpen, allowedRate, readAt, resyncInterval, connectionConditions,
	} {
		to <- gauge
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := sets.New[types.NamespacedName]() // a series that comes twice would make the whole page unreadable
	for operator := range c.operators {
		states := map[types.NamespacedName]session.State{}
		for _, state := range operator.States() {
			states[state.Name] = state
		}
		connections := operator.Connections()
		for i := range connections {
			name := client.ObjectKeyFromObject(&connections[i])
			if shown.Has(name) {
				continue
			}
			shown.Insert(name)
			page := page{to: to, of: name}
			page.connection(&connections[i], operator, time.Now())
			if state, connected := states[name]; connected {
				page.session(state)
			}
		}
	}
}

// page shows the gauges of one connection.
type page struct {
	to chan<- prometheus.Metric
	of types.NamespacedName
}

func (p page) show(gauge *prometheus.Desc, value float64, labels ...string) {
	p.to <- prometheus.MustNewConstMetric(gauge, prometheus.GaugeValue, value, append([]string{p.of.Namespace, p.of.Name}, labels...)...)
}

func (p page) connection(connection *v1alpha1.KisiConnection, operator *Operator, now time.Time) {
	p.show(lateWindows, float64(operator.Late.Count(p.of, now)))
	counts := operator.Grants(p.of)
	for _, state := range grantStates {
		p.show(grants, float64(counts[state]), string(state))
	}
	p.show(heldRevocations, float64(counts[v1alpha1.GrantHeld]))
	if interval := connection.Spec.ResyncInterval; interval != nil {
		p.show(resyncInterval, interval.Seconds())
	}
	for _, condition := range connection.Status.Conditions {
		p.show(connectionConditions, 1, condition.Type, string(condition.Status), condition.Reason)
	}
}

func (p page) session(state session.State) {
	for priority := kisi.Probe; priority <= kisi.Background; priority++ {
		p.show(queueDepth, float64(state.Waiting[priority]), priority.String())
	}
	open := 0.0
	if state.Down {
		open = 1
	}
	p.show(breakerOpen, open)
	p.show(allowedRate, state.RequestsPerSecond)
	if !state.ReadAt.IsZero() {
		p.show(readAt, float64(state.ReadAt.UnixMilli())/1000)
	}
}
