package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DeletionPolicy says what happens to a managed Kisi group when its KisiGroup is deleted.
//
// +kubebuilder:validation:Enum=Delete;Retain
type DeletionPolicy string

const (
	// DeletionDelete deletes the Kisi group.
	DeletionDelete DeletionPolicy = "Delete"
	// DeletionRetain leaves the Kisi group where it is.
	DeletionRetain DeletionPolicy = "Retain"
)

// AssignmentOwnership says whose the assignments of a group are.
//
// +kubebuilder:validation:Enum=Shared;Exclusive
type AssignmentOwnership string

const (
	// AssignmentsShared leaves alone what others granted.
	AssignmentsShared AssignmentOwnership = "Shared"
	// AssignmentsExclusive removes what nothing here asks for.
	AssignmentsExclusive AssignmentOwnership = "Exclusive"
)

// BindingPolicy says what happens to assignments found when an Exclusive group is bound.
//
// +kubebuilder:validation:Enum=Refuse;TakeOver
type BindingPolicy string

const (
	// BindingRefuse does not bind the group.
	BindingRefuse BindingPolicy = "Refuse"
	// BindingTakeOver removes what nothing here asks for, within the revocation limit.
	BindingTakeOver BindingPolicy = "TakeOver"
)

// Restriction switches one of Kisi's group restrictions.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type Restriction string

const (
	// RestrictionEnabled switches the restriction on.
	RestrictionEnabled Restriction = "Enabled"
	// RestrictionDisabled switches the restriction off.
	RestrictionDisabled Restriction = "Disabled"
)

// AppAccess says whether a group lets people unlock with an app at all, or only with cards and codes.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type AppAccess string

const (
	// AppAccessEnabled lets apps unlock.
	AppAccessEnabled AppAccess = "Enabled"
	// AppAccessDisabled lets no app unlock.
	AppAccessDisabled AppAccess = "Disabled"
)

// ExistingGroup points at a group that somebody made in Kisi.
//
// +kubebuilder:validation:XValidation:rule="has(self.id) != has(self.name)",message="set exactly one of id and name"
// +kubebuilder:validation:XValidation:rule="!has(self.place) || has(self.name)",fieldPath=".place",message="place narrows a name: remove it, or point at the group by name"
type ExistingGroup struct {
	// id of the group in Kisi.
	//
	// +optional
	ID KisiID `json:"id,omitempty"`

	// name of the group in Kisi, matched exactly. Once bound, the group is known by its id: one that is renamed stays
	// bound, and another one that takes the name is not moved to. The annotation access.kisi-operator.dev/rebind looks the
	// name up again.
	//
	// +optional
	Name KisiName `json:"name,omitempty"`

	// place narrows a name that is not unique in the organization.
	//
	// +optional
	Place *KisiPlaceReference `json:"place,omitempty"`
}

// DoorReference names a lock in Kisi by its id or by its exact name.
//
// +kubebuilder:validation:XValidation:rule="has(self.id) != has(self.name)",message="set exactly one of id and name"
type DoorReference struct {
	// id of the lock in Kisi.
	//
	// +optional
	ID KisiID `json:"id,omitempty"`

	// name of the lock in Kisi, matched exactly.
	//
	// +optional
	Name KisiName `json:"name,omitempty"`
}

// GroupRestrictions switches Kisi's group restrictions; those that are unset are left as they are in Kisi.
type GroupRestrictions struct {
	// geofence requires people to be near the place.
	//
	// +optional
	Geofence Restriction `json:"geofence,omitempty"`

	// reader requires people to be near a reader.
	//
	// +optional
	Reader Restriction `json:"reader,omitempty"`

	// primaryDevice allows unlocking from the primary device only.
	//
	// +optional
	PrimaryDevice Restriction `json:"primaryDevice,omitempty"`

	// managedDevice allows unlocking from managed devices only.
	//
	// +optional
	ManagedDevice Restriction `json:"managedDevice,omitempty"`

	// tapToAccess allows unlocking at the reader only.
	//
	// +optional
	TapToAccess Restriction `json:"tapToAccess,omitempty"`
}

