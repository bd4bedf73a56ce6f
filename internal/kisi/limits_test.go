package kisi

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// What is sent in two bytes takes hundreds once it is read, so there is a limit before it is.
func TestNoAnswerTakesMoreMemoryThanAFewTimesItsBytes(t *testing.T) {
	header := http.Header{"X-Collection-Range": {"0-249/3"}}
	zeros := strings.Repeat("0,", 1<<20) + "0"
	for name, read := range map[string]func(*Client) string{
		"a list of nothing": func(c *Client) string {
			listing, err := c.ListRoleAssignments(t.Context(), RoleAssignmentFilter{})
			return fmt.Sprint(listing.Incomplete, err)
		},
		"a page of events": func(c *Client) string { _, err := c.EventSet(t.Context(), 7, "", 0); return err.Error() },
		"the organizations": func(c *Client) string {
			_, err := c.OnlyOrganization(t.Context())
			return err.Error()
		},
	} {
		t.Run(name, func(t *testing.T) {
			body := "[" + zeros + "]"
			if name == "a page of events" {
				body = `{"id":7,"status":"finished","events":[` + zeros + `]}`
			}
			client := fed(t, answerer{status: 200, header: header, body: []byte(body)})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			said := read(client)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 64*uint64(len(body)) {
				t.Errorf("%d MiB for an answer of %d MiB", took>>20, len(body)>>20)
			}
			if !strings.Contains(said, "more than") && !strings.Contains(said, "too many items") {
				t.Errorf("says %.200s", said)
			}
		})
	}
}

// Nothing is concluded from an answer that is longer than what is read of one.
func TestAnAnswerThatIsTooLongIsNone(t *testing.T) {
	huge := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Collection-Range", "0-249/1")
		_, _ = io.WriteString(w, `[{"id":1,"name":"`)
		for range maxResponseBytes >> 20 {
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		}
		_, _ = io.WriteString(w, `"}]`)
	}
	client := clientOf(t, huge)
	if listing, err := client.ListGroups(t.Context(), GroupFilter{}); err == nil || listing.Complete() || len(listing.Items) > 0 {
		t.Errorf("%d groups of a list that is cut short, %v", len(listing.Items), err)
	}
	if _, err := client.CreateGroup(t.Context(), GroupCreate{Name: "Lab"}); !OutcomeUnknown(err) {
		t.Errorf("whether the group was made is taken for known: %v", err)
	}
	if err := client.DeleteRoleAssignment(t.Context(), 7); !OutcomeUnknown(err) {
		t.Errorf("whether the assignment is gone is taken for known: %v", err)
	}
}

// Of a refusal that is longer than what is read of one, the status counts.
func TestOfALongRefusalTheStatusCounts(t *testing.T) {
	client := clientOf(t, reply(http.StatusUnprocessableEntity, `{"error":"`+strings.Repeat("x", maxRefusalBytes)+`"}`))
	_, err := client.CreateGroup(t.Context(), GroupCreate{Name: "Lab"})
	if !IsInvalid(err) || OutcomeUnknown(err) || len(err.Error()) > 200 {
		t.Errorf("%.300v", err)
	}
}
