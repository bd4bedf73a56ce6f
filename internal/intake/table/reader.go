package table

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
	_ "time/tzdata" // the zones of every system, whatever the image has
	"unicode/utf8"

	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/intake"
)

// Reader reads exports by one mapping. It is not for several goroutines at once.
type Reader struct {
	mapping Mapping
	objects []object
	// columns that the mapping reads; true for those that an export may lack.
	columns map[string]bool

	paths paths
}

// New returns a Reader, or what is wrong with the mapping and where.
func New(m Mapping) (*Reader, error) {
	m, err := m.resolved()
	if err != nil {
		return nil, err
	}
	zone, err := m.check()
	if err != nil {
		return nil, err
	}
	r := &Reader{mapping: m, columns: map[string]bool{}}
	for i, o := range m.Objects {
		compiled, err := compileObject(o, m, zone)
		if err != nil {
			return nil, fmt.Errorf("objects[%d].%w", i, err)
		}
		r.objects = append(r.objects, compiled)
		r.read(compiled.id)
		for _, f := range compiled.fields {
			r.read(f.value)
		}
	}
	if m.Format == JSON {
		err = r.compilePaths()
	}
	return r, err
}

// check returns the time zone, or what is wrong with the mapping as a whole.
func (m Mapping) check() (*time.Location, error) {
	switch {
	case m.Format != CSV && m.Format != JSON:
		return nil, fmt.Errorf("format: %q is neither CSV nor JSON", m.Format)
	case m.Format == CSV && (m.Rows != "" || m.Total != "" || m.Next != ""):
		return nil, errors.New("rows, total and next are for JSON: remove them, or set format: JSON")
	case m.Format == JSON && (m.Separator != "" || m.Encoding != "" || m.LastLine != ""):
		return nil, errors.New("separator, encoding and lastLine are for CSV: remove them, or set format: CSV")
	case m.Separator != "" && utf8.RuneCountInString(m.Separator) != 1:
		return nil, fmt.Errorf("separator: %q is more than one character", m.Separator)
	case m.Encoding != "" && m.Encoding != UTF8 && m.Encoding != Windows1252:
		return nil, fmt.Errorf("encoding: %q is neither UTF-8 nor Windows-1252", m.Encoding)
	case m.LastLine != "" && m.LastLine != LastLineEnded && m.LastLine != LastLineAny:
		return nil, fmt.Errorf("lastLine: %q is neither Ended nor Any", m.LastLine)
	case len(m.Objects) == 0:
		return nil, errors.New("objects: say what a row is made into")
	case m.TimeZone == "":
		return nil, nil //nolint:nilnil // no zone is a choice
	}
	zone, err := time.LoadLocation(m.TimeZone)
	if err != nil || m.TimeZone == "Local" {
		return nil, fmt.Errorf("timeZone: %q is no name of a time zone such as Europe/Berlin", m.TimeZone)
	}
	return zone, nil
}

// read remembers the column that a value reads.
func (r *Reader) read(v *value) {
	if v.From != "" && v.path == nil {
		optional, known := r.columns[v.From]
		r.columns[v.From] = v.Optional && (optional || !known)
	}
}

func (r *Reader) compilePaths() error {
	for _, path := range []struct {
		name, text string
		to         **jsonpath.JSONPath
	}{{"rows", r.mapping.Rows, &r.paths.rows}, {"total", r.mapping.Total, &r.paths.total}, {"next", r.mapping.Next, &r.paths.next}} {
		if path.text == "" {
			continue
		}
		compiled, err := compilePath(path.text)
		if err != nil {
			return fmt.Errorf("%s: %w", path.name, err)
		}
		*path.to = compiled
	}
	if r.paths.rows != nil {
		r.paths.rows.AllowMissingKeys(false) // what is missing there is another export
	}
	return nil
}

// Kinds are those of the objects that rows are made into.
func (r *Reader) Kinds() []string {
	var kinds []string
	for _, o := range r.objects {
		if !slices.Contains(kinds, o.kind) {
			kinds = append(kinds, o.kind)
		}
	}
	return kinds
}

