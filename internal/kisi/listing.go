package kisi

import "time"

// Listing is what a list call found, and whether that is all there is.
type Listing[T any] struct {
	Items []T
	// Total is the number of items Kisi said there are; -1 if it did not say.
	Total int
	// Incomplete says why Items may lack something; empty if they are proven to be all. An incomplete listing proves that
	// its items exist and nothing about what it does not show: never revoke from it.
	Incomplete string
	// ServerTime is Kisi's own clock at the first page; zero if it did not say.
	ServerTime time.Time
}

// Complete reports whether Items are proven to be all there is.
func (l Listing[T]) Complete() bool { return l.Incomplete == "" }
