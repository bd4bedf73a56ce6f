package simulator

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// maxOffset is the ceiling that Kisi's documentation states for every listing.
const maxOffset = 20000

// pageSize is the default and the largest limit of a resource.
type pageSize struct{ standard, max int }

var (
	usersPage = pageSize{50, 100}
	doorsPage = pageSize{50, 250}
	rowsPage  = pageSize{10, 250}
)

type pageRequest struct {
	limit, offset int
	beyond        bool // above the ceiling, to be answered with nothing
}

func (c *call) page(size pageSize) (pageRequest, *answer) {
	p := pageRequest{limit: size.standard}
	refused := func(a answer) (pageRequest, *answer) { return p, &a }
	if text := c.query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return refused(badRequest(fmt.Sprintf("limit is invalid: %q", text)))
		}
		if n > size.max {
			switch c.s.switches.LimitAboveMax {
			case LimitAboveMaxError:
				return refused(badRequest(fmt.Sprintf("limit must be at most %d", size.max)))
			case LimitAboveMaxInvalid:
				return refused(invalid("limit", fmt.Sprintf("must be less than or equal to %d", size.max)))
			}
			n = size.max
		}
		p.limit = n
	}
	if text := c.query.Get("offset"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return refused(badRequest(fmt.Sprintf("offset is invalid: %q", text)))
		}
		if n > maxOffset {
			switch c.s.switches.OffsetAboveMax {
			case OffsetAboveMaxError:
				return refused(badRequest(fmt.Sprintf("offset must be at most %d", maxOffset)))
			case OffsetAboveMaxInvalid:
				return refused(invalid("offset", fmt.Sprintf("must be less than or equal to %d", maxOffset)))
			}
			p.beyond = true
		}
		p.offset = n
	}
	return p, nil
}

// lister describes one listing. ids are the candidates, already narrowed by an
// index where there is one; with neither keep nor an order, a page costs only
// its own rows.
type lister[T any] struct {
	size    pageSize
	table   *table[T]
	ids     []int
	keep    []func(T) bool
	sortKey map[string]func(T) string // by the value of ?sort= without its sign
	render  func(T) any
}

func (l *lister[T]) where(keep func(T) bool) { l.keep = append(l.keep, keep) }

// whereIDs applies the ids filter.
func (l *lister[T]) whereIDs(c *call) {
	text := c.query.Get("ids")
	if !c.query.Has("ids") {
		return
	}
	separator := ","
	if c.s.switches.IDsSeparator == IDsSeparatorPipe {
		separator = "|"
	}
	var wanted []int
	for part := range strings.SplitSeq(text, separator) {
		if id, err := strconv.Atoi(strings.TrimSpace(part)); err == nil {
			wanted = insertSorted(wanted, id)
		}
	}
	var narrowed []int
	for _, id := range wanted {
		if _, found := slices.BinarySearch(l.ids, id); found {
			narrowed = append(narrowed, id)
		}
	}
	l.ids = narrowed
}

// whereText applies the free-text query filter to the given texts of a row.
func (l *lister[T]) whereText(c *call, texts func(T) []string) {
	needle := strings.ToLower(strings.TrimSpace(c.query.Get("query")))
	if needle == "" {
		return
	}
	l.where(func(row T) bool {
		for _, text := range texts(row) {
			if strings.Contains(strings.ToLower(text), needle) {
				return true
			}
		}
		return false
	})
}

func (l *lister[T]) answer(c *call) answer {
	page, refused := c.page(l.size)
	if refused != nil {
		return *refused
	}
	ids := l.ids
	if len(l.keep) > 0 {
		ids = slices.Collect(func(yield func(int) bool) {
			for _, id := range l.ids {
				row, _ := l.table.get(id)
				if l.kept(row) && !yield(id) {
					return
				}
			}
		})
	}
	ids, refused = l.order(c, ids, page)
	if refused != nil {
		return *refused
	}
	out := &listing{offset: page.offset, limit: page.limit, total: len(ids), rows: []any{}}
	if !page.beyond {
		for _, id := range ids[min(page.offset, len(ids)):min(page.offset+page.limit, len(ids))] {
			row, _ := l.table.get(id)
			out.rows = append(out.rows, l.render(row))
		}
	}
	return answer{status: 200, list: out}
}

func (l *lister[T]) kept(row T) bool {
	for _, keep := range l.keep {
		if !keep(row) {
			return false
		}
	}
	return true
}

func (l *lister[T]) order(c *call, ids []int, page pageRequest) ([]int, *answer) {
	sort := c.query.Get("sort")
	if sort == "" {
		return c.shuffled(ids, page), nil
	}
	key, known := l.sortKey[strings.TrimPrefix(sort, "-")]
	if !known {
		a := badRequest(fmt.Sprintf("sort is invalid: %q", sort))
		return nil, &a
	}
	type keyed struct {
		id  int
		key string
	}
	rows := make([]keyed, len(ids))
	for i, id := range ids {
		row, _ := l.table.get(id)
		rows[i] = keyed{id, strings.ToLower(key(row))}
	}
	slices.SortStableFunc(rows, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	if strings.HasPrefix(sort, "-") {
		slices.Reverse(rows)
	}
	sorted := make([]int, len(rows))
	for i := range rows {
		sorted[i] = rows[i].id
	}
	return sorted, nil
}

// shuffled orders rows as Kisi might that promises no order: the first page of
// a listing draws the order, and the pages after it keep it, or do not.
func (c *call) shuffled(ids []int, page pageRequest) []int {
	if c.s.switches.ListOrder == ListOrderByID {
		return ids
	}
	query := c.cloneQuery()
	query.Del("offset")
	listing := fmt.Sprint(c.user.ID, c.request.URL.Path, query.Encode())
	if page.offset == 0 || c.s.switches.ListOrder == ListOrderShuffledPerPage {
		c.s.shuffles[listing]++
	}
	draw := c.s.shuffles[listing]
	place := func(id int) uint64 {
		h := fnv.New64a()
		_, _ = fmt.Fprint(h, draw, ":", id)
		return h.Sum64()
	}
	shuffled := slices.Clone(ids)
	slices.SortFunc(shuffled, func(a, b int) int { return cmp.Compare(place(a), place(b)) })
	return shuffled
}

// rangeHeader is X-Collection-Range. Its end is not clipped to the total: that
// is how Kisi's document describes it.
func (s *Server) rangeHeader(l *listing) string {
	if l.total == 0 && s.switches.EmptyRange == EmptyRangeStar {
		return "*/0"
	}
	return fmt.Sprintf("%d-%d/%d", l.offset, l.offset+l.limit-1, l.total)
}
