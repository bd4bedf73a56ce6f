package apiserver

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	authenticationgroup "k8s.io/apiserver/pkg/authentication/group"
	requestx509 "k8s.io/apiserver/pkg/authentication/request/x509"
	apiopenapi "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	basecompatibility "k8s.io/component-base/compatibility"
)

// Network says where and to whom an API server is reachable. The certificates are PEM-encoded.
type Network struct {
	Listener net.Listener
	// Certificate and Key are the server's, for the address of Listener.
	Certificate, Key []byte
	// Authority signed Certificate, and signs those of clients: CN is the user, each O a group.
	Authority []byte
}

// Serve serves until ctx is done what kube-apiserver does for the kinds of custom resources, whose definitions come by
// requests, and for a few of Kubernetes' own kinds, over a storage in memory: RBAC, ValidatingAdmissionPolicies, discovery and
// OpenAPI too. Nothing is collected when its owner or its namespace goes.
func Serve(ctx context.Context, network Network) error {
	database := newDatabase()
	config, err := configuration(ctx, database, network)
	if err != nil {
		return err
	}
	served, err := (&extensions.Config{
		GenericConfig: config,
		ExtraConfig:   extensions.ExtraConfig{CRDRESTOptionsGetter: database, MasterCount: 1},
	}).Complete().New(server.NewEmptyDelegate())
	if err != nil {
		return fmt.Errorf("making the API server: %w", err)
	}
	if err := installWithDiscovery(served, database, config.AdmissionControl); err != nil {
		return err
	}
	if err := served.GenericAPIServer.AddPostStartHook("system-namespaces", makeNamespaces); err != nil {
		return err
	}
	return served.GenericAPIServer.PrepareRun().RunWithContext(ctx)
}

// makeNamespaces makes those that every cluster has.
func makeNamespaces(hook server.PostStartHookContext) error {
	client, err := kubernetes.NewForConfig(hook.LoopbackClientConfig)
	if err != nil {
		return err
	}
	for _, name := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := client.CoreV1().Namespaces().Create(hook, namespace, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("making namespace %s: %w", name, err)
		}
	}
	return nil
}

// configuration is kube-apiserver's as far as it concerns what is served here.
func configuration(ctx context.Context, database *database, network Network) (*server.RecommendedConfig, error) {
	config := server.NewRecommendedConfig(extensions.Codecs)
	config.EffectiveVersion = release{compatibility.DefaultBuildEffectiveVersion()}
	config.MergedResourceConfig = extensions.DefaultAPIResourceConfigSource()
	config.RESTOptionsGetter = uncoded{database, extensions.Codecs.LegacyCodec(apiextensionsv1.SchemeGroupVersion)}
	config.MaxRequestsInFlight, config.MaxMutatingRequestsInFlight = 0, 0
	config.EnableProfiling = false

	serving, err := dynamiccertificates.NewStaticCertKeyContent("serving", network.Certificate, network.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the serving certificate: %w", err)
	}
	clients, err := dynamiccertificates.NewStaticCAContent("clients", network.Authority)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	config.SecureServing = &server.SecureServingInfo{Listener: network.Listener, Cert: serving, ClientCA: clients}
	roots := x509.NewCertPool()
	authorities, err := cert.ParseCertsPEM(network.Authority)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	for _, is := range authorities {
		roots.AddCert(is)
	}
	verify := requestx509.DefaultVerifyOptions()
	verify.Roots = roots
	config.Authentication.Authenticator = authenticationgroup.NewAuthenticatedGroupAdder(requestx509.New(verify, requestx509.CommonNameUserConversion))
	if config.Authorization.Authorizer, err = authorize(database); err != nil {
		return nil, err
	}
	config.LoopbackClientConfig = &rest.Config{
		Host: "https://" + network.Listener.Addr().String(), QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: network.Authority}, BearerToken: rand.Text(),
	}

	names := apiopenapi.NewDefinitionNamer(extensions.Scheme)
	config.OpenAPIConfig = server.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, names)
	config.OpenAPIV3Config = server.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, names)
	// The definitions of Kubernetes' own kinds are kube-apiserver's, and take a minute to compile.
	config.OpenAPIConfig.IgnorePrefixes = undescribed()
	config.OpenAPIV3Config.IgnorePrefixes = undescribed()

	config.AdmissionControl, err = admissionFor(ctx, config, database)
	return config, err
}

// release is the version that this is of. The linker, which tells kube-apiserver, knows nothing of it.
type release struct {
	basecompatibility.EffectiveVersion
}

// Info is what /version says.
func (r release) Info() *version.Info {
	info := r.EffectiveVersion.Info()
	info.GitVersion = "v" + r.BinaryVersion().WithPatch(0).String()
	return info
}

// undescribed are the paths of which no schema is served.
func undescribed() []string {
	var prefixes []string
	for _, is := range slices.Concat(builtIns, furtherBuiltIns) {
		prefixes = append(prefixes, pathOf(is.at()))
	}
	return prefixes
}

func pathOf(of schema.GroupVersion) string {
	if of.Group == "" {
		return "/api/" + of.Version
	}
	return "/apis/" + of.String()
}

// admissionFor looks at the namespace and asks the policies that are stored. Policies with parameters are not told them.
func admissionFor(ctx context.Context, config *server.RecommendedConfig, database *database) (admission.Interface, error) {
	policies, err := validating.NewPlugin(nil)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config.LoopbackClientConfig)
	if err != nil {
		return nil, err
	}
	config.SharedInformerFactory = informers.NewSharedInformerFactory(client, 0)
	objects, err := dynamic.NewForConfig(config.LoopbackClientConfig)
	if err != nil {
		return nil, err
	}
	initializer.New(client, objects, config.SharedInformerFactory, config.Authorization.Authorizer, utilfeature.DefaultFeatureGate,
		config.EffectiveVersion, ctx.Done(), meta.NewDefaultRESTMapper(nil)).Initialize(policies)
	if err := policies.ValidateInitialization(); err != nil {
		return nil, err
	}
	return admission.NewChainHandler(namespaceLifecycle{database}, policies), nil
}
