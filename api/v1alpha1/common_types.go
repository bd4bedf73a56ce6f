package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ObjectName is the metadata.name of an object in the same namespace.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
type ObjectName string

// EmailAddress is one plain address such as ana@example.com. Addresses are compared case-folded.
//
// +kubebuilder:validation:MinLength=3
// +kubebuilder:validation:MaxLength=254
// +kubebuilder:validation:Pattern=`^[^\x00-\x20\x7f-\xa0@<>()\[\]{},;:"\\]+@[^\x00-\x20\x7f-\xa0@<>()\[\]{},;:"\\.]+(\.[^\x00-\x20\x7f-\xa0@<>()\[\]{},;:"\\.]+)+$`
type EmailAddress string

// FullName is a person's name as Kisi shows it.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=200
// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
type FullName string

// ExternalID is the id of an object in the business system that it comes from.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
type ExternalID string

// Team is the name of a team or company; people and subscriptions meet in it.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
type Team string

// Audience is a name for one kind of people at a place, such as members, parents or staff.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
type Audience string

// KisiName is the name of something in Kisi, matched exactly.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=255
// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
type KisiName string

// KisiID is the id of something in Kisi.
//
// +kubebuilder:validation:Minimum=1
// +kubebuilder:validation:Maximum=9007199254740991
type KisiID int64

// ConnectionReference names a KisiConnection in the same namespace.
type ConnectionReference struct {
	// name of the KisiConnection.
	//
	// +required
	Name ObjectName `json:"name,omitempty"`
}

// GroupReference names a KisiGroup in the same namespace.
type GroupReference struct {
	// name of the KisiGroup.
	//
	// +required
	Name ObjectName `json:"name,omitempty"`
}

// PlaceReference names a PlaceMapping in the same namespace, by its name or by its id in the business system.
//
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.externalID)",message="set exactly one of name and externalID"
// +kubebuilder:validation:XValidation:rule="!has(self.kind) || has(self.externalID)",fieldPath=".kind",message="kind belongs to externalID: remove it, or name the place by externalID"
type PlaceReference struct {
	// name of the PlaceMapping.
	//
	// +optional
	Name ObjectName `json:"name,omitempty"`

	// kind narrows externalID to PlaceMappings of this kind.
	//
	// +optional
	Kind PlaceKind `json:"kind,omitempty"`

	// externalID of the PlaceMapping.
	//
	// +optional
	ExternalID ExternalID `json:"externalID,omitempty"`
}

// PlanReference names an AccessPlan in the same namespace, by its name or by its id in the business system.
//
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.externalID)",message="set exactly one of name and externalID"
type PlanReference struct {
	// name of the AccessPlan.
	//
	// +optional
	Name ObjectName `json:"name,omitempty"`

	// externalID of the AccessPlan.
	//
	// +optional
	ExternalID ExternalID `json:"externalID,omitempty"`
}

// MemberReference names a Member in the same namespace, by its name or by its id in the business system.
//
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.externalID)",message="set exactly one of name and externalID"
type MemberReference struct {
	// name of the Member.
	//
	// +optional
	Name ObjectName `json:"name,omitempty"`

	// externalID of the Member.
	//
	// +optional
	ExternalID ExternalID `json:"externalID,omitempty"`
}

// KisiPlaceReference names a place in Kisi by its id or by its exact name.
//
// +kubebuilder:validation:XValidation:rule="has(self.id) != has(self.name)",message="set exactly one of id and name"
type KisiPlaceReference struct {
	// id of the place in Kisi.
	//
	// +optional
	ID KisiID `json:"id,omitempty"`

	// name of the place in Kisi; must be unique there.
	//
	// +optional
	Name KisiName `json:"name,omitempty"`
}

// PeopleCounts says what has become of everybody that a source names.
// total = granted + excluded + withheld + still to do.
type PeopleCounts struct {
	// total is the number of people the source names.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Total int32 `json:"total"`

	// granted counts the people who may enter, or will, through every group concerned.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Granted int32 `json:"granted"`

	// excluded counts the people whom a rule keeps out, such as nonMembers: Deny.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Excluded int32 `json:"excluded,omitempty"`

	// withheld counts the people whom somebody removed or suspended in Kisi, and those whose Member is not Active.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Withheld int32 `json:"withheld,omitempty"`
}

// Window is a half-open span of time [from, until) in whole seconds.
type Window struct {
	// from is when the window opens. If unset, it has no start bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="from must be within the years 1000 to 9999, in UTC"
	From *metav1.Time `json:"from,omitempty"`

	// until is when the window closes. If unset, it has no end bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="until must be within the years 1000 to 9999, in UTC"
	Until *metav1.Time `json:"until,omitempty"`
}
