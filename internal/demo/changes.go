package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

// Change is an entry of Kisi's history.
type Change struct {
	Time       time.Time `json:"time"`
	Type       string    `json:"type"`
	By         string    `json:"by"` // address
	ObjectType string    `json:"objectType"`
	ObjectID   int       `json:"objectID"`
	ObjectName string    `json:"objectName"`
}

// Assignment is somebody's access to a group.
type Assignment struct {
	ID         int        `json:"id"`
	Group      string     `json:"name"`
	ValidFrom  *time.Time `json:"validFrom"`
	ValidUntil *time.Time `json:"validUntil"`
}

// window says when the access holds, seen from an instant.
func (a Assignment) window(seen time.Time) string {
	switch {
	case a.ValidFrom == nil && a.ValidUntil == nil:
		return "always"
	case a.ValidUntil == nil:
		return "from " + instant(*a.ValidFrom, seen)
	case a.ValidFrom == nil:
		return "until " + instant(*a.ValidUntil, seen)
	}
	return instant(*a.ValidFrom, seen) + " - " + instant(*a.ValidUntil, seen)
}

func clockTime(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

// instant is a time of day, or the date of another day.
func instant(t, seen time.Time) string {
	if t.Sub(seen).Abs() > 24*time.Hour {
		return t.UTC().Format(time.DateOnly)
	}
	return clockTime(t)
}

// ChangeTable shows changes one by one, each assignment with its group and window if it still exists.
func ChangeTable(changes []Change, assignments []Assignment) string {
	byID := map[int]Assignment{}
	for _, a := range assignments {
		byID[a.ID] = a
	}
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	for _, c := range changes {
		detail := "\t"
		if a, exists := byID[c.ObjectID]; exists && c.ObjectType == "RoleAssignment" {
			detail = a.Group + "\t" + a.window(c.Time)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", clockTime(c.Time), c.Type, c.ObjectName, detail) // a strings.Builder never fails
	}
	_ = table.Flush()
	return trimLines(out.String())
}

// history lists what was changed by a person after an instant, oldest first.
func (k *simulatedKisi) history(ctx context.Context, by string, after time.Time) ([]Change, error) {
	var all []Change
	path := "/_simulator/history?organization=" + k.domain + "&from=" + url.QueryEscape(after.UTC().Format(time.RFC3339Nano))
	if err := k.call(ctx, http.MethodGet, path, "", nil, &all); err != nil {
		return nil, fmt.Errorf("reading Kisi's history: %w", err)
	}
	var changes []Change
	for _, c := range all {
		if c.By == by {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// assignments lists everybody's access to groups.
func (k *simulatedKisi) assignments(ctx context.Context) ([]Assignment, error) {
	var state struct {
		Organizations []struct {
			Domain          string       `json:"domain"`
			RoleAssignments []Assignment `json:"roleAssignments"`
		} `json:"organizations"`
	}
	if err := k.call(ctx, http.MethodGet, "/_simulator/state", "", nil, &state); err != nil {
		return nil, fmt.Errorf("reading who has access: %w", err)
	}
	for _, organization := range state.Organizations {
		if organization.Domain == k.domain {
			return organization.RoleAssignments, nil
		}
	}
	return nil, fmt.Errorf("the simulator has no organization with the domain %q", k.domain)
}
