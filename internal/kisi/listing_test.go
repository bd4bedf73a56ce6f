package kisi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// shelf is a naive server of one list: ids in an order, at most `most` on a page.
type shelf struct {
	ids     []int64
	most    int
	clipped bool // the end of the range stops at the last item
	star    bool // an empty list is */0
	before  func(page int, s *shelf)
	after   func(page int, header http.Header, rows []json.RawMessage) any // nil: rows as they are
	pages   int
	asked   []string
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.pages++
	s.asked = append(s.asked, r.URL.Query().Get("offset")+"+"+r.URL.Query().Get("limit"))
	if s.before != nil {
		s.before(s.pages, s)
	}
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	if s.most > 0 {
		limit = min(limit, s.most)
	}
	rows := []json.RawMessage{}
	for i := offset; i < min(offset+limit, len(s.ids)); i++ {
		rows = append(rows, json.RawMessage(fmt.Sprintf(`{"id":%d}`, s.ids[i])))
	}
	end := offset + limit - 1
	if s.clipped {
		end = max(offset, min(end, len(s.ids)-1))
	}
	value := fmt.Sprintf("%d-%d/%d", offset, end, len(s.ids))
	if s.star && len(s.ids) == 0 {
		value = "*/0"
	}
	w.Header().Set("X-Collection-Range", value)
	var body any = rows
	if s.after != nil {
		body = s.after(s.pages, w.Header(), rows)
	}
	_ = json.NewEncoder(w).Encode(body)
}

func upTo(n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	return ids
}

func listGroups(t *testing.T, s *shelf, filter GroupFilter) (Listing[Group], error) {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	return clientAt(t, server.URL).ListGroups(context.Background(), filter)
}

func idsOf(groups []Group) []int64 {
	ids := make([]int64, len(groups))
	for i := range groups {
		ids[i] = groups[i].ID
	}
	return ids
}

func TestCompleteListings(t *testing.T) {
	tests := map[string]struct {
		shelf *shelf
		asked []string
	}{
		"empty":                                     {&shelf{}, []string{"0+250"}},
		"empty, with a star":                        {&shelf{star: true}, []string{"0+250"}},
		"empty, clipped":                            {&shelf{clipped: true}, []string{"0+250"}},
		"one page":                                  {&shelf{ids: upTo(15)}, []string{"0+250"}},
		"one page, clipped":                         {&shelf{ids: upTo(15), clipped: true}, []string{"0+250"}},
		"exactly one page":                          {&shelf{ids: upTo(250)}, []string{"0+250"}},
		"one more":                                  {&shelf{ids: upTo(251)}, []string{"0+250", "249+250"}},
		"several pages, each over the last item":    {&shelf{ids: upTo(600)}, []string{"0+250", "249+250", "498+250"}},
		"several pages, clipped":                    {&shelf{ids: upTo(600), clipped: true}, []string{"0+250", "249+250", "498+250"}},
		"a server that gives smaller pages":         {&shelf{ids: upTo(250), most: 100}, []string{"0+250", "99+250", "198+250"}},
		"a row appended while the first page waits": {&shelf{ids: upTo(3), before: func(_ int, s *shelf) { s.ids = append(s.ids, 4) }}, []string{"0+250"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			listing, err := listGroups(t, test.shelf, GroupFilter{})
			if err != nil || !listing.Complete() {
				t.Fatalf("incomplete: %s, %v", listing.Incomplete, err)
			}
			if !slices.Equal(idsOf(listing.Items), test.shelf.ids) || listing.Total != len(test.shelf.ids) {
				t.Errorf("%d items, total %d, want %d", len(listing.Items), listing.Total, len(test.shelf.ids))
			}
			if !slices.Equal(test.shelf.asked, test.asked) {
				t.Errorf("asked for %q, want %q", test.shelf.asked, test.asked)
			}
		})
	}
}

