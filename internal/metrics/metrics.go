// Package metrics shows on the metrics endpoint what the operator does: counters that are told, and gauges that are read
// when somebody looks. Labels name objects and Kisi ids, never people.
package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/kisi-operator/kisi-operator/internal/feed"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/webhook"
)

var (
	doorLatency = histogram("door_latency_seconds",
		"How long new access took. `window=\"Open\"`: from the wish, which is when the latest of the objects that give it was written or when the window opened, "+
			"whichever came later, to the role assignment in Kisi. `window=\"Ahead\"`: written before the window opens; from the moment when it could be written. "+
			"Repairs, longer windows and access that another assignment gave before do not count.",
		[]float64{.25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600}, "window")

	requests = connectionCounter("requests_total",
		"Requests sent to Kisi. `route` has `{id}` for an id; `code` is the status of the answer, `none` where no answer came. "+
			"`429`: something else uses up the key owner's quota, or `requestsPerSecond` is too high.",
		"method", "route", "code", "priority")
	requestDuration = histogram("request_duration_seconds",
		"How long Kisi took to answer a request, or not to; waiting for its turn does not count.",
		[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10})
	queueWait = histogram("queue_wait_seconds",
		"How long requests waited for their turn.",
		[]float64{.01, .1, .5, 1, 5, 30, 60, 300, 1800}, "priority")
	deprecated = connectionCounter("deprecated_requests_total",
		"Answers with a `Deprecation` or `Sunset` header: Kisi is going to retire the call, so look for a newer operator.",
		"method", "route")
	findings = connectionCounter("drift_findings_total",
		"What somebody changed in Kisi and the operator noticed, each also an Event: `AssignmentRemoved`, `WindowChanged`, `AssignmentAdded`, "+
			"`UserSuspended`, `UserRemoved`, `GroupCorrected`.",
		"kind")
	webhookCalls = connectionCounter("webhook_calls_total",
		"Calls to the webhook's address: `Accepted`, `BadSignature`, `BadRequest`, `Overloaded` (Kisi tries again, or the next poll finds it), "+
			"`NotServed` (no connection takes calls there). `namespace` and `connection` are empty where a call cannot be told to be one connection's.",
		"result")

	polls = counter("change_polls_total",
		"Polls for what others changed: `followed` the audit trail, `compared` the groups' counts where events may not be read, "+
			"`overtaken` (everything is read again), `failed`.",
		"result")
	transitions = counter("condition_transitions_total",
		"Conditions of objects that changed their status or reason, by kind; not by object.",
		"kind", "type", "status", "reason")
	auditLost = counter("audit_entries_lost_total",
		"Entries that the audit log could not take down: its disk is full or too slow. Doors go on working.")
	buildInfo = info("build_info",
		"Always 1; `version` is the operator's.",
		"version")

	ofConnections = []interface {
		prometheus.Collector
		DeletePartialMatch(prometheus.Labels) int
	}{doorLatency, requests, requestDuration, queueWait, deprecated, findings, webhookCalls}
)

func init() {
	for _, vector := range ofConnections {
		ctrlmetrics.Registry.MustRegister(vector)
	}
	ctrlmetrics.Registry.MustRegister(polls, transitions, auditLost, buildInfo, live)
	auditLost.WithLabelValues() // shows from the start that none was lost
}

// Build says which version runs.
func Build(version string) {
	buildInfo.Reset()
	buildInfo.WithLabelValues(version).Set(1)
}

// Window tells access that is open from access that is written ahead.
type Window string

// The windows of new access.
const (
	Open  Window = "Open"
	Ahead Window = "Ahead"
)

// DoorLatency records how long new access took.
func DoorLatency(connection types.NamespacedName, window Window, took time.Duration) {
	if !isIntroduced(connection) {
		return
	}
	doorLatency.WithLabelValues(connection.Namespace, connection.Name, string(window)).Observe(max(0, took.Seconds()))
}

// Request counts a request that was sent to Kisi.
func Request(connection types.NamespacedName, stats kisi.RequestStats) {
	code := "none"
	if stats.Status != 0 {
		code = strconv.Itoa(stats.Status)
	}
	namespace, name := connection.Namespace, connection.Name
	if _, known := introduced.LoadOrStore(connection, true); !known {
		introduce(connection)
	}
	requests.WithLabelValues(namespace, name, stats.Method, stats.Route, code, stats.Class.Priority.String()).Inc()
	requestDuration.WithLabelValues(namespace, name).Observe(stats.Duration.Seconds())
	if stats.Deprecated {
		deprecated.WithLabelValues(namespace, name, stats.Method, stats.Route).Inc()
	}
}

// introduced are the connections whose counters of what goes wrong show that nothing has so far: what grows is only seen to grow
// by who has seen it before.
var introduced sync.Map

// isIntroduced reports whether the connection has sent anything, and is not gone: what is told of one afterwards would be
// remembered for good.
func isIntroduced(connection types.NamespacedName) bool {
	_, known := introduced.Load(connection)
	return known
}

func introduce(connection types.NamespacedName) {
	for _, kind := range []plan.FindingKind{
		plan.AssignmentRemoved, plan.WindowChanged, plan.AssignmentAdded, plan.UserSuspended, plan.UserRemoved, plan.GroupCorrected,
	} {
		findings.WithLabelValues(connection.Namespace, connection.Name, string(kind))
	}
	for _, result := range []webhook.Result{webhook.Accepted, webhook.BadSignature, webhook.BadRequest, webhook.Overloaded} {
		webhookCalls.WithLabelValues(connection.Namespace, connection.Name, string(result))
	}
	for _, window := range []Window{Open, Ahead} {
		doorLatency.WithLabelValues(connection.Namespace, connection.Name, string(window))
	}
}

// Turn records how long a request has waited for its turn.
func Turn(connection types.NamespacedName, priority kisi.Priority, waited time.Duration) {
	queueWait.WithLabelValues(connection.Namespace, connection.Name, priority.String()).Observe(waited.Seconds())
}

// Forget drops the series of a connection that is gone.
func Forget(connection types.NamespacedName) {
	introduced.Delete(connection)
	of := prometheus.Labels{"namespace": connection.Namespace, "connection": connection.Name}
	for _, vector := range ofConnections {
		vector.DeletePartialMatch(of)
	}
}

// Poll counts a poll for what others changed.
func Poll(result feed.Result) { polls.WithLabelValues(string(result)).Inc() }

// AuditEntriesLost counts entries of the audit log that could not be written.
func AuditEntriesLost(entries int) { auditLost.WithLabelValues().Add(float64(entries)) }

// Finding counts a difference that somebody made in Kisi.
func Finding(connection types.NamespacedName, kind plan.FindingKind) {
	if !isIntroduced(connection) {
		return
	}
	findings.WithLabelValues(connection.Namespace, connection.Name, string(kind)).Inc()
}

// WebhookCall counts a call to the webhook's address; the connection is empty where it is not known.
func WebhookCall(connection types.NamespacedName, result webhook.Result) {
	if connection.Name != "" && !isIntroduced(connection) {
		return
	}
	webhookCalls.WithLabelValues(connection.Namespace, connection.Name, string(result)).Inc()
}

// Transition counts a condition that changed its status or reason.
func Transition(kind, conditionType, status, reason string) {
	transitions.WithLabelValues(kind, conditionType, status, reason).Inc()
}
