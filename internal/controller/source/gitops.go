package source

import "sigs.k8s.io/controller-runtime/pkg/client"

// gitOpsMark is a label or an annotation by which a GitOps tool knows an object that it keeps as its repository has it.
// What it knows so, it makes again when it is deleted.
type gitOpsMark struct {
	label, annotation string // exactly one
	// value that the mark must have; empty: any.
	value string
}

// gitOpsMarks are those that docs/kinds/bookinggrant.md lists. The label app.kubernetes.io/instance is not among them, though
// Argo CD can be set up to track by it: charts and adapters write it on whatever they make, as Kubernetes recommends, and
// their bookings would never be deleted.
var gitOpsMarks = []gitOpsMark{
	{annotation: "argocd.argoproj.io/tracking-id"},
	{label: "argocd.argoproj.io/instance"},
	{label: "kustomize.toolkit.fluxcd.io/name"},
	{label: "helm.toolkit.fluxcd.io/name"},
	{label: "app.kubernetes.io/managed-by", value: "Helm"},
	{label: "resourceset.fluxcd.controlplane.io/name"},
	{label: "kapp.k14s.io/app"},
	{annotation: "configmanagement.gke.io/managed", value: "enabled"},
	{annotation: "objectset.rio.cattle.io/id"},
}

// gitOpsMarkOf returns the mark by which a GitOps tool knows the object, and would make it again if it were deleted, as a
// message names it; empty if there is none.
func gitOpsMarkOf(object client.Object) string {
	annotations, labels := object.GetAnnotations(), object.GetLabels()
	for _, mark := range gitOpsMarks {
		kind, key, marks := "label", mark.label, labels
		if mark.annotation != "" {
			kind, key, marks = "annotation", mark.annotation, annotations
		}
		if value, marked := marks[key]; marked && (mark.value == "" || mark.value == value) {
			return kind + " " + key
		}
	}
	return ""
}
