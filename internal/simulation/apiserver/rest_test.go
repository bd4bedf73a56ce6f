package apiserver

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

const (
	system   = "kisi-operator-system"
	inSystem = "/api/v1/namespaces/" + system
	policed  = "/apis/access.kisi-operator.dev/v1alpha1/namespaces/" + system + "/"
)

// compareRest compares what two servers let the operator do with its roles, and how they treat the kinds that are not ours.
func compareRest(t *testing.T, kube, other *side) {
	sides := []*side{kube, other}
	asOperator := map[*side]*http.Client{}
	for _, s := range sides {
		for _, path := range []string{"../../../config/manager/namespace.yaml", "../../../config/rbac", "../../../config/policy"} {
			if _, err := s.plane.ApplyPath(t.Context(), path); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
		}
		config, err := s.plane.ServiceAccountConfig(t.Context(), system, "kisi-operator")
		if err != nil {
			t.Fatal(err)
		}
		if asOperator[s], err = rest.HTTPClientFor(config); err != nil {
			t.Fatal(err)
		}
	}
	compare := func(is call, client func(*side) *http.Client) answer {
		t.Helper()
		var answers []answer
		for _, s := range sides {
			as := &side{name: s.name, base: s.base, client: client(s), versions: map[string][]string{}}
			answers = append(answers, as.send(t, is))
		}
		if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
			t.Errorf("%s: %s (-) and %s (+) differ:\n%s", is, sides[0].name, sides[1].name, diff)
		}
		return answers[0]
	}
	asAdmin := func(s *side) *http.Client { return s.client }

	for _, is := range ownKinds() {
		if got := compare(is, asAdmin); got.Status >= http.StatusBadRequest {
			t.Errorf("%s: %v", is, got)
		}
	}
	for _, s := range sides {
		untilPoliciesAreInForce(t, &side{name: s.name, base: s.base, client: asOperator[s], versions: map[string][]string{}})
	}
	allowed, forbidden := 0, 0
	for _, is := range operatorsRequests() {
		if got := compare(is, func(s *side) *http.Client { return asOperator[s] }); got.Status == http.StatusForbidden {
			forbidden++
		} else {
			allowed++
		}
	}
	if allowed == 0 || forbidden == 0 {
		t.Errorf("%d requests were allowed and %d forbidden: they tell nothing", allowed, forbidden)
	}
}

// untilPoliciesAreInForce waits for the server to have read them: it does not say when it has.
func untilPoliciesAreInForce(t *testing.T, asOperator *side) {
	t.Helper()
	is := call{
		method: http.MethodPatch, path: policed + "members/ana", kind: "application/merge-patch+json", body: approval("2032-01-01T00:00:00Z"), query: "?dryRun=All",
	}
	for deadline := time.Now().Add(time.Minute); asOperator.send(t, is).Status != http.StatusForbidden; {
		if time.Now().After(deadline) {
			t.Fatalf("%s: the policy is not in force", asOperator.name)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// ownKinds are requests for Kubernetes' own kinds.
func ownKinds() []call {
	object := func(version, kind, name string, more map[string]any) map[string]any {
		is := map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": name, "namespace": system}}
		for key, value := range more {
			is[key] = value
		}
		return is
	}
	event := map[string]any{
		"involvedObject": map[string]any{"kind": "Member", "namespace": system, "name": "ana"}, "reason": "Granted", "message": "told", "type": "Normal",
		"count": 1, "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z", "source": map[string]any{"component": "test"},
	}
	merge, strategic := "application/merge-patch+json", "application/strategic-merge-patch+json"
	secret := object("v1", "Secret", "key", map[string]any{"stringData": map[string]any{"a": "b"}})
	return []call{
		{method: http.MethodPost, path: inSystem + "/secrets", body: secret, query: "?dryRun=All"},
		{method: http.MethodPost, path: inSystem + "/secrets", body: secret},
		{method: http.MethodPatch, path: inSystem + "/secrets/key", kind: strategic, body: map[string]any{"stringData": map[string]any{"c": "d"}}},
		{method: http.MethodPatch, path: inSystem + "/secrets/key", kind: strategic, body: map[string]any{"stringData": map[string]any{"c": "e"}}, query: "?dryRun=All"},
		{method: http.MethodGet, path: inSystem + "/secrets/key"},
		{method: http.MethodDelete, path: inSystem + "/secrets/key", query: "?dryRun=All"},
		{method: http.MethodDelete, path: inSystem + "/secrets/key"},
		{method: http.MethodPost, path: inSystem + "/events", body: object("v1", "Event", "told", event)},
		{method: http.MethodPatch, path: inSystem + "/events/told", kind: strategic, body: map[string]any{"count": 2}},
		{method: http.MethodGet, path: "/apis/events.k8s.io/v1/namespaces/" + system + "/events/told"},
		{method: http.MethodGet, path: inSystem + "/events", query: "?fieldSelector=involvedObject.name%3Dana,involvedObject.kind%3DMember"},
		{method: http.MethodGet, path: inSystem + "/events", query: "?fieldSelector=involvedObject.name%3Dmia"},
		{method: http.MethodPatch, path: "/api/v1/namespaces/" + system, kind: merge, body: map[string]any{"metadata": map[string]any{"labels": map[string]any{"a": "b"}}}},
		{method: http.MethodPost, path: policed + "members", body: member("ana", "ana@example.com")},
		{method: http.MethodPatch, path: policed + "members/ana", kind: merge, body: approval("2030-01-01T00:00:00Z")},
	}
}

// operatorsRequests are all sorts of them for everything that the operator has a right to, and for more.
func operatorsRequests() []call {
	merge := "application/merge-patch+json"
	calls := []call{{method: http.MethodPatch, path: policed + "members/ana", kind: merge, body: approval("2031-01-01T00:00:00Z")}}
	for _, at := range []string{
		"/api/v1/namespaces", inSystem + "/secrets", inSystem + "/serviceaccounts", policed + "members", policed + "kisigroups", policed + "bookinggrants",
		policed + "accessplans", "/apis/coordination.k8s.io/v1/namespaces/" + system + "/leases", "/apis/coordination.k8s.io/v1/namespaces/default/leases",
		"/apis/rbac.authorization.k8s.io/v1/clusterroles", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
	} {
		calls = append(calls,
			call{method: http.MethodGet, path: at + "/absent"},
			call{method: http.MethodPatch, path: at + "/absent", kind: merge, body: map[string]any{}},
			call{method: http.MethodDelete, path: at + "/absent"},
		)
	}
	for _, kind := range []string{"members", "kisigroups", "bookinggrants", "accessplans"} {
		calls = append(calls, call{method: http.MethodPatch, path: fmt.Sprintf("%s%s/absent/status", policed, kind), kind: merge, body: map[string]any{}})
	}
	return append(calls,
		call{method: http.MethodGet, path: policed + "members"},
		call{method: http.MethodGet, path: "/apis/access.kisi-operator.dev/v1alpha1/accesssubscriptions"},
		call{method: http.MethodGet, path: "/apis/rbac.authorization.k8s.io/v1/namespaces/" + system + "/roles"},
		call{method: http.MethodGet, path: "/logs"},
	)
}

func approval(until string) map[string]any {
	return map[string]any{"metadata": map[string]any{"annotations": map[string]any{"access.kisi-operator.dev/approve-revocations-until": until}}}
}
