package v1alpha1

// Condition types.
const (
	// ConditionReady is the summary of every kind.
	ConditionReady = "Ready"
	// ConditionReconciling is present, and True, only while work is under way (kstatus: InProgress).
	ConditionReconciling = "Reconciling"
	// ConditionStalled is present, and True, only while a person has to change something (kstatus: Failed).
	ConditionStalled = "Stalled"

	// ConditionAuthenticated says whether Kisi accepts the connection's API key.
	ConditionAuthenticated = "Authenticated"
	// ConditionAuthorized says whether the key's owner may do what this operator needs, in the expected organization.
	ConditionAuthorized = "Authorized"
	// ConditionOwnerKey says whether the key belongs to the organization's owner. It is advice and never changes Ready.
	ConditionOwnerKey = "OwnerKey"
	// ConditionSynced says whether everything Kisi holds in the bound groups has been read completely.
	ConditionSynced = "Synced"
	// ConditionWebhookReady says whether Kisi tells of changes at once; present only with spec.webhook. Without it changes
	// are found by the poll, so it never changes Ready.
	ConditionWebhookReady = "WebhookReady"
	// ConditionUsersImported says whether every user of Kisi has a Member. It is present with users.existing: Import.
	ConditionUsersImported = "UsersImported"
	// ConditionRevocationsHeld is present, and True, only while the revocation limit holds rows back.
	ConditionRevocationsHeld = "RevocationsHeld"

	// ConditionKept is present, and True, only while a BookingGrant stays although its time to live is over. It never changes
	// Ready.
	ConditionKept = "Kept"

	// ConditionPartnerAppCompatible says whether the group's doors can be opened from another app. It is advice.
	ConditionPartnerAppCompatible = "PartnerAppCompatible"

	// ConditionEmailMatches says whether Kisi knows the person by the Member's address.
	ConditionEmailMatches = "EmailMatches"

	// ConditionLoginReady says whether the Secret with the person's login is there, where a connection has users.logins:
	// Secret. It never changes Ready.
	ConditionLoginReady = "LoginReady"

	// ConditionKeyProtected says, under disconnectPolicy Revoke, whether the Secret with the API key is kept until everything
	// is taken back. It is advice and never changes Ready.
	ConditionKeyProtected = "KeyProtected"
)

// Reasons of Ready and of the conditions beside it.
const (
	ReasonConnected                      = "Connected"
	ReasonUnreachable                    = "Unreachable"
	ReasonSecretNotFound                 = "SecretNotFound"
	ReasonSecretKeyMissing               = "SecretKeyMissing"
	ReasonPaused                         = "Paused"
	ReasonUnauthorized                   = "Unauthorized"
	ReasonInsufficientRole               = "InsufficientRole"
	ReasonKisiLimitReached               = "KisiLimitReached"
	ReasonRefusedByKisi                  = "RefusedByKisi"
	ReasonOrganizationMismatch           = "OrganizationMismatch"
	ReasonEndpointNotAllowed             = "EndpointNotAllowed"
	ReasonKeyOwnerIsNotOrganizationOwner = "KeyOwnerIsNotOrganizationOwner"
	ReasonKeyOwnerIsOrganizationOwner    = "KeyOwnerIsOrganizationOwner"
	ReasonAuthenticated                  = "Authenticated"
	ReasonAuthorized                     = "Authorized"
	ReasonConnecting                     = "Connecting"
	ReasonNotChecked                     = "NotChecked"

	ReasonRegistered = "Registered"
	ReasonReenabled  = "Reenabled"
	ReasonNotServed  = "NotServed"
	ReasonURLTaken   = "URLTaken"

	ReasonSynced            = "Synced"
	ReasonWithoutAuditTrail = "WithoutAuditTrail"
	ReasonGroupTooLarge     = "GroupTooLarge"
	ReasonFirstReadRunning  = "FirstReadRunning"
	ReasonReadFailed        = "ReadFailed"
	ReasonImported          = "Imported"
	ReasonUsersSkipped      = "UsersSkipped"

	ReasonBound              = "Bound"
	ReasonCreating           = "Creating"
	ReasonUpdating           = "Updating"
	ReasonDeleting           = "Deleting"
	ReasonConnectionNotFound = "ConnectionNotFound"
	ReasonConnectionNotReady = "ConnectionNotReady"
	ReasonGroupNotFound      = "GroupNotFound"
	ReasonPlaceNotFound      = "PlaceNotFound"
	ReasonDoorNotFound       = "DoorNotFound"
	ReasonPlanNotFound       = "PlanNotFound"
	ReasonMemberNotFound     = "MemberNotFound"
	ReasonAudienceNotFound   = "AudienceNotFound"
	ReasonAmbiguousName      = "AmbiguousName"
	ReasonAmbiguousReference = "AmbiguousReference"
	ReasonGroupNotExclusive  = "GroupNotExclusive"
	ReasonGroupAlreadyBound  = "GroupAlreadyBound"
	ReasonForeignAssignments = "ForeignAssignments"

	ReasonCompatible           = "Compatible"
	ReasonRestrictionsInTheWay = "RestrictionsInTheWay"

	ReasonResolved           = "Resolved"
	ReasonPlaceMismatch      = "PlaceMismatch"
	ReasonConnectionMismatch = "ConnectionMismatch"

	ReasonGranted                    = "Granted"
	ReasonScheduled                  = "Scheduled"
	ReasonEnded                      = "Ended"
	ReasonCanceled                   = "Canceled"
	ReasonPending                    = "Pending"
	ReasonExhausted                  = "Exhausted"
	ReasonNoPeople                   = "NoPeople"
	ReasonOrganizerNotMember         = "OrganizerNotMember"
	ReasonTrackedByGitOps            = "TrackedByGitOps"
	ReasonDeletionUndone             = "DeletionUndone"
	ReasonWithheld                   = "Withheld"
	ReasonGranting                   = "Granting"
	ReasonRevoking                   = "Revoking"
	ReasonPlaceNotBookable           = "PlaceNotBookable"
	ReasonRevocationsHeld            = "RevocationsHeld"
	ReasonBlockedByForeignAssignment = "BlockedByForeignAssignment"
	ReasonObserving                  = "Observing"
	ReasonNoAccess                   = "NoAccess"
	ReasonNotActive                  = "NotActive"
	ReasonDuplicateEmail             = "DuplicateEmail"
	ReasonEmailMatches               = "EmailMatches"
	ReasonEmailChangedInKisi         = "EmailChangedInKisi"

	ReasonLoginStored      = "LoginStored"
	ReasonLoginPending     = "LoginPending"
	ReasonLoginRefused     = "LoginRefused"
	ReasonLoginsForbidden  = "LoginsForbidden"
	ReasonSecretNameTaken  = "SecretNameTaken"
	ReasonKeyHeld          = "KeyHeld"
	ReasonSecretsForbidden = "SecretsForbidden"
)
