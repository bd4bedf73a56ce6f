package kisi

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// rooted wraps a body in the singular root key that Kisi wants.
func rooted(key string, value any) any { return map[string]any{key: value} }

func pathOf(resource, id string) string {
	if id == "" {
		return ""
	}
	return "/" + resource + "/" + id
}

// routeOf is a path with {id} in the place of an id.
func routeOf(path string) string {
	resource, _, byID := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if byID {
		return pathOf(resource, "{id}")
	}
	return "/" + resource
}

// pathOfID is empty for an id that cannot be one, so that a forgotten id never becomes a request.
func pathOfID(resource string, id int64) string {
	if id <= 0 {
		return ""
	}
	return pathOf(resource, strconv.FormatInt(id, 10))
}

// listQuery collects the filters of a list, leaving out what is not set.
type listQuery struct {
	values url.Values
	wanted map[int64]bool // nil: no filter by id
	err    error
}

func newQuery() *listQuery { return &listQuery{values: url.Values{}} }

// ids filters by id; Kisi does not state the separator, its own client sends commas.
func (q *listQuery) ids(ids []int64) *listQuery {
	if ids == nil {
		return q
	}
	if len(ids) == 0 {
		q.err = errors.New("the list of ids is empty, which Kisi would read as all of them: leave it nil for that")
	}
	q.wanted = map[int64]bool{}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
		q.wanted[id] = true
	}
	q.values.Set("ids", strings.Join(texts, ","))
	return q
}

func (q *listQuery) text(name, value string) *listQuery {
	if value != "" {
		q.values.Set(name, value)
	}
	return q
}

func (q *listQuery) number(name string, value int64) *listQuery {
	if value != 0 {
		q.values.Set(name, strconv.FormatInt(value, 10))
	}
	return q
}

// pair sets <name>_type and <name>_id, which Kisi wants together. Half a pair would list what nobody asked for.
func (q *listQuery) pair(name, kind string, id int64) *listQuery {
	if (kind == "") != (id == 0) {
		q.err = fmt.Errorf("the filters %s_type (%q) and %s_id (%d) go together", name, kind, name, id)
	}
	return q.text(name+"_type", kind).number(name+"_id", id)
}
