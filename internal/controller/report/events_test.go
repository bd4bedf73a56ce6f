package report

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// kisi-feed is another program, with one Event of its own.
func TestNobodyElseMakesEvents(t *testing.T) {
	err := filepath.WalkDir("../../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "controller/report/") || strings.Contains(path, "simulation/") || strings.Contains(path, "intake/service/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.SelectorExpr:
				if n.Sel.Name == "Eventf" {
					t.Errorf("%s writes an Event past this package: use Say", path)
				}
			case *ast.CompositeLit:
				if of, is := n.Type.(*ast.SelectorExpr); is && of.Sel.Name == "Event" && (named(of.X, "eventsv1") || named(of.X, "report")) {
					t.Errorf("%s makes an Event of its own: declare it in this package", path)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func named(e ast.Expr, name string) bool {
	is, ok := e.(*ast.Ident)
	return ok && is.Name == name
}

func TestEveryFindingHasAnEvent(t *testing.T) {
	packages, err := parser.ParseDir(token.NewFileSet(), "../../plan", nil, 0) //nolint:staticcheck // no build tags there
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(packages["plan"], func(node ast.Node) bool {
		spec, is := node.(*ast.ValueSpec)
		if !is || !named(spec.Type, "FindingKind") {
			return true
		}
		found++
		kind, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if of := Drift(plan.FindingKind(kind)); err != nil || of.Reason != kind {
			t.Errorf("%s: %+v, %v", kind, of, err)
		}
		return true
	})
	if found == 0 {
		t.Error("no findings are declared in internal/plan")
	}
}

func TestEachEventIsDescribed(t *testing.T) {
	var reasons []string
	for _, of := range All() {
		reasons = append(reasons, of.Reason)
		if of.Type == "" || len(of.Kinds) == 0 || of.Means == "" {
			t.Errorf("%+v", of)
		}
	}
	if unique := slices.Compact(slices.Clone(reasons)); len(unique) != len(reasons) || len(reasons) == 0 {
		t.Errorf("%v", reasons)
	}
}
