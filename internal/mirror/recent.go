package mirror

// recent remembers a bounded number of values, and forgets those that came first.
type recent[K comparable, V any] struct {
	values map[K]V
	order  []K // oldest first
}

// mostRecent bounds each of the mirror's memories: far more than happens between an act and the event that tells of it.
const mostRecent = 10_000

func (r *recent[K, V]) put(key K, value V) {
	if r.values == nil {
		r.values = map[K]V{}
	}
	if _, known := r.values[key]; !known {
		r.order = append(r.order, key)
		if len(r.order) > mostRecent {
			delete(r.values, r.order[0])
			r.order = r.order[1:]
		}
	}
	r.values[key] = value
}

func (r *recent[K, V]) get(key K) (V, bool) {
	value, known := r.values[key]
	return value, known
}
