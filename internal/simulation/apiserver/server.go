// Package apiserver is a Kubernetes API server in memory, for simulations: the handlers, registries and validation of
// kube-apiserver over a storage without etcd, reached by function calls. It uses no network, no clock but the standard
// library's and no goroutine that it was not asked for, so that it runs in a bubble of testing/synctest.
package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/emicklei/go-restful/v3"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Server is an API server. Methods may be called from any goroutine of the bubble in which it was made.
type Server struct {
	database  *database
	custom    http.Handler
	container *restful.Container
	infos     *request.RequestInfoFactory
	discovery map[string]any // by path
	groups    sets.Set[string]
}

// New makes an API server that serves custom resources beside what the operator needs of Kubernetes.
func New(definitions []*apiextensionsv1.CustomResourceDefinition) (*Server, error) {
	s := &Server{
		database: newDatabase(), container: restful.NewContainer(), discovery: map[string]any{}, groups: sets.New[string](),
		infos: &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")},
	}
	admit := namespaceLifecycle{s.database}
	var err error
	if s.custom, err = customResources(s.database, admit, definitions); err != nil {
		return nil, err
	}
	if _, err := install(s.container, s.database, admit, builtIns); err != nil {
		return nil, err
	}
	s.describe(definitions)
	return s, nil
}

// Definitions reads the definitions of custom resources from a folder of YAML files.
func Definitions(folder string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, file := range files {
		content, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return nil, err
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(content, definition); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if definition.Kind != "CustomResourceDefinition" {
			continue
		}
		apiextensionsv1.SetDefaults_CustomResourceDefinition(definition)
		apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&definition.Spec)
		definitions = append(definitions, definition)
	}
	if len(definitions) == 0 {
		return nil, errors.New(folder + ": there is no CustomResourceDefinition in this folder")
	}
	return definitions, nil
}

// Config reaches the server from the same bubble.
func (s *Server) Config() *rest.Config {
	return &rest.Config{Host: "http://in-memory", Transport: s, QPS: -1}
}

// ExpireWatches has every watch that begins from now on and wants to know what was before be told that it is too late, so
// that whoever watches lists again.
func (s *Server) ExpireWatches() { s.database.expire() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if document, exists := s.discovery[strings.TrimSuffix(r.URL.Path, "/")]; exists {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
		return
	}
	info, err := s.infos.NewRequestInfo(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx := request.WithReceivedTimestamp(request.WithRequestInfo(r.Context(), info), time.Now())
	ctx = request.WithUser(audit.WithAuditContext(ctx), &user.DefaultInfo{Name: "system:admin", Groups: []string{user.SystemPrivilegedGroup}})
	r = r.WithContext(ctx)
	if s.groups.Has(info.APIGroup) {
		s.custom.ServeHTTP(w, r)
		return
	}
	s.container.ServeHTTP(w, r)
}

// describe writes the documents by which clients find what there is.
func (s *Server) describe(definitions []*apiextensionsv1.CustomResourceDefinition) {
	resources := map[schema.GroupVersion][]metav1.APIResource{}
	verbs := metav1.Verbs{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	for _, is := range builtIns {
		kind := strings.TrimPrefix(fmt.Sprintf("%T", is.new()), "*v1.")
		resources[is.at()] = append(resources[is.at()], metav1.APIResource{
			Name: is.resource, SingularName: is.singular, Kind: kind, ShortNames: is.shortNames, Namespaced: !is.clusterScoped, Verbs: verbs,
		})
	}
	for _, definition := range definitions {
		s.groups.Insert(definition.Spec.Group)
		for _, version := range definition.Spec.Versions {
			of := schema.GroupVersion{Group: definition.Spec.Group, Version: version.Name}
			names := definition.Spec.Names
			is := metav1.APIResource{
				Name: names.Plural, SingularName: names.Singular, Kind: names.Kind, ShortNames: names.ShortNames, Categories: names.Categories,
				Namespaced: definition.Spec.Scope == apiextensionsv1.NamespaceScoped, Verbs: verbs,
			}
			resources[of] = append(resources[of], is)
			if version.Subresources != nil && version.Subresources.Status != nil {
				is.Name, is.Verbs = is.Name+"/status", metav1.Verbs{"get", "patch", "update"}
				resources[of] = append(resources[of], is)
			}
		}
	}
	groups := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for of, list := range resources {
		at := "/apis/" + of.String()
		if of.Group == "" {
			at = "/api/" + of.Version
		} else {
			version := metav1.GroupVersionForDiscovery{GroupVersion: of.String(), Version: of.Version}
			groups.Groups = append(groups.Groups, metav1.APIGroup{Name: of.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version})
		}
		s.discovery[at] = metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: of.String(), APIResources: list,
		}
	}
	s.discovery["/apis"] = groups
	s.discovery["/api"] = metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
}

var _ http.Handler = (*Server)(nil)
var _ http.RoundTripper = (*Server)(nil)
