package simulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// readAll lists page by page, as a client that trusts the total would.
func readAll(t *testing.T, s *Server, path string, limit int) []string {
	t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	var all []string
	for offset := 0; ; offset += limit {
		rows := send(t, s, ownerKey, "GET", fmt.Sprintf("%s%slimit=%d&offset=%d", path, separator, limit, offset), "").want(200).rows()
		for _, row := range rows {
			all = append(all, fmt.Sprint(row["id"]))
		}
		if len(rows) < limit {
			return all
		}
	}
}

func TestTheRangeHeaderIsNotClipped(t *testing.T) {
	for _, test := range []struct{ switches, path, want string }{
		{"", "/users?limit=4&offset=4", "4-7/6"},
		{"", "/groups", "0-9/3"},
		{"", "/users?limit=100&offset=300", "300-399/6"},
		{"", "/teams?query=nobody", "*/0"},
		{"emptyRange=Zero", "/teams?query=nobody", "0-9/0"},
		{"rangeHeader=Absent", "/users", ""},
	} {
		var switches []string
		if test.switches != "" {
			switches = append(switches, test.switches)
		}
		r := send(t, simulated(t, switches...), ownerKey, "GET", test.path, "").want(200)
		if got := r.header.Get("X-Collection-Range"); got != test.want {
			t.Errorf("%s: %q, want %q", test.path, got, test.want)
		}
	}
}

func TestEveryListingHasItsDefaultAndMaximum(t *testing.T) {
	s := simulated(t)
	for path, size := range map[string][2]int{
		"/users?": {50, 100}, "/members?": {50, 100}, "/locks?": {50, 250}, "/places?": {50, 250}, "/groups?": {10, 250},
		"/role_assignments?": {10, 250}, "/teams?": {10, 250}, "/team_memberships?": {10, 250}, "/logins?": {10, 250},
		fmt.Sprintf("/group_locks?group_id=%d&", groupID(t, s, "Board")): {10, 250},
	} {
		first := send(t, s, ownerKey, "GET", path, "").want(200).header.Get("X-Collection-Range")
		if !strings.HasPrefix(first, fmt.Sprintf("0-%d/", size[0]-1)) {
			t.Errorf("%s: %s, want %d rows a page", path, first, size[0])
		}
		clamped := send(t, s, ownerKey, "GET", path+"limit=5000", "").want(200).header.Get("X-Collection-Range")
		if !strings.HasPrefix(clamped, fmt.Sprintf("0-%d/", size[1]-1)) {
			t.Errorf("%s: %s, want at most %d rows a page", path, clamped, size[1])
		}
	}
}

func TestLimitsAndOffsetsOutOfBounds(t *testing.T) {
	for _, test := range []struct {
		set, query string
		status     int
	}{
		{"limitAboveMax=Error", "limit=101", 400}, {"limitAboveMax=Invalid", "limit=101", 422}, {"limitAboveMax=Clamp", "limit=101", 200},
		{"offsetAboveMax=Error", "offset=20001", 400}, {"offsetAboveMax=Invalid", "offset=20001", 422}, {"offsetAboveMax=Empty", "offset=20001", 200},
		{"offsetAboveMax=Error", "offset=20000", 200}, {"limitAboveMax=Clamp", "limit=0", 400}, {"limitAboveMax=Clamp", "offset=-1", 400},
		{"limitAboveMax=Clamp", "sort=shoe_size", 400},
	} {
		send(t, simulated(t, test.set), ownerKey, "GET", "/users?"+test.query, "").want(test.status)
	}
}

func TestPagesTogetherAreTheWhole(t *testing.T) {
	for order, whole := range map[string]bool{"ByID": true, "ShuffledPerListing": true} {
		s := simulated(t, "listOrder="+order)
		for _, limit := range []int{1, 2, 4} {
			ids := readAll(t, s, "/users", limit)
			slices.Sort(ids)
			if len(slices.Compact(ids)) != 6 && whole {
				t.Errorf("%s, %d a page: %v", order, limit, ids)
			}
		}
	}
}

func TestShufflingPerPageRepeatsRows(t *testing.T) {
	s := simulated(t, "listOrder=ShuffledPerPage")
	for i := range 40 {
		send(t, s, ownerKey, "POST", "/teams", fmt.Sprintf(`{"team":{"name":"t%d"}}`, i)).want(200)
	}
	ids := readAll(t, s, "/teams", 10)
	slices.Sort(ids)
	if len(slices.Compact(ids)) == 41 {
		t.Error("a listing shuffled on every page came out whole")
	}
}

func TestSortAndSearch(t *testing.T) {
	s := simulated(t)
	byName := names(send(t, s, ownerKey, "GET", "/users?sort=-name&limit=3", "").want(200).rows())
	if !slices.Equal(byName, []string{"Tina", "Pete", "Olga"}) {
		t.Errorf("sorted: %v", byName)
	}
	if got := names(send(t, s, ownerKey, "GET", "/users?query=FRONT", "").want(200).rows()); !slices.Equal(got, []string{"Mara"}) {
		t.Errorf("notes are searched: %v", got)
	}
	if got := names(send(t, s, ownerKey, "GET", "/groups?query=oar", "").want(200).rows()); !slices.Equal(got, []string{"Board"}) {
		t.Errorf("part of a name: %v", got)
	}
	ids := fmt.Sprintf("%d,%d,1", userID(t, s, "tina@acme.example"), userID(t, s, "adam@acme.example"))
	if got := names(send(t, s, ownerKey, "GET", "/users?ids="+ids, "").want(200).rows()); !slices.Equal(got, []string{"Adam", "Tina"}) {
		t.Errorf("ids: %v", got)
	}
	if err := s.SetSwitch("idsSeparator", "Pipe"); err != nil {
		t.Fatal(err)
	}
	if got := send(t, s, ownerKey, "GET", "/users?ids="+ids, "").want(200).rows(); len(got) != 0 {
		t.Errorf("commas under Pipe: %v", got)
	}
}
