package table

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"k8s.io/client-go/util/jsonpath"
)

// maxRows is how many rows an export may have, and MaxBytes how long it may be.
const (
	maxRows  = 100_000
	MaxBytes = 16 << 20
)

// row is one record of an export.
type row struct {
	where  string
	values map[string]any
	// columns are the names in the header by those in the mapping; nil where names are as they are.
	columns map[string]string
	// wrong is set if the row cannot be read as the others.
	wrong error
}

// column returns the name that a row has for a column of the mapping.
func (r row) column(name string) string {
	if r.columns == nil {
		return name
	}
	return r.columns[name]
}

// csvRows reads the rows of a CSV export. columns are those that the mapping reads; true for those that may be missing.
func csvRows(name string, content []byte, m Mapping, columns map[string]bool) ([]row, error) {
	content, err := decoded(content, m.Encoding)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, errors.New("is empty, without even a header: it is no export")
	}
	if m.LastLine != LastLineAny && !bytes.HasSuffix(content, []byte("\n")) && !bytes.HasSuffix(content, []byte("\r")) {
		return nil, errors.New("has a last line that does not end: it was cut off, or its system never ends the last line; for that set lastLine: Any")
	}
	reader := csv.NewReader(bytes.NewReader(content))
	reader.FieldsPerRecord = -1 // a row of another length is a problem of that row
	reader.Comma = separatorOf(content, m.Separator)
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("has no header that can be read: %w", err)
	}
	named, err := matched(header, columns)
	if err != nil {
		return nil, err
	}
	var rows []row
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if len(rows) == maxRows {
			return nil, fmt.Errorf("has more than %d rows: export less at once", maxRows)
		}
		var broken *csv.ParseError
		switch {
		case errors.As(err, &broken) && errors.Is(err, csv.ErrQuote) && reader.InputOffset() >= int64(len(content)):
			return nil, fmt.Errorf("has a quotation mark in line %d that is never closed: it was cut off, or the mark should be doubled", broken.StartLine)
		case errors.As(err, &broken):
			rows = append(rows, row{where: fmt.Sprintf("%s:%d", name, broken.StartLine), wrong: fmt.Errorf("%w: quote the value, and double the quotation marks in it", broken.Err)})
			continue
		case err != nil:
			return nil, err
		}
		line, _ := reader.FieldPos(0)
		r := row{where: fmt.Sprintf("%s:%d", name, line), values: make(map[string]any, len(header)), columns: named}
		for i, text := range record {
			if i < len(header) {
				r.values[strings.TrimSpace(header[i])] = text
			}
		}
		if len(record) != len(header) {
			r.wrong = fmt.Errorf("the row has %d values and the header %d columns: quote values with separators or line breaks in them", len(record), len(header))
		}
		rows = append(rows, r)
	}
}

// separatorOf returns the separator that is set, or the one that the first line has most of.
func separatorOf(content []byte, set string) rune {
	if set != "" {
		separator, _ := utf8.DecodeRuneInString(set)
		return separator
	}
	first, _, _ := bytes.Cut(content, []byte("\n"))
	best, most := ',', 0
	for _, candidate := range ",;|\t" {
		if n := bytes.Count(first, []byte(string(candidate))); n > most {
			best, most = candidate, n
		}
	}
	return best
}

// matched finds the columns of the mapping in a header, whatever their capitals.
func matched(header []string, columns map[string]bool) (map[string]string, error) {
	named := map[string]string{}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		found := 0
		for _, there := range header {
			if there = strings.TrimSpace(there); strings.EqualFold(there, column) {
				named[column] = there
				found++
			}
		}
		switch {
		case found > 1:
			return nil, fmt.Errorf("has %d columns %q: rename one of them in the export", found, column)
		case found == 0 && !columns[column]:
			return nil, fmt.Errorf("has no column %q: correct the mapping, or this is another export. %s", column, described(header))
		}
	}
	return named, nil
}

// described lists the columns of a header, unless it is rather a row, with somebody's address in it.
func described(header []string) string {
	all := strings.Join(header, ", ")
	if strings.Contains(all, "@") {
		return "Its first line is no header"
	}
	return "Its columns are " + shortened(all)
}

// jsonRows reads the rows of a JSON export.
func jsonRows(name string, content []byte, paths paths) ([]row, error) {
	content, err := decoded(content, UTF8)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("ends too early to be JSON: it was cut off; nothing of it is used")
		}
		return nil, fmt.Errorf("is no JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("goes on after its end: it is no JSON document")
	}
	document = numbered(document)
	if err := paths.onePage(document); err != nil {
		return nil, err
	}
	found, err := paths.list(document)
	if err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(found))
	for i, element := range found {
		r := row{where: fmt.Sprintf("%s[%d]", name, i)}
		var is bool
		if r.values, is = element.(map[string]any); !is {
			r.wrong = errors.New("the row is no object: correct the export")
		}
		rows = append(rows, r)
	}
	return rows, paths.complete(document, len(rows))
}

// paths lead to what a JSON export says besides its rows. One that is nil is not asked for.
type paths struct{ rows, total, next *jsonpath.JSONPath }

// list returns the rows.
func (p paths) list(document any) ([]any, error) {
	elsewhere := errors.New("has no list of rows where the mapping says: correct rows, or this is another export")
	lists := [][]reflect.Value{{reflect.ValueOf(document)}}
	if p.rows != nil {
		var err error
		if lists, err = p.rows.FindResults(document); err != nil {
			return nil, elsewhere
		}
	}
	var all []any
	for _, results := range lists {
		for _, result := range results {
			if !result.IsValid() {
				return nil, elsewhere
			}
			list, is := result.Interface().([]any)
			if !is {
				return nil, elsewhere
			}
			if all = append(all, list...); len(all) > maxRows {
				return nil, fmt.Errorf("has more than %d rows: export less at once", maxRows)
			}
		}
	}
	return all, nil
}

// onePage returns an error if more pages follow.
func (p paths) onePage(document any) error {
	if p.next == nil {
		return nil
	}
	next, err := find(p.next, document)
	if err != nil {
		return fmt.Errorf("next: %w", err)
	}
	if next = tidy(next); next != nil && next != false {
		return errors.New("says that another page follows: fetch all of it at once")
	}
	return nil
}

// complete returns an error if the export says that it has another number of rows.
func (p paths) complete(document any, rows int) error {
	if p.total == nil {
		return nil
	}
	total, err := find(p.total, document)
	if err != nil {
		return fmt.Errorf("total: %w", err)
	}
	said, err := textOf(total)
	if err != nil {
		return fmt.Errorf("has %d rows, and does not say how many it should have: correct total, or this is another export", rows)
	}
	if said != strconv.Itoa(rows) {
		return fmt.Errorf("has %d rows, and says that it should have %s: fetch all of it at once", rows, shortened(said))
	}
	return nil
}

// numbered replaces numbers as they are written by numbers that expressions know.
func numbered(in any) any {
	switch in := in.(type) {
	case map[string]any:
		for key, element := range in {
			in[key] = numbered(element)
		}
	case []any:
		for i, element := range in {
			in[i] = numbered(element)
		}
	case json.Number:
		if whole, err := in.Int64(); err == nil {
			return whole
		}
		if number, err := in.Float64(); err == nil {
			return number
		}
		return in.String()
	}
	return in
}

// shortened makes a text fit for a message.
func shortened(text string) string {
	const most = 80
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
