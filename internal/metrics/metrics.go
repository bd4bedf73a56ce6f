// Package metrics shows on the metrics endpoint what the operator does: counters that are told, and gauges that are read
// when somebody looks. Labels name objects and Kisi ids, never people.
package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/kisi-operator/kisi-operator/internal/feed"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kisi_operator_requests_total",
		Help: "Requests sent to Kisi, by connection, HTTP method and class of the answer's status (none: there was no answer).",
	}, []string{"connection", "method", "status"})
	limited = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kisi_operator_rate_limited_total",
		Help: "Requests that Kisi answered with 429, too many requests, by connection.",
	}, []string{"connection"})
	deprecated = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kisi_operator_deprecated_requests_total",
		Help: "Requests whose answer says that Kisi is going to retire the call (a Deprecation or Sunset header), by connection and call.",
	}, []string{"connection", "call"})
	polls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kisi_operator_change_polls_total",
		Help: "Polls for what others changed in Kisi, by result.",
	}, []string{"result"})
	findings = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kisi_operator_drift_findings_total",
		Help: "Differences that somebody made in Kisi, by kind.",
	}, []string{"kind"})
	auditLost = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "kisi_operator_audit_entries_lost_total",
		Help: "Entries of the audit log that could not be written.",
	})

	waiting = prometheus.NewDesc("kisi_operator_queue_waiting",
		"Requests that wait for their turn, by Kisi organization, key owner and priority.", []string{"organization", "owner", "priority"}, nil)
	mirrorAge = prometheus.NewDesc("kisi_operator_mirror_age_seconds",
		"Time since the group that was read least recently was read completely, by Kisi organization and key owner.", []string{"organization", "owner"}, nil)
	heldRevocations = prometheus.NewDesc("kisi_operator_held_revocations",
		"Revocations that the revocation limit holds back, by connection.", []string{"connection"}, nil)
)

// live are the operators whose gauges are read; one process has one, except in tests.
var live = &collector{operators: sets.New[*Operator]()}

func init() {
	ctrlmetrics.Registry.MustRegister(requests, limited, deprecated, polls, findings, auditLost, live)
}

// Request counts a request that was sent to Kisi.
func Request(connection types.NamespacedName, stats kisi.RequestStats) {
	status := "none"
	if stats.Status != 0 {
		status = strconv.Itoa(stats.Status/100) + "xx"
	}
	requests.WithLabelValues(connection.String(), stats.Method, status).Inc()
	if stats.Status == 429 {
		limited.WithLabelValues(connection.String()).Inc()
	}
	if stats.Deprecated {
		deprecated.WithLabelValues(connection.String(), stats.Op).Inc()
	}
}

// Forget drops the series of a connection that is gone.
func Forget(connection types.NamespacedName) {
	of := prometheus.Labels{"connection": connection.String()}
	requests.DeletePartialMatch(of)
	limited.DeletePartialMatch(of)
	deprecated.DeletePartialMatch(of)
}

// Poll counts a poll for what others changed.
func Poll(result feed.Result) { polls.WithLabelValues(string(result)).Inc() }

// AuditEntriesLost counts entries of the audit log that could not be written.
func AuditEntriesLost(entries int) { auditLost.Add(float64(entries)) }

// Finding counts a difference that somebody made in Kisi.
func Finding(kind plan.FindingKind) { findings.WithLabelValues(string(kind)).Inc() }

// Operator is where the gauges of one operator are read.
type Operator struct {
	// Owners glances at the key owners.
	Owners func() []session.OwnerState
	// Held counts held revocations, by connection.
	Held func() map[types.NamespacedName]int32
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

type collector struct {
	mu        sync.Mutex
	operators sets.Set[*Operator]
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	to <- waiting
	to <- mirrorAge
	to <- heldRevocations
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Ids are unique within one Kisi. Of two that give the same ones, tests' for example, the first is shown: a series
	// that comes twice would make the whole page unreadable.
	shown := map[[2]int64]bool{}
	for operator := range c.operators {
		for _, owner := range operator.Owners() {
			if id := [2]int64{owner.OrganizationID, owner.UserID}; !shown[id] {
				shown[id] = true
				collectOwner(to, owner, time.Now())
			}
		}
		for connection, held := range operator.Held() {
			to <- prometheus.MustNewConstMetric(heldRevocations, prometheus.GaugeValue, float64(held), connection.String())
		}
	}
}

func collectOwner(to chan<- prometheus.Metric, owner session.OwnerState, now time.Time) {
	organization, user := strconv.FormatInt(owner.OrganizationID, 10), strconv.FormatInt(owner.UserID, 10)
	for priority := kisi.Probe; priority <= kisi.Background; priority++ {
		to <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(owner.Waiting[priority]), organization, user, priority.String())
	}
	if !owner.ReadAt.IsZero() {
		to <- prometheus.MustNewConstMetric(mirrorAge, prometheus.GaugeValue, now.Sub(owner.ReadAt).Seconds(), organization, user)
	}
}
