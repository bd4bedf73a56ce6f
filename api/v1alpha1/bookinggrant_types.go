package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BookingState says where a booking stands in the business system.
//
// +kubebuilder:validation:Enum=Confirmed;Canceled
type BookingState string

const (
	// BookingConfirmed gives access within its window.
	BookingConfirmed BookingState = "Confirmed"
	// BookingCanceled gives nothing any more.
	BookingCanceled BookingState = "Canceled"
)

// BookingPhase is the state of a booking as it is now.
//
// +kubebuilder:validation:Enum=Scheduled;Active;Ended;Canceled
type BookingPhase string

// The states of a booking.
const (
	// BookingPhaseScheduled has a window that has not opened.
	BookingPhaseScheduled BookingPhase = "Scheduled"
	// BookingPhaseActive has a window that is open.
	BookingPhaseActive BookingPhase = "Active"
	// BookingPhaseEnded has a window that has closed.
	BookingPhaseEnded BookingPhase = "Ended"
	// BookingPhaseCanceled has spec.state Canceled.
	BookingPhaseCanceled BookingPhase = "Canceled"
)

// Person is somebody named by address.
type Person struct {
	// email of the person.
	//
	// +required
	Email EmailAddress `json:"email,omitempty"`

	// fullName of the person.
	//
	// +optional
	FullName FullName `json:"fullName,omitempty"`
}

// BookingGrantSpec says who booked what, with whom, and for how long.
//
// +kubebuilder:validation:XValidation:rule="has(self.placeRef) != (has(self.groupRefs) && self.groupRefs.size() > 0)",message="set exactly one of placeRef and groupRefs"
// +kubebuilder:validation:XValidation:rule="int(self.endTime) > int(self.startTime)",fieldPath=".endTime",message="endTime must be after startTime, in whole seconds"
type BookingGrantSpec struct {
	// externalID is the booking's id in the business system.
	//
	// +optional
	ExternalID ExternalID `json:"externalID,omitempty"`

	// placeRef names the PlaceMapping that is booked.
	//
	// +optional
	PlaceRef *PlaceReference `json:"placeRef,omitempty"`

	// groupRefs give groups without a place, with 30 minutes before and after, to all that the booking names.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	GroupRefs []GroupReference `json:"groupRefs,omitempty"`

	// organizer is the person who booked.
	//
	// +required
	Organizer Person `json:"organizer,omitzero"`

	// attendees are the people invited.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=500
	Attendees []Person `json:"attendees,omitempty"`

	// startTime is when the booking begins.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1970-01-01T00:00:00Z') && self < timestamp('9999-01-01T00:00:00Z')",message="startTime must be within the years 1970 to 9998, in UTC"
	StartTime metav1.Time `json:"startTime,omitzero"`

	// endTime is when the booking ends.
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1970-01-01T00:00:00Z') && self < timestamp('9999-01-01T00:00:00Z')",message="endTime must be within the years 1970 to 9998, in UTC"
	EndTime metav1.Time `json:"endTime,omitzero"`

	// state of the booking in the business system; only Confirmed gives access.
	//
	// +optional
	// +default="Confirmed"
	State BookingState `json:"state,omitempty"`

	// ttlSecondsAfterEnd is how long after status.window.until the object deletes itself:
	// 0 = at once, -1 = never. Defaults to the operator's --booking-ttl, which does not apply to an object that a GitOps
	// tool tracks, such as Argo CD or Flux. While the place cannot be told the object does not delete itself, nor when it
	// was deleted and made again twice. The condition Kept says why an object stays.
	//
	// +optional
	// +kubebuilder:validation:Minimum=-1
	// +kubebuilder:validation:Maximum=3153600000
	TTLSecondsAfterEnd *int64 `json:"ttlSecondsAfterEnd,omitempty"`
}

// BookingTerms are what a place says about a booking of it, apart from the groups.
type BookingTerms struct {
	// placeRef by which the booking named the place. The terms of another place do not count.
	//
	// +required
	PlaceRef PlaceReference `json:"placeRef,omitzero"`

	// leadSeconds is how long before the start people may enter.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	LeadSeconds int64 `json:"leadSeconds"`

	// lagSeconds is how long after the end people may enter.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	LagSeconds int64 `json:"lagSeconds"`

	// nonMembers says whether a booking made by a non-member opens doors.
	//
	// +required
	NonMembers NonMemberPolicy `json:"nonMembers,omitempty"`
}

// BookingGrantStatus is what has become of the booking.
type BookingGrantStatus struct {
	// conditions are Ready; Reconciling, Stalled and Kept only while True.
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

	// state is Scheduled, Active, Ended or Canceled.
	//
	// +optional
	State BookingPhase `json:"state,omitempty"`

	// window is when the booking's people may enter, with the lead and lag of the place. While the place cannot be told it
	// is the last one known, if there is one.
	//
	// +optional
	Window *Window `json:"window,omitempty"`

	// groups are the names of the KisiGroups that the booking gives.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Groups []ObjectName `json:"groups,omitempty"`

	// terms of a place with changes: BeforeStart. From startTime on they and the groups above decide, whatever the
	// mapping says by then.
	//
	// +optional
	Terms *BookingTerms `json:"terms,omitempty"`

	// people says what has become of everybody that the booking names.
	//
	// +optional
	People *PeopleCounts `json:"people,omitempty"`
}

// BookingGrant is a booking by an organizer, with attendees, for a time.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=bgrant,categories=kisi
// +kubebuilder:selectablefield:JSONPath=`.spec.externalID`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Organizer",type=string,JSONPath=`.spec.organizer.email`
// +kubebuilder:printcolumn:name="From",type=string,JSONPath=`.status.window.from`
// +kubebuilder:printcolumn:name="Until",type=string,JSONPath=`.status.window.until`
// +kubebuilder:printcolumn:name="Granted",type=integer,JSONPath=`.status.people.granted`
// +kubebuilder:printcolumn:name="People",type=integer,JSONPath=`.status.people.total`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Place",type=string,JSONPath=`.spec.placeRef['name','externalID']`,priority=1
// +kubebuilder:printcolumn:name="Groups",type=string,JSONPath=`.status.groups`,priority=1
// +kubebuilder:printcolumn:name="Kept",type=string,JSONPath=`.status.conditions[?(@.type=="Kept")].reason`,priority=1
// +kubebuilder:printcolumn:name="External ID",type=string,JSONPath=`.spec.externalID`,priority=1
type BookingGrant struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says who booked what, with whom, and for how long.
	//
	// +required
	Spec BookingGrantSpec `json:"spec,omitzero"`

	// status is what has become of the booking.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status BookingGrantStatus `json:"status,omitzero"`
}

// BookingGrantList is a list of BookingGrants.
//
// +kubebuilder:object:root=true
type BookingGrantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []BookingGrant `json:"items"`
}
