// Package requeue works out when to reconcile again.
package requeue
