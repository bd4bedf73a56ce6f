package kisi

// largestID is the largest number that every reader of JSON takes for what it is.
const largestID = 1<<53 - 1

// IsID reports whether a number can be an id. By any other one nothing can be read, changed or deleted in Kisi, and Kubernetes
// refuses a whole status for it.
func IsID(id int64) bool { return id >= 1 && id <= largestID }

// orNone returns an id, or 0 for a number that cannot be one.
func orNone(id int64) int64 {
	if IsID(id) {
		return id
	}
	return 0
}
