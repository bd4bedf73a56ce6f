package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MemberState says whether a person may have access at all.
//
// +kubebuilder:validation:Enum=Active;Pending;Suspended
type MemberState string

const (
	// MemberActive may have access.
	MemberActive MemberState = "Active"
	// MemberPending has no access yet, for example because not yet enrolled.
	MemberPending MemberState = "Pending"
	// MemberSuspended has no access for the time being.
	MemberSuspended MemberState = "Suspended"
)

// MemberPlaceState says whether a person's place gives access.
//
// +kubebuilder:validation:Enum=Active;Pending
type MemberPlaceState string

const (
	// MemberPlaceActive gives the audience's groups.
	MemberPlaceActive MemberPlaceState = "Active"
	// MemberPlacePending gives nothing yet.
	MemberPlacePending MemberPlaceState = "Pending"
)

// MemberPlace assigns a person to a place.
//
// +kubebuilder:validation:XValidation:rule="!has(self.startTime) || !has(self.endTime) || int(self.endTime) > int(self.startTime)",fieldPath=".endTime",message="endTime must be after startTime, in whole seconds"
type MemberPlace struct {
	// placeRef names the PlaceMapping.
	//
	// +required
	PlaceRef PlaceReference `json:"placeRef,omitzero"`

	// audience of the place that the person belongs to.
	//
	// +optional
	// +default="members"
	Audience Audience `json:"audience,omitempty"`

	// state of the assignment; Pending gives nothing yet.
	//
	// +optional
	// +default="Active"
	State MemberPlaceState `json:"state,omitempty"`

	// startTime is when access begins. If unset, access has no start bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59.999999999Z')",message="startTime must be within the years 1000 to 9999, in UTC; leave it out for access without a start bound"
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// endTime is when access ends. If unset, access lasts as long as this entry.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59.999999999Z')",message="endTime must be within the years 1000 to 9999, in UTC; leave it out for access without an end"
	EndTime *metav1.Time `json:"endTime,omitempty"`
}

// MemberGroupReference gives a person a group of their own.
//
// +kubebuilder:validation:XValidation:rule="!has(self.startTime) || !has(self.endTime) || int(self.endTime) > int(self.startTime)",fieldPath=".endTime",message="endTime must be after startTime, in whole seconds"
type MemberGroupReference struct {
	// name of the KisiGroup.
	//
	// +required
	Name ObjectName `json:"name,omitempty"`

	// startTime is when access begins. If unset, access has no start bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59.999999999Z')",message="startTime must be within the years 1000 to 9999, in UTC; leave it out for access without a start bound"
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// endTime is when access ends. If unset, access lasts as long as this entry.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59.999999999Z')",message="endTime must be within the years 1000 to 9999, in UTC; leave it out for access without an end"
	EndTime *metav1.Time `json:"endTime,omitempty"`
}

// MemberSpec is one person.
type MemberSpec struct {
	// email is the person's address, by which Kisi and every source know them.
	//
	// +required
	Email EmailAddress `json:"email,omitempty"`

	// fullName of the person as Kisi shows it. Defaults to the address.
	//
	// +optional
	FullName FullName `json:"fullName,omitempty"`

	// externalID is the person's id in the business system.
	//
	// +optional
	ExternalID ExternalID `json:"externalID,omitempty"`

	// state of the person; anything but Active gives no access.
	//
	// +optional
	// +default="Active"
	State MemberState `json:"state,omitempty"`

	// teams that the person belongs to; a team's subscriptions give access to each of its Members.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	Teams []Team `json:"teams,omitempty"`

	// places that the person is assigned to.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Places []MemberPlace `json:"places,omitempty"`

	// groupRefs are the person's own groups.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	GroupRefs []MemberGroupReference `json:"groupRefs,omitempty"`
}

// AccountOrigin says who made a Kisi user.
//
// +kubebuilder:validation:Enum=Created;Found
type AccountOrigin string

