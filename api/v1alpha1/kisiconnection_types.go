package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Mode says how far the operator may go through a connection.
//
// +kubebuilder:validation:Enum=Enforce;GrantOnly;Observe;Paused
type Mode string

const (
	// ModeEnforce grants and revokes.
	ModeEnforce Mode = "Enforce"
	// ModeGrantOnly grants and never revokes.
	ModeGrantOnly Mode = "GrantOnly"
	// ModeObserve reads, says what it would do, and writes nothing to Kisi.
	ModeObserve Mode = "Observe"
	// ModePaused sends no request at all.
	ModePaused Mode = "Paused"
)

// NotificationPolicy says when Kisi mails people about new access.
//
// +kubebuilder:validation:Enum=Default;Always;Never
type NotificationPolicy string

const (
	// NotificationsDefault mails a person at the first access only.
	NotificationsDefault NotificationPolicy = "Default"
	// NotificationsAlways mails a person at every new access.
	NotificationsAlways NotificationPolicy = "Always"
	// NotificationsNever mails nobody.
	NotificationsNever NotificationPolicy = "Never"
)

// UserType is the kind of Kisi user that is created for a person.
//
// +kubebuilder:validation:Enum=Regular;Managed
type UserType string

const (
	// UserTypeRegular signs up with Kisi and uses its app.
	UserTypeRegular UserType = "Regular"
	// UserTypeManaged is never mailed by Kisi and never signs up.
	UserTypeManaged UserType = "Managed"
)

// UserCreationPolicy says when a Kisi user is created.
//
// +kubebuilder:validation:Enum=WhenNeeded;Always
type UserCreationPolicy string

const (
	// CreateUsersWhenNeeded creates a Kisi user together with the first access.
	CreateUsersWhenNeeded UserCreationPolicy = "WhenNeeded"
	// CreateUsersAlways creates a Kisi user for every Active Member of the namespace.
	CreateUsersAlways UserCreationPolicy = "Always"
)

// ExistingUserPolicy says what happens to users whom Kisi already has.
//
// +kubebuilder:validation:Enum=Adopt;Import
type ExistingUserPolicy string

const (
	// ExistingUsersAdopt uses an existing Kisi user of exactly the same address.
	ExistingUsersAdopt ExistingUserPolicy = "Adopt"
	// ExistingUsersImport also makes a Member for every user that Kisi already has.
	ExistingUsersImport ExistingUserPolicy = "Import"
)

// UnusedUserPolicy says what happens to a user created here who has no grant left.
//
// +kubebuilder:validation:Enum=Retain;Suspend;Delete
type UnusedUserPolicy string

const (
	// UnusedUsersRetain leaves the Kisi user as it is.
	UnusedUsersRetain UnusedUserPolicy = "Retain"
	// UnusedUsersSuspend switches the Kisi user's access off.
	UnusedUsersSuspend UnusedUserPolicy = "Suspend"
	// UnusedUsersDelete deletes the Kisi user.
	UnusedUsersDelete UnusedUserPolicy = "Delete"
)

// RemovedInKisiPolicy says what happens when an admin deletes or suspends a user in Kisi.
//
// +kubebuilder:validation:Enum=Respect;Restore
type RemovedInKisiPolicy string

const (
	// RemovedInKisiRespect keeps the person out until reinstated.
	RemovedInKisiRespect RemovedInKisiPolicy = "Respect"
	// RemovedInKisiRestore undoes it.
	RemovedInKisiRestore RemovedInKisiPolicy = "Restore"
)

// LoginPolicy says whether an app gets a login per person, to unlock in their name.
//
// +kubebuilder:validation:Enum=None;Secret
type LoginPolicy string

const (
	// LoginsNone makes no logins.
	LoginsNone LoginPolicy = "None"
	// LoginsSecret keeps a login per granted person in a Secret.
	LoginsSecret LoginPolicy = "Secret"
)

// UnlockMode says which app people unlock with.
//
// +kubebuilder:validation:Enum=KisiApp;PartnerApp
type UnlockMode string

const (
	// UnlockWithKisiApp is Kisi's own app; no restriction is in its way.
	UnlockWithKisiApp UnlockMode = "KisiApp"
	// UnlockWithPartnerApp is another app; restrictions in its way are reported.
	UnlockWithPartnerApp UnlockMode = "PartnerApp"
)

