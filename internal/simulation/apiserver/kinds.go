package apiserver

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
)

// builtIn is a resource of Kubernetes itself. What only kube-apiserver checks of it, such as that a Secret's keys are lawful,
// is not checked here.
type builtIn struct {
	groupVersion       schema.GroupVersion
	resource, singular string
	new, newList       func() runtime.Object
	clusterScoped      bool
	shortNames         []string
	// begin, if there is one, changes an object that is made, as kube-apiserver's strategy does.
	begin func(runtime.Object)
	// served, if it is set, is where the resource is served instead, from the same objects.
	served schema.GroupVersion
	// as, if there is one, is what is served rather than the registry itself.
	as func(registry) rest.Storage
}

// object is a pointer to a kind's type.
type object[T any] interface {
	*T
	runtime.Object
}

func kind[T, L any, P object[T], Q object[L]](groupVersion schema.GroupVersion, resource, singular string, shortNames ...string) builtIn {
	return builtIn{
		groupVersion: groupVersion, resource: resource, singular: singular, shortNames: shortNames,
		new: func() runtime.Object { return P(new(T)) }, newList: func() runtime.Object { return Q(new(L)) },
	}
}

func (b builtIn) ofTheCluster() builtIn {
	b.clusterScoped = true
	return b
}

func (b builtIn) beginning(begin func(runtime.Object)) builtIn {
	b.begin = begin
	return b
}

func (b builtIn) in(served schema.GroupVersion) builtIn {
	b.served = served
	return b
}

func (b builtIn) at() schema.GroupVersion {
	if b.served.Empty() {
		return b.groupVersion
	}
	return b.served
}

func (b builtIn) servedAs(as func(registry) rest.Storage) builtIn {
	b.as = as
	return b
}

var events = kind[eventsv1.Event, eventsv1.EventList](eventsv1.SchemeGroupVersion, "events", "event", "ev")

// builtIns are what the operator needs.
var builtIns = []builtIn{
	kind[corev1.Namespace, corev1.NamespaceList](corev1.SchemeGroupVersion, "namespaces", "namespace", "ns").ofTheCluster().beginning(activeNamespace).
		servedAs(func(is registry) rest.Storage { return namespaces{is} }),
	kind[corev1.Secret, corev1.SecretList](corev1.SchemeGroupVersion, "secrets", "secret"),
	events,
	kind[coordinationv1.Lease, coordinationv1.LeaseList](coordinationv1.SchemeGroupVersion, "leases", "lease"),
}

// furtherBuiltIns are what config/ and kubectl need besides.
var furtherBuiltIns = []builtIn{
	events.in(corev1.SchemeGroupVersion).servedAs(func(is registry) rest.Storage { return coreEvents{is} }),
	kind[corev1.ServiceAccount, corev1.ServiceAccountList](corev1.SchemeGroupVersion, "serviceaccounts", "serviceaccount", "sa"),
	kind[rbacv1.Role, rbacv1.RoleList](rbacv1.SchemeGroupVersion, "roles", "role"),
	kind[rbacv1.RoleBinding, rbacv1.RoleBindingList](rbacv1.SchemeGroupVersion, "rolebindings", "rolebinding"),
	kind[rbacv1.ClusterRole, rbacv1.ClusterRoleList](rbacv1.SchemeGroupVersion, "clusterroles", "clusterrole").ofTheCluster(),
	kind[rbacv1.ClusterRoleBinding, rbacv1.ClusterRoleBindingList](rbacv1.SchemeGroupVersion, "clusterrolebindings", "clusterrolebinding").ofTheCluster(),
	kind[admissionregistrationv1.ValidatingAdmissionPolicy, admissionregistrationv1.ValidatingAdmissionPolicyList](
		admissionregistrationv1.SchemeGroupVersion, "validatingadmissionpolicies", "validatingadmissionpolicy").ofTheCluster(),
	kind[admissionregistrationv1.ValidatingAdmissionPolicyBinding, admissionregistrationv1.ValidatingAdmissionPolicyBindingList](
		admissionregistrationv1.SchemeGroupVersion, "validatingadmissionpolicybindings", "validatingadmissionpolicybinding").ofTheCluster(),
}

func activeNamespace(object runtime.Object) {
	is := object.(*corev1.Namespace)
	is.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
	is.Status.Phase = corev1.NamespaceActive
	if is.Labels == nil {
		is.Labels = map[string]string{}
	}
	is.Labels[corev1.LabelMetadataName] = is.Name
}

// complete sets what kube-apiserver sets of itself when it reads an object.
func complete(object runtime.Object) {
	switch is := object.(type) {
	case *corev1.Secret:
		if is.Type == "" {
			is.Type = corev1.SecretTypeOpaque
		}
		if is.Data == nil && len(is.StringData) > 0 {
			is.Data = map[string][]byte{}
		}
		for key, value := range is.StringData {
			is.Data[key] = []byte(value)
		}
		is.StringData = nil
	case *admissionregistrationv1.ValidatingAdmissionPolicy:
		fill(&is.Spec.FailurePolicy, admissionregistrationv1.Fail)
		match(is.Spec.MatchConstraints)
	case *admissionregistrationv1.ValidatingAdmissionPolicyBinding:
		match(is.Spec.MatchResources)
	}
}

func match(is *admissionregistrationv1.MatchResources) {
	if is == nil {
		return
	}
	fill(&is.MatchPolicy, admissionregistrationv1.Equivalent)
	fill(&is.NamespaceSelector, metav1.LabelSelector{})
	fill(&is.ObjectSelector, metav1.LabelSelector{})
	for _, rules := range [][]admissionregistrationv1.NamedRuleWithOperations{is.ResourceRules, is.ExcludeResourceRules} {
		for i := range rules {
			fill(&rules[i].Scope, admissionregistrationv1.AllScopes)
		}
	}
}

// fill sets what is not.
func fill[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
