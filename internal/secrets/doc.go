// Package secrets reads Secrets without their contents.
package secrets
