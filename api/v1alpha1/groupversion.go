package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of every kind in this package.
const GroupName = "access.kisi-operator.dev"

var (
	// GroupVersion identifies the group and version of every kind in this package.
	GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeGroupVersion is GroupVersion, by the name that generated code has for it.
	SchemeGroupVersion = GroupVersion

	// SchemeBuilder collects the functions that add this package's kinds to a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds every kind of this package to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&KisiConnection{}, &KisiConnectionList{},
		&KisiGroup{}, &KisiGroupList{},
		&PlaceMapping{}, &PlaceMappingList{},
		&AccessPlan{}, &AccessPlanList{},
		&AccessSubscription{}, &AccessSubscriptionList{},
		&BookingGrant{}, &BookingGrantList{},
		&Member{}, &MemberList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
