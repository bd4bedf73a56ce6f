package apiserver

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
)

// numbers finds what servers make up themselves in texts.
var numbers = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// requester draws requests: lawful ones, unlawful ones, and those that come too late.
type requester struct{ *rand.Rand }

func member(name, address string) map[string]any {
	return map[string]any{
		"apiVersion": "access.kisi-operator.dev/v1alpha1", "kind": "Member",
		"metadata": map[string]any{"name": name}, "spec": map[string]any{"email": address},
	}
}

func pick[T any](r *requester, of ...T) T { return of[r.IntN(len(of))] }

func (r *requester) name() string { return fmt.Sprintf("m%d", r.IntN(4)) }

// object draws a Member, often with something that the schema refuses or drops.
func (r *requester) object(name string) map[string]any {
	is := member(name, pick(r, "ana@example.com", "gil@example.com", "nobody", ""))
	spec, metadata := is["spec"].(map[string]any), is["metadata"].(map[string]any)
	for range r.IntN(3) {
		switch r.IntN(7) {
		case 0:
			spec["state"] = pick(r, "Active", "Suspended", "Gone")
		case 1:
			spec["groupRefs"] = []any{map[string]any{"name": "a", "startTime": pick(r, "2026-01-01T00:00:00Z", "yesterday"), "endTime": pick(r, "2026-02-01T00:00:00Z", "2025-01-01T00:00:00Z")}}
		case 2:
			spec["unknown"] = true
		case 3:
			metadata["finalizers"] = pick(r, []any{}, []any{"access.kisi-operator.dev/finalizer"}, []any{"access.kisi-operator.dev/finalizer", "example.com/other"})
		case 4:
			metadata["labels"] = map[string]any{"a": pick(r, "b", "not lawful!")}
		case 5, 24, 25, 26:
			is["status"] = map[string]any{"observedGeneration": r.IntN(3)}
		case 6:
			spec["teams"] = pick(r, []any{"a", "b"}, []any{"a", "a"})
		}
	}
	return is
}

// call draws a request.
func (r *requester) call() call {
	name := r.name()
	at := group + "members/" + name
	version := pick(r, "now", "now", "now", "old", "")
	switch r.IntN(43) {
	case 0, 1, 2, 12, 13, 14, 15, 16, 17:
		return call{method: http.MethodPost, path: group + "members", body: r.object(name), query: pick(r, "", "", "?fieldValidation=Strict", "?dryRun=All")}
	case 3, 4, 18, 19, 20, 21, 22, 23:
		return call{method: http.MethodPut, path: at, body: r.object(name), version: version}
	case 5, 24, 25, 26:
		is := r.object(name)
		is["status"] = map[string]any{"observedGeneration": r.IntN(5), "grants": pick(r, []any{}, []any{map[string]any{"group": "a"}})}
		return call{method: http.MethodPut, path: at + "/status", body: is, version: version}
	case 6, 7, 27, 28, 29, 30, 31:
		body := pick(r,
			map[string]any{"metadata": map[string]any{"finalizers": pick[any](r, nil, []any{"access.kisi-operator.dev/finalizer"})}},
			map[string]any{"metadata": map[string]any{"annotations": map[string]any{"a": "b"}}, "spec": map[string]any{"state": pick(r, "Active", "Pending", "Wrong")}},
			map[string]any{"metadata": map[string]any{}, "status": map[string]any{"observedGeneration": r.IntN(9)}},
		)
		return call{method: http.MethodPatch, path: at + pick(r, "", "", "/status"), kind: "application/merge-patch+json", body: body, version: pick(r, "", "now", "old")}
	case 8, 32, 33, 34:
		return call{method: http.MethodDelete, path: at, query: pick(r, "", "?propagationPolicy=Background", "?gracePeriodSeconds=0")}
	case 9, 35:
		return call{method: http.MethodGet, path: at}
	case 10, 36, 37, 38:
		return call{method: http.MethodGet, path: group + "members", query: pick(r, "", "?labelSelector=a%3Db", "?fieldSelector=metadata.name%3Dm1")}
	}
	return call{
		method: http.MethodPatch, path: at, kind: "application/apply-patch+yaml", body: r.object(name),
		query: "?fieldManager=" + pick(r, "one", "two") + pick(r, "", "&force=true"),
	}
}
