package source

import "sigs.k8s.io/controller-runtime/pkg/client"

// gitOpsMark is a label or an annotation by which a GitOps tool knows an object that it keeps as its repository has it.
// What it knows so, it makes again when it is deleted.
type gitOpsMark struct {
	label, annotation string // exactly one
	// value that the mark must have; empty: any.
	value string
	// unless is an annotation that shows that the mark means something else.
	unless string
}

// gitOpsMarks are those that docs/kinds/bookinggrant.md lists.
var gitOpsMarks = []gitOpsMark{
	{annotation: "argocd.argoproj.io/tracking-id"},
	{label: "argocd.argoproj.io/instance"},
	// Argo CD's mark where it tracks by label. Charts write it, too; one that Helm itself installed says so.
	{label: "app.kubernetes.io/instance", unless: "meta.helm.sh/release-name"},
	{label: "kustomize.toolkit.fluxcd.io/name"},
	{label: "helm.toolkit.fluxcd.io/name"},
	{label: "resourceset.fluxcd.controlplane.io/name"},
	{label: "kapp.k14s.io/app"},
	{annotation: "configmanagement.gke.io/managed", value: "enabled"},
	{annotation: "objectset.rio.cattle.io/id"},
}

// trackedByGitOps reports whether a GitOps tool would make the object again if it were deleted.
func trackedByGitOps(object client.Object) bool {
	annotations, labels := object.GetAnnotations(), object.GetLabels()
	for _, mark := range gitOpsMarks {
		key, marks := mark.label, labels
		if mark.annotation != "" {
			key, marks = mark.annotation, annotations
		}
		value, marked := marks[key]
		if _, otherwise := annotations[mark.unless]; marked && !otherwise && (mark.value == "" || mark.value == value) {
			return true
		}
	}
	return false
}
