// Package intake has what passes between the parts of kisi-feed, which keeps objects in step with what a business system
// exports: readers make a Reading of an export, the guard decides what of it may take access away, the writer applies it.
package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Entry is one object that an export asks for.
type Entry struct {
	// ID is the id in the business system. It becomes spec.externalID, and the object's name is made of it.
	ID string
	// Series is the id of what the entry is one of many of, such as a calendar event that repeats; empty otherwise. If the
	// series is in the export and an entry of it is not, the export itself says that this one is no more.
	Series string
	// Where the entry stands in the export, such as "bookings.csv:12".
	Where string
	// Object has its kind and spec. Namespace, name and labels are the writer's.
	Object client.Object
}

// Problem is something in an export that could not be understood.
type Problem struct {
	// Where it stands in the export, such as "bookings.csv:12".
	Where string
	// ID of the entry that it concerns, as far as known. An object that is there for this ID stays as it is.
	ID string
	// Series is the ID of a series none of whose entries can be told. All objects that are there for it stay as they are.
	Series string
	// Err says what is wrong, and what to do. It names no people.
	Err error
}

// Reading is all that one read of an export said. There is only a Reading of what was read whole: a reader returns an error
// for an export that ends too early or is something else.
type Reading struct {
	Entries  []Entry
	Problems []Problem
	// Series are the IDs of all series in the export, those without an entry at this time, too.
	Series []string
	// Rows are the records that the export has, understood or not.
	Rows int
}

// maxID is how many characters spec.externalID takes.
const maxID = 253

// BoundedID returns id as spec.externalID takes it. Of an id that is too long, the end is replaced by a hash of all of it,
// and so are control characters.
func BoundedID(id string) string {
	clean := true
	for _, r := range id {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError {
			clean = false
		}
	}
	if clean && utf8.RuneCountInString(id) <= maxID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	hash := "~" + hex.EncodeToString(sum[:16])
	kept := make([]rune, 0, maxID)
	for _, r := range id {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError {
			r = '_'
		}
		if kept = append(kept, r); len(kept) == maxID-len(hash) {
			break
		}
	}
	return string(kept) + hash
}
