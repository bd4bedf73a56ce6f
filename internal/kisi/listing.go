package kisi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// maxOffset is the largest offset Kisi takes, for every resource.
const maxOffset = 20_000

const (
	// smallestPage is the smallest default of Kisi's: a server with a limit of its own may give so little although more was
	// asked for. One that gives less counts its items wrongly, or would have each of them fetched by a request of its own.
	smallestPage = 10
	// mostRequests bounds what one list costs: 100 seconds of Kisi's five requests a second. Pages of 50, the larger default
	// of Kisi's, reach the largest offset within.
	mostRequests = 500
)

// Listing is what a list call found, and whether that is all there is.
//
// Items are proven to be all when every page said by X-Collection-Range where it stands and how many there are in
// total, all pages agreed on the total, each page held exactly what it said, no item came twice, and each page began
// with the last item of the page before. The last is asked for on purpose: a row that is deleted while the list is read
// moves all later rows up by one, and the next page would silently skip one.
//
// Without the header nothing proves completeness. A page shorter than its limit does not: the server may have a lower
// limit of its own, or have lost rows on the way. Such a list is Incomplete.
//
// Each item is held against the filters of the call as well. One that does not answer them shows that Kisi, or a proxy
// before it, answers another question: the list is then Incomplete, and without items.
type Listing[T any] struct {
	Items []T
	// Total is the number of items Kisi said there are; -1 if it did not say.
	Total int
	// Incomplete says why Items may lack something; empty if they are proven to be all. An incomplete listing proves that
	// its items exist and nothing about what it does not show: never revoke from it.
	Incomplete string
	// TooLong says that Incomplete is about the list's length: there is more than Kisi lets be read, or than so many requests
	// may be spent on. Parts of it, by a narrower filter, can be read all the same.
	TooLong bool
	// ServerTime is Kisi's own clock at the first page; zero if it did not say.
	ServerTime time.Time
}

// Complete reports whether Items are proven to be all there is.
func (l Listing[T]) Complete() bool { return l.Incomplete == "" }

// listAll reads a list page by page, each as large as the resource allows. It ends at the first thing that is off, since
// the whole must be read again anyway. strays says in which way an item is not what the filters ask for, empty if it is;
// nil where items do not show that.
func listAll[T any](ctx context.Context, c *Client, op, path string, query *listQuery, limit int, id func(*T) int64, strays func(*T) string) (Listing[T], error) {
	r := request{op: op, method: http.MethodGet, path: path, query: query.values}
	if query.err != nil {
		return unread[T](op), r.refused(query.err)
	}
	reading := &listReading[T]{limit: limit, id: id, wanted: query.wanted, strays: strays, seen: map[int64]bool{}}
	reading.listing.Total = -1
	for offset := 0; ; {
		r.query.Set("limit", strconv.Itoa(limit))
		r.query.Set("offset", strconv.Itoa(offset))
		a, err := c.send(ctx, r)
		if err == nil && a.bodyErr != nil {
			err = &Error{Op: op, Method: r.method, Path: path, Status: a.status, Err: a.bodyErr}
		}
		if err != nil {
			return unread[T](op), err
		}
		if offset == 0 {
			reading.listing.ServerTime = a.at
		}
		next, problem := reading.page(offset, a)
		if problem != "" {
			if reading.contradicted {
				reading.listing.Items, reading.listing.Total = nil, -1
			}
			reading.listing.Incomplete = printable(c.scrub(problem))
			return reading.listing, nil
		}
		if next < 0 {
			return reading.listing, nil
		}
		offset = next
	}
}

func unread[T any](op string) Listing[T] {
	return Listing[T]{Total: -1, Incomplete: "could not " + op}
}

// listReading is a list in the middle of being read.
type listReading[T any] struct {
	listing Listing[T]
	limit   int
	id      func(*T) int64
	wanted  map[int64]bool // nil: any
	strays  func(*T) string
	seen    map[int64]bool
	last    int64 // id of the latest item
	pages   int   // so far
	// contradicted says that an item is not what was asked for.
	contradicted bool
}

// page takes in the page at an offset. It returns the offset of the next page, -1 after the last, or what is off.
func (l *listReading[T]) page(offset int, a answer) (next int, problem string) {
	l.pages++
	rows, problem := l.decode(offset, a.body)
	if problem != "" {
		return 0, problem
	}
	total, size, problem := l.span(offset, a.header.Get("X-Collection-Range"), len(rows))
	if problem == "" && l.listing.Total >= 0 && total != l.listing.Total {
		problem = fmt.Sprintf("the total moved from %d to %d while the list was read", l.listing.Total, total)
	}
	if problem == "" {
		l.listing.Total = total
		if due := min(size, max(0, total-offset)); len(rows) != due {
			problem = fmt.Sprintf("the page at offset %d holds %d items instead of %d", offset, len(rows), due)
		}
	}
	fresh := rows
	if offset > 0 && problem == "" {
		if len(rows) == 0 || l.id(&rows[0]) != l.last {
			return 0, fmt.Sprintf("the list moved while it was read: the page at offset %d does not begin with the last item before it", offset)
		}
		fresh = rows[1:]
	}
	if taken := l.take(fresh); problem == "" || l.contradicted {
		problem = taken
	}
	switch {
	case problem != "":
		return 0, problem
	case len(l.listing.Items) == total:
		return -1, ""
	}
	return l.next(offset, len(rows), total)
}

