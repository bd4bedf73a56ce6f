// Package member reconciles Members: it plans what a person should have, and carries it out one operation at a time.
package member
