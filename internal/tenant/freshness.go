package tenant

import (
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// FreshFor is how old what was read of a group may be before it is read again. What others change is known sooner, unless
// the key's owner may not read the audit trail.
func FreshFor(connection *v1alpha1.KisiConnection, s *session.Session) time.Duration {
	resync := connection.Spec.ResyncInterval.Duration
	if s.WithoutAuditTrail() {
		resync = min(resync, ResyncWithoutAuditTrail)
	}
	return resync * 9 / 10
}

// ResyncWithoutAuditTrail is how often everything is read at least where Kisi does not tell what others change.
const ResyncWithoutAuditTrail = time.Hour

// TooLarge reports whether the group is read person by person, because it cannot be read as a whole.
func TooLarge(s *session.Session, group *v1alpha1.KisiGroup) bool {
	return s.Mirror().Unread(int64(group.Status.KisiGroupID)) == UnreadTooLarge
}

// LargestReadableGroup is Kisi's ceiling for the offset of a list.
const LargestReadableGroup = 20000

// Why a group's rows are not known.
const (
	UnreadFailed   = "the request failed"
	UnreadShort    = "the list was incomplete"
	UnreadTooLarge = "it has more rows than Kisi lists"
)
