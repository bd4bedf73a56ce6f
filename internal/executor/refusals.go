package executor

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/failure"
)

// refusal is whom Kisi has answered with a no, and in which organization.
type refusal struct {
	organization v1alpha1.KisiID
	member       types.NamespacedName
	generation   int64
}

// fewRefusals of an organization are tried again as soon as each of them may be.
const fewRefusals = 3

// spaceOfRefusals is the time from one try to the next of all others together, by how often they were refused: it may have been a
// moment's, and somebody may stand at the door. In the end all of them, at up to three requests a try, take no more than
// three requests a minute, a hundredth of what Kisi allows.
var spaceOfRefusals = [...]time.Duration{2 * time.Second, 10 * time.Second, time.Minute}

// RefusedAmong is Troubled for what Kisi has refused to a Member, as one of all that it refuses in the organization.
func (b *Backoffs) RefusedAmong(person, operation string, t failure.Failure, asked time.Duration, organization v1alpha1.KisiID, member *v1alpha1.Member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubled(person, operation, t, asked)
	known := b.operation(person, operation)
	known.refusal = refusal{organization, client.ObjectKeyFromObject(member), member.Generation}
	others, last := b.othersRefused(known)
	if share := last.Add(wait.Jitter(spaceOfRefusals[known.level()], 0.25)); others >= fewRefusals && share.After(known.until) {
		known.until = share
	}
}

// level is how often the operation was refused, as an index of spaceOfRefusals.
func (k *backoff) level() int { return min(k.failures, len(spaceOfRefusals)) - 1 }

// othersRefused counts the other operations that Kisi refuses in the organization, and returns when the last of those is tried
// that were refused as often; b.mu is held.
func (b *Backoffs) othersRefused(known *backoff) (others int, last time.Time) {
	for _, people := range b.people {
		for _, other := range people.operations {
			if other == known || other.refusal.organization != known.refusal.organization {
				continue
			}
			others++
			if other.failures > 0 && other.level() == known.level() && other.until.After(last) {
				last = other.until
			}
		}
	}
	return others, last
}

// Edited has tried at once what was refused to the Member as it was before it was edited, or to another one of the person.
func (b *Backoffs) Edited(person string, member *v1alpha1.Member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	people := b.people[person]
	if people == nil {
		return
	}
	for _, known := range people.operations {
		of := known.refusal
		if of.organization != 0 && (of.generation != member.Generation || of.member != client.ObjectKeyFromObject(member)) {
			known.failures, known.until, known.refusal = 0, time.Time{}, refusal{}
		}
	}
}

// retriedAtOnce is how many are tried again because of one that Kisi has taken. Each of them that it takes, too, has as many
// more tried; where it had room for one only, the others cost little.
const retriedAtOnce = 10

// Recovered is told that an operation was carried out. If Kisi had refused it before, what stood in its way is no more: it
// returns those who have waited longest of the Members who were refused something for the same reason, in the same words. They
// may be tried at once.
func (b *Backoffs) Recovered(person, operation string) []types.NamespacedName {
	b.mu.Lock()
	defer b.mu.Unlock()
	var before *backoff
	if people := b.people[person]; people != nil {
		before = people.operations[operation]
	}
	if before == nil || before.refusal.organization == 0 {
		return nil
	}
	refused := *before
	before.refusal = refusal{}
	var waiting []*backoff
	for _, people := range b.people {
		for _, known := range people.operations {
			if known.refusal.organization == refused.refusal.organization && known.trouble == refused.trouble && known.until.After(b.now()) {
				waiting = append(waiting, known)
			}
		}
	}
	slices.SortFunc(waiting, func(a, b *backoff) int { return a.since.Compare(b.since) })
	var members []types.NamespacedName
	for _, known := range waiting[:min(len(waiting), retriedAtOnce)] {
		known.until = time.Time{}
		members = append(members, known.refusal.member)
	}
	return members
}
