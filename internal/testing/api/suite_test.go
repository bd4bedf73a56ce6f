package api_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
)

const (
	crdDir    = "../../../config/crd/bases"
	sampleDir = "../../../config/samples"
	docsDir   = "../../../docs/kinds"
)

var (
	plane  *controlplane.ControlPlane
	config *rest.Config
	admin  client.Client
)

func TestAPI(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "API")
}

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	plane, err = controlplane.Start(ctx, controlplane.Options{
		CRDs:                     []string{crdDir},
		WithoutControllerManager: true,
		Progress:                 GinkgoWriter,
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(plane.Stop)

	config = plane.AdminConfig()
	admin, err = client.New(config, client.Options{Scheme: newScheme()})
	Expect(err).NotTo(HaveOccurred())
})

func newScheme() *runtime.Scheme {
	GinkgoHelper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	return scheme
}

// kind is one kind of the API together with everything that the specs know of it.
type kind struct {
	name     string
	plural   string
	short    string
	object   func() client.Object
	list     func() client.ObjectList
	rules    table
	transits []transition
}

var kinds = []kind{
	{
		name: "KisiConnection", plural: "kisiconnections", short: "kconn",
		object: func() client.Object { return &v1alpha1.KisiConnection{} },
		list:   func() client.ObjectList { return &v1alpha1.KisiConnectionList{} },
		rules:  kisiConnectionRules, transits: kisiConnectionTransitions,
	},
	{
		name: "KisiGroup", plural: "kisigroups", short: "kgrp",
		object: func() client.Object { return &v1alpha1.KisiGroup{} },
		list:   func() client.ObjectList { return &v1alpha1.KisiGroupList{} },
		rules:  kisiGroupRules, transits: kisiGroupTransitions,
	},
	{
		name: "PlaceMapping", plural: "placemappings", short: "pmap",
		object: func() client.Object { return &v1alpha1.PlaceMapping{} },
		list:   func() client.ObjectList { return &v1alpha1.PlaceMappingList{} },
		rules:  placeMappingRules, transits: placeMappingTransitions,
	},
	{
		name: "AccessPlan", plural: "accessplans", short: "aplan",
		object: func() client.Object { return &v1alpha1.AccessPlan{} },
		list:   func() client.ObjectList { return &v1alpha1.AccessPlanList{} },
		rules:  accessPlanRules,
	},
	{
		name: "AccessSubscription", plural: "accesssubscriptions", short: "asub",
		object: func() client.Object { return &v1alpha1.AccessSubscription{} },
		list:   func() client.ObjectList { return &v1alpha1.AccessSubscriptionList{} },
		rules:  accessSubscriptionRules,
	},
	{
		name: "BookingGrant", plural: "bookinggrants", short: "bgrant",
		object: func() client.Object { return &v1alpha1.BookingGrant{} },
		list:   func() client.ObjectList { return &v1alpha1.BookingGrantList{} },
		rules:  bookingGrantRules,
	},
	{
		name: "Member", plural: "members", short: "mbr",
		object: func() client.Object { return &v1alpha1.Member{} },
		list:   func() client.ObjectList { return &v1alpha1.MemberList{} },
		rules:  memberRules,
	},
}

// example reads testdata/<set>/<kind>.yaml.
func (k kind) example(set string) *unstructured.Unstructured {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join("testdata", set, strings.ToLower(k.name)+".yaml"))
	Expect(err).NotTo(HaveOccurred())
	object := &unstructured.Unstructured{}
	Expect(yaml.UnmarshalStrict(content, &object.Object)).To(Succeed())
	object.SetNamespace(metav1.NamespaceDefault)
	return object
}

// create creates the object with a name of its own, with its status, and deletes it after the spec.
func create(ctx context.Context, object *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	created := object.DeepCopy()
	created.SetName("")
	created.SetGenerateName("example-")
	Expect(admin.Create(ctx, created)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(admin.Delete(ctx, created))).To(Succeed())
	})
	if status, found := object.Object["status"]; found {
		created.Object["status"] = runtime.DeepCopyJSONValue(status)
		Expect(admin.Status().Update(ctx, created)).To(Succeed())
	}
	return created
}

// causes returns what the API server complains of, as "field: message".
func causes(err error) []string {
	status, ok := err.(apierrors.APIStatus)
	if !ok || status.Status().Details == nil {
		return nil
	}
	var all []string
	for _, cause := range status.Status().Details.Causes {
		all = append(all, fmt.Sprintf("%s: %s", cause.Field, cause.Message))
	}
	return all
}
