package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SubscriptionState says where a subscription stands in the business system.
//
// +kubebuilder:validation:Enum=Pending;Active;Canceled
type SubscriptionState string

const (
	// SubscriptionPending is not accepted, or not enrolled, yet and gives nothing.
	SubscriptionPending SubscriptionState = "Pending"
	// SubscriptionActive gives access within its dates.
	SubscriptionActive SubscriptionState = "Active"
	// SubscriptionCanceled gives nothing any more.
	SubscriptionCanceled SubscriptionState = "Canceled"
)

// SubscriptionPhase is the state of a subscription as it is now: the first that holds.
//
// +kubebuilder:validation:Enum=Canceled;Pending;Ended;Exhausted;Scheduled;Active
type SubscriptionPhase string

// The states of a subscription, in the order in which they are tried.
const (
	// SubscriptionPhaseCanceled has spec.state Canceled.
	SubscriptionPhaseCanceled SubscriptionPhase = "Canceled"
	// SubscriptionPhasePending has spec.state Pending.
	SubscriptionPhasePending SubscriptionPhase = "Pending"
	// SubscriptionPhaseEnded has a spec.endTime that has passed.
	SubscriptionPhaseEnded SubscriptionPhase = "Ended"
	// SubscriptionPhaseExhausted has no day pass left.
	SubscriptionPhaseExhausted SubscriptionPhase = "Exhausted"
	// SubscriptionPhaseScheduled has a spec.startTime that has not come.
	SubscriptionPhaseScheduled SubscriptionPhase = "Scheduled"
	// SubscriptionPhaseActive gives access now.
	SubscriptionPhaseActive SubscriptionPhase = "Active"
)

// Subject is a person, by Member or by address, or a team.
//
// +kubebuilder:validation:XValidation:rule="(has(self.memberRef) ? 1 : 0) + (has(self.team) ? 1 : 0) + (has(self.email) ? 1 : 0) == 1",message="set exactly one of memberRef, team and email"
// +kubebuilder:validation:XValidation:rule="!has(self.fullName) || has(self.email)",fieldPath=".fullName",message="fullName belongs to email: remove it, or name the person by email"
type Subject struct {
	// memberRef names a Member; it means the person with that Member's address.
	//
	// +optional
	MemberRef *MemberReference `json:"memberRef,omitempty"`

	// team means every Member that lists it.
	//
	// +optional
	Team Team `json:"team,omitempty"`

	// email names a person by address.
	//
	// +optional
	Email EmailAddress `json:"email,omitempty"`

	// fullName of the person named by email.
	//
	// +optional
	FullName FullName `json:"fullName,omitempty"`
}

// DayPasses limits a subscription to a number of passes.
type DayPasses struct {
	// total number of passes.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Total int32 `json:"total"`

	// used number of passes; access ends when it reaches total.
	//
	// +optional
	// +default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Used int32 `json:"used,omitempty"`

	// openUntil keeps the day of the last pass open.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59.999999999Z')",message="openUntil must be within the years 1000 to 9999, in UTC"
	OpenUntil *metav1.Time `json:"openUntil,omitempty"`
}

// AccessSubscriptionSpec says who holds a plan, a place or groups, and for how long.
//
// +kubebuilder:validation:XValidation:rule="has(self.planRef) || has(self.placeRef) || (has(self.groupRefs) && self.groupRefs.size() > 0)",message="set at least one of planRef, placeRef and groupRefs"
// +kubebuilder:validation:XValidation:rule="!has(self.audience) || has(self.placeRef)",fieldPath=".audience",message="audience belongs to placeRef: remove it, or name a place"
// +kubebuilder:validation:XValidation:rule="!has(self.startTime) || !has(self.endTime) || int(self.endTime) > int(self.startTime)",fieldPath=".endTime",message="endTime must be after startTime, in whole seconds"
type AccessSubscriptionSpec struct {
	// externalID is the subscription's id in the business system.
	//
	// +optional
	ExternalID ExternalID `json:"externalID,omitempty"`

	// planRef names the AccessPlan that is held.
	//
	// +optional
	PlanRef *PlanReference `json:"planRef,omitempty"`

	// placeRef names the PlaceMapping whose audience the subject joins, such as a team's office.
	//
	// +optional
	PlaceRef *PlaceReference `json:"placeRef,omitempty"`

	// audience of the place that the subject joins. Defaults to members.
	//
	// +optional
	Audience Audience `json:"audience,omitempty"`

	// groupRefs are this subscription's own groups; with planRef they replace the plan's.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	GroupRefs []GroupReference `json:"groupRefs,omitempty"`

	// subject is the person or the team that holds the subscription.
	//
	// +required
	Subject Subject `json:"subject,omitzero"`

	// startTime is when access begins. If unset, access has no start bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59.999999999Z')",message="startTime must be within the years 1000 to 9999, in UTC; leave it out for access without a start bound"
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// endTime is when access ends. If unset, access lasts until the subscription is canceled or deleted.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59.999999999Z')",message="endTime must be within the years 1000 to 9999, in UTC; leave it out for access without an end"
	EndTime *metav1.Time `json:"endTime,omitempty"`

	// state of the subscription in the business system; only Active gives access.
	//
	// +optional
	// +default="Active"
	State SubscriptionState `json:"state,omitempty"`

	// dayPasses gives access only while used is below total.
	//
	// +optional
	DayPasses *DayPasses `json:"dayPasses,omitempty"`
}

// AccessSubscriptionStatus is what has become of the subscription.
type AccessSubscriptionStatus struct {
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

	// state is the first that holds of Canceled, Pending, Ended, Exhausted, Scheduled and Active.
	//
	// +optional
	State SubscriptionPhase `json:"state,omitempty"`

	// people says what has become of everybody that the subscription names.
	//
	// +optional
	People *PeopleCounts `json:"people,omitempty"`
}

// AccessSubscription says that a person or a team holds a plan, a place or groups for a time.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=asub,categories=kisi
// +kubebuilder:selectablefield:JSONPath=`.spec.externalID`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Subject",type=string,JSONPath=`.spec.subject..['email','team','name','externalID']`
// +kubebuilder:printcolumn:name="From",type=string,JSONPath=`.spec.startTime`
// +kubebuilder:printcolumn:name="Until",type=string,JSONPath=`.spec.endTime`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Plan",type=string,JSONPath=`.spec.planRef['name','externalID']`,priority=1
// +kubebuilder:printcolumn:name="Place",type=string,JSONPath=`.spec.placeRef['name','externalID']`,priority=1
// +kubebuilder:printcolumn:name="Granted",type=integer,JSONPath=`.status.people.granted`,priority=1
// +kubebuilder:printcolumn:name="People",type=integer,JSONPath=`.status.people.total`,priority=1
// +kubebuilder:printcolumn:name="External ID",type=string,JSONPath=`.spec.externalID`,priority=1
type AccessSubscription struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says who holds a plan, a place or groups, and for how long.
	//
	// +required
	Spec AccessSubscriptionSpec `json:"spec,omitzero"`

	// status is what has become of the subscription.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status AccessSubscriptionStatus `json:"status,omitzero"`
}

// AccessSubscriptionList is a list of AccessSubscriptions.
//
// +kubebuilder:object:root=true
type AccessSubscriptionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AccessSubscription `json:"items"`
}
