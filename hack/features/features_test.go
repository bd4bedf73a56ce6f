package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2/types"
)

const page = "# Features\n\n| who | what |\n| --- | --- |\n| a | b |\n\n" +
	"| id | behaviour | expressed by |\n| --- | --- | --- |\n| K1 | the key connects | `Ready` |\n| K2 | a centre has a place | `kisiPlace` |\n\n" +
	"## More\n\n| id | behaviour | expressed by |\n| --- | --- | --- |\n| S1 | people get in | dates |\n"

// spec is a spec in a container that has labels too.
func spec(name string, state types.SpecState, containerLabel string, labels ...string) types.SpecReport {
	return types.SpecReport{
		LeafNodeType: types.NodeTypeIt, LeafNodeText: name, LeafNodeLabels: labels, State: state,
		ContainerHierarchyTexts: []string{"a door"}, ContainerHierarchyLabels: [][]string{{containerLabel}},
	}
}

// check runs the program on a page and the specs of a run.
func check(t *testing.T, page string, specs ...types.SpecReport) (string, error) {
	t.Helper()
	dir := t.TempDir()
	list, report := filepath.Join(dir, "features.md"), filepath.Join(dir, "report.json")
	content, err := json.Marshal([]types.Report{{SpecReports: specs}})
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{list: []byte(page), report: content} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	err = run(list, report, &out)
	return out.String(), err
}

func TestCountsTheSpecsOfEveryIDInTheOrderOfThePage(t *testing.T) {
	suiteNode := types.SpecReport{LeafNodeType: types.NodeTypeSynchronizedBeforeSuite, State: types.SpecStatePassed}
	out, err := check(t, page, suiteNode,
		spec("opens", types.SpecStatePassed, "S1", "K1"), spec("closes", types.SpecStatePassed, "K2", "K1", "slow"))
	if err != nil {
		t.Error(err)
	}
	want := "ID   SPECS   PASSED   BEHAVIOUR\n" +
		"K1   2       2        the key connects\n" +
		"K2   1       1        a centre has a place\n" +
		"S1   1       1        people get in\n"
	if out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestFails(t *testing.T) {
	all := spec("opens", types.SpecStatePassed, "K1", "K2", "S1")
	for name, test := range map[string]struct {
		specs []types.SpecReport
		want  string
	}{
		"where an id has no spec":       {[]types.SpecReport{spec("opens", types.SpecStatePassed, "K1", "K2")}, "S1 has no spec"},
		"where a spec failed":           {[]types.SpecReport{all, spec("closes", types.SpecStateFailed, "K2")}, "K2 has not passed: a door closes (failed)"},
		"where a spec timed out":        {[]types.SpecReport{all, spec("closes", types.SpecStateTimedout, "S1")}, "S1 has not passed: a door closes (timedout)"},
		"where a spec did not run":      {[]types.SpecReport{all, spec("closes", types.SpecStateSkipped, "K1")}, "K1 has not passed: a door closes (skipped)"},
		"where a label is no id listed": {[]types.SpecReport{all, spec("closes", types.SpecStatePassed, "S20")}, "labelled S20, which no table lists"},
		"where nothing ran":             {nil, "K1 has no spec"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := check(t, page, test.specs...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestRefusesAPageThatItDoesNotUnderstand(t *testing.T) {
	for name, test := range map[string]struct{ page, want string }{
		"no table":          {"# Features\n", "no table"},
		"an id twice":       {page + "| K1 | again | x |\n", "K1 stands there twice"},
		"a range of ids":    {page + "| O1–O5 | rooms | x |\n", "O1–O5"},
		"a column too many": {page + "| O1 | rooms | x | y |\n", "O1 | rooms"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := check(t, test.page, spec("opens", types.SpecStatePassed, "K1", "K2", "S1")); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSaysHowToGetAReport(t *testing.T) {
	list := filepath.Join(t.TempDir(), "features.md")
	if err := os.WriteFile(list, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(list, filepath.Join(t.TempDir(), "none.json"), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "make e2e") {
		t.Errorf("got %v", err)
	}
}

func TestThePageOfThisProjectListsAllFiveSystems(t *testing.T) {
	content, err := os.ReadFile("../../docs/features.md")
	if err != nil {
		t.Fatal(err)
	}
	features, err := parse(string(content))
	if err != nil {
		t.Fatal(err)
	}
	count := map[byte]int{}
	for _, f := range features {
		count[f.id[0]]++
	}
	for system, want := range map[byte]int{'K': 8, 'S': 16, 'O': 8, 'P': 6, 'B': 6} {
		if count[system] != want {
			t.Errorf("%c has %d behaviours, want %d", system, count[system], want)
		}
	}
}
