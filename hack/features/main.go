// Command features checks the behaviours listed in docs/features.md against what a run of the end-to-end specs has shown:
// each needs a spec that carries its id as a label, and all of those must have passed.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/onsi/ginkgo/v2/types"
)

func main() {
	list := flag.String("list", "docs/features.md", "the page that lists the behaviours in tables of id, behaviour and what expresses it")
	report := flag.String("report", "bin/e2e/report.json", "what ginkgo --json-report has written")
	flag.Parse()
	if err := run(*list, *report, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "features:", err)
		os.Exit(1)
	}
}

func run(listFile, reportFile string, out io.Writer) error {
	page, err := os.ReadFile(listFile)
	if err != nil {
		return err
	}
	features, err := parse(string(page))
	if err != nil {
		return fmt.Errorf("%s: %w", listFile, err)
	}
	content, err := os.ReadFile(reportFile)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s does not exist: `make e2e` runs the specs and writes it", reportFile)
	}
	if err != nil {
		return err
	}
	var reports []types.Report
	if err := json.Unmarshal(content, &reports); err != nil {
		return fmt.Errorf("%s: %w", reportFile, err)
	}
	results := shown(features, reports)
	write(out, results)
	return verdict(results, strangers(features, reports))
}
