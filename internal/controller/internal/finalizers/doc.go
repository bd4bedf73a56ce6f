// Package finalizers adds and removes this operator's finalizer, and touches no one else's.
package finalizers