func TestIncompleteListings(t *testing.T) {
	onPage := func(which int, change func(http.Header, []json.RawMessage) any) func(int, http.Header, []json.RawMessage) any {
		return func(page int, header http.Header, rows []json.RawMessage) any {
			if page != which {
				return rows
			}
			return change(header, rows)
		}
	}
	mark := func(value string) func(http.Header, []json.RawMessage) any {
		return func(header http.Header, rows []json.RawMessage) any {
			if value == "" {
				header.Del("X-Collection-Range")
			} else {
				header.Set("X-Collection-Range", value)
			}
			return rows
		}
	}
	body := func(value any) func(http.Header, []json.RawMessage) any {
		return func(http.Header, []json.RawMessage) any { return value }
	}
	first := func(n int) func(http.Header, []json.RawMessage) any {
		return func(_ http.Header, rows []json.RawMessage) any { return rows[:n] }
	}
	remove := func(page, index int) func(int, *shelf) {
		return func(p int, s *shelf) {
			if p == page {
				s.ids = slices.Delete(s.ids, index, index+1)
			}
		}
	}
	tests := map[string]struct {
		shelf  *shelf
		filter GroupFilter
		why    string
	}{
		"no header":                            {shelf: &shelf{ids: upTo(3), after: onPage(1, mark(""))}, why: "nothing proves"},
		"no header and nothing in it":          {shelf: &shelf{after: onPage(1, mark(""))}, why: "nothing proves"},
		"no header on the second page":         {shelf: &shelf{ids: upTo(300), after: onPage(2, mark(""))}, why: "nothing proves"},
		"a header of no known form":            {shelf: &shelf{ids: upTo(3), after: onPage(1, mark("items 0-9/3"))}, why: "no known form"},
		"a star with rows":                     {shelf: &shelf{ids: upTo(3), after: onPage(1, mark("*/0"))}, why: "does not fit"},
		"a star that is not empty":             {shelf: &shelf{after: onPage(1, mark("*/7"))}, why: "does not fit"},
		"a page marked as another":             {shelf: &shelf{ids: upTo(600), after: onPage(2, mark("0-249/600"))}, why: `is marked "0-249/600"`},
		"a page marked backwards":              {shelf: &shelf{ids: upTo(600), after: onPage(1, mark("0--1/600"))}, why: "no known form"},
		"an empty page where rows are":         {shelf: &shelf{ids: upTo(3), after: onPage(1, first(0))}, why: "holds 0 items instead of 3"},
		"a short page":                         {shelf: &shelf{ids: upTo(600), after: onPage(2, first(100))}, why: "holds 100 items instead of 250"},
		"a short last page":                    {shelf: &shelf{ids: upTo(300), after: onPage(2, first(20))}, why: "holds 20 items instead of 51"},
		"more rows than there are":             {shelf: &shelf{ids: upTo(3), after: onPage(1, mark("0-249/2"))}, why: "holds 3 items instead of 2"},
		"a row twice on a page":                {shelf: &shelf{ids: []int64{1, 2, 1}}, why: "item 1 came twice"},
		"a row of an earlier page again":       {shelf: &shelf{ids: append(upTo(299), 5)}, why: "item 5 came twice"},
		"the first page again":                 {shelf: &shelf{ids: upTo(600), after: onPage(2, func(http.Header, []json.RawMessage) any { return firstRows(250) })}, why: "does not begin with the last item"},
		"a row deleted meanwhile":              {shelf: &shelf{ids: upTo(600), before: remove(2, 3)}, why: "the total moved from 600 to 599"},
		"a row added meanwhile":                {shelf: &shelf{ids: upTo(600), before: func(p int, s *shelf) { s.ids = upTo(600 + p/2) }}, why: "the total moved from 600 to 601"},
		"one deleted and one added meanwhile":  {shelf: &shelf{ids: upTo(600), before: func(p int, s *shelf) { remove(2, 3)(p, s); s.ids = append(s.ids, upTo(600 + p)[len(s.ids):600]...) }}, why: "does not begin with the last item"},
		"another order on the second page":     {shelf: &shelf{ids: upTo(600), before: func(_ int, s *shelf) { slices.Reverse(s.ids) }}, why: "does not begin with the last item"},
		"an object":                            {shelf: &shelf{ids: upTo(3), after: onPage(1, body(map[string]any{"groups": 3}))}, why: "not a list"},
		"null":                                 {shelf: &shelf{ids: upTo(3), after: onPage(1, body(nil))}, why: "not a list"},
		"a null among the rows":                {shelf: &shelf{ids: upTo(2), after: onPage(1, body([]any{map[string]int{"id": 1}, nil}))}, why: "item 2 of the page at offset 0 has no id"},
		"a row that cannot be read":            {shelf: &shelf{ids: upTo(1), after: onPage(1, body([]any{map[string]string{"id": "one"}}))}, why: "cannot be read"},
		"more than the largest offset reaches": {shelf: &shelf{ids: upTo(20_251)}, why: "there are 20251 items"},
		"that, on pages of one":                {shelf: &shelf{ids: upTo(20_251), most: 1}, why: "there are 20251 items"},
		"pages of one":                         {shelf: &shelf{ids: upTo(3), most: 1}, why: "the page at offset 0 holds 1 of 3 items"},
		"pages of less than any of Kisi's":     {shelf: &shelf{ids: upTo(20_000), most: 2}, why: "the page at offset 0 holds 2 of 20000 items"},
		"a page of less than any of Kisi's":    {shelf: &shelf{ids: upTo(600), before: func(p int, s *shelf) { s.most = 251 - 249*(p/2) }}, why: "the page at offset 249 holds 2 of 600 items"},
		"an id of zero":                        {shelf: &shelf{ids: []int64{1, 0}}, why: "item 2 of the page at offset 0 has no id"},
		"an id below zero":                     {shelf: &shelf{ids: []int64{1, -2}}, why: "item 2 of the page at offset 0 has no id"},
		"an id that is beyond what JSON holds": {shelf: &shelf{ids: []int64{1, 1 << 53}}, why: "item 2 of the page at offset 0 has no id"},
		"a row that was not asked for":         {shelf: &shelf{ids: upTo(3)}, filter: GroupFilter{IDs: []int64{1, 2}}, why: "item 3 was not asked for"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			listing, err := listGroups(t, test.shelf, test.filter)
			if err != nil {
				t.Fatalf("error %v", err)
			}
			if listing.Complete() || !strings.Contains(listing.Incomplete, test.why) {
				t.Fatalf("incomplete: %q, want %q", listing.Incomplete, test.why)
			}
			if test.filter.IDs != nil && len(listing.Items) > len(test.filter.IDs) {
				t.Errorf("items that were not asked for are in the listing")
			}
		})
	}
}

