package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"sigs.k8s.io/yaml"
)

// Figure is one measurement.
type Figure struct {
	// Name is that of its limit.
	Name string `json:"name"`
	// What was measured, in words, with the number of people.
	What string `json:"what"`
	Unit string `json:"unit,omitempty"`
	// Value is the operator's.
	Value float64 `json:"value"`
	// Peer is that of the plain loop, or of another yardstick in the same run; nil if there is none. AtLeast: the loop had not
	// got there when it was stopped.
	Peer    *float64 `json:"peer,omitempty"`
	AtLeast bool     `json:"peerAtLeast,omitempty"`
	// Limit is what the value may be; nil: it is only told.
	Limit *Limit `json:"limit,omitempty"`
}

// Limit bounds a figure from above or from below.
type Limit struct {
	Most  *float64 `json:"most,omitempty"`
	Least *float64 `json:"least,omitempty"`
	// Goal is what the figure ought to be where that is out of reach: the limit only guards what has been reached.
	Goal *float64 `json:"goal,omitempty"`
	// Runs are figures of earlier runs, by which the limit was chosen or confirmed.
	Runs []float64 `json:"runs,omitempty"`
}

// ratio is the operator's share of the yardstick.
func (f *Figure) ratio() (float64, bool) {
	if f.Peer == nil || *f.Peer == 0 {
		return 0, false
	}
	return f.Value / *f.Peer, true
}

// missed says how a figure is beyond its limit; empty if it is not.
func (f *Figure) missed() string {
	switch {
	case f.Limit == nil:
		return ""
	case f.Limit.Most != nil && f.Value > *f.Limit.Most:
		return fmt.Sprintf("%s: %s, at most %s", f.Name, number(f.Value), number(*f.Limit.Most))
	case f.Limit.Least != nil && f.Value < *f.Limit.Least:
		return fmt.Sprintf("%s: %s, at least %s", f.Name, number(f.Value), number(*f.Limit.Least))
	}
	return ""
}

func (l *Limit) text() string {
	if l == nil {
		return ""
	}
	text := ""
	switch {
	case l.Most != nil:
		text = "≤ " + number(*l.Most)
	case l.Least != nil:
		text = "≥ " + number(*l.Least)
	}
	if l.Goal != nil {
		text += ", goal " + number(*l.Goal)
	}
	return text
}

// number writes three digits that say something.
func number(value float64) string {
	if math.Abs(value) >= 100 || value == math.Trunc(value) {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}

// Report is what a run has measured.
type Report struct {
	Scale   string   `json:"scale"`
	Version string   `json:"version,omitempty"`
	Figures []Figure `json:"figures"`
}

// ReadReport reads the JSON of an earlier run; nil if there is none.
func ReadReport(path string) (*Report, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	report := &Report{}
	if err := json.Unmarshal(content, report); err != nil {
		return nil, fmt.Errorf("reading the report %s of an earlier run: %w", path, err)
	}
	return report, nil
}

func (r *Report) write(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644) //nolint:gosec // anybody may read it
}

func (r *Report) figure(name string) *Figure {
	if r == nil {
		return nil
	}
	if i := slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Name == name }); i >= 0 {
		return &r.Figures[i]
	}
	return nil
}

// limits are those of the figures by scale, or both, and name.
type limits map[string]map[string]*Limit

// of returns the limits of a scale.
func (l limits) of(scale string) map[string]*Limit {
	all := maps.Clone(l[bothScales])
	maps.Copy(all, l[scale])
	return all
}

const bothScales = "both"

func readLimits(path string) (limits, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var read limits
	if err := yaml.UnmarshalStrict(content, &read); err != nil {
		return nil, fmt.Errorf("reading the limits %s: %w", path, err)
	}
	for scale, of := range read {
		for name, limit := range of {
			if limit == nil || (limit.Most == nil) == (limit.Least == nil) {
				return nil, fmt.Errorf("%s: %s: %s: give most or least", path, scale, name)
			}
		}
	}
	return read, nil
}

// table writes the figures beside those of the yardsticks, the limits, and those of an earlier run.
func (r *Report) table(out io.Writer, before *Report) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	header := "figure\tmeasured\tplain loop or floor\tratio\tlimit\t"
	if before != nil {
		header += "before\t"
	}
	_, _ = fmt.Fprintln(w, header)
	for i := range r.Figures {
		f := &r.Figures[i]
		cells := []string{f.What, number(f.Value) + unit(f), "", "", f.Limit.text()}
		if f.Peer != nil {
			cells[2] = number(*f.Peer) + unit(f)
			if f.AtLeast {
				cells[2] = "> " + cells[2]
			}
		}
		if ratio, known := f.ratio(); known {
			cells[3] = number(ratio)
			if f.AtLeast {
				cells[3] = "< " + cells[3]
			}
		}
		if f.missed() != "" {
			cells[4] += "  MISSED"
		}
		if before != nil {
			cells = append(cells, "")
			if earlier := before.figure(f.Name); earlier != nil {
				cells[5] = number(earlier.Value) + unit(f)
			}
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
	}
	_ = w.Flush()
}

func unit(f *Figure) string {
	if f.Unit == "" {
		return ""
	}
	return " " + f.Unit
}
