// Package conflicts says what to do about a write that met another.
package conflicts