func firstRows(n int) []json.RawMessage {
	var rows []json.RawMessage
	for _, id := range upTo(n) {
		rows = append(rows, json.RawMessage(fmt.Sprintf(`{"id":%d}`, id)))
	}
	return rows
}

func TestTheLargestListThatOffsetsReachIsReadWhole(t *testing.T) {
	listing, err := listGroups(t, &shelf{ids: upTo(20_000)}, GroupFilter{})
	if err != nil || !listing.Complete() || len(listing.Items) != 20_000 {
		t.Fatalf("%d items, %q, %v", len(listing.Items), listing.Incomplete, err)
	}
	listing, err = listGroups(t, &shelf{ids: upTo(20_200), most: 101}, GroupFilter{})
	if err != nil || !listing.TooLong || !strings.Contains(listing.Incomplete, "pages are too small") {
		t.Fatalf("smaller pages: %q, %v", listing.Incomplete, err)
	}
}

// Thousands of requests for one list would keep everything else waiting, for as little as a header that misleads.
func TestAListCostsABoundedNumberOfRequests(t *testing.T) {
	for name, test := range map[string]struct {
		shelf *shelf
		most  int
		why   string
	}{
		"the largest list, on Kisi's pages":              {shelf: &shelf{ids: upTo(20_000)}, most: 81},
		"the largest list, on pages of fifty":            {shelf: &shelf{ids: upTo(20_000), most: 50}, most: 409},
		"a group of a thousand, on pages of ten":         {shelf: &shelf{ids: upTo(1_000), most: 10}, most: 111},
		"the largest list, on pages of ten":              {shelf: &shelf{ids: upTo(20_000), most: 10}, most: 1, why: "20000 items would take 2223 requests"},
		"the largest list, on pages of two":              {shelf: &shelf{ids: upTo(20_000), most: 2}, most: 1, why: "holds 2 of 20000 items"},
		"the largest list, on pages that become smaller": {shelf: &shelf{ids: upTo(20_000), before: func(p int, s *shelf) { s.most = max(10, 260-10*p) }}, most: 40, why: "requests"},
	} {
		t.Run(name, func(t *testing.T) {
			listing, err := listGroups(t, test.shelf, GroupFilter{})
			if err != nil || listing.Complete() != (test.why == "") || !strings.Contains(listing.Incomplete, test.why) {
				t.Errorf("incomplete: %q, want %q; %v", listing.Incomplete, test.why, err)
			}
			if test.shelf.pages > test.most {
				t.Errorf("%d requests, want at most %d", test.shelf.pages, test.most)
			}
			if listing.TooLong != strings.Contains(test.why, "requests") {
				t.Errorf("too long: %v, %q", listing.TooLong, listing.Incomplete)
			}
		})
	}
}

