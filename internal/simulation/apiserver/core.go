package apiserver

import (
	"context"
	"fmt"

	"github.com/emicklei/go-restful/v3"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

// install serves resources of Kubernetes itself with the handlers of k8s.io/apiserver, and returns what discovery says of them.
func install(container *restful.Container, database *database, admit admission.Interface, kinds []builtIn) (map[schema.GroupVersion][]apidiscoveryv2.APIResourceDiscovery, error) {
	byGroup := map[schema.GroupVersion]map[string]rest.Storage{}
	for _, is := range kinds {
		at := is.at()
		if byGroup[at] == nil {
			byGroup[at] = map[string]rest.Storage{}
		}
		store, err := is.store(database)
		if err != nil {
			return nil, err
		}
		byGroup[at][is.resource] = store
		if is.as != nil {
			byGroup[at][is.resource] = is.as(store)
		}
	}
	described := map[schema.GroupVersion][]apidiscoveryv2.APIResourceDiscovery{}
	for groupVersion, resources := range byGroup {
		root := "/apis"
		if groupVersion.Group == "" {
			root = "/api"
		}
		served := &endpoints.APIGroupVersion{
			Storage: resources, Root: root, GroupVersion: groupVersion, AllServedVersionsByResource: map[string][]string{},
			MetaGroupVersion: &metav1.SchemeGroupVersion, ParameterCodec: scheme.ParameterCodec,
			Serializer: codecs{serializer.WithoutConversionCodecFactory{CodecFactory: scheme.Codecs}},
			Typer:      scheme.Scheme, Defaulter: scheme.Scheme, ConvertabilityChecker: scheme.Scheme,
			Creater:   scheme.Scheme, //nolint:misspell // its name
			Convertor: asItIs{}, UnsafeConvertor: asItIs{}, Namer: runtime.Namer(meta.NewAccessor()),
			TypeConverter:              applyconfigurations.NewTypeConverter(scheme.Scheme),
			EquivalentResourceRegistry: runtime.NewEquivalentResourceRegistry(),
			Authorizer:                 authorizerfactory.NewAlwaysAllowAuthorizer(),
			Admit:                      admit, MinRequestTimeout: longWatch, MaxRequestBodyBytes: maxBody,
		}
		var err error
		if described[groupVersion], _, err = served.InstallREST(container); err != nil {
			return nil, fmt.Errorf("serving %s: %w", groupVersion, err)
		}
	}
	return described, nil
}

// registry is kube-apiserver's, and has short names.
type registry struct {
	*genericregistry.Store
	shortNames []string
}

// ShortNames implements rest.ShortNamesProvider.
func (r registry) ShortNames() []string { return r.shortNames }

// inJSON writes and reads Kubernetes' own kinds.
var inJSON = func() runtime.Codec {
	is := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{})
	return runtime.NewCodec(is, is)
}()

func (b builtIn) store(database *database) (registry, error) {
	resource := b.groupVersion.WithResource(b.resource).GroupResource()
	strategy := strategy{scheme.Scheme, names.SimpleNameGenerator, b}
	store := &genericregistry.Store{
		NewFunc: b.new, NewListFunc: b.newList, DefaultQualifiedResource: resource,
		SingularQualifiedResource: schema.GroupResource{Group: resource.Group, Resource: b.singular},
		CreateStrategy:            strategy, UpdateStrategy: strategy, DeleteStrategy: strategy,
		TableConvertor: rest.NewDefaultTableConvertor(resource),
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: uncoded{database, inJSON}}); err != nil {
		return registry{}, fmt.Errorf("storing %s: %w", b.resource, err)
	}
	return registry{store, b.shortNames}, nil
}

// codecs complete what they read, as kube-apiserver's conversion to the version that is only in memory does.
type codecs struct {
	serializer.WithoutConversionCodecFactory
}

func (c codecs) DecoderToVersion(decoder runtime.Decoder, to runtime.GroupVersioner) runtime.Decoder {
	return completing{c.WithoutConversionCodecFactory.DecoderToVersion(decoder, to)}
}

type completing struct{ runtime.Decoder }

func (c completing) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	object, kind, err := c.Decoder.Decode(data, defaults, into)
	if err == nil {
		complete(object)
	}
	return object, kind, err
}

// asItIs converts nothing: there is one version of everything here, and it is also the one that is stored.
type asItIs struct{}

func (asItIs) Convert(in, out, _ any) error { return scheme.Scheme.Convert(in, out, nil) }

// ConvertToVersion says which version it is, or, of the one that is only in memory, none. What was put together from fields, by
// server-side apply, gets its type.
func (asItIs) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	out := in.DeepCopyObject()
	if fields, is := in.(runtime.Unstructured); is {
		var err error
		if out, err = scheme.Scheme.New(in.GetObjectKind().GroupVersionKind()); err != nil {
			return nil, err
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields.UnstructuredContent(), out); err != nil {
			return nil, err
		}
	}
	kinds, _, err := scheme.Scheme.ObjectKinds(out)
	if err != nil {
		return nil, err
	}
	kind, _ := target.KindForGroupVersionKinds(kinds)
	if kind.Version == runtime.APIVersionInternal {
		complete(out)
		kind = schema.GroupVersionKind{}
	}
	out.GetObjectKind().SetGroupVersionKind(kind)
	return out, nil
}

func (asItIs) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

// strategy is what all of these have in common.
type strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
	builtIn
}

func (s strategy) NamespaceScoped() bool { return !s.clusterScoped }

// PrepareForCreate implements rest.RESTCreateStrategy.
func (s strategy) PrepareForCreate(_ context.Context, object runtime.Object) {
	if s.begin != nil {
		s.begin(object)
	}
}

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
type namespaces struct{ registry }

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
