package simulator

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Each type below is one question that Kisi's documentation leaves open, and its constants are the answers that a client
// must be able to live with.
type (
	Duplicates          string
	DuplicateKey        string
	DuplicateGroupLock  string
	WindowUpdate        string
	PastValidUntil      string
	ValidUntil          string
	SubSeconds          string
	ExpiredRows         string
	UsersCount          string
	ExistingEmail       string
	EmailCase           string
	UsersEmailFilter    string
	UserFilter          string
	GroupUsers          string
	NotifyDefault       string
	ManagedNotify       string
	DeleteUser          string
	OwnerAssignment     string
	RoleIDs             string
	DemotedOwnerKey     string
	ListsForbidden      string
	ReadsForbidden      string
	APIKeyCap           string
	APIKeyIdle          string
	LimitAboveMax       string
	OffsetAboveMax      string
	IDsSeparator        string
	ListOrder           string
	RangeHeader         string
	EmptyRange          string
	RateLimit           string
	RetryAfter          string
	ErrorBody           string
	Propagation         string
	EventSets           string
	EventOrder          string
	EventSetPage        string
	EventObject         string
	WebhookSignature    string
	WebhookDelivery     string
	WebhookRetry        string
	WebhookDisableAfter string
)

const (
	DuplicatesSameBoundsConflict Duplicates = "SameBoundsConflict"
	DuplicatesAlwaysNew          Duplicates = "AlwaysNew"
	DuplicatesAlwaysConflict     Duplicates = "AlwaysConflict"
	DuplicatesInvalid            Duplicates = "Invalid"

	DuplicateKeyWithRole    DuplicateKey = "WithRole"
	DuplicateKeyWithoutRole DuplicateKey = "WithoutRole"

	DuplicateGroupLockInvalid DuplicateGroupLock = "Invalid"
	DuplicateGroupLockNew     DuplicateGroupLock = "New"

	WindowUpdateAccepted       WindowUpdate = "Accepted"
	WindowUpdateIgnoredWith204 WindowUpdate = "IgnoredWith204"
	WindowUpdateInvalid        WindowUpdate = "Invalid"

	PastValidUntilAccepted PastValidUntil = "Accepted"
	PastValidUntilInvalid  PastValidUntil = "Invalid"

	ValidUntilExclusive ValidUntil = "Exclusive"
	ValidUntilInclusive ValidUntil = "Inclusive"

	SubSecondsTruncated SubSeconds = "Truncated"
	SubSecondsKept      SubSeconds = "Kept"

	ExpiredRowsKept   ExpiredRows = "Kept"
	ExpiredRowsPurged ExpiredRows = "Purged"

	UsersCountWithExpired    UsersCount = "WithExpired"
	UsersCountWithoutExpired UsersCount = "WithoutExpired"

	ExistingEmailConflict409 ExistingEmail = "Conflict409"
	ExistingEmailInvalid422  ExistingEmail = "Invalid422"

	EmailCaseLowered   EmailCase = "Lowered"
	EmailCasePreserved EmailCase = "Preserved"
	EmailCaseDistinct  EmailCase = "Distinct"

	UsersEmailFilterExact         UsersEmailFilter = "Exact"
	UsersEmailFilterCaseSensitive UsersEmailFilter = "CaseSensitive"
	UsersEmailFilterPartial       UsersEmailFilter = "Partial"

	UserFilterDirect    UserFilter = "Direct"
	UserFilterWithTeams UserFilter = "WithTeams"

	GroupUsersDirect            GroupUsers = "Direct"
	GroupUsersWithTeams         GroupUsers = "WithTeams"
	GroupUsersWithTeamsAndRoles GroupUsers = "WithTeamsAndRoles"

	NotifyDefaultFalse NotifyDefault = "False"
	NotifyDefaultTrue  NotifyDefault = "True"

	ManagedNotifySilent ManagedNotify = "Silent"
	ManagedNotifyMails  ManagedNotify = "Mails"

	DeleteUserRefusesOwner   DeleteUser = "RefusesOwner"
	DeleteUserRefusesHolders DeleteUser = "RefusesHolders"
	DeleteUserAccepts        DeleteUser = "Accepts"

	OwnerAssignmentAbsent  OwnerAssignment = "Absent"
	OwnerAssignmentPresent OwnerAssignment = "Present"

	RoleIDsGuessed RoleIDs = "Guessed"
	RoleIDsOpaque  RoleIDs = "Opaque"

	DemotedOwnerKeyForbidden403    DemotedOwnerKey = "Forbidden403"
	DemotedOwnerKeyUnauthorized401 DemotedOwnerKey = "Unauthorized401"

	ListsForbidden403      ListsForbidden = "Forbidden403"
	ListsForbiddenFiltered ListsForbidden = "Filtered"

	ReadsForbidden403      ReadsForbidden = "Forbidden403"
	ReadsForbiddenNotFound ReadsForbidden = "NotFound404"

	APIKeyCapTenError    APIKeyCap = "TenError"
	APIKeyCapFortyOldest APIKeyCap = "FortyOldest"

	APIKeyIdleSixMonths    APIKeyIdle = "SixMonths"
	APIKeyIdleFourteenDays APIKeyIdle = "FourteenDays"
	APIKeyIdleNever        APIKeyIdle = "Never"

	LimitAboveMaxClamp   LimitAboveMax = "Clamp"
	LimitAboveMaxError   LimitAboveMax = "Error"
	LimitAboveMaxInvalid LimitAboveMax = "Invalid"

	OffsetAboveMaxError   OffsetAboveMax = "Error"
	OffsetAboveMaxInvalid OffsetAboveMax = "Invalid"
	OffsetAboveMaxEmpty   OffsetAboveMax = "Empty"

	IDsSeparatorComma IDsSeparator = "Comma"
	IDsSeparatorPipe  IDsSeparator = "Pipe"

	ListOrderByID               ListOrder = "ByID"
	ListOrderShuffledPerListing ListOrder = "ShuffledPerListing"
	ListOrderShuffledPerPage    ListOrder = "ShuffledPerPage"

	RangeHeaderPresent RangeHeader = "Present"
	RangeHeaderAbsent  RangeHeader = "Absent"

	EmptyRangeStar EmptyRange = "Star"
	EmptyRangeZero EmptyRange = "Zero"

	RateLimitTokenBucket RateLimit = "TokenBucket"
	RateLimitFixedSecond RateLimit = "FixedSecond"

	RetryAfterAbsent   RetryAfter = "Absent"
	RetryAfterSeconds  RetryAfter = "Seconds"
	RetryAfterHTTPDate RetryAfter = "HTTPDate"

	ErrorBodyGeneric ErrorBody = "Generic"
	ErrorBodyEmpty   ErrorBody = "Empty"
	ErrorBodyHTML    ErrorBody = "HTML"

	PropagationImmediate Propagation = "Immediate"
	PropagationDelayed   Propagation = "Delayed30s"

	EventSetsPolled    EventSets = "Polled"
	EventSetsSlow      EventSets = "Slow"
	EventSetsImmediate EventSets = "Immediate"
	EventSetsFailed    EventSets = "Failed"

	EventSetPage250 EventSetPage = "UpTo250"
	EventSetPage50  EventSetPage = "UpTo50"

	EventOrderNewestFirst EventOrder = "NewestFirst"
	EventOrderOldestFirst EventOrder = "OldestFirst"

	EventObjectAbsent  EventObject = "Absent"
	EventObjectPresent EventObject = "Present"

	WebhookSignaturePrefixedHex    WebhookSignature = "PrefixedHex"
	WebhookSignatureHex            WebhookSignature = "Hex"
	WebhookSignaturePrefixedBase64 WebhookSignature = "PrefixedBase64"
	WebhookSignatureBase64         WebhookSignature = "Base64"

	WebhookDeliveryOnce       WebhookDelivery = "Once"
	WebhookDeliveryDuplicated WebhookDelivery = "Duplicated"
	WebhookDeliveryReordered  WebhookDelivery = "Reordered"

	WebhookRetryNone  WebhookRetry = "None"
	WebhookRetryTwice WebhookRetry = "Twice"

	WebhookDisableAfterTen   WebhookDisableAfter = "Ten"
	WebhookDisableAfterThree WebhookDisableAfter = "Three"
	WebhookDisableAfterNever WebhookDisableAfter = "Never"
)

