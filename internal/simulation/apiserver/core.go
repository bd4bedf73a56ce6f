package apiserver

import (
	"context"
	"fmt"

	"github.com/emicklei/go-restful/v3"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/client-go/kubernetes/scheme"
)

// builtIn is a resource of Kubernetes itself. What only kube-apiserver checks of it, such as that a Secret's keys are lawful,
// is not checked here.
type builtIn struct {
	groupVersion       schema.GroupVersion
	resource, singular string
	new, newList       func() runtime.Object
	clusterScoped      bool
}

var builtIns = []builtIn{
	{corev1.SchemeGroupVersion, "namespaces", "namespace", func() runtime.Object { return &corev1.Namespace{} }, func() runtime.Object { return &corev1.NamespaceList{} }, true},
	{corev1.SchemeGroupVersion, "secrets", "secret", func() runtime.Object { return &corev1.Secret{} }, func() runtime.Object { return &corev1.SecretList{} }, false},
	{eventsv1.SchemeGroupVersion, "events", "event", func() runtime.Object { return &eventsv1.Event{} }, func() runtime.Object { return &eventsv1.EventList{} }, false},
	{coordinationv1.SchemeGroupVersion, "leases", "lease", func() runtime.Object { return &coordinationv1.Lease{} }, func() runtime.Object { return &coordinationv1.LeaseList{} }, false},
}

// install serves the resources of Kubernetes itself with the handlers of k8s.io/apiserver.
func install(container *restful.Container, database *database, admit admission.Interface) error {
	byGroup := map[schema.GroupVersion]map[string]rest.Storage{}
	for _, is := range builtIns {
		if byGroup[is.groupVersion] == nil {
			byGroup[is.groupVersion] = map[string]rest.Storage{}
		}
		store, err := is.store(database)
		if err != nil {
			return err
		}
		byGroup[is.groupVersion][is.resource] = store
		if is.resource == "namespaces" {
			byGroup[is.groupVersion][is.resource] = namespaces{store}
		}
	}
	for groupVersion, resources := range byGroup {
		root := "/apis"
		if groupVersion.Group == "" {
			root = "/api"
		}
		served := &endpoints.APIGroupVersion{
			Storage: resources, Root: root, GroupVersion: groupVersion, AllServedVersionsByResource: map[string][]string{},
			MetaGroupVersion: &metav1.SchemeGroupVersion, ParameterCodec: scheme.ParameterCodec,
			Serializer: serializer.WithoutConversionCodecFactory{CodecFactory: scheme.Codecs},
			Typer:      scheme.Scheme, Defaulter: scheme.Scheme, ConvertabilityChecker: scheme.Scheme,
			Creater:   scheme.Scheme, //nolint:misspell // its name
			Convertor: asItIs{}, UnsafeConvertor: asItIs{}, Namer: runtime.Namer(meta.NewAccessor()),
			TypeConverter:              managedfields.NewDeducedTypeConverter(),
			EquivalentResourceRegistry: runtime.NewEquivalentResourceRegistry(),
			Authorizer:                 authorizerfactory.NewAlwaysAllowAuthorizer(),
			Admit:                      admit, MinRequestTimeout: longWatch, MaxRequestBodyBytes: maxBody,
		}
		if _, _, err := served.InstallREST(container); err != nil {
			return fmt.Errorf("serving %s: %w", groupVersion, err)
		}
	}
	return nil
}

func (b builtIn) store(database *database) (*genericregistry.Store, error) {
	resource := b.groupVersion.WithResource(b.resource).GroupResource()
	strategy := strategy{scheme.Scheme, names.SimpleNameGenerator, !b.clusterScoped}
	store := &genericregistry.Store{
		NewFunc: b.new, NewListFunc: b.newList, DefaultQualifiedResource: resource,
		SingularQualifiedResource: schema.GroupResource{Group: resource.Group, Resource: b.singular},
		CreateStrategy:            strategy, UpdateStrategy: strategy, DeleteStrategy: strategy,
		TableConvertor: rest.NewDefaultTableConvertor(resource),
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: uncoded{database}}); err != nil {
		return nil, fmt.Errorf("storing %s: %w", b.resource, err)
	}
	return store, nil
}

// asItIs converts nothing: there is one version of everything here, and it is also the one that is stored.
type asItIs struct{}

func (asItIs) Convert(in, out, _ any) error { return scheme.Scheme.Convert(in, out, nil) }

func (asItIs) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}

func (asItIs) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

// strategy is what all of these have in common.
type strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
	namespaced bool
}

func (s strategy) NamespaceScoped() bool                                          { return s.namespaced }
func (strategy) PrepareForCreate(context.Context, runtime.Object)                 {}
func (strategy) PrepareForUpdate(context.Context, runtime.Object, runtime.Object) {}
func (strategy) Validate(context.Context, runtime.Object) field.ErrorList         { return nil }
func (strategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}
func (strategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }
func (strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}
func (strategy) Canonicalize(runtime.Object)                   {}
func (strategy) AllowCreateOnUpdate(context.Context) bool      { return false }
func (strategy) AllowUnconditionalUpdate(context.Context) bool { return true }

// namespaces are not gone when they are deleted: what is in them goes first.
type namespaces struct{ *genericregistry.Store }

// Create makes the namespace active.
func (n namespaces) Create(ctx context.Context, object runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	if namespace, is := object.(*corev1.Namespace); is {
		namespace.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
		namespace.Status.Phase = corev1.NamespaceActive
		if namespace.Labels == nil {
			namespace.Labels = map[string]string{}
		}
		namespace.Labels[corev1.LabelMetadataName] = namespace.Name
	}
	return n.Store.Create(ctx, object, validate, options)
}

// Delete marks the namespace as going.
func (n namespaces) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, _ *metav1.DeleteOptions) (runtime.Object, bool, error) {
	going, _, err := n.Update(ctx, name, rest.DefaultUpdatedObjectInfo(nil, func(ctx context.Context, _, is runtime.Object) (runtime.Object, error) {
		namespace := is.(*corev1.Namespace).DeepCopy()
		if namespace.DeletionTimestamp == nil {
			now := metav1.Now()
			namespace.DeletionTimestamp = &now
			namespace.Status.Phase = corev1.NamespaceTerminating
		}
		return namespace, validate(ctx, namespace)
	}), rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	return going, false, err
}