func TestAFailedListIsAnErrorAndNeverEmpty(t *testing.T) {
	s := &shelf{ids: upTo(600)}
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if s.pages == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.ServeHTTP(w, r)
	})
	listing, err := client.ListGroups(context.Background(), GroupFilter{})
	if !IsUnavailable(err) || listing.Complete() || len(listing.Items) != 0 {
		t.Fatalf("%+v, %v", listing, err)
	}
}

// A list that changes while it is read, and a server that now and then loses, repeats or mislabels something: whenever
// the listing calls itself complete, every row that was there all the time is in it, and nothing is in it that never was.
func TestACompleteListingMissesNoRowThatWasThereAllTheTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &shelf{
			ids:     upTo(rapid.IntRange(20, 80).Draw(rt, "rows")),
			most:    rapid.IntRange(smallestPage, 20).Draw(rt, "page size"),
			clipped: rapid.Bool().Draw(rt, "clipped"),
			star:    rapid.Bool().Draw(rt, "star"),
		}
		always, ever := map[int64]bool{}, map[int64]bool{}
		for _, id := range s.ids {
			always[id], ever[id] = true, true
		}
		moving, faulty := rapid.Bool().Draw(rt, "moving"), rapid.Bool().Draw(rt, "faulty")
		remove := func() {
			if len(s.ids) > 0 {
				i := rapid.IntRange(0, len(s.ids)-1).Draw(rt, "removed from")
				delete(always, s.ids[i])
				s.ids = slices.Delete(s.ids, i, i+1)
			}
		}
		insert := func() {
			id := int64(len(ever) + 1)
			ever[id] = true
			s.ids = slices.Insert(s.ids, rapid.IntRange(0, len(s.ids)).Draw(rt, "inserted at"), id)
		}
		s.before = func(int, *shelf) {
			if !moving {
				return
			}
			switch rapid.IntRange(0, 5).Draw(rt, "change") {
			case 0:
				remove()
			case 1:
				insert()
			case 2, 3, 4: // the total does not show it
				remove()
				insert()
			}
		}
		s.after = func(_ int, header http.Header, rows []json.RawMessage) any {
			if !faulty || len(rows) == 0 {
				return rows
			}
			switch rapid.IntRange(0, 20).Draw(rt, "fault") {
			case 0:
				return rows[:len(rows)-1]
			case 1:
				return append(slices.Clone(rows[:len(rows)-1]), rows[0])
			case 2:
				header.Del("X-Collection-Range")
			}
			return rows
		}
		server := httptest.NewServer(s)
		defer server.Close()
		listing, err := clientAt(t, server.URL).ListGroups(context.Background(), GroupFilter{})
		if err != nil {
			rt.Fatal(err)
		}
		if !moving && !faulty && !listing.Complete() {
			rt.Fatalf("nothing was wrong, and yet: %s", listing.Incomplete)
		}
		if !listing.Complete() {
			return
		}
		seen := map[int64]bool{}
		for _, id := range idsOf(listing.Items) {
			if !ever[id] || seen[id] {
				rt.Fatalf("item %d is not real, or twice", id)
			}
			seen[id] = true
		}
		for _, id := range slices.Sorted(maps.Keys(always)) {
			if !seen[id] {
				rt.Fatalf("item %d was there all the time and is missing", id)
			}
		}
	})
}
