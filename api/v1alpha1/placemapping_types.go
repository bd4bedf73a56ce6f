package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PlaceKind is what a place is in the business system.
//
// +kubebuilder:validation:Enum=Location;Center;Floor;Office;Room;Desk;Equipment;Parking;Club;Studio
type PlaceKind string

// The kinds of places.
const (
	PlaceKindLocation  PlaceKind = "Location"
	PlaceKindCenter    PlaceKind = "Center"
	PlaceKindFloor     PlaceKind = "Floor"
	PlaceKindOffice    PlaceKind = "Office"
	PlaceKindRoom      PlaceKind = "Room"
	PlaceKindDesk      PlaceKind = "Desk"
	PlaceKindEquipment PlaceKind = "Equipment"
	PlaceKindParking   PlaceKind = "Parking"
	PlaceKindClub      PlaceKind = "Club"
	PlaceKindStudio    PlaceKind = "Studio"
)

// NonMemberPolicy says whether a booking made by a non-member opens doors.
//
// +kubebuilder:validation:Enum=Deny;Allow
type NonMemberPolicy string

const (
	// NonMembersDeny lets in nobody whom a non-member's booking names.
	NonMembersDeny NonMemberPolicy = "Deny"
	// NonMembersAllow treats a non-member's booking like a member's.
	NonMembersAllow NonMemberPolicy = "Allow"
)

// BookingChangePolicy says until when an edit of a mapping reaches a booking.
//
// +kubebuilder:validation:Enum=Immediate;BeforeStart
type BookingChangePolicy string

const (
	// BookingChangesImmediate always uses the mapping as it is.
	BookingChangesImmediate BookingChangePolicy = "Immediate"
	// BookingChangesBeforeStart uses the mapping as it was when the booking started.
	BookingChangesBeforeStart BookingChangePolicy = "BeforeStart"
)

// PlaceAccess gives groups to one audience of a place.
type PlaceAccess struct {
	// audience that gets the groups.
	//
	// +optional
	// +default="members"
	Audience Audience `json:"audience,omitempty"`

	// groupRefs are the groups that the audience gets.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	GroupRefs []GroupReference `json:"groupRefs,omitempty"`
}

// PlaceBookings says what a booking of the place gives.
type PlaceBookings struct {
	// groupRefs are the groups that a booking gives.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	GroupRefs []GroupReference `json:"groupRefs,omitempty"`

	// leadTime is how long before a booking's start its people may enter.
	//
	// +optional
	// +default="30m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('8760h')",message="leadTime must be between 0s and 8760h, such as 30m"
	LeadTime *metav1.Duration `json:"leadTime,omitempty"`

	// lagTime is how long after a booking's end its people may enter.
	//
	// +optional
	// +default="30m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('8760h')",message="lagTime must be between 0s and 8760h, such as 30m"
	LagTime *metav1.Duration `json:"lagTime,omitempty"`

	// nonMembers says whether a booking made by a non-member opens doors.
	//
	// +optional
	// +default="Deny"
	NonMembers NonMemberPolicy `json:"nonMembers,omitempty"`

	// changes says until when an edit reaches a booking; BeforeStart keeps edits of this mapping away from bookings that have started.
	//
	// +optional
	// +default="Immediate"
	Changes BookingChangePolicy `json:"changes,omitempty"`
}

// PlaceMappingSpec maps a place of the business system to the groups it gives.
type PlaceMappingSpec struct {
	// connectionRef names the KisiConnection of the place's groups. Immutable.
	//
	// +optional
	// +default={"name": "default"}
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="connectionRef is immutable: create another PlaceMapping for another connection"
	ConnectionRef ConnectionReference `json:"connectionRef,omitzero"`

	// kind of the place.
	//
	// +required
	Kind PlaceKind `json:"kind,omitempty"`

	// externalID is the place's id in the business system.
	//
	// +optional
	ExternalID ExternalID `json:"externalID,omitempty"`

	// kisiPlace must be the place of every group named here.
	//
	// +optional
	KisiPlace *KisiPlaceReference `json:"kisiPlace,omitempty"`

	// access gives groups to the people assigned to the place, by audience.
	//
	// +optional
	// +listType=map
	// +listMapKey=audience
	// +kubebuilder:validation:MaxItems=20
	Access []PlaceAccess `json:"access,omitempty"`

	// bookings says what a booking of the place gives; without it the place cannot be booked.
	//
	// +optional
	Bookings *PlaceBookings `json:"bookings,omitempty"`
}

// PlaceMappingStatus is what is known of the mapping.
type PlaceMappingStatus struct {
	// conditions are Ready; Reconciling and Stalled only while True.
	//
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:XValidation:rule="self.lastTransitionTime >= timestamp('1000-01-01T00:00:00Z') && self.lastTransitionTime <= timestamp('9999-12-31T23:59:59Z')",fieldPath=".lastTransitionTime",message="lastTransitionTime must be within the years 1000 to 9999, in UTC"
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// observedGeneration is the generation that this status speaks of; -1 before the first look.
	//
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration"`

	// kisiPlaceID is the place's id in Kisi, once verified.
	//
	// +optional
	KisiPlaceID KisiID `json:"kisiPlaceID,omitempty"`

	// kisiPlaceName is the name in spec.kisiPlace by which kisiPlaceID was found. While spec.kisiPlace has another one,
	// kisiPlaceID is that of an earlier spec and verifies nothing.
	//
	// +optional
	KisiPlaceName KisiName `json:"kisiPlaceName,omitempty"`
}

// PlaceMapping is a place of the business system and the groups it gives.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=pmap,categories=kisi
// +kubebuilder:selectablefield:JSONPath=`.spec.externalID`
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.kind`
// +kubebuilder:printcolumn:name="External ID",type=string,JSONPath=`.spec.externalID`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Connection",type=string,JSONPath=`.spec.connectionRef.name`,priority=1
type PlaceMapping struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec maps a place of the business system to the groups it gives.
	//
	// +required
	Spec PlaceMappingSpec `json:"spec,omitzero"`

	// status is what is known of the mapping.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status PlaceMappingStatus `json:"status,omitzero"`
}

// PlaceMappingList is a list of PlaceMappings.
//
// +kubebuilder:object:root=true
type PlaceMappingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []PlaceMapping `json:"items"`
}