const (
	// AccountCreated was made by this operator for this Member.
	AccountCreated AccountOrigin = "Created"
	// AccountFound was there before.
	AccountFound AccountOrigin = "Found"
)

// AccountAccess says whether a Kisi user's access is on.
//
// +kubebuilder:validation:Enum=Enabled;Suspending;SuspendedByUs;Deleting;SuspendedInKisi;RemovedInKisi
type AccountAccess string

const (
	// AccountEnabled may open doors, as far as assignments let it.
	AccountEnabled AccountAccess = "Enabled"
	// AccountSuspending is an intent to suspend (onUnused) whose request has not been answered.
	AccountSuspending AccountAccess = "Suspending"
	// AccountSuspendedByUs may not open doors until this operator enables the user, before the next grant.
	AccountSuspendedByUs AccountAccess = "SuspendedByUs"
	// AccountDeleting is an intent to delete (onUnused) whose request has not been answered.
	AccountDeleting AccountAccess = "Deleting"
	// AccountSuspendedInKisi was suspended by somebody else.
	AccountSuspendedInKisi AccountAccess = "SuspendedInKisi"
	// AccountRemovedInKisi was deleted by somebody else.
	AccountRemovedInKisi AccountAccess = "RemovedInKisi"
)

// AccountSuspender says who suspended a user.
//
// +kubebuilder:validation:Enum=Directory
type AccountSuspender string

// SuspendedByDirectory: the organization's directory (SCIM) has switched the user off, and only it can switch the user on.
const SuspendedByDirectory AccountSuspender = "Directory"

// AddressMatch says whether a Kisi user has the address that the account was made or found under.
//
// +kubebuilder:validation:Enum=Yes;No
type AddressMatch string

// Whether the addresses are equal.
const (
	AddressMatches AddressMatch = "Yes"
	AddressDiffers AddressMatch = "No"
)

// Notified says whether Kisi has been asked to mail the person about their first access.
//
// +kubebuilder:validation:Enum=Yes;No
type Notified string

const (
	// NotifiedYes means that Kisi was asked to mail the person.
	NotifiedYes Notified = "Yes"
	// NotifiedNo means that Kisi was not asked yet.
	NotifiedNo Notified = "No"
)

// MemberAccount is the person's user in one Kisi organization.
type MemberAccount struct {
	// connection is the name of the KisiConnection last used for the account.
	//
	// +required
	Connection ObjectName `json:"connection,omitempty"`

	// organizationID of the account.
	//
	// +required
	OrganizationID KisiID `json:"organizationID,omitempty"`

	// email under which the user was made or found.
	//
	// +optional
	Email EmailAddress `json:"email,omitempty"`

	// fullName as it was last written to a user created here.
	//
	// +optional
	FullName FullName `json:"fullName,omitempty"`

	// userID in Kisi.
	//
	// +required
	UserID KisiID `json:"userID,omitempty"`

	// origin says who made the user.
	//
	// +optional
	Origin AccountOrigin `json:"origin,omitempty"`

	// access says whether the user's access is on.
	//
	// +optional
	Access AccountAccess `json:"access,omitempty"`

	// suspendedBy is Directory while the organization's directory (SCIM) keeps the user switched off, which only the
	// directory can undo. If unset, an admin suspended the user, or nobody did.
	//
	// +optional
	SuspendedBy AccountSuspender `json:"suspendedBy,omitempty"`

	// notified says whether Kisi has been asked to mail the person about their first access.
	//
	// +optional
	Notified Notified `json:"notified,omitempty"`

	// emailMatches says whether the user had that address in Kisi when it was last read; unset means not read yet.
	//
	// +optional
	EmailMatches AddressMatch `json:"emailMatches,omitempty"`
}