// DisconnectPolicy says what happens to granted access when a connection is deleted.
//
// +kubebuilder:validation:Enum=Retain;Revoke
type DisconnectPolicy string

const (
	// DisconnectRetain leaves everything as it is and sends no request.
	DisconnectRetain DisconnectPolicy = "Retain"
	// DisconnectRevoke first revokes everything that the operator granted.
	DisconnectRevoke DisconnectPolicy = "Revoke"
)

// APIKeySecretReference names the Secret, in the same namespace, that holds the API key.
type APIKeySecretReference struct {
	// name of the Secret.
	//
	// +required
	Name ObjectName `json:"name,omitempty"`

	// key inside the Secret's data.
	//
	// +optional
	// +default="apiKey"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}

// SignatureKeySecretReference names the Secret, in the same namespace, that holds the webhook's signature key.
type SignatureKeySecretReference struct {
	// name of the Secret.
	//
	// +required
	Name ObjectName `json:"name,omitempty"`

	// key inside the Secret's data.
	//
	// +optional
	// +default="webhookKey"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}

// UserSettings says how people become users of Kisi.
//
// +kubebuilder:validation:XValidation:rule="!has(self.logins) || self.logins != 'Secret' || (has(self.type) && self.type == 'Managed')",fieldPath=".logins",message="logins: Secret needs type: Managed, because Kisi lets a login be made only on behalf of a managed user"
type UserSettings struct {
	// type of the Kisi users created here. Managed users are never mailed by Kisi and never sign up.
	//
	// +optional
	// +default="Regular"
	Type UserType `json:"type,omitempty"`

	// create says when a Kisi user is created; Always makes one for every Active Member of the namespace.
	//
	// +optional
	// +default="WhenNeeded"
	Create UserCreationPolicy `json:"create,omitempty"`

	// existing says what happens to users whom Kisi already has; Import also makes a Member for each of them.
	//
	// +optional
	// +default="Adopt"
	Existing ExistingUserPolicy `json:"existing,omitempty"`

	// onUnused says what happens to a user created here who has no grant left.
	//
	// +optional
	// +default="Retain"
	OnUnused UnusedUserPolicy `json:"onUnused,omitempty"`

	// removedInKisi says whether a user whom an admin deleted or suspended in Kisi stays out.
	//
	// +optional
	// +default="Respect"
	RemovedInKisi RemovedInKisiPolicy `json:"removedInKisi,omitempty"`

	// logins says whether an app gets a login per granted person. Secret needs type: Managed.
	//
	// +optional
	// +default="None"
	Logins LoginPolicy `json:"logins,omitempty"`
}

// RevocationLimit bounds how many rows of one group may be revoked because objects disappeared.
type RevocationLimit struct {
	// percent of the group's grants that may go within one window.
	//
	// +optional
	// +default=25
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent *int32 `json:"percent,omitempty"`

	// minimum number of grants that may go within one window where the percentage comes to less; of a small group no more
	// than half of its grants, rounded up, or two.
	//
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Minimum *int32 `json:"minimum,omitempty"`

	// window over which revocations are counted, such as 1h.
	//
	// +optional
	// +default="1h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="window must be between 1s and 8760h, such as 1h"
	Window *metav1.Duration `json:"window,omitempty"`
}

// ConnectionWebhook asks Kisi to report changes at once instead of being polled for them.
type ConnectionWebhook struct {
	// url under which Kisi reaches this operator's webhook port.
	//
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^https?://[^\x00-\x20\x7f@?#]+$`
	URL string `json:"url,omitempty"`

	// signatureKeySecretRef names the Secret with the key that signs Kisi's calls.
	//
	// +required
	SignatureKeySecretRef SignatureKeySecretReference `json:"signatureKeySecretRef,omitzero"`
}

// KisiConnectionSpec says how one Kisi organization is reached and how far the operator may go in it.
type KisiConnectionSpec struct {
	// apiKeySecretRef names the Secret with the API key.
	//
	// +required
	APIKeySecretRef APIKeySecretReference `json:"apiKeySecretRef,omitzero"`

	// endpoint is the origin of the API; the operator's --allowed-endpoint must list it. Immutable.
	//
	// +optional
	// +default="https://api.kisi.io"
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^https?://[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(:[0-9]{1,5})?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="endpoint is immutable: create another KisiConnection for another endpoint"
	Endpoint string `json:"endpoint,omitempty"`

	// organizationID is the only organization whose key is accepted. If unset, the first key that Kisi accepts decides.
	//
	// +optional
	OrganizationID KisiID `json:"organizationID,omitempty"`

	// requestsPerSecond is the rate that Kisi allows. Of the connections that share a key owner the lowest counts.
	//
	// +optional
	// +default=5
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	RequestsPerSecond int32 `json:"requestsPerSecond,omitempty"`

	// mode says how far the operator may go: Enforce, GrantOnly (never revokes), Observe (writes nothing to Kisi)
	// or Paused (asks nothing).
	//
	// +optional
	// +default="Enforce"
	Mode Mode `json:"mode,omitempty"`

	// resyncInterval is how often everything that Kisi holds is read again; at least 1m.
	//
	// +optional
	// +default="6h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="resyncInterval must be between 1m and 8760h, such as 6h"
	ResyncInterval *metav1.Duration `json:"resyncInterval,omitempty"`

	// changePollInterval is how often Kisi's audit trail is asked for outside changes; at least 5s.
	//
	// +optional
	// +default="1m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('5s') && duration(self) <= duration('8760h')",message="changePollInterval must be between 5s and 8760h, such as 1m"
	ChangePollInterval *metav1.Duration `json:"changePollInterval,omitempty"`

	// grantAhead is how long before it opens a window is written to Kisi.
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('8760h')",message="grantAhead must be between 0s and 8760h, such as 24h"
	GrantAhead *metav1.Duration `json:"grantAhead,omitempty"`

	// notifications says when Kisi mails people about new access: Default (first access only), Always or Never.
	//
	// +optional
	// +default="Default"
	Notifications NotificationPolicy `json:"notifications,omitempty"`

	// users says how people become users of Kisi.
	//
	// +optional
	// +default={}
	Users UserSettings `json:"users,omitzero"`

	// unlockMode says which app people unlock with; PartnerApp reports restrictions that break unlocking from another app.
	//
	// +optional
	// +default="KisiApp"
	UnlockMode UnlockMode `json:"unlockMode,omitempty"`

	// revocationLimit bounds how much may be revoked because objects disappeared.
	//
	// +optional
	// +default={}
	RevocationLimit RevocationLimit `json:"revocationLimit,omitzero"`

	// disconnectPolicy says what happens to granted access when this object is deleted.
	//
	// +optional
	// +default="Retain"
	DisconnectPolicy DisconnectPolicy `json:"disconnectPolicy,omitempty"`

	// webhook lets Kisi report changes at once; without it the audit-trail poll finds them.
	//
	// +optional
	Webhook *ConnectionWebhook `json:"webhook,omitempty"`
}

// ConnectedOrganization is the Kisi organization that the first success pinned.
type ConnectedOrganization struct {
	// id of the organization.
	//
	// +required
	ID KisiID `json:"id,omitempty"`

	// name of the organization.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Name string `json:"name,omitempty"`

	// domain of the organization.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Domain string `json:"domain,omitempty"`
}

// AccountRole says whether the key belongs to the organization's owner.
//
// +kubebuilder:validation:Enum=Owner;Other
type AccountRole string

const (
	// AccountRoleOwner is the organization's owner.
	AccountRoleOwner AccountRole = "Owner"
	// AccountRoleOther is anybody else.
	AccountRoleOther AccountRole = "Other"
)

// ConnectionAccount is the Kisi user that the API key belongs to.
type ConnectionAccount struct {
	// userID of the key's owner.
	//
	// +required
	UserID KisiID `json:"userID,omitempty"`

	// role says whether the key belongs to the organization's owner.
	//
	// +required
	Role AccountRole `json:"role,omitempty"`
}

// OverlapBehaviour says whether Kisi takes a second role assignment of the same person in the same group.
//
// +kubebuilder:validation:Enum=Unknown;Accepted;Rejected
type OverlapBehaviour string

const (
	// OverlapUnknown has not been seen yet.
	OverlapUnknown OverlapBehaviour = "Unknown"
	// OverlapAccepted keeps both assignments.
	OverlapAccepted OverlapBehaviour = "Accepted"
	// OverlapRejected refuses the second assignment.
	OverlapRejected OverlapBehaviour = "Rejected"
)

// WindowUpdateBehaviour says whether Kisi changes the window of a role assignment in place.
//
// +kubebuilder:validation:Enum=Unknown;Accepted;Ignored
type WindowUpdateBehaviour string

const (
	// WindowUpdateUnknown has not been seen yet.
	WindowUpdateUnknown WindowUpdateBehaviour = "Unknown"
	// WindowUpdateAccepted changes the window.
	WindowUpdateAccepted WindowUpdateBehaviour = "Accepted"
	// WindowUpdateIgnored answers as if it had, and does not.
	WindowUpdateIgnored WindowUpdateBehaviour = "Ignored"
)

// APIBehaviour is what has been learned of Kisi's API through this connection.
type APIBehaviour struct {
	// overlappingAssignments says whether Kisi takes a second role assignment of the same person in the same group.
	//
	// +optional
	OverlappingAssignments OverlapBehaviour `json:"overlappingAssignments,omitempty"`

	// windowUpdate says whether Kisi changes the window of a role assignment in place.
	//
	// +optional
	WindowUpdate WindowUpdateBehaviour `json:"windowUpdate,omitempty"`

	// refusedTime is when Kisi was first seen not to do one of these. A day later it is tried again, as it is with a new API
	// key.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="refusedTime must be within the years 1000 to 9999, in UTC"
	RefusedTime *metav1.Time `json:"refusedTime,omitempty"`
}

// ConnectionCounts sums up what this operator holds through the connection.
type ConnectionCounts struct {
	// groups bound through this connection.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Groups int32 `json:"groups"`

	// members with an account in the organization.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Members int32 `json:"members"`

	// grants that are in Kisi.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Grants int32 `json:"grants"`

	// pendingGrants are wanted and not in Kisi yet.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	PendingGrants int32 `json:"pendingGrants"`

	// pendingRevocations are unwanted and still in Kisi.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	PendingRevocations int32 `json:"pendingRevocations"`

	// heldRevocations are held by the revocation limit.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	HeldRevocations int32 `json:"heldRevocations"`

	// foreignAssignments are the assignments in the bound groups that are not this operator's.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	ForeignAssignments int32 `json:"foreignAssignments"`
}

// KisiConnectionStatus is what is known of the connection.
type KisiConnectionStatus struct {
	// conditions are Ready, Authenticated, Authorized, OwnerKey and Synced; UsersImported with users.existing: Import; WebhookReady
	// with spec.webhook; KeyProtected with disconnectPolicy: Revoke; RevocationsHeld, Reconciling and Stalled only while True.
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

	// organization is pinned by the first success; another organization's key is refused from then on.
	//
	// +optional
	Organization *ConnectedOrganization `json:"organization,omitempty"`

	// account is the Kisi user that the API key belongs to.
	//
	// +optional
	Account *ConnectionAccount `json:"account,omitempty"`

	// api is what has been learned of Kisi's API through this connection.
	//
	// +optional
	API *APIBehaviour `json:"api,omitempty"`

	// counts sums up what this operator holds through the connection.
	//
	// +optional
	Counts *ConnectionCounts `json:"counts,omitempty"`

	// lastSyncTime is the last complete full read.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$`
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('1000-01-01T00:00:00Z') && self <= timestamp('9999-12-31T23:59:59Z')",message="lastSyncTime must be within the years 1000 to 9999, in UTC"
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`
}

// KisiConnection is one Kisi organization, reached with one API key held in a Secret.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=kconn,categories=kisi
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Organization",type=string,JSONPath=`.status.organization.name`
// +kubebuilder:printcolumn:name="Grants",type=integer,JSONPath=`.status.counts.grants`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Endpoint",type=string,JSONPath=`.spec.endpoint`,priority=1
// +kubebuilder:printcolumn:name="Held",type=integer,JSONPath=`.status.counts.heldRevocations`,priority=1
// +kubebuilder:printcolumn:name="Last Sync",type=date,JSONPath=`.status.lastSyncTime`,priority=1
type KisiConnection struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says how the organization is reached and how far the operator may go in it.
	//
	// +required
	Spec KisiConnectionSpec `json:"spec,omitzero"`

	// status is what is known of the connection.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status KisiConnectionStatus `json:"status,omitzero"`
}

// KisiConnectionList is a list of KisiConnections.
//
// +kubebuilder:object:root=true
type KisiConnectionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KisiConnection `json:"items"`
}
