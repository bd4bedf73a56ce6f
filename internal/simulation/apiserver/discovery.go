package apiserver

import (
	"net/http"
	"slices"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/endpoints/discovery"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
)

// installWithDiscovery serves Kubernetes' own kinds beside the others, and the documents that list all groups, which are
// kube-aggregator's in a cluster.
func installWithDiscovery(of *extensions.CustomResourceDefinitions, database *database, admit admission.Interface) error {
	served := of.GenericAPIServer
	resources, err := install(served.Handler.GoRestfulContainer, database, admit, slices.Concat(builtIns, furtherBuiltIns))
	if err != nil {
		return err
	}
	for groupVersion, are := range resources {
		manager := served.AggregatedDiscoveryGroupManager
		if groupVersion.Group == "" {
			manager = served.AggregatedLegacyDiscoveryGroupManager
		} else {
			group := groupOf(groupVersion)
			served.DiscoveryGroupManager.AddGroup(group)
			served.Handler.GoRestfulContainer.Add(discovery.NewAPIGroupHandler(served.Serializer, group).WebService())
		}
		manager.AddGroupVersion(groupVersion.Group, apidiscoveryv2.APIVersionDiscovery{
			Version: groupVersion.Version, Resources: are, Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
		})
	}
	definitions := of.Informers.Apiextensions().V1().CustomResourceDefinitions().Lister()
	groups := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known, err := definitions.List(labels.Everything())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, definition := range known {
			served.DiscoveryGroupManager.AddGroup(groupOfDefinition(definition))
		}
		served.DiscoveryGroupManager.ServeHTTP(w, r)
	})
	legacy := discovery.NewLegacyRootAPIHandler(discovery.DefaultAddresses{DefaultAddress: served.ExternalAddress}, served.Serializer, "/api")
	served.Handler.GoRestfulContainer.Add(aggregated.WrapAggregatedDiscoveryToHandler(legacy, served.AggregatedLegacyDiscoveryGroupManager, nil).
		GenerateWebService("/api", metav1.APIVersions{}))
	served.Handler.GoRestfulContainer.Add(aggregated.WrapAggregatedDiscoveryToHandler(groups, served.AggregatedDiscoveryGroupManager, nil).
		GenerateWebService("/apis", metav1.APIGroupList{}))
	return nil
}

func groupOf(versions ...schema.GroupVersion) metav1.APIGroup {
	group := metav1.APIGroup{Name: versions[0].Group}
	for _, version := range versions {
		group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: version.String(), Version: version.Version})
	}
	group.PreferredVersion = group.Versions[0]
	return group
}

// groupOfDefinition has the versions of one definition: those of a group have the same, here.
func groupOfDefinition(definition *apiextensionsv1.CustomResourceDefinition) metav1.APIGroup {
	var versions []schema.GroupVersion
	for _, is := range definition.Spec.Versions {
		versions = append(versions, schema.GroupVersion{Group: definition.Spec.Group, Version: is.Name})
	}
	return groupOf(versions...)
}
