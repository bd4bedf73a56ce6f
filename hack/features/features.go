package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/onsi/ginkgo/v2/types"
)

// feature is one line of the page.
type feature struct{ id, behaviour string }

// result is what the specs of a feature have shown.
type result struct {
	feature
	specs, passed int
	notPassed     []string // names of specs
}

// isID tells ids from a spec's other labels.
var isID = regexp.MustCompile(`^[A-Z]\d+$`)

// parse reads the rows of all tables of a page whose first column is called id.
func parse(page string) ([]feature, error) {
	var features []feature
	known := map[string]bool{}
	inTable := false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inTable = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == "id":
			inTable = true
		case !inTable || strings.HasPrefix(cells[0], "---"):
		case len(cells) != 3 || !isID.MatchString(cells[0]):
			return nil, fmt.Errorf("want an id such as K1, a behaviour and what expresses it: %s", line)
		case known[cells[0]]:
			return nil, fmt.Errorf("%s stands there twice", cells[0])
		default:
			known[cells[0]] = true
			features = append(features, feature{id: cells[0], behaviour: cells[1]})
		}
	}
	if features == nil {
		return nil, errors.New("no table with a column id")
	}
	return features, nil
}

// shown counts the specs of each feature. A spec that did not run has not passed.
func shown(features []feature, reports []types.Report) []result {
	results := make([]result, len(features))
	for i, f := range features {
		results[i].feature = f
		for _, spec := range specs(reports) {
			if !slices.Contains(spec.Labels(), f.id) {
				continue
			}
			results[i].specs++
			if spec.State == types.SpecStatePassed {
				results[i].passed++
			} else {
				results[i].notPassed = append(results[i].notPassed, fmt.Sprintf("%s (%s)", spec.FullText(), spec.State))
			}
		}
	}
	return results
}

// strangers returns the labels that look like ids and are none.
func strangers(features []feature, reports []types.Report) []string {
	var found []string
	for _, spec := range specs(reports) {
		for _, label := range spec.Labels() {
			if isID.MatchString(label) && !slices.ContainsFunc(features, func(f feature) bool { return f.id == label }) {
				found = append(found, label)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func specs(reports []types.Report) types.SpecReports {
	var all types.SpecReports
	for _, report := range reports {
		all = append(all, report.SpecReports.WithLeafNodeType(types.NodeTypeIt)...)
	}
	return all
}

// write prints the table: id, specs, passed, behaviour.
func write(out io.Writer, results []result) {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ID\tSPECS\tPASSED\tBEHAVIOUR")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\n", r.id, r.specs, r.passed, r.behaviour)
	}
	_ = table.Flush()
}

// verdict is an error unless every feature has a spec and all its specs have passed.
func verdict(results []result, strangers []string) error {
	var errs []error
	for _, r := range results {
		if r.specs == 0 {
			errs = append(errs, fmt.Errorf("%s has no spec: label one with it", r.id))
		}
		for _, name := range r.notPassed {
			errs = append(errs, fmt.Errorf("%s has not passed: %s", r.id, name))
		}
	}
	for _, label := range strangers {
		errs = append(errs, fmt.Errorf("specs are labelled %s, which no table lists", label))
	}
	return errors.Join(errs...)
}
