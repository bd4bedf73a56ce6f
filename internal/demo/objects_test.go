package demo

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestObjectsAreShownAsKubectlDoes(t *testing.T) {
	object := func(name string) runtime.RawExtension {
		return runtime.RawExtension{Raw: []byte(`{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"namespace":"gym","name":"` + name + `"}}`)}
	}
	text, err := tableText("members", &metav1.Table{
		ColumnDefinitions: []metav1.TableColumnDefinition{{Name: "Name"}, {Name: "State"}, {Name: "Full Name", Priority: 1}, {Name: "Ready"}},
		Rows: []metav1.TableRow{
			{Cells: []any{"ana", "Active", "Ana Pop", "True"}, Object: object("ana")},
			{Cells: []any{"bob", nil, "Bob", nil}, Object: object("bob")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "NAMESPACE   NAME          STATE    READY\n" +
		"gym         members/ana   Active   True\n" +
		"gym         members/bob\n"
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}