// next returns the offset of the page after one of so many items, or why it is not asked for.
func (l *listReading[T]) next(offset, size, total int) (next int, problem string) {
	if total <= maxOffset+l.limit && size < smallestPage {
		return 0, fmt.Sprintf("the page at offset %d holds %d of %d items, fewer than any page of Kisi's that is not the last", offset, size, total)
	}
	next = len(l.listing.Items) - 1
	onward := max(1, size-1) // each page begins with the last item before it
	switch requests := l.pages + (total-len(l.listing.Items)+onward-1)/onward; {
	case total > maxOffset+l.limit:
		problem = fmt.Sprintf("there are %d items, and Kisi lets no more than the first %d be read: narrow the filter", total, maxOffset+l.limit)
	case requests > mostRequests:
		problem = fmt.Sprintf("%d items would take %d requests, with pages of %d: narrow the filter", total, requests, size)
	case next > maxOffset:
		problem = fmt.Sprintf("the pages are too small to read %d items within the largest offset %d", total, maxOffset)
	}
	l.listing.TooLong = problem != ""
	return next, problem
}

func (l *listReading[T]) decode(offset int, body []byte) ([]T, string) {
	raw, err := itemsIn(body, maxOffset+l.limit)
	switch {
	case errors.Is(err, errTooManyItems):
		return nil, fmt.Sprintf("the page at offset %d holds more than the %d items that Kisi lists", offset, maxOffset+l.limit)
	case err != nil || raw == nil:
		return nil, fmt.Sprintf("the page at offset %d is not a list", offset)
	}
	rows := make([]T, len(raw))
	for i := range raw {
		if err := json.Unmarshal(raw[i], &rows[i]); err != nil {
			return nil, fmt.Sprintf("item %d of the page at offset %d cannot be read: %s", i+1, offset, misread(err))
		}
		if !IsID(l.id(&rows[i])) {
			return nil, fmt.Sprintf("item %d of the page at offset %d has no id", i+1, offset)
		}
	}
	return rows, ""
}

// collectionRange is "start-end/total", or "*/0" for an empty list. The end is offset+limit-1 even behind the last item.
var collectionRange = regexp.MustCompile(`^(?:(\d{1,9})-(\d{1,9})|\*)/(\d{1,9})$`)

// span reads how many items there are in total and how many a full page at this offset has.
func (l *listReading[T]) span(offset int, header string, rows int) (total, size int, problem string) {
	if header == "" {
		return 0, 0, fmt.Sprintf("the page at offset %d has no X-Collection-Range, so nothing proves that the list is whole", offset)
	}
	parts := collectionRange.FindStringSubmatch(header)
	if parts == nil {
		return 0, 0, fmt.Sprintf("the X-Collection-Range %q of the page at offset %d is in no known form", header, offset)
	}
	total, _ = strconv.Atoi(parts[3])
	if parts[1] == "" {
		if total != 0 || rows != 0 {
			return 0, 0, fmt.Sprintf("the X-Collection-Range %q does not fit a page with %d items at offset %d", header, rows, offset)
		}
		return 0, l.limit, ""
	}
	start, _ := strconv.Atoi(parts[1])
	end, _ := strconv.Atoi(parts[2])
	if start != offset || end < start {
		return 0, 0, fmt.Sprintf("the page asked for at offset %d is marked %q", offset, header)
	}
	return total, end - start + 1, ""
}

// take keeps what is new and was asked for, and names the first thing that is off.
func (l *listReading[T]) take(rows []T) (problem string) {
	for i := range rows {
		id := l.id(&rows[i])
		if stray := l.stray(id, &rows[i]); stray != "" {
			l.contradicted = true
			return stray
		}
		if l.seen[id] {
			problem = fmt.Sprintf("item %d came twice", id)
			continue
		}
		l.seen[id] = true
		l.last = id
		l.listing.Items = append(l.listing.Items, rows[i])
	}
	return problem
}

// stray says in which way an item is not what was asked for; empty if it is.
func (l *listReading[T]) stray(id int64, item *T) string {
	if l.wanted != nil && !l.wanted[id] {
		return fmt.Sprintf("item %d was not asked for", id)
	}
	if l.strays == nil {
		return ""
	}
	if why := l.strays(item); why != "" {
		return fmt.Sprintf("item %d was not asked for: %s", id, why)
	}
	return ""
}

// other says that a field of an answer names something else than was asked for; empty if it does not, or if nothing was
// asked.
func other[T comparable](field string, got, asked T) string {
	var unset T
	if asked == unset || got == asked {
		return ""
	}
	return fmt.Sprintf("its %s is %v instead of %v", field, got, asked)
}

// otherMade is other for the answer to a create, which may not say all that it has made.
func otherMade[T comparable](field string, got, asked T) string {
	var unset T
	if got == unset {
		return ""
	}
	return other(field, got, asked)
}