// MemberLogin is a login that the operator made on the person's behalf, for an app that unlocks in their name.
type MemberLogin struct {
	// connection is the name of the KisiConnection that asks for the login.
	//
	// +required
	Connection ObjectName `json:"connection,omitempty"`

	// organizationID of the login.
	//
	// +required
	OrganizationID KisiID `json:"organizationID,omitempty"`

	// userID of the person in Kisi.
	//
	// +required
	UserID KisiID `json:"userID,omitempty"`

	// loginID is the id of the login in Kisi. It is unset until Kisi has answered.
	//
	// +optional
	LoginID KisiID `json:"loginID,omitempty"`

	// secretName is the Secret, in the same namespace, that holds the login.
	//
	// +required
	SecretName ObjectName `json:"secretName,omitempty"`
}

// GrantState says where a row of the ledger stands.
//
// +kubebuilder:validation:Enum=Pending;Scheduled;Active;Covered;Queued;Blocked;Revoking;Held;Withheld;Retained;Ended
type GrantState string

const (
	// GrantPending is an intent whose request has not been answered.
	GrantPending GrantState = "Pending"
	// GrantScheduled is in Kisi and opens later.
	GrantScheduled GrantState = "Scheduled"
	// GrantActive is in Kisi and open.
	GrantActive GrantState = "Active"
	// GrantCovered is given by a foreign assignment.
	GrantCovered GrantState = "Covered"
	// GrantQueued waits for an earlier row of ours to end.
	GrantQueued GrantState = "Queued"
	// GrantBlocked has a foreign assignment in its way.
	GrantBlocked GrantState = "Blocked"
	// GrantRevoking is to be taken away.
	GrantRevoking GrantState = "Revoking"
	// GrantHeld is held by the revocation limit.
	GrantHeld GrantState = "Held"
	// GrantWithheld was removed or suspended in Kisi.
	GrantWithheld GrantState = "Withheld"
	// GrantRetained was left as it is when its connection was let go.
	GrantRetained GrantState = "Retained"
	// GrantEnded has closed by itself and is tidied away later.
	GrantEnded GrantState = "Ended"
)

// MemberGrant is one row of the ledger: one role assignment in Kisi, or the intent to make one.
type MemberGrant struct {
	// group is the name of the KisiGroup.
	//
	// +required
	Group ObjectName `json:"group,omitempty"`

	// connection is the name of the KisiConnection last used for the row.
	//
	// +required
	Connection ObjectName `json:"connection,omitempty"`

	// organizationID of the row; a row is acted on only through a connection of its organization.
	//
	// +required
	OrganizationID KisiID `json:"organizationID,omitempty"`

	// kisiGroupID of the row.
	//
	// +required
	KisiGroupID KisiID `json:"kisiGroupID,omitempty"`

	// userID of the row.
	//
	// +optional
	UserID KisiID `json:"userID,omitempty"`

	// requestedBy is the user in Kisi whose key asks for the row; unset once Kisi has answered. The row is known by it if
	// another key is in use by then.
	//
	// +optional
	RequestedBy KisiID `json:"requestedBy,omitempty"`

	// roleAssignmentID is the id of the role assignment in Kisi. It is unset until Kisi has answered.
	//
	// +optional
	RoleAssignmentID KisiID `json:"roleAssignmentID,omitempty"`

	// validFrom is when the grant opens. If unset, it has no start bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="validFrom must be within the years 1000 to 9999, in UTC"
	ValidFrom *metav1.Time `json:"validFrom,omitempty"`

	// validUntil is when the grant closes. If unset, it has no end bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="validUntil must be within the years 1000 to 9999, in UTC"
	ValidUntil *metav1.Time `json:"validUntil,omitempty"`

	// changingTo are the bounds that Kisi was asked to give the row, until it is known whether it has: the row then has
	// either these or its own.
	//
	// +optional
	ChangingTo *GrantWindow `json:"changingTo,omitempty"`

	// state of the row.
	//
	// +required
	State GrantState `json:"state,omitempty"`

	// abandonedBy is the object, as Kind/name, whose abandon annotation had the row left as it is in Kisi. The row stays
	// Retained, and is not touched, until something asks for it again.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	AbandonedBy string `json:"abandonedBy,omitempty"`

	// sources are the first 20 objects that give the access, as Kind/name.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=300
	Sources []string `json:"sources,omitempty"`

	// sourceCount is the number of objects that give the access.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	SourceCount int32 `json:"sourceCount"`
}

