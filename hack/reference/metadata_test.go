package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestEveryAnnotationLabelAndFinalizerIsDescribedOnce(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/metadata.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string][]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, is := node.(*ast.ValueSpec)
		if !is {
			return true
		}
		for _, sort := range []string{"Annotation", "Label", "Finalizer"} {
			if strings.HasSuffix(spec.Names[0].Name, sort) {
				name, err := strconv.Unquote(spec.Values[0].(*ast.BinaryExpr).Y.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				declared[sort] = append(declared[sort], v1alpha1.GroupName+name)
			}
		}
		return true
	})
	for sort, marks := range map[string][]mark{"Annotation": annotations, "Label": labels, "Finalizer": finalizers} {
		var described []string
		for _, m := range marks {
			described = append(described, m.name)
		}
		slices.Sort(described)
		slices.Sort(declared[sort])
		if !slices.Equal(described, declared[sort]) || len(described) == 0 {
			t.Errorf("%s: described are\n%v\nand api/v1alpha1 declares\n%v", sort, described, declared[sort])
		}
	}
}
