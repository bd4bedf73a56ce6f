// Package pacing spaces the writes of statuses, which would otherwise follow every count.
package pacing
