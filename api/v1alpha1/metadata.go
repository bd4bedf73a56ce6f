package v1alpha1

// Names that this operator reads or writes in object metadata.
const (
	// Finalizer holds an object until what it gave has been let go.
	Finalizer = GroupName + "/finalizer"

	// ImplicitLabel is "true" on a Member that the operator made for a person who is only named by address.
	ImplicitLabel = GroupName + "/implicit"

	// LoginLabel is "true" on a Secret that holds a person's login.
	LoginLabel = GroupName + "/login"
	// LoginIDAnnotation is on such a Secret the login's id in Kisi.
	LoginIDAnnotation = GroupName + "/login-id"

	// ImportedLabel is "true" beside ImplicitLabel on a Member that was made for a user whom Kisi already had.
	ImportedLabel = GroupName + "/imported"

	// NamespacesLabel on the Lease tells the namespaces of whoever holds it from those of another release: "all", or a digest.
	NamespacesLabel = GroupName + "/namespaces"

	// ReconcileAtAnnotation asks for a fresh look whenever its value changes. Every kind.
	ReconcileAtAnnotation = GroupName + "/reconcile-at"
	// ApproveRevocationsUntilAnnotation (RFC 3339) releases held revocations until then.
	// KisiConnection, KisiGroup and Member.
	ApproveRevocationsUntilAnnotation = GroupName + "/approve-revocations-until"
	// ReinstateAnnotation lets a Withheld person in again whenever its value changes. Member.
	ReinstateAnnotation = GroupName + "/reinstate"
	// ClaimAnnotation makes unclaimed rows of the key's owner the operator's, once per new value. KisiGroup.
	ClaimAnnotation = GroupName + "/claim"
	// RebindAnnotation looks up by name again what a KisiGroup is bound to, once per new value. KisiGroup.
	RebindAnnotation = GroupName + "/rebind"
	// AbandonAnnotation ("true") releases an object whose Kisi side cannot be reached.
	// KisiConnection, KisiGroup and Member.
	AbandonAnnotation = GroupName + "/abandon"
)

// DefaultEndpoint is the origin of Kisi's public API.
const DefaultEndpoint = "https://api.kisi.io"

// DefaultAudience is the audience of a place that is meant when none is named.
const DefaultAudience = "members"
