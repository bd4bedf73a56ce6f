package demo

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// Request is one that Kisi received with the operator's key.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"`
}

// Write reports whether the request was to change something. POST /event_sets asks for the audit trail.
func (r Request) Write() bool { return r.Method != http.MethodGet && r.Path != "/event_sets" }

// Requests are what the story cost.
type Requests []Request

// Writes counts the requests that were to change something.
func (r Requests) Writes() int {
	writes := 0
	for _, request := range r {
		if request.Write() {
			writes++
		}
	}
	return writes
}

// Summary shows how many requests of which kind there were, writes first.
func (r Requests) Summary() string {
	type kind struct {
		write       bool
		description string
	}
	counts := map[kind]int{}
	for _, request := range r {
		counts[kind{request.Write(), request.Method + " " + number.ReplaceAllString(request.Path, "/{id}")}]++
	}
	kinds := slices.SortedFunc(maps.Keys(counts), func(a, b kind) int {
		if a.write != b.write {
			if a.write {
				return -1
			}
			return 1
		}
		return strings.Compare(a.description, b.description)
	})
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, k := range kinds {
		what := "read"
		if k.write {
			what = "write"
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t  %s\n", counts[k], what, k.description) // a strings.Builder never fails
	}
	_ = table.Flush()
	return out.String()
}

var number = regexp.MustCompile(`/\d+`)

// CostSurprises lists, one sentence each, what should have been cheaper or must not happen at all.
func (s *Story) CostSurprises(requests Requests) []string {
	var surprises []string
	known := s.found()
	if writes, enough := requests.Writes(), s.Floor()+known; writes < s.Floor() || writes > enough {
		surprises = append(surprises, fmt.Sprintf("%d writes to Kisi, %d are enough", writes, enough))
	}
	for _, request := range requests {
		if request.Method == http.MethodPost && request.Path == "/users" && request.Status == http.StatusConflict && known > 0 {
			known--
			continue
		}
		if request.Status >= http.StatusBadRequest {
			surprises = append(surprises, fmt.Sprintf("Kisi answered %s %s with %d", request.Method, request.Path, request.Status))
		}
	}
	return surprises
}