// Switches holds the answer chosen for each open question. The zero value is
// not usable; see [DefaultSwitches].
type Switches struct {
	Duplicates          Duplicates
	DuplicateKey        DuplicateKey
	DuplicateGroupLock  DuplicateGroupLock
	WindowUpdate        WindowUpdate
	PastValidUntil      PastValidUntil
	ValidUntil          ValidUntil
	SubSeconds          SubSeconds
	ExpiredRows         ExpiredRows
	UsersCount          UsersCount
	ExistingEmail       ExistingEmail
	EmailCase           EmailCase
	UsersEmailFilter    UsersEmailFilter
	UserFilter          UserFilter
	GroupUsers          GroupUsers
	NotifyDefault       NotifyDefault
	ManagedNotify       ManagedNotify
	DeleteUser          DeleteUser
	OwnerAssignment     OwnerAssignment
	RoleIDs             RoleIDs
	DemotedOwnerKey     DemotedOwnerKey
	ListsForbidden      ListsForbidden
	ReadsForbidden      ReadsForbidden
	APIKeyCap           APIKeyCap
	APIKeyIdle          APIKeyIdle
	LimitAboveMax       LimitAboveMax
	OffsetAboveMax      OffsetAboveMax
	IDsSeparator        IDsSeparator
	ListOrder           ListOrder
	RangeHeader         RangeHeader
	EmptyRange          EmptyRange
	RateLimit           RateLimit
	RetryAfter          RetryAfter
	ErrorBody           ErrorBody
	Propagation         Propagation
	EventSets           EventSets
	EventOrder          EventOrder
	EventSetPage        EventSetPage
	EventObject         EventObject
	WebhookSignature    WebhookSignature
	WebhookDelivery     WebhookDelivery
	WebhookRetry        WebhookRetry
	WebhookDisableAfter WebhookDisableAfter
}