// ManagedGroup is a group that the operator creates in Kisi and owns.
//
// +kubebuilder:validation:XValidation:rule="has(self.place) == has(oldSelf.place) && (!has(self.place) || self.place == oldSelf.place)",fieldPath=".place",message="managed.place is immutable, because Kisi cannot move a group: create another KisiGroup"
type ManagedGroup struct {
	// name of the group in Kisi.
	//
	// +required
	Name KisiName `json:"name,omitempty"`

	// description of the group in Kisi; the operator adds its own mark at the end.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=500
	Description string `json:"description,omitempty"`

	// place of the group; none makes it organization-wide. Immutable.
	//
	// +optional
	Place *KisiPlaceReference `json:"place,omitempty"`

	// doors is the exact list of locks that the group opens. Once found, a lock is known by its id: one that is renamed
	// stays, and says DoorNotFound until its name or the list is corrected. The annotation access.kisi-operator.dev/rebind
	// looks the names up again.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=250
	Doors []DoorReference `json:"doors,omitempty"`

	// restrictions of the group; those that are unset are left as they are in Kisi.
	//
	// +optional
	Restrictions *GroupRestrictions `json:"restrictions,omitempty"`

	// appAccess says whether the group lets people unlock with an app at all (Kisi's login_enabled). If unset, it is left
	// as it is.
	//
	// +optional
	AppAccess AppAccess `json:"appAccess,omitempty"`

	// deletionPolicy says what happens to the Kisi group when this object is deleted.
	//
	// +optional
	// +default="Delete"
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// KisiGroupSpec binds to an existing Kisi group, or creates and owns one.
//
// +kubebuilder:validation:XValidation:rule="has(self.existing) != has(self.managed)",message="set exactly one of existing and managed"
// +kubebuilder:validation:XValidation:rule="has(self.existing) == has(oldSelf.existing)",message="a group cannot change between existing and managed: create another KisiGroup"
// +kubebuilder:validation:XValidation:rule="!has(self.atBinding) || self.atBinding != 'TakeOver' || self.assignments == 'Exclusive'",fieldPath=".atBinding",message="atBinding: TakeOver needs assignments: Exclusive"
type KisiGroupSpec struct {
	// connectionRef names the KisiConnection. Immutable.
	//
	// +optional
	// +default={"name": "default"}
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="connectionRef is immutable: create another KisiGroup for another connection"
	ConnectionRef ConnectionReference `json:"connectionRef,omitzero"`

	// existing points at a group that somebody made in Kisi. Immutable.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="existing is immutable: create another KisiGroup for another Kisi group"
	Existing *ExistingGroup `json:"existing,omitempty"`

	// managed describes a group that the operator creates and owns.
	//
	// +optional
	Managed *ManagedGroup `json:"managed,omitempty"`

	// assignments says whose they are: Shared leaves alone what others granted, Exclusive removes it.
	//
	// +optional
	// +default="Shared"
	Assignments AssignmentOwnership `json:"assignments,omitempty"`

	// atBinding says what happens to assignments found when an Exclusive group is bound.
	//
	// +optional
	// +default="Refuse"
	AtBinding BindingPolicy `json:"atBinding,omitempty"`
}

// GroupCounts sums up the grants and assignments of one group.
type GroupCounts struct {
	// granted counts the grants that are in Kisi and open.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Granted int32 `json:"granted"`

	// scheduled counts the grants that are in Kisi and open later.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Scheduled int32 `json:"scheduled"`

	// pending counts the grants that Kisi was asked for and has not confirmed.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Pending int32 `json:"pending"`

	// held counts the grants that the revocation limit holds.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Held int32 `json:"held"`

	// foreign counts the assignments in Kisi that are not this operator's.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Foreign int32 `json:"foreign"`

	// unclaimed counts the assignments that were made with this connection's key and that no ledger lists.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Unclaimed int32 `json:"unclaimed"`
}

// RevocationAccount is what the revocation limit has counted in the current window.
type RevocationAccount struct {
	// windowStart is the first counted revocation of the window.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="windowStart must be within the years 1000 to 9999, in UTC"
	WindowStart metav1.Time `json:"windowStart,omitzero"`

	// base is the number of grants at that moment.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Base int32 `json:"base"`

	// spent is the number of revocations allowed since.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Spent int32 `json:"spent"`
}

// BoundDoor is a lock that was found for a door of spec.managed.doors.
type BoundDoor struct {
	// name of the door in spec.managed.doors.
	//
	// +required
	Name KisiName `json:"name,omitempty"`

	// id of the lock in Kisi that had the name when it was looked up.
	//
	// +required
	ID KisiID `json:"id,omitempty"`
}

// KisiGroupStatus is what is known of the group.
type KisiGroupStatus struct {
	// conditions are Ready; PartnerAppCompatible with unlockMode: PartnerApp; Reconciling and Stalled only while True.
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

	// kisiGroupID is the bound group's id; set means bound.
	//
	// +optional
	KisiGroupID KisiID `json:"kisiGroupID,omitempty"`

	// organizationID is the organization that the bound group belongs to.
	//
	// +optional
	OrganizationID KisiID `json:"organizationID,omitempty"`

	// placeID is the place of the bound group. If unset, the group is organization-wide.
	//
	// +optional
	PlaceID KisiID `json:"placeID,omitempty"`

	// assignments says what is in effect: Exclusive only once the assignments found in Kisi were found to be asked for, or
	// taken over.
	//
	// +optional
	Assignments AssignmentOwnership `json:"assignments,omitempty"`

	// claim is the value of the claim annotation that was last carried out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Claim string `json:"claim,omitempty"`

	// rebind is the value of the rebind annotation that was last carried out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Rebind string `json:"rebind,omitempty"`

	// doors are the locks that were found for the doors that spec.managed.doors names.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=250
	Doors []BoundDoor `json:"doors,omitempty"`

	// counts sums up the grants and assignments of the group.
	//
	// +optional
	Counts *GroupCounts `json:"counts,omitempty"`

	// restrictions of the group as Kisi has them.
	//
	// +optional
	Restrictions *GroupRestrictions `json:"restrictions,omitempty"`

	// appAccess says whether the group lets people unlock with an app, as Kisi has it.
	//
	// +optional
	AppAccess AppAccess `json:"appAccess,omitempty"`

	// revocations is what the revocation limit has counted in the current window.
	//
	// +optional
	Revocations *RevocationAccount `json:"revocations,omitempty"`
}

// KisiGroup is one Kisi group: bound to an existing one, or created and owned.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=kgrp,categories=kisi
// +kubebuilder:printcolumn:name="Assignments",type=string,JSONPath=`.spec.assignments`
// +kubebuilder:printcolumn:name="Kisi Group",type=string,JSONPath=`.spec['managed','existing']['name','id']`
// +kubebuilder:printcolumn:name="Granted",type=integer,JSONPath=`.status.counts.granted`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Connection",type=string,JSONPath=`.spec.connectionRef.name`,priority=1
// +kubebuilder:printcolumn:name="Kisi ID",type=integer,JSONPath=`.status.kisiGroupID`,priority=1
// +kubebuilder:printcolumn:name="Scheduled",type=integer,JSONPath=`.status.counts.scheduled`,priority=1
// +kubebuilder:printcolumn:name="Held",type=integer,JSONPath=`.status.counts.held`,priority=1
// +kubebuilder:printcolumn:name="Foreign",type=integer,JSONPath=`.status.counts.foreign`,priority=1
// +kubebuilder:printcolumn:name="Unclaimed",type=integer,JSONPath=`.status.counts.unclaimed`,priority=1
type KisiGroup struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec binds to an existing Kisi group, or creates and owns one.
	//
	// +required
	Spec KisiGroupSpec `json:"spec,omitzero"`

	// status is what is known of the group.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status KisiGroupStatus `json:"status,omitzero"`
}

// KisiGroupList is a list of KisiGroups.
//
// +kubebuilder:object:root=true
type KisiGroupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KisiGroup `json:"items"`
}