// GrantWindow are the bounds of a row; without any the row is open always.
type GrantWindow struct {
	// validFrom is when the grant opens. If unset, it has no start bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="validFrom must be within the years 1000 to 9999, in UTC"
	ValidFrom *metav1.Time `json:"validFrom,omitempty"`

	// validUntil is when the grant closes. If unset, it has no end bound.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="validUntil must be within the years 1000 to 9999, in UTC"
	ValidUntil *metav1.Time `json:"validUntil,omitempty"`
}

// PlannedAction is something that is not done because of the mode or the revocation limit.
//
// +kubebuilder:validation:Enum=Grant;Revoke;Change
type PlannedAction string

const (
	// PlannedGrant would let the person into the group.
	PlannedGrant PlannedAction = "Grant"
	// PlannedRevoke would take the person's access to the group away.
	PlannedRevoke PlannedAction = "Revoke"
	// PlannedChange would change the window of the person's access.
	PlannedChange PlannedAction = "Change"
)

// PlannedOperation is one thing that would be done.
type PlannedOperation struct {
	// action that would be taken.
	//
	// +required
	Action PlannedAction `json:"action,omitempty"`

	// group is the name of the KisiGroup.
	//
	// +required
	Group ObjectName `json:"group,omitempty"`

	// validFrom is when the window would open.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="validFrom must be within the years 1000 to 9999, in UTC"
	ValidFrom *metav1.Time `json:"validFrom,omitempty"`

	// validUntil is when the window would close.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="validUntil must be within the years 1000 to 9999, in UTC"
	ValidUntil *metav1.Time `json:"validUntil,omitempty"`
}

// MemberStatus is the ledger of everything that this operator granted to the person.
type MemberStatus struct {
	// conditions are Ready and EmailMatches; LoginReady where users.logins is Secret; Reconciling and Stalled only while True.
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

	// accounts are the person's users in Kisi, one per organization. After a change of spec.email the user of the earlier
	// address follows it until all that was granted to that user has moved on or been taken back.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Accounts []MemberAccount `json:"accounts,omitempty"`

	// logins are what the operator made for apps that unlock in the person's name (users.logins: Secret).
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Logins []MemberLogin `json:"logins,omitempty"`

	// grants are the rows of the ledger.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Grants []MemberGrant `json:"grants,omitempty"`

	// reinstated is the last value of the annotation reinstate that was acted on.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reinstated string `json:"reinstated,omitempty"`

	// planned is what is not done because of the mode or the revocation limit; the first 20.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Planned []PlannedOperation `json:"planned,omitempty"`

	// plannedCount is the number of things not done.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	PlannedCount int32 `json:"plannedCount,omitempty"`
}

// Member is one person; its status is the ledger of everything that this operator granted them.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=mbr,categories=kisi
// +kubebuilder:selectablefield:JSONPath=`.spec.externalID`
// +kubebuilder:selectablefield:JSONPath=`.spec.email`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Email",type=string,JSONPath=`.spec.email`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Full Name",type=string,JSONPath=`.spec.fullName`,priority=1
// +kubebuilder:printcolumn:name="External ID",type=string,JSONPath=`.spec.externalID`,priority=1
// +kubebuilder:printcolumn:name="Teams",type=string,JSONPath=`.spec.teams`,priority=1
type Member struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the person.
	//
	// +required
	Spec MemberSpec `json:"spec,omitzero"`

	// status is the ledger of everything that this operator granted to the person.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status MemberStatus `json:"status,omitzero"`
}

// MemberList is a list of Members.
//
// +kubebuilder:object:root=true
type MemberList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Member `json:"items"`
}