// SwitchInfo describes one switch: its question, its values, the first of
// which is the default, and the value that is set now.
type SwitchInfo struct {
	Name     string   `json:"name"`
	Question string   `json:"question"`
	Values   []string `json:"values"`
	Value    string   `json:"value"`
}

type switchSpec struct {
	name, question string
	values         []string
	get            func(*Switches) string
	set            func(*Switches, string)
}

func choice[T ~string](name, question string, field func(*Switches) *T, values ...T) switchSpec {
	spec := switchSpec{
		name: name, question: question,
		get: func(s *Switches) string { return string(*field(s)) },
		set: func(s *Switches, v string) { *field(s) = T(v) },
	}
	for _, v := range values {
		spec.values = append(spec.values, string(v))
	}
	return spec
}

// DefaultSwitches is the most plausible Kisi.
func DefaultSwitches() Switches {
	var s Switches
	for _, spec := range switchSpecs {
		spec.set(&s, spec.values[0])
	}
	return s
}

// Set changes one switch by name. The error lists what would have been right.
func (s *Switches) Set(name, value string) error {
	for _, spec := range switchSpecs {
		if spec.name != name {
			continue
		}
		if !slices.Contains(spec.values, value) {
			return fmt.Errorf("switch %s: %q is not one of %s", name, value, strings.Join(spec.values, ", "))
		}
		spec.set(s, value)
		return nil
	}
	return fmt.Errorf("there is no switch %q: the switches are %s", name, strings.Join(SwitchNames(), ", "))
}

// SwitchNames lists all switches in alphabetical order.
func SwitchNames() []string {
	names := make([]string, 0, len(switchSpecs))
	for _, spec := range switchSpecs {
		names = append(names, spec.name)
	}
	sort.Strings(names)
	return names
}

// Describe lists every switch with its question, values and current value.
func (s Switches) Describe() []SwitchInfo {
	infos := make([]SwitchInfo, 0, len(switchSpecs))
	for _, spec := range switchSpecs {
		infos = append(infos, SwitchInfo{Name: spec.name, Question: spec.question, Values: spec.values, Value: spec.get(&s)})
	}
	return infos
}
