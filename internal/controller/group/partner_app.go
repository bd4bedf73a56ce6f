package group

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// restrictedDoor is a door with restrictions of its own, by their words in spec.managed.restrictions.
type restrictedDoor struct {
	name         string
	restrictions []string
}

// withDoors has the restrictions of a group's doors read after the group itself.
func withDoors(read func(context.Context, *kisi.Client) (groupFound, error)) func(context.Context, *kisi.Client) (groupFound, error) {
	return func(ctx context.Context, client *kisi.Client) (groupFound, error) {
		found, err := read(ctx, client)
		if err != nil || found.problem != nil {
			return found, err
		}
		found.doors, err = restrictedDoors(ctx, client, int64(found.id))
		if kisi.IsForbidden(err) {
			return found, nil // advice is no reason not to bind a group whose doors the key's owner may not see
		}
		return found, err
	}
}

func restrictedDoors(ctx context.Context, client *kisi.Client, groupID int64) ([]restrictedDoor, error) {
	groupLocks, err := client.ListGroupLocks(ctx, groupID)
	if err != nil {
		return nil, err
	}
	if !groupLocks.Complete() {
		return nil, fmt.Errorf("reading the group's doors: %s", groupLocks.Incomplete)
	}
	var doors []restrictedDoor
	for _, groupLock := range groupLocks.Items {
		lock, err := client.Lock(ctx, groupLock.LockID)
		if err != nil {
			return nil, err
		}
		door := restrictedDoor{name: lock.Name}
		if lock.GeofenceRestrictionEnabled != nil && *lock.GeofenceRestrictionEnabled {
			door.restrictions = append(door.restrictions, "geofence")
		}
		if lock.ReaderRestrictionEnabled != nil && *lock.ReaderRestrictionEnabled {
			door.restrictions = append(door.restrictions, "reader")
		}
		if len(door.restrictions) > 0 {
			doors = append(doors, door)
		}
	}
	slices.SortFunc(doors, func(a, b restrictedDoor) int { return strings.Compare(a.name, b.name) })
	return doors, nil
}

// setPartnerAppCompatible says whether the group's doors open from another app. It is advice and changes nothing else.
func setPartnerAppCompatible(group *v1alpha1.KisiGroup, mode v1alpha1.UnlockMode, found groupFound) {
	if mode != v1alpha1.UnlockWithPartnerApp {
		meta.RemoveStatusCondition(&group.Status.Conditions, v1alpha1.ConditionPartnerAppCompatible)
		return
	}
	status, reason, message := metav1.ConditionTrue, v1alpha1.ReasonCompatible, "nothing keeps another app from opening the doors"
	if hindrances := partnerAppHindrances(found); len(hindrances) > 0 {
		status, reason = metav1.ConditionFalse, v1alpha1.ReasonRestrictionsInTheWay
		message = "these restrictions keep another app from opening doors: " + strings.Join(hindrances, "; ") +
			". Switch them off in Kisi, or in spec.managed.restrictions; for appAccess allow apps in Kisi, or set spec.managed.appAccess: Enabled"
	}
	conditions.Set(&group.Status.Conditions, group.Generation, v1alpha1.ConditionPartnerAppCompatible, status, reason, message)
}

// partnerAppHindrances lists what is in the way, the group's own restrictions first.
func partnerAppHindrances(found groupFound) []string {
	var hindrances []string
	if r := found.restrictions; r != nil {
		var words []string
		for _, restriction := range []struct {
			word string
			set  v1alpha1.Restriction
		}{
			{"geofence", r.Geofence}, {"reader", r.Reader}, {"primaryDevice", r.PrimaryDevice},
			{"managedDevice", r.ManagedDevice}, {"tapToAccess", r.TapToAccess},
		} {
			if restriction.set == v1alpha1.RestrictionEnabled {
				words = append(words, restriction.word)
			}
		}
		if found.appAccess == v1alpha1.AppAccessDisabled {
			words = append(words, "appAccess")
		}
		if len(words) > 0 {
			hindrances = append(hindrances, strings.Join(words, ", ")+" of the group")
		}
	}
	for _, door := range found.doors {
		hindrances = append(hindrances, fmt.Sprintf("%s of the door %q", strings.Join(door.restrictions, ", "), door.name))
	}
	return hindrances
}
