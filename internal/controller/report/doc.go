// Package report tells people by Events what they should know, once.
package report
