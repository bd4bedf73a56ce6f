package apiserver

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apiextensions-apiserver/pkg/client/informers/externalversions"
	"k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	apiopenapi "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/kube-openapi/pkg/builder3"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// requestTimeout bounds a request that is no watch, as kube-apiserver does by default.
const requestTimeout = time.Minute

// longWatch is at least how long a watch lasts for which the client sets no time.
const longWatch = 30 * time.Minute

// maxBody is the largest request that kube-apiserver takes.
const maxBody = 3 << 20

// GetRESTOptions hands the database to the registries of custom resources.
func (d *database) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	return d.options(resource, unstructured.UnstructuredJSONScheme, d.storageFor), nil
}

// uncoded hands it to those of Kubernetes itself, which store objects as they are. A dry run copies them by the codec.
type uncoded struct {
	database *database
	codec    runtime.Codec
}

func (u uncoded) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	return u.database.options(resource, u.codec, u.database.uncodedStorageFor), nil
}

func (d *database) options(resource schema.GroupResource, codec runtime.Codec, decorator generic.StorageDecorator) generic.RESTOptions {
	return generic.RESTOptions{
		StorageConfig:           (&storagebackend.Config{Codec: codec}).ForResource(resource),
		Decorator:               decorator,
		EnableGarbageCollection: true,
		DeleteCollectionWorkers: 1,
		ResourcePrefix:          "/" + resource.Group + "/" + resource.Resource,
	}
}

// customResources is kube-apiserver's own handler of custom resources, over the database.
func customResources(database *database, admit admission.Interface, definitions []*apiextensionsv1.CustomResourceDefinition) (http.Handler, error) {
	informer := externalversions.NewSharedInformerFactory(nil, 0).Apiextensions().V1().CustomResourceDefinitions()
	for _, definition := range definitions {
		if err := informer.Informer().GetIndexer().Add(established(definition)); err != nil {
			return nil, fmt.Errorf("adding %s: %w", definition.Name, err)
		}
	}
	schemas, err := metadataSchemas()
	if err != nil {
		return nil, err
	}
	return extensions.NewCustomResourceDefinitionHandler(nil, nil, informer, http.NotFoundHandler(), database, admit, nil,
		nil, webhook.AuthenticationInfoResolverWrapper(nil), 1, authorizerfactory.NewAlwaysAllowAuthorizer(),
		requestTimeout, longWatch, schemas, maxBody)
}

// metadataSchemas describe what every object has, by which is known who owns which field of it.
var metadataSchemas = sync.OnceValues(func() (map[string]*spec.Schema, error) {
	config := server.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, apiopenapi.NewDefinitionNamer(extensions.Scheme))
	return builder3.BuildOpenAPIDefinitionsForResources(config, apiextensionsv1.CustomResourceDefinition{}.OpenAPIModelName())
})

// established is a definition as it is once the API server has taken it up.
func established(definition *apiextensionsv1.CustomResourceDefinition) *apiextensionsv1.CustomResourceDefinition {
	definition = definition.DeepCopy()
	definition.UID = types.UID(definition.Name)
	definition.Status.AcceptedNames = definition.Spec.Names
	definition.Status.StoredVersions = []string{definition.Spec.Versions[0].Name}
	for _, is := range []apiextensionsv1.CustomResourceDefinitionConditionType{apiextensionsv1.NamesAccepted, apiextensionsv1.Established} {
		definition.Status.Conditions = append(definition.Status.Conditions, apiextensionsv1.CustomResourceDefinitionCondition{
			Type: is, Status: apiextensionsv1.ConditionTrue,
		})
	}
	return definition
}