// Span bounds the bookings that are made: those that last into [From, Until). A bound that is zero is none.
type Span struct{ From, Until time.Time }

// leavesOut reports whether an object is a booking outside of the span. An export may go back for years, and a booking that
// ended long ago would be deleted by the operator and made again by the next reading.
func (s Span) leavesOut(o client.Object) bool {
	booking, is := o.(*v1alpha1.BookingGrant)
	return is && (!s.From.IsZero() && !booking.Spec.EndTime.After(s.From) || !s.Until.IsZero() && !booking.Spec.StartTime.Time.Before(s.Until))
}

// Read reads an export. name is what it is called in messages, such as bookings.csv. It returns an error if the export is not
// whole, or is something else than the mapping is for; then nothing of it may be used.
func (r *Reader) Read(ctx context.Context, name string, content []byte, within Span) (intake.Reading, error) {
	if len(content) > MaxBytes {
		return intake.Reading{}, fmt.Errorf("%s has more than %d MiB: export less at once", name, MaxBytes>>20)
	}
	var rows []row
	var err error
	if r.mapping.Format == CSV {
		rows, err = csvRows(name, content, r.mapping, r.columns)
	} else {
		rows, err = jsonRows(name, content, r.paths)
	}
	if err != nil {
		return intake.Reading{}, fmt.Errorf("%s %w", name, err)
	}
	g := gathered{within: within, ids: map[key]int{}, twice: map[key]bool{}}
	for _, row := range rows {
		for _, o := range r.objects {
			if err := g.add(ctx, o, row); err != nil {
				return intake.Reading{}, err
			}
		}
	}
	reading := g.reading()
	reading.Rows = len(rows)
	return reading, nil
}

// key is the kind and the id of an entry.
type key struct{ kind, id string }

// gathered are the entries and problems of the rows so far.
type gathered struct {
	within   Span
	entries  []intake.Entry
	keys     []key
	problems []intake.Problem
	// ids are where the entries are by their keys; twice those that differ from one with the same key.
	ids   map[key]int
	twice map[key]bool
}

// add adds what a row says of one object. Only the end of ctx is an error.
func (g *gathered) add(ctx context.Context, o object, r row) error {
	problem := func(id string, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if id != "" {
			id = intake.BoundedID(id)
		}
		if n := len(g.problems); n > 0 && g.problems[n-1].Where == r.where && g.problems[n-1].ID == id && g.problems[n-1].Err.Error() == err.Error() {
			return nil // it is the same for another object
		}
		g.problems = append(g.problems, intake.Problem{Where: r.where, ID: id, Err: err})
		return nil
	}
	if r.wrong != nil {
		id, _ := o.idOf(ctx, r)
		return problem(id, r.wrong)
	}
	wanted, err := o.wanted(ctx, r)
	if err != nil {
		id, _ := o.idOf(ctx, r)
		return problem(id, err)
	}
	if !wanted {
		return nil
	}
	id, err := o.idOf(ctx, r)
	if err != nil {
		return problem("", err)
	}
	bounded := intake.BoundedID(id)
	wish, err := o.make(ctx, r, bounded)
	if err != nil {
		return problem(id, err)
	}
	if g.within.leavesOut(wish) {
		return nil
	}
	at := key{o.kind, bounded}
	if first, there := g.ids[at]; there {
		if earlier := g.entries[first]; !reflect.DeepEqual(earlier.Object, wish) {
			g.twice[at] = true
			return problem(id, fmt.Errorf("%s has the same id and says something else of the %s: keep one of them in the export, or correct the id in the mapping", earlier.Where, o.kind))
		}
		return nil
	}
	g.ids[at] = len(g.entries)
	g.entries = append(g.entries, intake.Entry{ID: bounded, Where: r.where, Object: wish})
	g.keys = append(g.keys, at)
	return nil
}

// reading leaves out the entries that another row contradicts.
func (g *gathered) reading() intake.Reading {
	reading := intake.Reading{Problems: g.problems}
	for i, entry := range g.entries {
		if !g.twice[g.keys[i]] {
			reading.Entries = append(reading.Entries, entry)
		}
	}
	return reading
}
